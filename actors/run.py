"""One execution in the hands of its owner: what its nodes do and what is recorded of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.types import Interrupt, interrupt

from actors.attempts import Attempt, Work, attempt_until_done
from actors.checkpointer import INTERRUPT, Place
from actors.fanout import Chunk, ItemResult
from actors.graphs import Compiled
from actors.hosting import Host
from actors.journal import Lease
from actors.maps import MapRows
from actors.notes import Notes
from actors.serde import StoredValue
from agents.agent import AgentContext
from agents.errors import AgentError
from compiler.conditions import parse_condition
from compiler.graph import FAILURES, Update, chunk_size, map_channel, route_channel
from compiler.inflection import item_names
from compiler.references import UnresolvedReference, lookup, parse_reference, resolve
from compiler.specification import Node, Specification
from store.records import ConsumedRecord, Record

READ = "__pregel_read"
"""Where LangGraph gives a task the function that reads the state; a chunk is given an index range
only, and reads the rest. LangGraph's own prebuilt nodes use it; a test guards the name."""

LOGGED_ITEMS = 1000
"""A mapped list up to this length is shown whole in the node's log."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is fixed about an execution while it runs."""

    workflow_id: UUID
    workflow_name: str
    compiled: Compiled
    input: Mapping[str, Any]
    user_email: str
    user_name: str

    @property
    def specification(self) -> Specification:
        """What is executed."""
        return self.compiled.specification


@dataclass(slots=True)
class Run:
    """An execution that this process hosts; the `Bodies` of its graph, the `Recorder` of its state.

    Each node's result, log, event and counters are recorded in one transaction: a body leaves its
    notes under its task's id, and the checkpointer takes them when it writes the task's result.
    """

    lease: Lease
    facts: Facts
    host: Host
    fresh: bool
    """Whether nothing was recorded of the execution before this process began with it."""
    asked: set[str] = field(default_factory=set)
    """The questions that are recorded already, by interrupt id."""
    failures: dict[str, str] = field(default_factory=dict)
    """What failed in this process, by node: a branch's failures reach the state at its end only."""
    places: dict[str, Place] = field(default_factory=dict)
    """What this process has written of its state, by checkpoint namespace."""
    held: list[Record] = field(default_factory=list)
    """What waits for a later checkpoint to be committed with."""
    _notes: dict[str, list[Record]] = field(default_factory=dict)
    _maps: MapRows = field(init=False)
    _notes_of: Notes = field(init=False)

    def __post_init__(self) -> None:
        self._maps = MapRows(self.host.pool, self.lease.execution_id)
        self._notes_of = Notes(self.lease)

    # What the checkpointer asks.

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Return, once, what is to be recorded together with these writes of a task."""
        records = self._notes.pop(task_id, [])
        for channel, value in writes:
            if channel == INTERRUPT:
                for question in value:
                    records.extend(self._question(question))
        return records

    def holds(self) -> bool:
        """Whether what is written now waits for a later checkpoint."""
        return False

    def _question(self, question: Interrupt) -> list[Record]:
        if question.id in self.asked:
            return []
        self.asked.add(question.id)
        return self._notes_of.question(question)

    # What the graph asks.

    async def run(self, node: Node, state: Mapping[str, Any], config: RunnableConfig) -> Update:
        """Run a node to its end."""
        task_id = _task_id(config)
        values = await self.values(state)
        if node.agent == "human_loop":
            return await self._ask(node, task_id, values)
        attempt = await self._attempts(node, task_id, values)
        if attempt.result is None:
            return self._fail(node, task_id, attempt)
        output = attempt.result.output
        try:
            route = await self._route(node, output, values)
        except AgentError as error:
            return self._fail(node, task_id, replace(attempt, result=None, error=str(error)))
        self._notes[task_id] = self._notes_of.completed(node, task_id, attempt, attempt.result)
        return {node.key: output, **route}

    async def plan_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Cut a node's list into chunks."""
        task_id = _task_id(config)
        begun = Attempt(1, datetime.now(UTC), node.parameters)
        try:
            items = _mapped_list(node, self.scope(await self.values(state)))
        except (AgentError, UnresolvedReference) as error:
            failed = Attempt(1, begun.started_at, None, datetime.now(UTC), error=str(error))
            return {**self._fail(node, task_id, failed), map_channel(node.id): None}
        self._notes[task_id] = self._notes_of.map_started(node, task_id, begun, len(items))
        size = chunk_size(len(items), node.batch_size)
        return {map_channel(node.id): {"count": len(items), "size": size, "task": task_id}}

    async def run_chunk(self, node: Node, start: int, stop: int, config: RunnableConfig) -> Update:
        """Run some items of a node's list as a Ray task."""
        task_id = _task_id(config)
        state = config["configurable"][READ](
            [*self.facts.compiled.keys, map_channel(node.id)], False
        )
        cut = state.get(map_channel(node.id))
        values = await self.values(state)
        results = await self._chunk(
            node, start, _mapped_list(node, self.scope(values))[start:stop], values
        )
        ended, failed = await self._maps.count(cut["task"])
        failed += sum(1 for result in results if result.error)
        ended += len(results)
        self._maps.add(cut["task"], len(results), sum(1 for r in results if r.error))
        self._notes[task_id] = self._notes_of.chunk(
            node, cut["task"], results, ended, failed, cut["count"]
        )
        return {}

    async def join_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Make the output of a node whose chunks have all ended."""
        task_id = _task_id(config)
        cut = state[map_channel(node.id)]
        items = await self._maps.load(cut["task"])
        failed = [item for item in items if item.error]
        begun = Attempt(1, datetime.now(UTC), None, datetime.now(UTC))
        if failed:
            message = (
                f"{len(failed)} of {len(items)} items failed; "
                f"item {failed[0].map_index}: {failed[0].error}"
            )
            return self._fail(node, task_id, replace(begun, error=message), cut["task"])
        outputs = [item.output for item in items]
        try:
            values = await self.values(state) if node.id in self.facts.compiled.choosers else {}
            route = await self._route(node, outputs, values)
        except AgentError as error:
            return self._fail(node, task_id, replace(begun, error=str(error)), cut["task"])
        shown = outputs if len(outputs) <= LOGGED_ITEMS else {"count": len(outputs)}
        self._notes[task_id] = self._notes_of.map_completed(node, cut["task"], shown, len(items))
        return {node.key: StoredValue(cut["task"], len(items), 0), **route}

    # What bodies share.

    async def values(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs in a state by key, mapped lists loaded."""
        found = {}
        for key in self.facts.compiled.keys:
            if key in state and key != "input":
                value = state[key]
                if isinstance(value, StoredValue):
                    value = [item.output for item in await self._maps.load(value.task_id)]
                found[key] = value
        return found

    def scope(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what references in braces may name, secrets left out."""
        facts = self.facts
        return {
            **values,
            "state": dict(values),
            "input": facts.input,
            "workflow": {
                "id": f"wf_{facts.workflow_id.hex}",
                "name": facts.workflow_name,
                "output": dict(values),
            },
            "user": {"email": facts.user_email, "name": facts.user_name},
        }

    async def _attempts(self, node: Node, task_id: str, values: Mapping[str, Any]) -> Attempt:
        scope = self.scope(values)
        agent = self.host.registry.get(node.agent)
        work = Work(
            node=node,
            agent=agent,
            code=self.host.registry.signatures()[node.agent].code_parameters,
            scope=scope,
            secrets=self.host.secrets,
            context=AgentContext(
                tenant_id=self.lease.tenant_id,
                workflow_id=self.facts.workflow_id,
                execution_id=self.lease.execution_id,
                node_id=node.id,
                services=self.host.services,
                inputs={key: values[key] for key in node.input_keys if key in values},
                variables=scope,
            ),
        )

        async def started(attempt: Attempt) -> None:
            # Nobody waits for it: it may be told together with what the attempt brings.
            self.write(self._notes_of.started(node, task_id, attempt), lazy=True)

        async def retrying(attempt: Attempt) -> None:
            self.write(self._notes_of.retrying(node, task_id, attempt), lazy=True)

        return await attempt_until_done(work, started, retrying)

    def _fail(
        self, node: Node, task_id: str, attempt: Attempt, log_task_id: str | None = None
    ) -> Update:
        self._notes[task_id] = self._notes_of.failed(node, log_task_id or task_id, attempt)
        self.failures[node.id] = attempt.error or ""
        update: Update = {FAILURES: {node.id: attempt.error}}
        if self.facts.specification.settings.error_handling.on_failure == "continue":
            update[node.key] = None
        return update

    async def _ask(self, node: Node, task_id: str, values: Mapping[str, Any]) -> Update:
        # Answering one question runs every unanswered one again, so nothing happens before this.
        agent = self.host.registry.get(node.agent)
        begun = datetime.now(UTC)
        try:
            shown = resolve(node.parameters, self.scope(values))
            question = agent.parameters.model_validate(shown).model_dump(mode="json")
        except (UnresolvedReference, ValueError) as error:
            return self._fail(node, task_id, Attempt(1, begun, None, begun, error=str(error)))
        answer = interrupt({**question, "node_id": node.id, "task_id": task_id})
        consumed = ConsumedRecord(self.lease.execution_id, answer["interrupt_id"])
        output = answer["output"]
        try:
            update = {node.key: output, **await self._route(node, output, values)}
            self._notes[task_id] = self._notes_of.answered(node, task_id, shown, output)
        except AgentError as error:
            update = self._fail(node, task_id, Attempt(1, begun, shown, begun, error=str(error)))
        self._notes[task_id].append(consumed)
        return update

    async def _route(self, node: Node, output: Any, values: Mapping[str, Any]) -> Update:
        """Return where a node that chooses goes on; nothing for one that does not.

        Raises:
            AgentError: A condition fails.
        """
        if node.id not in self.facts.compiled.choosers:
            return {}
        channel = route_channel(node.id)
        if node.agent == "router":
            return {channel: output.get("route")}
        sandbox = await self.host.services.sandbox()
        scope = self.scope({**values, node.key: output})
        for edge in self.facts.specification.edges:
            if edge.source == node.id and (
                not edge.condition
                or await sandbox.evaluate(parse_condition(edge.condition).source, scope)
            ):
                return {channel: edge.target}
        return {channel: None}

    async def _chunk(
        self, node: Node, start: int, items: list[Any], values: Mapping[str, Any]
    ) -> list[ItemResult]:
        chunk = Chunk(
            node=node.model_dump(mode="json", by_alias=True),
            start=start,
            items=items,
            scope=self._item_scope(node, values),
            secrets=self.host.secrets,
            tenant_id=str(self.lease.tenant_id),
            workflow_id=str(self.facts.workflow_id),
            execution_id=str(self.lease.execution_id),
        )
        name = (
            f"map {self.facts.workflow_name} exec_{self.lease.execution_id.hex} "
            f"{node.id}[{start}:{start + len(items)}]"
        )
        try:
            return await self.host.fan_out(name, chunk)
        except AgentError as error:
            return [
                ItemResult(start + place, 1, None, str(error), 0, 0, 0.0)
                for place in range(len(items))
            ]

    def _item_scope(self, node: Node, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave the mapped list itself out of what every chunk carries, when nothing names it."""
        text = orjson.dumps(node.parameters).decode("utf-8")
        names = [*values, *item_names(node.input_keys[0])]
        return self.scope({key: values[key] for key in names if key in values and key in text})

    def write(self, records: Sequence[Record], *, lazy: bool = False) -> "asyncio.Future[bool]":
        """Append records of this execution to the journal."""
        return self.host.journal.append(self.lease, records, lazy=lazy)


def _task_id(config: RunnableConfig) -> str:
    namespace: str = config["configurable"]["checkpoint_ns"]
    return namespace.rsplit(":", 1)[-1]


def _mapped_list(node: Node, scope: Mapping[str, Any]) -> list[Any]:
    """Return the list that a map node runs over.

    Raises:
        AgentError: It is not a list.
        UnresolvedReference: There is no such value.
    """
    key = node.input_keys[0]
    reference = parse_reference(key)
    found = lookup(reference, scope) if reference else None
    if not isinstance(found, list):
        raise AgentError(
            f"`{key}` is {type(found).__name__}, not a list, so `{node.id}` cannot run over it.",
            remedy="Map over a key that holds a list.",
        )
    return found
