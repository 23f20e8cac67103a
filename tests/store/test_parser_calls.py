"""What models were asked to read: written for a tenant, and forgotten in time."""

import pytest

from store.parser_calls import ParserCall, delete_old_parser_calls, record_parser_calls
from store.postgres import Pool
from tests.factories import Account

CALLS = [
    ParserCall("gpt-6.1-terra", "late", 0, 0, 0, 0.0, 3200.0),
    ParserCall("claude-sonnet-5-5", "answered", 2, 2000, 200, 0.0123456, 1100.5),
]


@pytest.mark.requirement("NFR-5.5")
async def test_each_model_is_a_row(api_pool: Pool, owner_pool: Pool, account: Account) -> None:
    """The calls of one text stand in order, each with its tokens, cost and time."""
    user_id = account.principal.user_id
    await record_parser_calls(api_pool, account.tenant_id, user_id, "edit", CALLS)
    first, second = await owner_pool.fetch("SELECT * FROM parser_calls ORDER BY id")
    assert (first["kind"], first["model"], first["outcome"]) == ("edit", "gpt-6.1-terra", "late")
    assert (second["rounds"], second["input_tokens"], second["output_tokens"]) == (2, 2000, 200)
    assert (float(second["cost_usd"]), second["duration_ms"]) == (0.012346, 1100.5)


@pytest.mark.requirement("USER.21")
async def test_old_calls_are_deleted(
    api_pool: Pool, engine_pool: Pool, owner_pool: Pool, account: Account
) -> None:
    """What is older than the bound goes, what is younger stays."""
    user_id = account.principal.user_id
    await record_parser_calls(api_pool, account.tenant_id, user_id, "create", CALLS)
    await owner_pool.execute("UPDATE parser_calls SET at = now() - interval '31 days' WHERE id = 1")
    assert await delete_old_parser_calls(engine_pool, 30) == 1
    assert await delete_old_parser_calls(engine_pool, 30) == 0
    assert await owner_pool.fetchval("SELECT count(*) FROM parser_calls") == 1
