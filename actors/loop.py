"""Invoking a compiled graph: LangGraph's own loop without what only its streams and traces need.

`CompiledStateGraph.ainvoke` makes a queue, callback managers, tasks and many copies of the
configuration for every node. An execution has no use for them: what it tells goes through the
journal. So this drives `AsyncPregelLoop` as `Pregel.astream` of LangGraph 1.2 does, which keeps
every rule of the graph (triggers, channels, versions, pending writes, interrupts), and calls the
node itself that stands alone in its superstep: the checkpoint that follows at once holds what it
wrote, so its writes are not saved apart. The modules are LangGraph's private ones: its version is
pinned, and a test compares each kind of graph with what `ainvoke` makes of it.

LangGraph's first superstep takes the input apart and does nothing else. What it comes to depends
on the graph alone, so it is done once for a graph (`outset`), and its executions begin after it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cached_property
from traceback import clear_frames
from typing import Any, Protocol, Self, cast
from weakref import WeakMethod

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph._internal._config import ensure_config
from langgraph._internal._constants import (
    CONF,
    CONFIG_KEY_DURABILITY,
    CONFIG_KEY_RESUMING,
    CONFIG_KEY_RUNTIME,
    INTERRUPT,
    NO_WRITES,
)
from langgraph._internal._runnable import RunnableCallable
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
)
from langgraph.checkpoint.base.id import uuid6
from langgraph.errors import GraphInterrupt, GraphRecursionError
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel._executor import Submit
from langgraph.pregel._loop import AsyncPregelLoop, PregelLoop
from langgraph.pregel._read import DEFAULT_BOUND
from langgraph.pregel._runner import PregelRunner
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.runtime import Runtime
from langgraph.types import Command, Interrupt, PregelExecutableTask

Graph = CompiledStateGraph[Any, Any, Any, Any]


class Saver(Protocol):
    """A checkpointer that takes checkpoints without a task for each of them."""

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one."""
        ...

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Write what a task wrote."""
        ...

    def record(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> asyncio.Future[Any]:
        """Take a checkpoint, as `aput`; the future is done when it is durable."""
        ...

    def hurry(self) -> None:
        """Begin to write what was taken: somebody waits for it."""
        ...


class Context(Protocol):
    """What a graph runs in: its nodes find it as `runtime.context`."""

    def passed(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Called with what the one task of a superstep wrote, just before its checkpoint."""
        ...


async def outset(graph: Graph) -> Checkpoint:
    """Return the checkpoint in which each execution of a graph stands before its first node.

    Its `input` channel holds null; see `first_checkpoint`.
    """
    draft = _Draft()
    config = _configured(graph, {"configurable": {"thread_id": ""}}, None)
    async with _Loop(graph, {"input": None}, config, draft) as loop:
        loop.tick()
        (task,) = loop.tasks.values()
        await _write(task, task.input)
        loop.after_tick()
    return draft.checkpoint


def first_checkpoint(outset: Checkpoint, input: Mapping[str, Any]) -> Checkpoint:
    """Return the first checkpoint of an execution.

    Args:
        outset: That of its graph.
        input: The execution's.
    """
    return {
        **outset,
        "ts": datetime.now(UTC).isoformat(),
        "id": str(uuid6(clock_seq=0)),
        "channel_values": {**outset["channel_values"], "input": dict(input)},
        "channel_versions": dict(outset["channel_versions"]),
        "versions_seen": {name: dict(seen) for name, seen in outset["versions_seen"].items()},
    }


async def invoke(
    graph: Graph,
    resume: Command[Any] | None,
    config: RunnableConfig,
    context: Context,
    *,
    begins: bool = False,
) -> tuple[dict[str, Any], list[Interrupt] | None]:
    """Run a graph to its end or to where it waits, each step durable before the next begins.

    Args:
        graph: Compiled with a `Saver`, which has a checkpoint of the execution.
        resume: Answers to what it waits for, if there are any.
        config: `thread_id`, `recursion_limit` and `max_concurrency`.
        context: What it runs in.
        begins: Whether the checkpoint is its first one (`first_checkpoint`).

    Returns:
        The state then, and what it waits for; None when it has come to its end.

    Raises:
        GraphRecursionError: It took more steps than it may.
    """
    config = _configured(graph, config, context)
    if begins:
        config[CONF][CONFIG_KEY_RESUMING] = False
    waits = True
    async with _Loop(graph, resume, config, cast(Saver, graph.checkpointer)) as loop:
        while loop.tick():
            await loop.saved()
            tasks = [task for task in loop.tasks.values() if not task.writes]
            if len(tasks) == 1 and isinstance(graph.nodes[tasks[0].name].bound, RunnableCallable):
                await _run_alone(graph, loop, tasks[0], context)
            else:
                async for _ in loop.runner.atick(tasks, schedule_task=loop.aaccept_push):
                    pass
            # After the last one nobody waits here: what ends the execution goes with it.
            loop.after_tick()
        # An interrupt leaves the loop before this.
        waits = False
    if loop.status == "out_of_steps":
        raise GraphRecursionError
    return cast(dict[str, Any], loop.output), loop.interrupts() if waits else None


def _configured(graph: Graph, config: RunnableConfig, context: Context | None) -> RunnableConfig:
    config = ensure_config(graph.config, config)
    config[CONF][CONFIG_KEY_RUNTIME] = Runtime(context=context)
    config[CONF][CONFIG_KEY_DURABILITY] = "sync"
    return config


class _Loop(AsyncPregelLoop):
    """LangGraph's loop over one graph, which hands the saver its work directly."""

    def __init__(self, graph: Graph, input: Any, config: RunnableConfig, saver: Saver) -> None:
        # Not AsyncPregelLoop's own, which inspects the saver's signature each time.
        PregelLoop.__init__(
            self,
            input,
            stream=None,
            config=config,
            store=None,
            cache=None,
            checkpointer=cast(BaseCheckpointSaver[str], saver),
            nodes=graph.nodes,
            specs=graph.channels,
            input_keys=graph.input_channels,
            output_keys=graph.output_channels,
            stream_keys=graph.stream_channels_asis,
            trigger_to_nodes=graph.trigger_to_nodes,
            durability="sync",
        )
        self.stack = AsyncExitStack()
        self._saver = saver
        self.checkpointer_get_next_version = saver.get_next_version
        self.checkpointer_put_writes = saver.aput_writes
        self.checkpointer_put_writes_accepts_task_path = True
        self._saving: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._submit_node: Submit[..., Any] = self.__dict__.pop("submit")
        return self

    @cached_property
    def runner(self) -> PregelRunner:
        """What runs several nodes at once."""
        submit = WeakMethod(cast(Submit[..., Any], self.submit))
        return PregelRunner(submit=submit, put_writes=WeakMethod(self.put_writes))

    def interrupts(self) -> list[Interrupt]:
        """Return what the nodes of this superstep wait for."""
        writes = self.checkpoint_pending_writes
        return [one for _, channel, value in writes if channel == INTERRUPT for one in value]

    async def saved(self) -> None:
        """Wait until the last checkpoint is durable, if one was taken."""
        written = getattr(self, "_put_checkpoint_fut", None)
        if written is not None:
            self._saver.hurry()
            await written

    async def __aexit__(self, *raised: Any) -> bool | None:
        try:
            handled = await super().__aexit__(*raised)
        finally:
            saved = await asyncio.gather(*self._saving, return_exceptions=True)
            # LangGraph's frames and the traceback of an interrupt name each other, and would stay
            # until the garbage collector finds them.
            clear_frames(raised[2])
        failures = [failure for failure in saved if isinstance(failure, Exception)]
        if failures and (raised[0] is None or handled):
            raise failures[0]
        return handled

    def submit(  # type: ignore[override]
        self, function: Callable[..., Any], *arguments: Any, **options: Any
    ) -> Any:
        """Begin what runs in the background; the saver's work is not counted among the nodes."""
        if options:
            return self._submit_node(function, *arguments, **options)
        if function == self._checkpointer_put_after_previous:
            # It takes them in the order in which they are given.
            return self._saver.record(*arguments[2:])
        task = asyncio.create_task(function(*arguments))
        self._saving.add(task)
        task.add_done_callback(self._saved)
        return task

    def _saved(self, task: asyncio.Task[Any]) -> None:
        """Forget what is saved; a failure is raised when the loop is left, unless another is."""
        if not task.cancelled() and task.exception() is None:
            self._saving.discard(task)


class _Draft(BaseCheckpointSaver[str]):
    """A saver that holds the checkpoint after the first superstep and nothing else."""

    checkpoint: Checkpoint

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the same version for the same graph."""
        return next_version(current, 0)

    async def aget_tuple(self, config: RunnableConfig) -> None:
        """Return none."""

    async def aput(self, *_what: Any) -> Any:
        """Leave out the checkpoint before the first superstep."""

    def record(self, _config: Any, checkpoint: Checkpoint, *_rest: Any) -> asyncio.Future[Any]:
        """Hold that checkpoint."""
        self.checkpoint = checkpoint
        return done()

    def hurry(self) -> None:
        """Do nothing: it is there."""


def next_version(current: str | None, tag: int) -> str:
    """Return the version after the current one: a number that sorts as text, and a tag."""
    number = int(current.split(".")[0]) if current else 0
    return f"{number + 1:012d}.{tag:08x}"


def done() -> asyncio.Future[Any]:
    """Return a future of what is done already."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


async def _run_alone(
    graph: Graph, loop: _Loop, task: PregelExecutableTask, context: Context
) -> None:
    """Run the one task of a superstep and leave its writes with the loop."""
    bound = cast(RunnableCallable, graph.nodes[task.name].bound)
    # Where `interrupt` finds the task that it is called in.
    token = var_child_runnable_config.set(task.config)
    try:
        update = task.input
        if bound is not DEFAULT_BOUND:
            body = cast(Callable[..., Coroutine[Any, Any, Any]], bound.afunc)
            update = await body(update, task.config, task.config[CONF][CONFIG_KEY_RUNTIME])
        await _write(task, update)
    except GraphInterrupt as interrupt:
        loop.runner.commit(task, interrupt)
        raise
    finally:
        var_child_runnable_config.reset(token)
    context.passed(task.id, task.writes)


async def _write(task: PregelExecutableTask, update: Any) -> None:
    """Leave what a task answers among its writes."""
    for writer in task.writers:
        await writer.ainvoke(update, task.config)
    if all(channel in CONTROL_WRITES for channel, _ in task.writes):
        task.writes.append((NO_WRITES, None))
