"""Invoking a compiled graph: LangGraph's own loop without what only its streams and traces need.

`CompiledStateGraph.ainvoke` makes a queue, callback managers, tasks and many copies of the
configuration for every node. An execution has no use for them: what it tells goes through the
journal. So this drives `AsyncPregelLoop` as `Pregel.astream` of LangGraph 1.2 does, which keeps
every rule of the graph (triggers, channels, versions, pending writes, interrupts), and calls the
node itself that stands alone in its superstep. The modules are LangGraph's private ones: its
version is pinned, and a test compares each kind of graph with what `ainvoke` makes of it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from traceback import clear_frames
from typing import Any, Self, cast
from weakref import WeakMethod

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph._internal._config import ensure_config
from langgraph._internal._constants import (
    CONF,
    CONFIG_KEY_DURABILITY,
    CONFIG_KEY_RUNTIME,
    INTERRUPT,
)
from langgraph._internal._runnable import RunnableCallable
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphInterrupt, GraphRecursionError
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel._executor import Submit
from langgraph.pregel._loop import AsyncPregelLoop, PregelLoop
from langgraph.pregel._read import DEFAULT_BOUND
from langgraph.pregel._runner import PregelRunner
from langgraph.runtime import Runtime
from langgraph.types import Interrupt, PregelExecutableTask

Graph = CompiledStateGraph[Any, Any, Any, Any]


async def invoke(
    graph: Graph, input: Any, config: RunnableConfig, context: Any
) -> tuple[dict[str, Any], list[Interrupt] | None]:
    """Run a graph to its end or to where it waits, each step durable before the next begins.

    Args:
        graph: Compiled with a checkpointer.
        input: The state to begin with, a `Command`, or None to go on.
        config: `thread_id`, `recursion_limit` and `max_concurrency`.
        context: What its nodes find as `runtime.context`.

    Returns:
        The state then, and what it waits for; None when it has come to its end.

    Raises:
        GraphRecursionError: It took more steps than it may.
    """
    config = ensure_config(graph.config, config)
    config[CONF][CONFIG_KEY_RUNTIME] = Runtime(context=context)
    config[CONF][CONFIG_KEY_DURABILITY] = "sync"
    waits = True
    async with _Loop(graph, input, config) as loop:
        runner = PregelRunner(
            submit=WeakMethod(loop.submit), put_writes=WeakMethod(loop.put_writes)
        )
        while loop.tick():
            tasks = [task for task in loop.tasks.values() if not task.writes]
            if len(tasks) == 1 and isinstance(graph.nodes[tasks[0].name].bound, RunnableCallable):
                await _run_alone(graph, runner, tasks[0])
            else:
                async for _ in runner.atick(tasks, schedule_task=loop.aaccept_push):
                    pass
            loop.after_tick()
            await loop.saved()
        # An interrupt leaves the loop before this.
        waits = False
    if loop.status == "out_of_steps":
        raise GraphRecursionError
    return cast(dict[str, Any], loop.output), loop.interrupts() if waits else None


class _Loop(AsyncPregelLoop):
    """LangGraph's loop over one graph, which hands the saver its work directly."""

    submit: Any

    def __init__(self, graph: Graph, input: Any, config: RunnableConfig) -> None:
        saver = cast(BaseCheckpointSaver[str], graph.checkpointer)
        # Not AsyncPregelLoop's own, which inspects the saver's signature each time.
        PregelLoop.__init__(
            self,
            input,
            stream=None,
            config=config,
            store=None,
            cache=None,
            checkpointer=saver,
            nodes=graph.nodes,
            specs=graph.channels,
            input_keys=graph.input_channels,
            output_keys=graph.output_channels,
            stream_keys=graph.stream_channels_asis,
            trigger_to_nodes=graph.trigger_to_nodes,
            durability="sync",
        )
        self.stack = AsyncExitStack()
        self.checkpointer_get_next_version = saver.get_next_version
        self.checkpointer_put_writes = saver.aput_writes
        self.checkpointer_put_writes_accepts_task_path = True
        self._saving: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._submit_node: Submit[..., Any] = self.submit
        self.submit = self._submit
        return self

    def interrupts(self) -> list[Interrupt]:
        """Return what the nodes of this superstep wait for."""
        writes = self.checkpoint_pending_writes
        return [one for _, channel, value in writes if channel == INTERRUPT for one in value]

    async def saved(self) -> None:
        """Wait until the last checkpoint is durable."""
        await cast(asyncio.Future[Any], self._put_checkpoint_fut)

    async def __aexit__(self, *raised: Any) -> bool | None:
        try:
            handled = await super().__aexit__(*raised)
        finally:
            saved = await asyncio.gather(*self._saving, return_exceptions=True)
            # What names itself would stay until the garbage collector finds it: this loop by its
            # method, and LangGraph's frames by the traceback of an interrupt.
            del self.submit
            clear_frames(raised[2])
        failures = [failure for failure in saved if isinstance(failure, Exception)]
        if failures and (raised[0] is None or handled):
            raise failures[0]
        return handled

    def _submit(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any, **options: Any
    ) -> asyncio.Future[Any]:
        """Begin what runs in the background; the saver's work is not counted among the nodes."""
        if options:
            node = self._submit_node(function, *arguments, **options)
            return cast(asyncio.Future[Any], node)
        task = asyncio.create_task(function(*arguments))
        self._saving.add(task)
        task.add_done_callback(self._saved)
        return task

    def _saved(self, task: asyncio.Task[Any]) -> None:
        """Forget what is saved; a failure is raised when the loop is left, unless another is."""
        if not task.cancelled() and task.exception() is None:
            self._saving.discard(task)


async def _run_alone(graph: Graph, runner: PregelRunner, task: PregelExecutableTask) -> None:
    """Run the one task of a superstep and leave its writes with the loop."""
    bound = cast(RunnableCallable, graph.nodes[task.name].bound)
    # Where `interrupt` finds the task that it is called in.
    token = var_child_runnable_config.set(task.config)
    try:
        update = task.input
        if bound is not DEFAULT_BOUND:
            body = cast(Callable[..., Coroutine[Any, Any, Any]], bound.afunc)
            update = await body(update, task.config, task.config[CONF][CONFIG_KEY_RUNTIME])
        for writer in task.writers:
            await writer.ainvoke(update, task.config)
    except GraphInterrupt as interrupt:
        runner.commit(task, interrupt)
        raise
    finally:
        var_child_runnable_config.reset(token)
    runner.commit(task, None)
