"""The maps of an execution: how their lists are cut, run chunk by chunk, and put together.

Items' results are rows, written while their chunk runs. What stands in the state is how a list was
cut and, at the end, a `StoredValue` that names the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from actors.attempts import Attempt
from actors.backoff import nothing, retry_record
from actors.custom_agents import documents
from actors.driven import DrivenMap, Item
from actors.fanout import Chunk, ItemResult
from actors.needs import Needs
from actors.scope import scope
from actors.secrets import secret_names
from actors.serde import StoredValue
from agents.custom.runner import secrets_in
from agents.errors import AgentError
from compiler.graph import Update, chunk_size, map_channel
from compiler.inflection import item_names
from compiler.references import UnresolvedReference, lookup, parse_reference
from compiler.specification import Node
from compiler.tools import node_agents
from compiler.workers import worker_nodes
from store.records import Record

if TYPE_CHECKING:
    from actors.run import Run

State = Mapping[str, Any]
LEFT_CHARACTERS = 256 * 1024
"""Results of so much JSON at most are left to be recorded with the end of their chunk."""


@dataclass(slots=True)
class _Shared:
    """What the chunks of one visit of a map share."""

    items: list[Any] | None
    """The list; None when it is that of another map, of which each chunk loads its part."""
    chunk: Chunk | None = None
    """A chunk without items."""


class Maps:
    """The maps of one execution.

    Args:
        run: The execution.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._shared: dict[str, _Shared] = {}
        """By the task that planned the map, until it has ended."""
        self._last: dict[str, Callable[[], list[Record]]] = {}
        """What makes the records of the last results of a chunk, by the chunk's task."""

    def take(self, task_id: str) -> list[Record]:
        """Return, once, the last results of a chunk, which are recorded together with its end."""
        make = self._last.pop(task_id, None)
        return make() if make else []

    async def plan(self, node: Node, state: State, task_id: str) -> Update:
        """Cut a node's list into chunks."""
        run = self._run
        begun = Attempt(1, datetime.now(UTC), node.parameters)
        seed = await run.seeds.next(node) if run.seeds else None
        if seed and seed.failure is not None:
            update = await run.reuse(node, task_id, seed, state)
            return {**update, map_channel(node.id): None}
        if seed and not seed.partial:
            # All of its items are there, so nothing is left to run.
            return {map_channel(node.id): {"count": 0, "size": 1, "task": seed.map_task_id}}
        try:
            stored = _stored(node, state)
            items = None if stored else await self._list(node, state)
        except (AgentError, UnresolvedReference) as error:
            failed = Attempt(1, begun.started_at, None, datetime.now(UTC), error=str(error))
            update = await run.fail(node, task_id, failed, state)
            return {**update, map_channel(node.id): None}
        count = stored.count if stored else len(items or ())
        map_task = task_id
        if seed and seed.map_task_id:
            map_task = seed.map_task_id
        elif not self._driven(node):
            run.rows.begin(map_task)
        self._shared[map_task] = _Shared(items)
        run.leave(task_id, run.notes.map_started(node, map_task, begun, count))
        # What the engine itself does is one chunk, which stands until all of it has ended.
        size = chunk_size(count, node.batch_size, run.host.chunks_at_once)
        if self._driven(node):
            size = count
        cut = {"count": count, "size": size, "task": map_task}
        return {map_channel(node.id): {**cut, "partial": True} if seed else cut}

    async def run_chunk(
        self, node: Node, start: int, stop: int, state: State, task_id: str
    ) -> None:
        """Run those items of a part of a list that have not ended; they are recorded by then."""
        run = self._run
        cut = state[map_channel(node.id)]
        if self._driven(node):
            await self._drive(node, state, cut, task_id)
            return
        attempts: dict[int, int] = {}
        place = 0
        while run.standing.began(task_id, place):
            told = run.stand(task_id, place, "retry", nothing)["payload"]
            attempts = {int(index): number + 1 for index, number in told["attempts"].items()}
            place += 1
        most = run.facts.specification.settings.execution.max_concurrent_nodes
        async with run.host.gate.turn(run.lease.execution_id, most):
            run.pause_point()
            indexes = await self._left(cut, start, stop, attempts)
            if not indexes:
                return
            later, last = await self._run_items(node, state, cut, indexes, (start, stop), attempts)
        if last:
            self._last[task_id] = partial(self._records, node, cut, last)
        if later:
            self._stand(node, task_id, place, later)

    async def _run_items(
        self,
        node: Node,
        state: State,
        cut: Mapping[str, Any],
        indexes: list[int],
        part: tuple[int, int],
        attempts: Mapping[int, int],
    ) -> tuple[list[ItemResult], list[ItemResult]]:
        """Run items as a Ray task.

        Returns:
            Those whose next attempt is to be waited for, and the last ones, if they are still to be
            recorded.
        """
        run, (start, stop) = self._run, part
        name = (
            f"map {run.facts.workflow_name} exec_{run.lease.execution_id.hex} "
            f"{node.id}[{start}:{stop}]"
        )
        left = dict.fromkeys(indexes)
        later: list[ItemResult] = []
        last: list[ItemResult] = []
        try:
            chunk = await self._chunk(node, state, cut, indexes, start, stop)
            chunk = replace(chunk, attempts={str(index): n for index, n in attempts.items()})
            async with aclosing(run.host.fan_out(name, chunk)) as batches:
                async for batch in batches:
                    for result in batch:
                        del left[result.map_index]
                        if result.agent is not None:
                            run.host.count_attempt(
                                run.lease.tenant_id, result.agent, result.seconds, result.used
                            )
                    later += [result for result in batch if result.retry_in_seconds is not None]
                    ended = [result for result in batch if result.retry_in_seconds is None]
                    if not left and not later and self._may_be_left(ended):
                        last = ended
                    elif ended:
                        await self._record(node, cut, ended)
        except (AgentError, UnresolvedReference) as error:
            failed = [ItemResult.failed(index, 1, str(error)) for index in left]
            await self._record(node, cut, failed)
        return later, last

    def _may_be_left(self, results: list[ItemResult]) -> bool:
        """Whether results may be recorded with the end of their chunk.

        They must not wait for a later checkpoint, nor, when they are large, for the journal while
        other chunks bring more of them.
        """
        every_node = self._run.facts.compiled.commit_nodes == 1
        return every_node and sum(len(it.output_json or "") for it in results) <= LEFT_CHARACTERS

    def _stand(self, node: Node, task_id: str, place: int, later: list[ItemResult]) -> None:
        """Wait until the next attempt at the items of a part that failed for now."""
        run = self._run
        # None of them is tried before its time, and all of them together.
        seconds = max(result.retry_in_seconds or 0 for result in later)
        attempts = {str(result.map_index): result.attempt for result in later}

        def make(wait_id: str) -> list[Record]:
            wait = retry_record(run, node, task_id, wait_id, seconds, {"attempts": attempts})
            return [wait, *run.notes.items_retrying(node, later, seconds)]

        run.stand(task_id, place, "retry", make)

    def _driven(self, node: Node) -> bool:
        return self._run.host.registry.driven(node.agent)

    async def _drive(self, node: Node, state: State, cut: Mapping[str, Any], task_id: str) -> None:
        """Let the engine itself run all items of a map."""
        run = self._run

        async def load(again: list[int] | None) -> list[Item]:
            count = cut["count"]
            indexes = await self._left(cut, 0, count, {}) if again is None else again
            chunk = await self._chunk(node, state, cut, indexes, 0, count)
            return [
                (index, {**chunk.scope, **dict.fromkeys(item_names(node.input_keys[0]), item)})
                for index, item in zip(chunk.indexes, chunk.items, strict=True)
            ]

        async def record(results: list[ItemResult]) -> None:
            run.rows.recount(cut["task"])
            await self._record(node, cut, results)

        visit = DrivenMap(run, node, task_id, cut["task"], load, record)
        try:
            await (visit.await_workflows() if node.agent == "workflow" else visit.ask_all())
        except (AgentError, UnresolvedReference) as error:
            left = await self._left(cut, 0, cut["count"], {})
            await record([ItemResult.failed(index, 1, str(error)) for index in left])

    async def join(self, node: Node, state: State, task_id: str) -> Update:
        """Make the output of a node whose chunks have all ended."""
        run = self._run
        map_task = state[map_channel(node.id)]["task"]
        self._shared.pop(map_task, None)
        summary = await run.rows.summary(map_task)
        now = datetime.now(UTC)
        if summary.failed and node.on_item_error != "collect":
            error = (
                f"{summary.failed} of {summary.count} items failed; "
                f"item {summary.first_failed}: {summary.first_error}"
            )
            attempt = Attempt(1, now, None, now, error=error)
            return await run.fail(node, task_id, attempt, state, map_task)
        output = StoredValue(map_task, summary.count, summary.failed)
        seed = await run.seeds.next(node) if run.seeds else None
        try:
            route = (seed and seed.taken(node)) or await run.route(node, output, state)
        except AgentError as error:
            attempt = Attempt(1, now, None, now, error=str(error))
            return await run.fail(node, task_id, attempt, state, map_task)
        shown = await run.rows.shown(map_task, summary)
        if seed and not seed.partial:
            records = run.notes.reused(
                node, map_task, shown, seed.origin, route, summary.count, summary.failed
            )
        else:
            records = run.notes.map_completed(
                node, map_task, shown, summary.count, summary.failed, route
            )
        run.ended(node, task_id, records)
        return {node.key: output, **route}

    async def _left(
        self, cut: Mapping[str, Any], start: int, stop: int, attempts: Mapping[int, int]
    ) -> list[int]:
        """Return which items of a part are to be run: all, when none was run before.

        Args:
            cut: How the list was cut.
            start: The part's first index.
            stop: The index before which it ends.
            attempts: The items that were waited for, if any; no other is to be run any more.
        """
        rows, task_id = self._run.rows, cut["task"]
        rerun = bool(cut.get("partial"))
        await rows.count(task_id)
        if attempts:
            ended = await rows.recorded(task_id, start, stop)
            # Of a map that is run again the failed rows are those of its former run.
            kept = {index for index, status in ended.items() if not rerun or status != "failed"}
            return [index for index in attempts if index not in kept]
        if not rows.begun(task_id):
            return list(range(start, stop))
        ended = await rows.recorded(task_id, start, stop)
        if rerun:
            again = [index for index, status in ended.items() if status == "failed"]
            rows.discard(task_id, len(again))
            ended = {index: status for index, status in ended.items() if status != "failed"}
        return [index for index in range(start, stop) if index not in ended]

    async def _record(self, node: Node, cut: Mapping[str, Any], results: list[ItemResult]) -> None:
        """Write results; returns when they are durable."""
        run = self._run
        await run.rows.count(cut["task"])
        # What the map was cut by comes before its results, however seldom checkpoints are wanted.
        await run.write([*run.take_held(), *self._records(node, cut, results)])

    def _records(
        self, node: Node, cut: Mapping[str, Any], results: list[ItemResult]
    ) -> list[Record]:
        """Make the records of results, once their map's items have been counted."""
        ended = self._run.rows.add(cut["task"], results)
        return self._run.notes.items(node, cut["task"], results, cut["count"], ended)

    async def _chunk(
        self,
        node: Node,
        state: State,
        cut: Mapping[str, Any],
        indexes: list[int],
        start: int,
        stop: int,
    ) -> Chunk:
        stored = _stored(node, state)
        shared = self._shared.get(cut["task"])
        if shared is None:
            items = None if stored else await self._list(node, state)
            shared = self._shared[cut["task"]] = _Shared(items)
        if shared.chunk is None:
            shared.chunk = await self._bare_chunk(node, state)
        if stored is None:
            part = (shared.items or [])[start:stop]
        else:
            part = await self._run.rows.part(stored.task_id, start, stop)
        return replace(
            shared.chunk, indexes=indexes, items=[part[index - start] for index in indexes]
        )

    async def _bare_chunk(self, node: Node, state: State) -> Chunk:
        """Make a chunk without items."""
        run = self._run
        code = run.host.registry.code_parameters
        parts = (node, *worker_nodes(node).values())
        needs = Needs.either([Needs.of_parameters(one, code(one.agent)) for one in parts])
        secrets = [name for one in parts for name in secret_names(one.parameters, code(one.agent))]
        custom = run.host.custom
        agents = await custom.find(
            run.lease.tenant_id,
            custom.unknown([name for one in parts for name in node_agents(one)]),
        )
        for agent in agents:
            secrets += secrets_in(agent.definition["implementation"])
        known = await run.known(state, node, needs)
        # The list itself is left out of what every chunk carries, when nothing names it.
        names = [name for name in known.values if needs.key(name)]
        names += [name for name in item_names(node.input_keys[0]) if name in known.values]
        kept = {name: known.values[name] for name in names}
        return Chunk(
            node=node.model_dump(mode="json", by_alias=True),
            indexes=[],
            items=[],
            attempts={},
            scope=scope(run.facts, replace(known, values=kept)),
            agents=documents(agents),
            secrets=run.host.secrets.operators(secrets),
            tenant_id=str(run.lease.tenant_id),
            workflow_id=str(run.facts.workflow_id),
            execution_id=str(run.lease.execution_id),
        )

    async def _list(self, node: Node, state: State) -> list[Any]:
        """Return the list that a map node runs over.

        Raises:
            AgentError: It is not a list.
            UnresolvedReference: There is no such value.
        """
        key = node.input_keys[0]
        reference = parse_reference(key)
        names = scope(self._run.facts, await self._run.known(state, node))
        found = lookup(reference, names) if reference else None
        if not isinstance(found, list):
            raise AgentError(
                f"`{key}` is {type(found).__name__}, not a list, so `{node.id}` cannot run over "
                "it.",
                remedy="Map over a key that holds a list.",
            )
        return found


def _stored(node: Node, state: State) -> StoredValue | None:
    """Return what a node runs over when it is the output of another map, whole."""
    reference = parse_reference(node.input_keys[0])
    if reference is None or reference.below:
        return None
    value = state.get(reference.key)
    return value if isinstance(value, StoredValue) else None
