"""Executions that an executor finds before it is told of them."""

import pytest

from actors.config import ExecutorConfig
from actors.executor import ExecutionActor
from actors.handed import Handed, dump_handed
from agents.settings import AgentSettings
from tests.actors.conftest import Look
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution

ASKS = {
    "name": "Asks",
    "nodes": [
        {"id": "a", "agent": "data_processing",
         "parameters": {"operation": "transform", "data": [1]}},
        {"id": "ok", "agent": "human_loop", "parameters": {"message": "Go on?"}},
    ],
    "edges": [{"from": "a", "to": "ok"}],
}  # fmt: skip


@pytest.mark.requirement("FR-2.6")
async def test_handover_that_comes_after_its_execution_was_found_changes_nothing(
    dsn: str,
    redis_url: str,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    look: Look,
) -> None:
    """It was driven from its row and waits by now: it does not begin again."""
    settings = AgentSettings(sandbox_processes=1)
    actor = ExecutionActor("executor-0", ExecutorConfig(dsn, redis_url, 60.0, settings, {}))
    await actor.ready()
    stored = await make_workflow(ASKS)
    id = (await start(stored, {}, actor.id)).execution_id

    async def waits() -> bool:
        return await look.status(id) == "waiting"

    await eventually(waits)
    handed = Handed(id, account.tenant_id, 1, stored.id, stored.name, stored.specification_sha256,
                    {}, "", "", None, fresh=True)  # fmt: skip
    await actor.start(dump_handed([handed]))
    await actor.stop()
    assert await look.status(id) == "waiting"
    assert await look.nodes(id, "node_started") == ["a", "ok"]
