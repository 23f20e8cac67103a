"""Which master key wraps the data keys of secrets: one in a file, or one that AWS KMS keeps.

What the other one has wrapped can still be opened, so that rotation may go either way.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from store.secrets_sealing import Binding, KeyFile, SecretsUnavailable

if TYPE_CHECKING:
    from store.secrets_kms import KeyService

PREFIX = "kms:"
"""What the id of a master key begins with that KMS keeps; its ARN follows."""


@dataclass(frozen=True, slots=True)
class KmsPlace:
    """Which keys of KMS are trusted, and where it is."""

    key: str | None
    """What wraps from now on: a key's ARN, id or alias; None: the key file does."""
    former: tuple[str, ...] = ()
    """What may have wrapped before."""
    region: str | None = None
    """Where keys are whose name is no ARN; None: as boto3 finds it."""
    endpoint: str | None = None
    """Another address of KMS; trusted."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where master keys are: plain values that travel to the processes that use them."""

    file: Path
    kms: KmsPlace | None = None
    """None: no secret was ever wrapped by KMS."""


class Keyring:
    """Wraps and unwraps data keys.

    Args:
        place: Where the master keys are; nothing is read or asked before the first use.
    """

    def __init__(self, place: KeyPlace) -> None:
        self._file = KeyFile(place.file)
        self._service: KeyService | None = None
        if place.kms is not None:
            # It takes a fifth of a second to import, which processes without KMS need not wait for.
            self._service = import_module("store.secrets_kms").KeyService(place.kms)
        self._wrapping = self._service if self._service and self._service.wraps else None

    async def wrap(self, data_key: bytes, binding: Binding) -> tuple[bytes, str]:
        """Encrypt a data key with the present master key; return it with the master key's id.

        Raises:
            SecretsUnavailable: The master key cannot be used.
        """
        if self._wrapping is not None:
            return await self._wrapping.wrap(data_key, binding)
        return self._file.wrap(data_key, binding)

    async def unwrap(self, wrapped_key: bytes, wrapped_by: str, binding: Binding) -> bytes:
        """Decrypt a data key.

        Raises:
            SecretsUnavailable: The master key cannot be used, or the data key belongs to another
                secret.
        """
        if not wrapped_by.startswith(PREFIX):
            return self._file.unwrap(wrapped_key, wrapped_by, binding)
        if self._service is None:
            raise SecretsUnavailable(
                f"The secret `{binding.name}` was sealed with {wrapped_by}, and no KMS key is set. "
                "Name it in WEFT_SECRETS_KMS_KEY, or in WEFT_SECRETS_KMS_FORMER_KEYS until "
                "`weft secrets rotate` has run."
            )
        return await self._service.unwrap(wrapped_key, wrapped_by, binding)

    async def present_id(self) -> str:
        """Return the id of the present master key.

        Raises:
            SecretsUnavailable: The master key cannot be used.
        """
        if self._wrapping is not None:
            return await self._wrapping.present_id()
        return self._file.present_id()

    def renew(self) -> None:
        """Make a new master key the present one; KMS's own is as it was set.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        if self._wrapping is None:
            self._file.add()

    def forget(self) -> None:
        """Drop master keys in the file that no data key needs any more.

        Raises:
            SecretsUnavailable: The file cannot be used.
        """
        if self._wrapping is None:
            self._file.forget()

    def close(self) -> None:
        """Close its connections."""
        if self._service is not None:
            self._service.close()
