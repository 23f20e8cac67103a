"""Specification to LangGraph: nodes, branches as subgraphs, choices as conditional edges, maps.

The graph carries no behaviour of its own: what a node does is asked of the `Bodies` that the run
brings as its context, so one compiled graph serves all executions of a specification.

State channels: `input`, one per node key (its output), and three kinds of our own, whose names
hold a colon so that no output key can meet them: `route:<node>` (the target a chooser took),
`map:<node>` (how a list was cut into chunks) and `weft:failures` (failed nodes by id). The nodes
of `finally` and compensations are no part of it: they run after it, see `actors.epilogue`.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.channels.last_value import LastValue
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from compiler.failures import STOPPING
from compiler.regions import Block, Choice, Parallel, Single, decompose, is_chooser
from compiler.specification import Node, Specification

FORMAT = 2
"""Changes when compiled graphs change in a way that running executions would notice."""

FAILURES = "weft:failures"
"""Holds by node {"message": why, "then": what followed, one of `compiler.failures.Then`}."""
CHUNK_LIMIT = 200
"""The most chunks a list is cut into."""
FEWEST_ITEMS, MOST_ITEMS = 10, 50
"""Between these is the size of a chunk, while the limit on chunks allows it."""

State = Mapping[str, Any]
Update = dict[str, Any]


class Bodies(Protocol):
    """What the nodes of one run do."""

    async def run(self, node: Node, state: State, config: RunnableConfig) -> Update:
        """Run a node; return its output under its key, or its failure under `FAILURES`."""
        ...

    async def plan_map(self, node: Node, state: State, config: RunnableConfig) -> Update:
        """Return {"map:<node>": {"count": items, "size": items a chunk, "task": id}}.

        With "partial": true some of its items are completed already, under that task.
        """
        ...

    async def run_chunk(self, node: Node, start: int, stop: int, config: RunnableConfig) -> Update:
        """Run the items from `start` up to `stop` of a mapped list."""
        ...

    async def join_map(self, node: Node, state: State, config: RunnableConfig) -> Update:
        """Return the mapped node's output under its key."""
        ...


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the compilation of one specification shares."""

    specification: Specification
    schema: type


def route_channel(node_id: str) -> str:
    """Return the channel that holds the target a chooser took; None: it ends its path."""
    return f"route:{node_id}"


def map_channel(node_id: str) -> str:
    """Return the channel that holds how a mapped list was cut."""
    return f"map:{node_id}"


def chunk_size(count: int, batch_size: int | None, at_once: int) -> int:
    """Return how many items a chunk takes: as asked, but never more than 200 chunks.

    Unless it is asked for, as many chunks as run at once, of 10 to 50 items each: a chunk costs as
    much as 50 trivial items, and of slow ones it runs some at once.

    Args:
        count: How many items there are.
        batch_size: What the node asks for.
        at_once: How many chunks run at once.
    """
    size = batch_size or min(max(-(-count // at_once), FEWEST_ITEMS), MOST_ITEMS)
    return max(size, -(-count // CHUNK_LIMIT))


def compile_graph(
    specification: Specification, checkpointer: BaseCheckpointSaver[Any] | None = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile a checked specification.

    Args:
        specification: It must have passed the check.
        checkpointer: Where state is kept; None keeps nothing.

    Returns:
        A graph to invoke with {"input": …}, or None to go on, and `context=` the run's Bodies.

    Raises:
        ShapeError: The graph cannot be read as nested regions.
    """
    scope = _Scope(specification, _schema("State", specification, None))
    graph = _graph(scope, decompose(specification), None)
    return graph.compile(checkpointer=checkpointer, name=specification.metadata.name)


class _Latest(LastValue[Any]):
    """A channel that holds what was written last, also when several write in one step."""

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        self.value = values[-1]
        return True


def _merged(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    return {**(old or {}), **(new or {})}


def _schema(name: str, specification: Specification, keys: set[str] | None) -> type:
    """Make the state's type: every channel, or only those named."""
    channels: dict[str, Any] = {"input": Annotated[Any, _Latest]}
    for node in specification.body:
        channels[node.key] = Annotated[Any, _Latest]
        if is_chooser(specification, node):
            channels[route_channel(node.id)] = Annotated[Any, _Latest]
        if node.pattern == "map":
            channels[map_channel(node.id)] = Annotated[Any, _Latest]
    channels[FAILURES] = Annotated[dict[str, Any], _merged]
    if keys is not None:
        channels = {key: value for key, value in channels.items() if key in keys}
    return TypedDict(name, channels, total=False)  # type: ignore[no-any-return, operator]


def _graph(scope: _Scope, block: Block, branch: str | None) -> StateGraph[Any, Any, Any, Any]:
    if branch is None:
        graph: StateGraph[Any, Any, Any, Any] = StateGraph(scope.schema)
    else:
        written = {FAILURES} | {
            channel
            for node in _nodes(block)
            for channel in (node.key, route_channel(node.id), map_channel(node.id))
        }
        graph = StateGraph(
            scope.schema,
            output_schema=_schema(f"Branch_{branch}", scope.specification, written),
        )
    level = {step.node.id for step in _level(block)}
    tails = _add_block(scope, graph, block, [START], level)
    for tail in tails:
        _connect(graph, tail, END)
    return graph


Tail = str | tuple[str, ...]
"""Where a path stands: a node, or several that must all have finished."""


def _add_block(
    scope: _Scope,
    graph: StateGraph[Any, Any, Any, Any],
    block: Block,
    tails: list[Tail],
    level: set[str],
) -> list[Tail]:
    """Add a block's nodes; return where its paths stand at its end."""
    for step in block:
        if isinstance(step, Single):
            tails = _add_single(scope, graph, step, tails, level)
        elif isinstance(step, Parallel):
            tails = [_add_parallel(scope, graph, step, tails, level)]
        else:
            tails = _add_choice(scope, graph, step, level)
    return tails


def _add_single(
    scope: _Scope,
    graph: StateGraph[Any, Any, Any, Any],
    step: Single,
    tails: list[Tail],
    level: set[str],
) -> list[Tail]:
    node = step.node
    graph.add_node(node.id, _plan_body(node) if node.pattern == "map" else _body(node))
    for tail in tails:
        _connect(graph, tail, node.id)
    last = _add_map(scope, graph, node) if node.pattern == "map" else node.id
    if is_chooser(scope.specification, node):
        graph.add_conditional_edges(last, _route(node), _targets(scope, node, level))
        return []
    if step.back is not None:
        graph.add_conditional_edges(last, _again(step.back), [step.back, END])
        return []
    return [last]


def _add_map(scope: _Scope, graph: StateGraph[Any, Any, Any, Any], node: Node) -> str:
    chunk, join = f"{node.id}.chunk", f"{node.id}.join"
    graph.add_node(chunk, _chunk_body(node))
    graph.add_node(join, _join_body(node))
    graph.add_conditional_edges(node.id, _fan_out(node, chunk, join), [chunk, join])
    graph.add_edge(chunk, join)
    return join


def _add_parallel(
    scope: _Scope,
    graph: StateGraph[Any, Any, Any, Any],
    step: Parallel,
    tails: list[Tail],
    level: set[str],
) -> tuple[str, ...]:
    names = []
    for branch in step.branches:
        head = _level(branch)[0].node
        alone = len(branch) == 1 and head.pattern != "map"
        if alone and not is_chooser(scope.specification, head):
            graph.add_node(head.id, _body(head))
            name = head.id
        else:
            name = f"{head.id}.branch"
            graph.add_node(name, _graph(scope, branch, head.id).compile())
        for tail in tails:
            _connect(graph, tail, name)
        names.append(name)
    return tuple(names)


def _add_choice(
    scope: _Scope, graph: StateGraph[Any, Any, Any, Any], step: Choice, level: set[str]
) -> list[Tail]:
    ends: list[Tail] = []
    for branch in step.branches:
        ends.extend(_add_block(scope, graph, branch, [], level))
    return ends


def _connect(graph: StateGraph[Any, Any, Any, Any], tail: Tail, target: str) -> None:
    if isinstance(tail, tuple):
        graph.add_edge(list(tail), target)
    else:
        graph.add_edge(tail, target)


def _targets(scope: _Scope, node: Node, level: set[str]) -> dict[Hashable, str]:
    """Map what a chooser may name to graph nodes; what lies outside its branch ends the branch."""
    targets: dict[Hashable, str] = {END: END}
    for edge in scope.specification.edges:
        if edge.source == node.id:
            targets[edge.target] = edge.target if edge.target in level else END
    return targets


def _route(node: Node) -> Callable[[State], str]:
    channel = route_channel(node.id)

    def route(state: State) -> str:
        # A loop that goes on after a failure beside it would turn until its steps are used up.
        return END if stopped(state) else state.get(channel) or END

    return route


def _again(target: str) -> Callable[[State], str]:
    def again(state: State) -> str:
        return END if stopped(state) else target

    return again


def _fan_out(node: Node, chunk: str, join: str) -> Callable[[State], list[Send] | str]:
    channel = map_channel(node.id)

    def fan_out(state: State) -> list[Send] | str:
        cut = state.get(channel)
        if not cut or not cut["count"]:
            return join
        count, size = cut["count"], cut["size"]
        return [
            Send(chunk, {"start": start, "stop": min(start + size, count)})
            for start in range(0, count, size)
        ]

    return fan_out


_Body = Callable[..., Awaitable[Update]]


def stopped(state: State) -> bool:
    """Whether a node has failed in a way after which no other begins."""
    failures = state.get(FAILURES) or {}
    return any(failure["then"] in STOPPING for failure in failures.values())


def _body(node: Node) -> _Body:
    async def body(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
        if stopped(state):
            return {}
        bodies: Bodies = runtime.context
        return await bodies.run(node, state, config)

    return body


def _plan_body(node: Node) -> _Body:
    async def plan(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
        if stopped(state):
            return {map_channel(node.id): None}
        bodies: Bodies = runtime.context
        return await bodies.plan_map(node, state, config)

    return plan


def _chunk_body(node: Node) -> _Body:
    async def chunk(
        part: Mapping[str, int], config: RunnableConfig, runtime: Runtime[Any]
    ) -> Update:
        bodies: Bodies = runtime.context
        return await bodies.run_chunk(node, part["start"], part["stop"], config)

    return chunk


def _join_body(node: Node) -> _Body:
    async def join(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
        if stopped(state) or not state.get(map_channel(node.id)):
            return {}
        bodies: Bodies = runtime.context
        return await bodies.join_map(node, state, config)

    return join


def _nodes(block: Block) -> list[Node]:
    found: list[Node] = []
    for step in block:
        if isinstance(step, Single):
            found.append(step.node)
        else:
            for branch in step.branches:
                found.extend(_nodes(branch))
    return found


def _level(block: Block) -> list[Single]:
    """Return the single nodes that stand in the same graph as the block."""
    found: list[Single] = []
    for step in block:
        if isinstance(step, Single):
            found.append(step)
        elif isinstance(step, Choice):
            for branch in step.branches:
                found.extend(_level(branch))
    return found
