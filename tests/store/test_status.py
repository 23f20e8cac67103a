"""An execution's moves, each (from, to) pair against the database."""

import pytest

from store.postgres import Pool
from store.records import MoveRecord
from store.status import TRANSITIONS, Status, may_follow
from store.writing import Batch, Outcome, write_records
from tests.factories import MakeWorkflow, StartExecution

PAIRS = [(old, new) for old in Status for new in Status]


@pytest.mark.requirement("FR-2.9")
async def test_database_allows_exactly_the_moves_of_the_table(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """An execution moves when the table says so; else nothing changes and the caller is told."""
    execution_id = (await start(await make_workflow())).execution_id
    for old, new in PAIRS:
        async with engine_pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE workflow_executions SET status = $1", old)
            moves = [MoveRecord(execution_id, 1, new)]
            written = await write_records(connection, [Batch(execution_id, 1, moves)])
            now = await connection.fetchval("SELECT status FROM workflow_executions")
        moved = may_follow(old, new)
        assert now == (new if moved else old), (old, new)
        outcome = Outcome.WRITTEN if moved else Outcome.LOST if old.ended else Outcome.REFUSED
        assert written.outcomes == {execution_id: outcome}, (old, new)


async def test_moves_of_one_flush_follow_each_other(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """A short execution begins and ends in one transaction."""
    execution_id = (await start(await make_workflow())).execution_id
    moves = [MoveRecord(execution_id, 1, Status.RUNNING),
             MoveRecord(execution_id, 1, Status.COMPLETED, output_json='{"n": 1}')]  # fmt: skip
    async with engine_pool.acquire() as connection, connection.transaction():
        written = await write_records(connection, [Batch(execution_id, 1, moves)])
    assert written.outcomes == {execution_id: Outcome.WRITTEN}
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["output_data"]) == ("completed", '{"n": 1}')
    assert row["completed_at"] >= row["started_at"]
    assert row["duration_seconds"] >= 0


async def test_move_under_an_old_epoch_is_refused(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """Who lost the execution cannot end it."""
    execution_id = (await start(await make_workflow())).execution_id
    await engine_pool.execute("UPDATE workflow_executions SET epoch = 2")
    async with engine_pool.acquire() as connection, connection.transaction():
        moves = [MoveRecord(execution_id, 1, Status.CANCELLED)]
        written = await write_records(connection, [Batch(execution_id, 1, moves)])
    assert written.outcomes == {execution_id: Outcome.LOST}


def test_ended_means_that_nothing_follows() -> None:
    """The statuses without a way on are the three ends."""
    assert {status for status in Status if status.ended} == {
        Status.COMPLETED, Status.FAILED, Status.CANCELLED,
    }  # fmt: skip
    assert set(TRANSITIONS) == set(Status)
