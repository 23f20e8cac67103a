"""Items of a map node, through both clients."""

import pytest
from weft import AsyncClient, Client

from tests.client.fake_api import TOKEN, FakeApi

ITEMS = [
    {"index": 0, "status": "completed", "attempt": 1, "output": "a", "output_bytes": 3,
     "error": None},
    {"index": 1, "status": "failed", "attempt": 2, "output": None, "output_bytes": None,
     "error": "No."},
]  # fmt: skip


@pytest.mark.requirement("USER.9", "USER.23")
def test_items_are_listed_and_fetched(api: FakeApi, client: Client) -> None:
    """A page of all, of the failed ones, and one item by itself."""
    api.world.items["each"] = ITEMS
    assert client.items("exec_1", "each")["items"] == ITEMS
    assert client.items("exec_1", "each", limit=1, offset=1)["items"] == ITEMS[1:]
    failed = client.items("exec_1", "each", status="failed")
    assert (failed["total"], failed["items"]) == (1, ITEMS[1:])
    assert client.item("exec_1", "each", 0) == ITEMS[0]


@pytest.mark.requirement("USER.9", "USER.23")
async def test_items_are_listed_and_fetched_asynchronously(api: FakeApi) -> None:
    """The asynchronous client has the same calls."""
    api.world.items["each"] = ITEMS
    async with AsyncClient(api.base_url, TOKEN) as client:
        assert (await client.items("exec_1", "each", status="failed"))["items"] == ITEMS[1:]
        assert await client.item("exec_1", "each", 1) == ITEMS[1]


def test_names_of_nodes_stay_in_their_place(api: FakeApi, client: Client) -> None:
    """A slash in a node's name is part of it, not of the path."""
    client.items("exec_1", "a b")
    assert api.requests[-1][1] == "/api/v1/workflows/executions/exec_1/nodes/a b/items"
