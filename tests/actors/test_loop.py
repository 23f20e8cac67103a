"""The loop that drives graphs: it makes of each kind of graph what `ainvoke` makes of it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, interrupt

from actors.loop import Graph, done, first_checkpoint, invoke, next_version, outset
from compiler.graph import Update, compile_graph, map_channel, route_channel
from compiler.regions import is_chooser
from compiler.specification import Node, Specification
from tests.actors.workflows import Document, ask, chain, says, workflow

CONFIG: RunnableConfig = {
    "configurable": {"thread_id": "one"}, "recursion_limit": 30, "max_concurrency": 3,
}  # fmt: skip
LOOP: Document = {
    "nodes": [
        says("count", "n"),
        {"id": "again", "agent": "router",
         "parameters": {"condition": "count < 3", "if_true": "count", "if_false": "done"}},
        says("done", "end"),
    ],
    "edges": [
        {"from": "count", "to": "again"}, {"from": "again", "to": "count"},
        {"from": "again", "to": "done"},
    ],
}  # fmt: skip
MAP = workflow(
    [says("rows", "r"), {**says("each", "e"), "pattern": "map", "input_keys": ["rows"],
                         "batch_size": 2}, says("after", "a")],
    "rows each after",
)  # fmt: skip
BRANCHES = workflow([says(name) for name in ("s", "one", "x", "y", "j")], "s one j", "s x y j")
QUESTIONS = workflow(
    [says("s"), ask("ok"), says("a"), ask("fine"), says("j")], "s ok a j", "s fine j"
)


_NAMED_BY_CHANCE = re.compile(r"id='[0-9a-f]{32}'")


class Memory(InMemorySaver):
    """LangGraph's own saver, which takes checkpoints without a task, too."""

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version that goes on from those of the first checkpoint."""
        return next_version(current, 1)

    def record(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> asyncio.Future[Any]:
        """Take a checkpoint."""
        self.put(config, checkpoint, metadata, new_versions)
        return done()

    def hurry(self) -> None:
        """Do nothing: it is taken."""


async def _begin(graph: Graph, input: Mapping[str, Any]) -> None:
    """Leave the first checkpoint of an execution with the graph's saver."""
    first = first_checkpoint(await outset(graph), input)
    config: RunnableConfig = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
    metadata: CheckpointMetadata = {"source": "loop", "step": 0, "parents": {}}
    cast(Memory, graph.checkpointer).put(config, first, metadata, first["channel_versions"])


@dataclass
class Told:
    """Bodies that note what is asked of them; a router takes its first way on the third visit."""

    specification: Specification
    ran: list[str] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)
    """What writes were not saved apart, as channels."""

    def passed(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Note that a node that stands alone has ended."""
        self.wrote.update(channel for channel, _ in writes)

    async def run(self, node: Node, state: Mapping[str, Any], config: RunnableConfig) -> Update:
        """Answer with the node's name and what it sees."""
        if node.agent == "human_loop":
            answer = interrupt({"node": node.id})
            self.ran.append(f"{node.id}={answer}")
            return {node.key: answer}
        self.ran.append(node.id)
        seen = sorted(key for key in state if ":" not in key)
        update: Update = {node.key: [node.id, len(self.ran), seen]}
        if is_chooser(self.specification, node):
            done = self.ran.count(node.id) >= 3
            update[route_channel(node.id)] = "done" if done else "count"
        return update

    async def plan_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Cut five items."""
        self.ran.append(f"plan {node.id}")
        return {map_channel(node.id): {"count": 5, "size": node.batch_size, "task": "t"}}

    async def run_chunk(self, node: Node, start: int, stop: int, config: RunnableConfig) -> Update:
        """Note the range."""
        self.ran.append(f"{node.id}[{start}:{stop}]")
        return {}

    async def join_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Answer with the map's channel."""
        self.ran.append(f"join {node.id}")
        return {node.key: state[map_channel(node.id)]["count"]}


@dataclass
class Outcome:
    """What became of a graph."""

    states: list[dict[str, Any]]
    ran: list[str]
    checkpoints: list[tuple[Any, ...]]
    wrote: set[str]


async def _finish(document: Document, ours: bool) -> Outcome:
    """Run a graph to its end, answering what it asks; return all that it left."""
    specification = Specification.model_validate(document)
    saver = Memory()
    graph: Graph = compile_graph(specification, saver)
    told = Told(specification)
    states: list[dict[str, Any]] = []
    begin: Any = {"input": {"n": 1}}
    if ours:
        await _begin(graph, begin["input"])
    while True:
        if ours:
            resume = None if not states else begin
            state, interrupts = await invoke(graph, resume, CONFIG, told, begins=not states)
            waits = interrupts is not None
            assert waits == bool(interrupts)
        else:
            state = await graph.ainvoke(begin, CONFIG, context=told, durability="sync")
            waits = bool(state.pop("__interrupt__", None))
        states.append(state)
        if not waits:
            break
        asked = (await graph.aget_state(CONFIG, subgraphs=True)).interrupts
        begin = Command(resume={min(asked, key=lambda one: str(one.value)).id: "yes"})
    checkpoints = [_seen(found) async for found in saver.alist(CONFIG)]
    return Outcome(states, sorted(told.ran), sorted(checkpoints), told.wrote)


def _seen(found: CheckpointTuple) -> tuple[Any, ...]:
    """Return what a checkpoint says, without what chance has named."""
    writes = [_NAMED_BY_CHANCE.sub("", str(write[1:])) for write in found.pending_writes or ()]
    return (
        found.config["configurable"]["checkpoint_ns"].split(":")[0],
        found.metadata["step"],
        found.metadata["source"],
        str(sorted(found.checkpoint["channel_values"].items())),
        sorted(found.checkpoint["channel_versions"]),
        sorted(writes),
    )


@pytest.mark.parametrize(
    "document", [chain(*"abc"), LOOP, MAP, BRANCHES, QUESTIONS],
    ids=["chain", "loop", "map", "branches", "questions"],
)  # fmt: skip
async def test_loop_makes_what_langgraph_makes(document: Document) -> None:
    """States, calls and checkpoints are the same, from the one before the first node on."""
    ours, theirs = await _finish(document, True), await _finish(document, False)
    assert ours.states == theirs.states
    assert ours.ran == theirs.ran
    made = [one for one in theirs.checkpoints if one[:3] != ("", -1, "input")]
    assert [one[:-1] for one in ours.checkpoints] == [one[:-1] for one in made]
    for mine, other in zip(ours.checkpoints, made, strict=True):
        # The writes of a node that stands alone are in the next checkpoint, not beside its own.
        assert mine[-1] in ([], other[-1])
    assert ours.wrote


async def test_loop_that_never_leaves_is_ended() -> None:
    """The same error as LangGraph's, at the limit that the configuration names."""
    specification = Specification.model_validate(LOOP)
    graph: Graph = compile_graph(specification, Memory())
    told = Told(specification)
    await _begin(graph, {})
    with pytest.raises(GraphRecursionError):
        await invoke(graph, None, {**CONFIG, "recursion_limit": 1}, told, begins=True)
    assert told.ran == ["count", "again", "count"]


async def test_exception_of_a_node_reaches_the_caller() -> None:
    """What is no failure of an agent breaks the graph and is not swallowed."""

    class Broken(Told):
        async def run(self, node: Node, state: Mapping[str, Any], config: RunnableConfig) -> Update:
            """Break."""
            raise KeyError(node.id)

    specification = Specification.model_validate(chain(*"ab"))
    graph: Graph = compile_graph(specification, Memory())
    await _begin(graph, {})
    with pytest.raises(KeyError, match="a"):
        await invoke(graph, None, CONFIG, Broken(specification), begins=True)
