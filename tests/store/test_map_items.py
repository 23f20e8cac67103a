"""Rows of mapped items: which results replace which."""

import pytest

from store.postgres import Pool
from store.records import MapItemRecord
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.rows import write


@pytest.mark.requirement("USER.9")
@pytest.mark.parametrize("together", [False, True])
async def test_failure_is_replaced_and_a_result_never(
    together: bool,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    engine_pool: Pool,
) -> None:
    """Whatever comes after a completed item, in the same write or a later one, changes nothing."""
    id = (await start(await make_workflow(), {"text": "x"})).execution_id

    def item(index: int, output: str | None) -> MapItemRecord:
        status, error = ("failed", "No.") if output is None else ("completed", None)
        return MapItemRecord(account.tenant_id, id, "each", "t", index, status, 1, output, error)

    first, second = [item(0, None), item(1, '"a"')], [item(0, '"b"'), item(2, '"c"')]
    await write(engine_pool, *first)
    if together:
        await write(engine_pool, *second, item(1, "null"))
    else:
        await write(engine_pool, *second)
        await write(engine_pool, item(1, None), item(0, None))
    rows = await engine_pool.fetch(
        "SELECT output_data, output_bytes, error_message FROM execution_map_items"
        " ORDER BY map_index"
    )
    assert [tuple(row) for row in rows] == [('"b"', 3, None), ('"a"', 3, None), ('"c"', 3, None)]
