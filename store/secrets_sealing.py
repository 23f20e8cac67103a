"""Envelope encryption: a fresh data key for each secret, wrapped by a master key kept elsewhere.

Both are AES-256-GCM. What is encrypted is bound to the tenant, the name, the version and the hosts
of the secret, so that a row which is moved, put back or widened cannot be opened.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.errors import StoreError

KEY_BYTES = 32
NONCE_BYTES = 12
KEPT_KEYS = 2
"""The master key and the one before it: what is sealed while it changes can be opened."""


class SecretsUnavailable(StoreError):
    """The master key is missing, unsafe or another one than the secret was sealed with.

    Attributes:
        retryable: Whether it may be there a moment later.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        self.retryable = retryable
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored."""

    ciphertext: bytes
    wrapped_key: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Binding:
    """What a secret belongs to."""

    tenant_id: UUID
    name: str
    version: int
    hosts: tuple[str, ...] | None
    """The only hosts that it is sent to; None: it was sealed without them."""

    @property
    def hosts_digest(self) -> bytes:
        """What stands for the hosts, in whatever order; nothing for a secret without them."""
        if self.hosts is None:
            return b""
        return hashlib.sha256(orjson.dumps(sorted(self.hosts))).digest()

    @property
    def associated_data(self) -> bytes:
        """What is authenticated with it; the name comes last, so that nothing runs together."""
        return (
            (b"weft secret 1\0" if self.hosts is None else b"weft secret 2\0")
            + self.tenant_id.bytes
            + self.version.to_bytes(8, "big")
            + self.hosts_digest
            + self.name.encode("utf-8")
        )


class KeyFile:
    """Master keys in a file that only its owner can read: a line of hex each, the present first.

    It is read anew for each use, so that every process follows when the key is changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def wrap(self, data_key: bytes, binding: Binding) -> tuple[bytes, str]:
        """Encrypt a data key with the present master key; return it with the master key's id.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        key = self._keys()[0]
        return _encrypt(key, data_key, binding), key_id(key)

    def unwrap(self, wrapped_key: bytes, wrapped_by: str, binding: Binding) -> bytes:
        """Decrypt a data key.

        Raises:
            SecretsUnavailable: The file cannot be used, the master key is not in it, or the data
                key belongs to another secret.
        """
        for key in self._keys():
            if key_id(key) == wrapped_by:
                return _decrypt(key, wrapped_key, binding)
        raise SecretsUnavailable(
            f"The secret `{binding.name}` was sealed with the key {wrapped_by}, which is not in "
            f"{self._path}. Put that key back, or set the secret again."
        )

    def present_id(self) -> str:
        """Return the id of the present master key.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        return key_id(self._keys()[0])

    def add(self) -> None:
        """Put a fresh master key before the present one, from now on the one that wraps.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        self._write([secrets.token_bytes(KEY_BYTES), *self._keys()])

    def forget(self) -> None:
        """Drop the master keys that came before the last two.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        self._write(self._keys()[:KEPT_KEYS])

    def make(self) -> None:
        """Make the file with a fresh key, unless there is one.

        Raises:
            OSError: It cannot be written.
        """
        with contextlib.suppress(FileExistsError):
            _create(self._path, [secrets.token_bytes(KEY_BYTES)])

    def _write(self, keys: Sequence[bytes]) -> None:
        beside = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        _create(beside, keys)
        beside.replace(self._path)

    def _keys(self) -> list[bytes]:
        try:
            with self._path.open(encoding="ascii") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read()
        except OSError as error:
            raise SecretsUnavailable(
                f"The master key of the secrets, {self._path}, cannot be read: {error.strerror}. "
                "Without it no secret can be set or used."
            ) from error
        if mode & 0o077:
            raise SecretsUnavailable(
                f"Others than its owner can read {self._path}, the master key of the secrets. "
                f"Run `chmod 600 {self._path}`, and `weft secrets rotate` if somebody may have."
            )
        try:
            keys = [bytes.fromhex(line) for line in text.split()]
        except ValueError:
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise SecretsUnavailable(
                f"{self._path} does not hold a master key: one line of {2 * KEY_BYTES} hex digits."
            )
        return keys


class MasterKey(Protocol):
    """What wraps data keys."""

    async def wrap(self, data_key: bytes, binding: Binding) -> tuple[bytes, str]:
        """Encrypt a data key; return it with the master key's id."""

    async def unwrap(self, wrapped_key: bytes, wrapped_by: str, binding: Binding) -> bytes:
        """Decrypt a data key."""


async def seal(key: MasterKey, binding: Binding, value: str) -> Sealed:
    """Encrypt a value with a data key that is used for nothing else.

    Raises:
        SecretsUnavailable: The master key cannot be used.
    """
    data_key = secrets.token_bytes(KEY_BYTES)
    wrapped_key, wrapped_by = await key.wrap(data_key, binding)
    return Sealed(_encrypt(data_key, value.encode("utf-8"), binding), wrapped_key, wrapped_by)


async def unseal(key: MasterKey, binding: Binding, sealed: Sealed) -> str:
    """Return the value that was sealed for this tenant, name and version.

    Raises:
        SecretsUnavailable: The master key cannot be used, or the row is not what was sealed.
    """
    data_key = await key.unwrap(sealed.wrapped_key, sealed.key_id, binding)
    return _decrypt(data_key, sealed.ciphertext, binding).decode("utf-8")


def key_id(key: bytes) -> str:
    """Return the name of a master key in a file, which says nothing about it."""
    return "file:" + hashlib.sha256(b"weft master key\0" + key).hexdigest()[:16]


def _encrypt(key: bytes, plain: bytes, binding: Binding) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, binding.associated_data)


def _decrypt(key: bytes, sealed: bytes, binding: Binding) -> bytes:
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, encrypted, binding.associated_data)
    except (InvalidTag, ValueError):
        raise SecretsUnavailable(
            f"The secret `{binding.name}` cannot be opened: its row is not what was sealed for "
            "this organization and its hosts. Set it again."
        ) from None


def _create(path: Path, keys: Sequence[bytes]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{key.hex()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
