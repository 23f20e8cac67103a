"""Secrets of tenants: what is known of them, and for whoever calls a service, what they hold."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from store.errors import Conflict, NotFound
from store.kept import Kept
from store.postgres import Connection, Pool, connect, tenant_transaction
from store.secrets_keyring import Keyring
from store.secrets_sealing import Binding, Sealed, seal, unseal
from store.statements import statement

KEPT_SECRETS = 1000
ROTATED_ROWS = 500
_WITH_HOSTS = 2
"""The form of a row that is sealed with its hosts."""


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What is told of a secret."""

    name: str
    hosts: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenSecret:
    """What a secret holds, for the time of a call."""

    name: str
    value: str = field(repr=False)
    hosts: tuple[str, ...]
    """The only hosts that it is sent to."""


Connections = Callable[[], AbstractAsyncContextManager[Connection]]
"""Gives a connection of role weft_engine."""


async def list_secrets(pool: Pool, tenant_id: UUID) -> list[SecretInfo]:
    """Return a tenant's secrets by name."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_secrets"), tenant_id)
    return [_info(row) for row in rows]


async def set_secret(
    pool: Pool,
    keys: Keyring,
    tenant_id: UUID,
    user_id: UUID,
    name: str,
    value: str,
    hosts: Iterable[str],
) -> SecretInfo:
    """Set a secret of a tenant; it is sealed before it leaves this process.

    Args:
        pool: A pool of role weft_api.
        keys: The master key.
        tenant_id: Whose secret it is.
        user_id: Who sets it.
        name: What `{secrets.name}` says.
        value: What it holds.
        hosts: The only hosts that it is sent to.

    Raises:
        Conflict: Somebody else set it at the same time.
        SecretsUnavailable: The master key cannot be used.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        last = await connection.fetchval(statement("get_secret_version"), tenant_id, name)
    version = (last or 0) + 1
    # Between two transactions: the master key may be far away.
    listed = tuple(hosts)
    sealed = await seal(keys, Binding(tenant_id, name, version, listed), value)
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(
            statement("set_secret"), tenant_id, name, version, list(listed),
            sealed.ciphertext, sealed.wrapped_key, sealed.key_id, user_id,
        )  # fmt: skip
    if row is None:
        raise Conflict(
            f"Somebody else has just set the secret `{name}`.", "Look at it, then set it again."
        )
    return _info(row)


async def delete_secret(pool: Pool, tenant_id: UUID, name: str) -> None:
    """Delete a secret of a tenant.

    Raises:
        NotFound: There is none of that name.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        if await connection.fetchval(statement("delete_secret"), tenant_id, name) is None:
            raise NotFound("secret", name)


class Vault:
    """Opens secrets for the processes that call services, and remembers them for a moment.

    Args:
        connections: Gives a connection when one is needed.
        keys: The master key.
    """

    def __init__(self, connections: Connections, keys: Keyring) -> None:
        self._connections = connections
        self._keys = keys
        self._kept = Kept(self._read, KEPT_SECRETS)

    async def open(self, tenant_id: UUID, names: Iterable[str]) -> dict[str, OpenSecret]:
        """Return those of a tenant's secrets that have these names and exist.

        Raises:
            SecretsUnavailable: One cannot be opened.
        """
        return await self._kept.get(tenant_id, list(names))

    async def _read(self, tenant_id: UUID, names: Sequence[str]) -> dict[str, OpenSecret]:
        async with self._connections() as connection:
            rows = await connection.fetch(statement("open_secrets"), tenant_id, list(names))
        opened = await asyncio.gather(*(self._opened(tenant_id, row) for row in rows))
        return {secret.name: secret for secret in opened}

    async def _opened(self, tenant_id: UUID, row: Any) -> OpenSecret:
        sealed = Sealed(row["ciphertext"], row["wrapped_key"], row["key_id"])
        value = await unseal(self._keys, _binding(tenant_id, row), sealed)
        return OpenSecret(row["name"], value, tuple(row["hosts"]))


async def rotate(dsn: str, keys: Keyring) -> int:
    """Wrap the data keys of all tenants with a new master key; return how many.

    What was sealed without its hosts is sealed anew with those that its row has.

    The new one is made in the file; where KMS keeps it, it is the one that is set.

    Args:
        dsn: A login that may take the role weft_owner.
        keys: The master key, and those that came before it.

    Raises:
        SecretsUnavailable: One cannot be unwrapped; what was wrapped until then stays so, and no
            master key is dropped.
    """
    keys.renew()
    count = 0
    connection = await connect(dsn, "weft_owner")
    try:
        while wrapped := await _wrap_some(connection, keys):
            count += wrapped
    finally:
        await connection.close()
    keys.forget()
    return count


async def _wrap_some(connection: Connection, keys: Keyring) -> int:
    async with connection.transaction():
        present = await keys.present_id()
        rows = await connection.fetch(statement("list_wrapped_keys"), present, ROTATED_ROWS)
        wrapped = await asyncio.gather(*(_wrapped_anew(row, keys) for row in rows))
        await connection.execute(
            statement("wrap_secret_keys"), [row["tenant_id"] for row in rows],
            [row["name"] for row in rows], [one.wrapped_key for one in wrapped],
            [one.key_id for one in wrapped], [one.ciphertext or None for one in wrapped],
        )  # fmt: skip
    return len(rows)


async def _wrapped_anew(row: Any, keys: Keyring) -> Sealed:
    """Return a secret under the present master key; without a ciphertext where that stays."""
    binding = _binding(row["tenant_id"], row)
    if binding.hosts is None:
        sealed = Sealed(row["ciphertext"], row["wrapped_key"], row["key_id"])
        value = await unseal(keys, binding, sealed)
        return await seal(keys, replace(binding, hosts=tuple(row["hosts"])), value)
    data_key = await keys.unwrap(row["wrapped_key"], row["key_id"], binding)
    return Sealed(b"", *await keys.wrap(data_key, binding))


def _binding(tenant_id: UUID, row: Any) -> Binding:
    hosts = tuple(row["hosts"]) if row["form"] == _WITH_HOSTS else None
    return Binding(tenant_id, row["name"], row["version"], hosts)


def _info(row: Any) -> SecretInfo:
    return SecretInfo(**{**row, "hosts": tuple(row["hosts"])})
