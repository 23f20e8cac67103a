"""Secrets at rest: what is stored opens with the master key, for its own tenant and name only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import exceptions

from store.errors import Conflict
from store.postgres import Connection, Pool, tenant_transaction
from store.secrets import Vault, rotate, set_secret
from store.secrets_keyring import KeyPlace, Keyring
from store.secrets_sealing import Binding, KeyFile, SecretsUnavailable, seal, unseal
from tests.factories import Account, MakeAccount

VALUE = "pässword\nof two lines"
BINDING = Binding(UUID(int=1), "token", 1, ("a.example",))


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    """A master key."""
    KeyFile(tmp_path / "key").make()
    return Keyring(KeyPlace(tmp_path / "key"))


async def _set(pool: Pool, keys: Keyring, account: Account, name: str, value: str = VALUE) -> None:
    principal = account.principal
    await set_secret(pool, keys, principal.tenant_id, principal.user_id, name, value, ["a.example"])


def _vault(pool: Pool, keys: Keyring) -> Vault:
    return Vault(pool.acquire, keys)


@pytest.mark.requirement("FR-4.9")
async def test_what_is_sealed_opens_with_its_binding_only(keys: Keyring) -> None:
    """Another tenant, name, version or host opens nothing, nor does a changed byte."""
    sealed = await seal(keys, BINDING, VALUE)
    assert await unseal(keys, BINDING, sealed) == VALUE
    others = [replace(BINDING, tenant_id=UUID(int=2)), replace(BINDING, name="tokem"),
              replace(BINDING, version=2), replace(BINDING, hosts=("a.example", "b.example")),
              replace(BINDING, hosts=()), replace(BINDING, hosts=None)]  # fmt: skip
    changed = replace(sealed, ciphertext=sealed.ciphertext[:-1] + b"\0")
    for binding, one in [*((other, sealed) for other in others), (BINDING, changed)]:
        with pytest.raises(SecretsUnavailable, match="cannot be opened"):
            await unseal(keys, binding, one)


async def test_each_secret_has_a_data_key_of_its_own(keys: Keyring) -> None:
    """The same value sealed twice shares nothing."""
    first, second = await seal(keys, BINDING, VALUE), await seal(keys, BINDING, VALUE)
    assert first.wrapped_key != second.wrapped_key
    assert first.ciphertext[12:] != second.ciphertext[12:]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
async def test_a_key_that_others_can_read_is_refused(
    keys: Keyring, tmp_path: Path, mode: int
) -> None:
    """The error says how to mend it."""
    path = tmp_path / "key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(SecretsUnavailable, match="chmod 600"):
        await seal(keys, BINDING, VALUE)


@pytest.mark.parametrize("text", ["", "00", "x" * 64])
async def test_a_file_without_a_key_is_refused(keys: Keyring, tmp_path: Path, text: str) -> None:
    """The error says what belongs there; making it again leaves what is there."""
    (tmp_path / "key").write_text(text)
    KeyFile(tmp_path / "key").make()
    with pytest.raises(SecretsUnavailable, match="64 hex digits"):
        await keys.present_id()


@pytest.mark.requirement("FR-4.9")
async def test_the_api_cannot_read_what_it_wrote(
    keys: Keyring, api_pool: Pool, account: Account
) -> None:
    """Its role has no right to the ciphertext, nor to the wrapped key."""
    await _set(api_pool, keys, account, "token")
    for column in ("ciphertext", "wrapped_key", "*"):
        async with tenant_transaction(api_pool, account.tenant_id) as connection:
            with pytest.raises(exceptions.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT {column} FROM secrets")  # noqa: S608


async def test_a_vault_opens_the_tenants_own_and_notes_the_use(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, make_account: MakeAccount
) -> None:
    """Of two tenants' secrets of one name each gets its own; a missing one is left out."""
    one, two = await make_account("One"), await make_account("Two")
    await _set(api_pool, keys, one, "token", "of the first")
    await _set(api_pool, keys, two, "token", "of the second")
    vault = _vault(engine_pool, keys)
    found = await vault.open(two.tenant_id, ["token", "nobody"])
    assert {name: secret.value for name, secret in found.items()} == {"token": "of the second"}
    assert found["token"].hosts == ("a.example",)
    assert "second" not in repr(found)
    used = await engine_pool.fetch("SELECT tenant_id FROM secrets WHERE last_used_at IS NOT NULL")
    assert [row["tenant_id"] for row in used] == [two.tenant_id]


async def test_those_who_ask_together_read_once(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, account: Account
) -> None:
    """A hundred items of a map take one connection, and what was read is remembered."""
    await _set(api_pool, keys, account, "token")
    taken = 0

    @asynccontextmanager
    async def connections() -> AsyncIterator[Connection]:
        nonlocal taken
        taken += 1
        async with engine_pool.acquire() as connection:
            yield connection

    vault = Vault(connections, keys)
    found = await asyncio.gather(
        *(vault.open(account.tenant_id, ["token", "nobody"]) for _ in range(100))
    )
    assert {tuple(secrets) for secrets in found} == {("token",)}
    assert taken == 1


@pytest.mark.requirement("NFR-4.1")
async def test_a_row_of_another_tenant_does_not_open(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, owner_pool: Pool, make_account: MakeAccount
) -> None:
    """Whoever can write to the database cannot lend a tenant the secret of another."""
    one, two = await make_account("One"), await make_account("Two")
    await _set(api_pool, keys, one, "token")
    await owner_pool.execute(
        "UPDATE secrets SET tenant_id = $1, created_by = $2, updated_by = $2",
        two.tenant_id, two.principal.user_id,
    )  # fmt: skip
    with pytest.raises(SecretsUnavailable, match="cannot be opened"):
        await _vault(engine_pool, keys).open(two.tenant_id, ["token"])


@pytest.mark.requirement("FR-4.9", "NFR-4.1")
@pytest.mark.parametrize("change", ["hosts = hosts || '{evil.example}'", "hosts = '{*.example}'",
                                    "form = 1, hosts = '{evil.example}'", "form = 1"])  # fmt: skip
async def test_a_widened_row_does_not_open(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, owner_pool: Pool, account: Account,
    dsn: str, change: str,
) -> None:  # fmt: skip
    """Whoever can write to the database cannot send a secret to another host; nor by rotating."""
    await _set(api_pool, keys, account, "token")
    await owner_pool.execute(f"UPDATE secrets SET {change}")  # noqa: S608
    match = "its row is not what was sealed for this organization and its hosts. Set it again"
    with pytest.raises(SecretsUnavailable, match=match):
        await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    with pytest.raises(SecretsUnavailable, match="cannot be opened"):
        await rotate(dsn, keys)


async def test_other_hosts_seal_anew(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, account: Account
) -> None:
    """What is set with other hosts opens with these, in whatever order they are told."""
    await _set(api_pool, keys, account, "token")
    who = account.principal
    hosts = ["b.example", "a.example"]
    await set_secret(api_pool, keys, who.tenant_id, who.user_id, "token", VALUE, hosts)
    opened = await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    assert opened["token"].hosts == tuple(hosts)


@pytest.mark.requirement("FR-4.9")
async def test_what_was_sealed_without_hosts_opens_and_is_sealed_anew(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, owner_pool: Pool, account: Account, dsn: str
) -> None:
    """A row of the former form goes on; after a rotation its hosts are sealed like others'."""
    await _set(api_pool, keys, account, "token")
    binding = Binding(account.tenant_id, "token", 1, None)
    former = await seal(keys, binding, VALUE)
    await owner_pool.execute(
        "UPDATE secrets SET form = 1, ciphertext = $1, wrapped_key = $2, key_id = $3",
        former.ciphertext, former.wrapped_key, former.key_id,
    )  # fmt: skip
    opened = await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    assert opened["token"].value == VALUE
    assert await rotate(dsn, keys) == 1
    assert await owner_pool.fetchval("SELECT form FROM secrets") == 2
    opened = await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    assert (opened["token"].value, opened["token"].hosts) == (VALUE, ("a.example",))
    await owner_pool.execute("UPDATE secrets SET hosts = '{evil.example}'")
    with pytest.raises(SecretsUnavailable, match="and its hosts"):
        await _vault(engine_pool, keys).open(account.tenant_id, ["token"])


async def test_setting_at_once_loses_nothing(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, account: Account
) -> None:
    """Of several at the same time each is a version of its own or a conflict, and it opens."""
    done = await asyncio.gather(
        *(_set(api_pool, keys, account, "token", f"value {n}") for n in range(8)),
        return_exceptions=True,
    )
    refused = [error for error in done if error is not None]
    assert all(isinstance(error, Conflict) for error in refused), refused
    version = await engine_pool.fetchval("SELECT version FROM secrets")
    assert version == len(done) - len(refused)
    opened = await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    assert opened["token"].value.startswith("value ")


@pytest.mark.requirement("FR-4.9")
async def test_rotation_changes_the_master_key_alone(
    keys: Keyring, api_pool: Pool, engine_pool: Pool, account: Account, dsn: str, tmp_path: Path
) -> None:
    """What was sealed opens with the new key; after a second rotation the first key is gone."""
    await _set(api_pool, keys, account, "token")
    before = await engine_pool.fetchrow("SELECT * FROM secrets")
    first = (tmp_path / "key").read_text().strip()
    assert await rotate(dsn, keys) == 1
    after = await engine_pool.fetchrow("SELECT * FROM secrets")
    assert after["ciphertext"] == before["ciphertext"]
    assert after["key_id"] != before["key_id"]
    assert after["key_id"] == await keys.present_id()
    assert first in (tmp_path / "key").read_text()
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert await rotate(dsn, keys) == 1
    assert first not in (tmp_path / "key").read_text()
    opened = await _vault(engine_pool, keys).open(account.tenant_id, ["token"])
    assert opened["token"].value == VALUE


async def test_rotation_stops_at_what_it_cannot_open(
    keys: Keyring, api_pool: Pool, account: Account, dsn: str, tmp_path: Path
) -> None:
    """No key is dropped while a secret needs one that is missing."""
    await _set(api_pool, keys, account, "token")
    path = tmp_path / "key"
    old = path.read_text()
    path.write_text("ab" * 32)
    with pytest.raises(SecretsUnavailable, match="not in"):
        await rotate(dsn, keys)
    path.write_text(path.read_text() + old)
    assert await rotate(dsn, keys) == 1
