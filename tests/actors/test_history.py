"""What real executions leave for the plans of the next ones."""

from typing import Any

import pytest

from agents.registry import Registry
from compiler.plan import plan
from compiler.specification import Specification
from compiler.text import specification_hash
from store.live import LiveView
from store.measured import read_history
from store.postgres import Pool
from tests.actors.conftest import Look
from tests.actors.process import Process
from tests.actors.travel import Traveller
from tests.actors.workflows import does, says, workflow
from tests.factories import Account, MakeWorkflow, StartExecution

EACH: dict[str, Any] = {**does("each", value="{item}"), "pattern": "map", "input_keys": ["rows"]}
DOCUMENT = workflow([says("rows", "{input.rows}"), EACH, says("after")], "rows each after")


@pytest.mark.requirement("FIRST.3", "FR-1.10")
async def test_the_next_plan_rests_on_what_was_executed(
    process: Process, look: Look, registry: Registry, make_workflow: MakeWorkflow,
    start: StartExecution, account: Account, api_pool: Pool, live: LiveView,
) -> None:  # fmt: skip
    """Nodes, the map with the length of its lists, and the whole; a rerun's reuse is no sample."""
    stored = await make_workflow(DOCUMENT)
    for length in range(2, 7):
        started = await start(stored, {"rows": list(range(length))}, process.id)
        await process.drive(started.execution_id)
        assert await look.output(started.execution_id) == {"after": "after"}
    traveller = Traveller(api_pool, live, account.tenant_id, process)
    await traveller.rerun(started.execution_id, "after")
    specification = Specification.model_validate(DOCUMENT)
    history = await read_history(
        api_pool, account.tenant_id, ["step"], workflow_id=stored.id,
        specification_sha256=specification_hash(specification), nodes=3,
    )  # fmt: skip
    assert {node: found.samples for (node, _), found in history.nodes.items()} == {
        "rows": 5, "each": 5, "after": 6,
    }  # fmt: skip
    assert history.agents["step"].samples == 11
    found = plan(specification, registry.signatures(), None, history)
    rows, each, after = found.nodes
    assert [node.estimate.seconds.source for node in found.nodes] == ["history"] * 3
    assert (rows.estimate.cost_usd.low, after.estimate.cost_usd.high) == (0.5, 0.5)
    assert each.items is not None
    assert (each.items.low, each.items.high, each.items.samples) == (2, 6, 5)
    cost = each.estimate.cost_usd
    assert cost.source == "history"
    assert cost.low == pytest.approx(0.5 * 2.4)
    assert cost.high == pytest.approx(0.5 * 5.6)
    assert 0 < each.estimate.seconds.low <= each.estimate.seconds.high < 60
    assert (found.seconds.source, found.seconds.samples) == ("history", 5)
    assert found.cost_usd.low == pytest.approx(0.5 * (2 + 2.4))
    assert found.cost_usd.high == pytest.approx(0.5 * (2 + 5.6))
