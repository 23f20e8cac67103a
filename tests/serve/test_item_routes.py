"""The items of a map node, as the API shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from serve import execution_answers
from store.history import LISTED_BYTES
from store.json_values import dumps
from store.postgres import Pool
from store.records import MapItemRecord, NodeLogRecord
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.serve.shapes import fits
from tests.store.rows import write

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LARGE = "x" * LISTED_BYTES
MAPPED: dict[str, Any] = {
    "nodes": [
        {"id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["input.rows"]},
        {"id": "after", "agent": "aggregator", "input_keys": ["each"]},
    ],
    "edges": [{"from": "each", "to": "after"}],
}


@pytest.fixture
async def path(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, engine_pool: Pool
) -> str:
    """An execution whose map has been visited twice, the last time with three items."""
    execution_id = (await start(await make_workflow(MAPPED), {"rows": []})).execution_id
    await write(
        engine_pool,
        *_visit(account.tenant_id, execution_id, "t1", NOW, ["old"]),
        *_visit(account.tenant_id, execution_id, "t2", NOW + timedelta(hours=1), ["a", LARGE]),
        MapItemRecord(account.tenant_id, execution_id, "each", "t2", 2, "failed", 3, None, "No."),
    )
    return f"/api/v1/workflows/executions/exec_{execution_id.hex}"


def _visit(tenant_id: UUID, id: UUID, task: str, at: datetime, outputs: list[Any]) -> list[Any]:
    log = NodeLogRecord(tenant_id, id, "each", task, 1, "data_processing", "running", None, None,
                        dumps({"items": 3}), at)  # fmt: skip
    return [
        log,
        *(
            MapItemRecord(tenant_id, id, "each", task, index, "completed", 1, dumps(output), None)
            for index, output in enumerate(outputs)
        ),
    ]


@pytest.mark.requirement("USER.9")
async def test_items_of_the_last_visit_are_listed(api: httpx.AsyncClient, path: str) -> None:
    """In the order of the list, with what failed and why; a large output by its size."""
    page = (await api.get(f"{path}/nodes/each/items")).json()
    fits(execution_answers.ItemPage, page)
    assert page["total"] == 3
    a, large, failed = page["items"]
    assert (a["output"], a["status"], a["error"]) == ("a", "completed", None)
    assert (large["output"], large["output_bytes"]) == (None, LISTED_BYTES + 2)
    assert (failed["index"], failed["attempt"], failed["error"]) == (2, 3, "No.")
    status = (await api.get(path)).json()
    assert status["nodes"][0]["items"] == {"count": 3, "completed": 2, "failed": 1}


@pytest.mark.requirement("USER.9")
async def test_items_come_in_pages_by_status(api: httpx.AsyncClient, path: str) -> None:
    """The total counts all that match, whatever page is asked for."""
    query: dict[str, str | int] = {"status": "completed", "limit": 1, "offset": 1}
    page = (await api.get(f"{path}/nodes/each/items", params=query)).json()
    assert ([item["index"] for item in page["items"]], page["total"]) == ([1], 2)
    page = (await api.get(f"{path}/nodes/each/items", params={"offset": 9})).json()
    assert (page["items"], page["total"]) == ([], 3)
    wrongs: list[dict[str, str | int]] = [{"status": "running"}, {"limit": 0}, {"offset": -1}]
    for wrong in wrongs:
        assert (await api.get(f"{path}/nodes/each/items", params=wrong)).status_code == 422


async def test_one_item_is_shown_whole(api: httpx.AsyncClient, path: str) -> None:
    """What the list shows by its size only is there."""
    item = (await api.get(f"{path}/nodes/each/items/1")).json()
    fits(execution_answers.Item, item)
    assert item["output"] == LARGE
    assert (await api.get(f"{path}/nodes/each/items/3")).status_code == 404


async def test_a_node_that_is_no_map_is_said(api: httpx.AsyncClient, path: str) -> None:
    """The remedy names the map nodes there are."""
    for node in ("after", "never", "%00"):
        answer = await api.get(f"{path}/nodes/{node}/items")
        assert answer.status_code == 404
        assert answer.json()["remedy"] == "Its map nodes: `each`."


@pytest.mark.requirement("NFR-4.1")
async def test_items_of_another_tenant_are_not_there(
    api: httpx.AsyncClient, path: str, make_account: MakeAccount
) -> None:
    """Neither the list nor an item."""
    other = await make_account("Other")
    api.headers["Authorization"] = f"Bearer {other.token}"
    for tail in ("items", "items/0"):
        assert (await api.get(f"{path}/nodes/each/{tail}")).status_code == 404
