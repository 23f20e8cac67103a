"""LangGraph in this process with AsyncPostgresSaver: a superstep begins when the last is durable.

A saver lets one coroutine at a time to its database, even with a pool. So there are two ways to run
it, and both are measured: one saver, as its manual shows, and several over one pool
(`langgraph_savers`), which a user comes to who has read its source. The second is the faster one.
"""

import operator
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import cycle, pairwise
from typing import Annotated, Any, TypedDict
from uuid import uuid4

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.peers.load import CONNECTIONS, Execute, main
from benchmarks.peers.works import ITEMS, Work, succeed


class Sequence(TypedDict, total=False):
    """One value a node."""

    zero: int
    one: int
    two: int
    three: int


class Mapped(TypedDict, total=False):
    """A list, and what became of its items."""

    items: list[int]
    results: Annotated[list[int], operator.add]


class Item(TypedDict):
    """What one item's node is given."""

    item: int


def _after(source: str, target: str) -> Callable[[Sequence], Awaitable[dict[str, int]]]:
    async def node(state: Sequence) -> dict[str, int]:
        values: dict[str, Any] = dict(state)
        return {target: succeed(values[source])}

    return node


def _sequence() -> Any:
    graph: Any = StateGraph(Sequence)
    names = ("zero", "one", "two", "three")
    for source, target in pairwise(names):
        graph.add_node(f"node_{target}", _after(source, target))
    graph.add_edge(START, "node_one")
    graph.add_edge("node_one", "node_two")
    graph.add_edge("node_two", "node_three")
    graph.add_edge("node_three", END)
    return graph


async def _one(state: Item) -> dict[str, list[int]]:
    return {"results": [succeed(state["item"])]}


def _fan_out(state: Mapped) -> list[Send]:
    return [Send("one", {"item": item}) for item in state["items"]]


def _map() -> Any:
    graph = StateGraph(Mapped)
    graph.add_node("one", _one)
    graph.add_conditional_edges(START, _fan_out, ["one"])
    graph.add_edge("one", END)
    return graph


def open_langgraph(dsn: str, work: Work) -> AbstractAsyncContextManager[Execute]:
    """Compile the work's graph with one saver."""
    return open_savers(dsn, work, 1)


@asynccontextmanager
async def open_savers(dsn: str, work: Work, count: int) -> AsyncIterator[Execute]:
    """Compile the work's graph once for each of some savers over one pool; they take turns."""
    # What the saver's manual asks of a connection.
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(
        dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=settings, open=False
    ) as pool:
        await AsyncPostgresSaver(pool).setup()
        graph = _sequence() if work == "sequence" else _map()
        turns = cycle([graph.compile(checkpointer=AsyncPostgresSaver(pool)) for _ in range(count)])

        async def run(given: dict[str, Any]) -> Any:
            thread = {"configurable": {"thread_id": str(uuid4())}}
            return await next(turns).ainvoke(given, thread, durability="sync")

        async def execute_sequence() -> None:
            assert (await run({"zero": 0}))["three"] == 3

        async def execute_map() -> None:
            assert (await run({"items": ITEMS}))["results"] == [item + 1 for item in ITEMS]

        yield execute_sequence if work == "sequence" else execute_map


if __name__ == "__main__":
    main("langgraph", open_langgraph)
