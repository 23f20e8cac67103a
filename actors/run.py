"""One execution in the hands of its owner: what its nodes do and what is recorded of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.types import Interrupt, interrupt

from actors.artifacts import Artifacts
from actors.attempts import Attempt, Work, attempt_until_done
from actors.checkpointer import INTERRUPT
from actors.ending import Ending
from actors.fanout import Chunk, ItemResult
from actors.hosting import Host
from actors.journal import Lease
from actors.maps import MapRows
from actors.notes import Notes
from actors.pausing import PAUSE, is_pause
from actors.scope import Facts, Known, scope
from actors.serde import StoredValue
from actors.snapshots import Place
from agents.agent import AgentContext
from agents.errors import AgentError
from agents.wait import WaitParameters
from compiler.conditions import parse_condition
from compiler.failures import STOPPING, failure_edge, on_failure, what_follows
from compiler.graph import FAILURES, Update, chunk_size, map_channel, route_channel
from compiler.inflection import item_names
from compiler.references import UnresolvedReference, lookup, parse_reference, resolve
from compiler.regions import is_chooser
from compiler.specification import Node
from store.records import ConsumedRecord, Record

READ = "__pregel_read"
"""Where LangGraph gives a task the function that reads the state; a chunk is given an index range
only, and reads the rest. LangGraph's own prebuilt nodes use it; a test guards the name."""

LOGGED_ITEMS = 1000
"""A mapped list up to this length is shown whole in the node's log."""


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
    pausing: bool = False
    """Whether no further node is to begin."""
    was_paused: bool = False
    """Whether it was ever paused."""
    waits_for: str = "approval"
    """What it waits for that was asked last: approval, event or time."""
    asked: set[str] = field(default_factory=set)
    """The questions that are recorded already, by interrupt id."""
    stopped_by: dict[str, str] = field(default_factory=dict)
    """Why nodes failed in this process after whose failure no other begins: a branch's failures
    reach the state at its end only."""
    ending: Ending | None = None
    """How it will end, once that is decided and recorded."""
    places: dict[str, Place] = field(default_factory=dict)
    """What this process has written of its state, by checkpoint namespace."""
    held: list[Record] = field(default_factory=list)
    """What waits for a later checkpoint to be committed with."""
    artifacts: Artifacts = field(init=False)
    """Its large values."""
    _uncommitted: int = 0
    """How many nodes have ended since the last checkpoint that was committed."""
    _notes: dict[str, list[Record]] = field(default_factory=dict)
    _maps: MapRows = field(init=False)
    _notes_of: Notes = field(init=False)

    def __post_init__(self) -> None:
        self._maps = MapRows(self.host.pool, self.lease.execution_id)
        self.artifacts = Artifacts(self.lease, self.host.journal, self.host.artifacts)
        self._notes_of = Notes(self.lease, self.artifacts)

    # What the checkpointer asks.

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Return, once, what is to be recorded together with these writes of a task."""
        records = self._notes.pop(task_id, [])
        self._uncommitted += bool(records)
        for channel, value in writes:
            if channel == INTERRUPT:
                for question in value:
                    records.extend(self._question(question))
        return records

    def holds(self) -> bool:
        """Whether what is written now waits for a later checkpoint, as the workflow asks."""
        commit_nodes = self.facts.compiled.commit_nodes
        return commit_nodes > 1 and self._uncommitted < commit_nodes

    def take_held(self) -> list[Record]:
        """Return, once, what waits for a later checkpoint."""
        self._uncommitted = 0
        records, self.held = self.held, []
        return records

    def _question(self, question: Interrupt) -> list[Record]:
        if is_pause(question) or question.id in self.asked:
            return []
        self.asked.add(question.id)
        if "wait" not in question.value:
            self.waits_for = "approval"
            return self._notes_of.question(question)
        self.waits_for = "event" if question.value["wait"]["event"] else "time"
        return self._notes_of.waiting(question)

    # What the graph asks.

    async def run(self, node: Node, state: Mapping[str, Any], config: RunnableConfig) -> Update:
        """Run a node to its end."""
        task_id = _task_id(config)
        self.pause_point()
        known = await self.known(state)
        if node.agent in ("human_loop", "wait"):
            return await self._ask(node, task_id, known)
        attempt = await self.attempts(node, task_id, known, self._notes_of)
        if attempt.result is None:
            return await self._fail(node, task_id, attempt, known)
        output = attempt.result.output
        try:
            route = await self._route(node, output, known)
        except AgentError as error:
            failed = replace(attempt, result=None, error=str(error))
            return await self._fail(node, task_id, failed, known)
        self._notes[task_id] = self._notes_of.completed(node, task_id, attempt, attempt.result)
        return {node.key: output, **route}

    async def plan_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Cut a node's list into chunks."""
        task_id = _task_id(config)
        self.pause_point()
        begun = Attempt(1, datetime.now(UTC), node.parameters)
        known = await self.known(state)
        try:
            items = _mapped_list(node, scope(self.facts, known))
        except (AgentError, UnresolvedReference) as error:
            failed = Attempt(1, begun.started_at, None, datetime.now(UTC), error=str(error))
            update = await self._fail(node, task_id, failed, known)
            return {**update, map_channel(node.id): None}
        self._notes[task_id] = self._notes_of.map_started(node, task_id, begun, len(items))
        size = chunk_size(len(items), node.batch_size)
        return {map_channel(node.id): {"count": len(items), "size": size, "task": task_id}}

    async def run_chunk(self, node: Node, start: int, stop: int, config: RunnableConfig) -> Update:
        """Run some items of a node's list as a Ray task."""
        task_id = _task_id(config)
        self.pause_point()
        state = config["configurable"][READ](
            [*self.facts.compiled.keys, map_channel(node.id), FAILURES], False
        )
        cut = state.get(map_channel(node.id))
        known = await self.known(state)
        items = _mapped_list(node, scope(self.facts, known))[start:stop]
        results = await self._chunk(node, start, items, known)
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
            known = await self.known(state)
            attempt = replace(begun, error=message)
            return await self._fail(node, task_id, attempt, known, cut["task"])
        outputs = [item.output for item in items]
        chooses = node.id in self.facts.compiled.choosers
        known = await self.known(state) if chooses else Known({})
        try:
            route = await self._route(node, outputs, known)
        except AgentError as error:
            attempt = replace(begun, error=str(error))
            return await self._fail(node, task_id, attempt, known, cut["task"])
        shown = outputs if len(outputs) <= LOGGED_ITEMS else {"count": len(outputs)}
        self._notes[task_id] = self._notes_of.map_completed(node, cut["task"], shown, len(items))
        return {node.key: StoredValue(cut["task"], len(items), 0), **route}

    # What bodies share.

    async def known(self, state: Mapping[str, Any]) -> Known:
        """Return what stands in a state, mapped lists loaded."""
        found = {}
        for key in self.facts.compiled.keys:
            if key in state and key != "input":
                value = state[key]
                if isinstance(value, StoredValue):
                    value = await self.mapped(value.task_id)
                found[key] = value
        failures = state.get(FAILURES) or {}
        return Known(found, {name: failure["message"] for name, failure in failures.items()})

    async def mapped(self, task_id: str) -> list[Any]:
        """Return the output of a map: the outputs of its items."""
        return [item.output for item in await self._maps.load(task_id)]

    async def attempts(
        self,
        node: Node,
        task_id: str,
        known: Known,
        notes: Notes,
        *,
        name: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Attempt:
        """Try a node until it succeeds or has failed for good.

        Args:
            node: What is tried.
            task_id: The visit of the node that its log is for.
            known: What its parameters may refer to.
            notes: What records the attempts but for the last one's outcome.
            name: What its idempotency key calls it, if not by its id.
            extra: Further names that its parameters may refer to.
        """
        variables = {**scope(self.facts, known), **(extra or {})}
        agent = self.host.registry.get(node.agent)
        work = Work(
            node=node,
            agent=agent,
            code=self.host.registry.signatures()[node.agent].code_parameters,
            scope=variables,
            secrets=self.host.secrets,
            context=AgentContext(
                tenant_id=self.lease.tenant_id,
                workflow_id=self.facts.workflow_id,
                execution_id=self.lease.execution_id,
                node_id=name or node.id,
                services=self.host.services,
                inputs={key: known.values[key] for key in node.input_keys if key in known.values},
                variables=variables,
            ),
        )

        async def started(attempt: Attempt) -> None:
            # Nobody waits for it: it may be told together with what the attempt brings.
            self.write(notes.started(node, task_id, attempt), lazy=True)

        async def retrying(attempt: Attempt) -> None:
            self.write(notes.retrying(node, task_id, attempt), lazy=True)

        attempt = await attempt_until_done(work, started, retrying)
        if attempt.result is not None:
            try:
                self.artifacts.check(attempt.result.output)
            except AgentError as error:
                return replace(attempt, result=None, error=str(error))
        return attempt

    async def _fail(
        self,
        node: Node,
        task_id: str,
        attempt: Attempt,
        known: Known,
        log_task_id: str | None = None,
    ) -> Update:
        """Record that a node failed for good; return what the state becomes."""
        specification = self.facts.specification
        # What led to a failure is kept, however seldom the workflow wants checkpoints.
        self._uncommitted = self.facts.compiled.commit_nodes
        then = what_follows(specification, node)
        route: Update = {}
        if is_chooser(specification, node):
            # What it chose in an earlier round of a loop counts no more.
            route = {route_channel(node.id): None}
        if edge := failure_edge(specification, node.id):
            route = {route_channel(node.id): edge.target}
        if then == "default":
            try:
                route = await self._route(node, node.default, known)
            except AgentError as error:
                then = on_failure(specification, node)
                attempt = replace(attempt, error=f"{attempt.error} And its default: {error}")
        self._notes[task_id] = self._notes_of.failed(node, log_task_id or task_id, attempt, then)
        message = attempt.error or ""
        failures = {FAILURES: {node.id: {"message": message, "then": then}}}
        if then in STOPPING:
            self.stopped_by[node.id] = message
            return {**failures, **route}
        return {**failures, node.key: node.default if then == "default" else None, **route}

    async def _ask(self, node: Node, task_id: str, known: Known) -> Update:
        # Answering one question runs every unanswered one again, so nothing happens before this.
        agent = self.host.registry.get(node.agent)
        begun = datetime.now(UTC)
        try:
            shown = resolve(node.parameters, scope(self.facts, known))
            asked = agent.parameters.model_validate(shown)
        except (UnresolvedReference, ValueError) as error:
            failed = Attempt(1, begun, None, begun, error=str(error))
            return await self._fail(node, task_id, failed, known)
        question: dict[str, Any] = {"node_id": node.id, "task_id": task_id}
        if isinstance(asked, WaitParameters):
            until = asked.until.isoformat() if asked.until else None
            question["wait"] = {"event": asked.event, "key": asked.key, "until": until,
                                "seconds": asked.seconds}  # fmt: skip
        else:
            question |= asked.model_dump(mode="json")
        answer = interrupt(question)
        while not answer:
            # That was the end of a pause which this node stood through.
            answer = interrupt(question)
        consumed = ConsumedRecord(self.lease.execution_id, answer["interrupt_id"])
        output = answer["output"]
        try:
            update = {node.key: output, **await self._route(node, output, known)}
            self._notes[task_id] = self._notes_of.answered(node, task_id, shown, output)
        except AgentError as error:
            failed = Attempt(1, begun, shown, begun, error=str(error))
            update = await self._fail(node, task_id, failed, known)
        self._notes[task_id].append(consumed)
        return update

    async def _route(self, node: Node, output: Any, known: Known) -> Update:
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
        names = scope(self.facts, replace(known, values={**known.values, node.key: output}))
        for edge in self.facts.specification.edges:
            if edge.source != node.id or edge.type == "failure":
                continue
            if not edge.condition or await sandbox.evaluate(
                parse_condition(edge.condition).source, names
            ):
                return {channel: edge.target}
        return {channel: None}

    async def _chunk(
        self, node: Node, start: int, items: list[Any], known: Known
    ) -> list[ItemResult]:
        chunk = Chunk(
            node=node.model_dump(mode="json", by_alias=True),
            start=start,
            items=items,
            scope=self._item_scope(node, known),
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

    def _item_scope(self, node: Node, known: Known) -> dict[str, Any]:
        """Leave the mapped list itself out of what every chunk carries, when nothing names it."""
        text = orjson.dumps(node.parameters).decode("utf-8")
        values = known.values
        names = [*values, *item_names(node.input_keys[0])]
        kept = {key: values[key] for key in names if key in values and key in text}
        return scope(self.facts, replace(known, values=kept))

    def write(self, records: Sequence[Record], *, lazy: bool = False) -> "asyncio.Future[bool]":
        """Append records of this execution to the journal."""
        return self.host.journal.append(self.lease, records, lazy=lazy)

    def pause_point(self) -> None:
        """Stand here until the execution is resumed, if it is paused; nothing was done before."""
        while self.pausing:
            # The end of an earlier pause of this node comes first, and counts no more.
            interrupt(PAUSE)


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
