"""Accounts and tokens."""

from store.accounts import authenticate, token_is_known
from store.postgres import Pool
from tests.factories import Account, MakeAccount


async def test_token_names_its_user(make_account: MakeAccount, api_pool: Pool) -> None:
    """A token tells organization, user and role."""
    account = await make_account("Globex")
    found = await authenticate(api_pool, account.token)
    assert found is not None
    assert (found.organization_name, found.role) == ("Globex", "owner")


async def test_wrong_token_is_nobody(account: Account, api_pool: Pool) -> None:
    """A token that was never given names nobody."""
    assert await authenticate(api_pool, account.token + "x") is None


async def test_revoked_token_is_nobody(account: Account, api_pool: Pool, owner_pool: Pool) -> None:
    """A revoked token names nobody."""
    await owner_pool.execute("UPDATE api_keys SET revoked_at = now()")
    assert await authenticate(api_pool, account.token) is None


async def test_database_tells_which_token_it_knows(account: Account, dsn: str) -> None:
    """The embedded platform asks whether the token on disk belongs to this database."""
    assert await token_is_known(dsn, account.token)
    assert not await token_is_known(dsn, "weft_other")
