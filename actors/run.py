"""One execution in the hands of its owner: what its nodes do and what is recorded of it."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from weakref import proxy

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint
from langgraph.types import Interrupt, interrupt

from actors.artifacts import Artifacts
from actors.attempts import Attempt, Work, attempt_until_done
from actors.backoff import attempt_durably
from actors.checkpointer import INTERRUPT
from actors.children import await_workflow
from actors.ending import Ending
from actors.hosting import Host
from actors.journal import Lease
from actors.loop import first_checkpoint
from actors.mapping import Maps
from actors.maps import MapRows
from actors.needs import Needs
from actors.notes import Notes
from actors.outcome import execution_output
from actors.pausing import PAUSE, is_pause
from actors.questions import ask, waits_for
from actors.scope import Facts, Known, scope
from actors.seeds import Seed, Seeds
from actors.serde import StoredValue
from actors.snapshots import Place
from actors.standing import Make, Standing, WaitsFor, is_standing
from agents.agent import AgentContext
from agents.errors import AgentError
from compiler.conditions import parse_condition
from compiler.failures import STOPPING, failure_edge, on_failure, what_follows
from compiler.graph import FAILURES, Update, map_channel, route_channel
from compiler.regions import is_chooser
from compiler.specification import Node
from compiler.tools import node_agents
from store.records import ConsumedRecord, Record

READ = "__pregel_read"
"""Where LangGraph gives a task the function that reads the state; a chunk is given an index range
only, and reads the rest. LangGraph's own prebuilt nodes use it; a test guards the name."""


@dataclass(slots=True, weakref_slot=True)
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
    begun: Callable[[], None]
    """To be called when its first work begins."""
    pausing: bool = False
    """Whether no further node is to begin."""
    was_paused: bool = False
    """Whether it was ever paused."""
    waits_for: str = "approval"
    """What it waits for that was asked last: approval, event or time."""
    asked: set[str] = field(default_factory=set)
    """The questions that are recorded already, by interrupt id."""
    standing: Standing = field(default_factory=Standing)
    """The waits of nodes that wait more than once."""
    stopped_by: dict[str, str] = field(default_factory=dict)
    """Why nodes failed in this process after whose failure no other begins: a branch's failures
    reach the state at its end only."""
    seeds: Seeds | None = None
    """What it reuses, when it was made of another execution."""
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
    _left: dict[str, list[Record]] = field(default_factory=dict)
    """What nodes left to be recorded with their result, by task."""
    rows: MapRows = field(init=False)
    """The results of its maps."""
    notes: Notes = field(init=False)
    """Makes the records of its nodes."""
    _maps: Maps = field(init=False)
    _places: asyncio.Semaphore = field(init=False)
    """For the nodes that run at once: LangGraph's own bound holds in each branch by itself, and
    leaves coroutines behind that nobody awaits when what stands before it is cancelled."""

    def __post_init__(self) -> None:
        self.rows = MapRows(self.host.pool, self.lease.execution_id)
        self.artifacts = Artifacts(self.lease, self.host.journal, self.host.artifacts)
        self.notes = Notes(self.lease, self.artifacts)
        # They do not hold on to it: a cycle would outlive the execution until it is collected.
        self._maps = Maps(proxy(self))
        settings = self.facts.specification.settings.execution
        self._places = asyncio.Semaphore(settings.max_concurrent_nodes)

    @property
    def limited(self) -> bool:
        """Whether it counts to a limit of its workflow."""
        return bool(self.facts.specification.settings.execution.concurrency)

    # What the checkpointer asks.

    def first_checkpoint(self) -> Checkpoint:
        """Return what it begins with."""
        return first_checkpoint(self.facts.compiled.outset, self.facts.input)

    def passed(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Keep what a task left for the checkpoint that follows."""
        self.held.extend(self.take(task_id, writes))

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Return, once, what is to be recorded together with these writes of a task."""
        records = self._left.pop(task_id, [])
        self._uncommitted += bool(records)
        records.extend(self._maps.take(task_id))
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
        if is_standing(question):
            self.waits_for = question.value["for"]
            return self.standing.begin(question)
        self.waits_for = waits_for(question.value)
        if "wait" in question.value:
            return self.notes.waiting(question)
        return self.notes.question(question)

    # What the graph asks.

    async def run(self, node: Node, state: Mapping[str, Any], config: RunnableConfig) -> Update:
        """Run a node to its end."""
        async with self._places:
            self.pause_point()
            return await self._run(node, state, _task_id(config))

    async def _run(self, node: Node, state: Mapping[str, Any], task_id: str) -> Update:
        if self.seeds and (seed := await self.seeds.next(node)):
            return await self.reuse(node, task_id, seed, state)
        try:
            known = await self.known(state, node)
        except AgentError as error:
            now = datetime.now(UTC)
            return await self.fail(
                node, task_id, Attempt(1, now, None, now, error=str(error)), state
            )
        if node.agent in ("human_loop", "wait"):
            return await ask(self, node, task_id, known, state)
        if node.agent == "workflow":
            attempt = await await_workflow(self, node, task_id, known)
        else:
            attempt = await attempt_durably(self, node, task_id, known)
        if attempt.result is None:
            return await self.fail(node, task_id, attempt, state)
        output = attempt.result.output
        try:
            route = await self.route(node, output, state)
        except AgentError as error:
            failed = replace(attempt, result=None, error=str(error))
            return await self.fail(node, task_id, failed, state)
        records = self.notes.completed(node, task_id, attempt, attempt.result, route)
        self.ended(node, task_id, records)
        return {node.key: output, **route}

    async def plan_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Cut a node's list into chunks."""
        self.pause_point()
        return await self._maps.plan(node, state, _task_id(config))

    async def run_chunk(self, node: Node, start: int, stop: int, config: RunnableConfig) -> Update:
        """Run some items of a node's list as a Ray task."""
        self.pause_point()
        self.begun()
        compiled = self.facts.compiled
        channels = [*compiled.keys, *map(map_channel, compiled.maps), FAILURES]
        state = config["configurable"][READ](channels, False)
        await self._maps.run_chunk(node, start, stop, state, _task_id(config))
        return {}

    async def join_map(
        self, node: Node, state: Mapping[str, Any], config: RunnableConfig
    ) -> Update:
        """Make the output of a node whose chunks have all ended."""
        return await self._maps.join(node, state, _task_id(config))

    # What bodies share.

    async def known(
        self, state: Mapping[str, Any], node: Node, needs: Needs | None = None
    ) -> Known:
        """Return what stands in a state for a node; mapped lists are loaded when it names them.

        Args:
            state: The state.
            node: Who looks at it.
            needs: What the node may look at; None: whatever it says.

        Raises:
            AgentError: A mapped list is too large to be loaded.
        """
        compiled = self.facts.compiled
        values = {key: state[key] for key in compiled.keys if key in state and key != "input"}
        failures = state.get(FAILURES) or {}
        messages = {name: failure["message"] for name, failure in failures.items()}
        if not compiled.maps:
            return Known(values, messages)
        if needs is None:
            code = self.host.registry.code_parameters(node.agent)
            needs = Needs.of_node(node, code, self.facts.specification.edges)
        for key, value in list(values.items()):
            if isinstance(value, StoredValue):
                if needs.key(key):
                    values[key] = await self.rows.whole(key, value.task_id)
                else:
                    del values[key]
        cuts = {name: state.get(map_channel(name)) for name in compiled.maps}
        failed_items = {
            name: await self.rows.failed_items(cut["task"])
            for name, cut in cuts.items()
            if cut and needs.failed_items(name)
        }
        return Known(values, messages, failed_items)

    async def output(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the execution answers when it ends in this state."""
        values = {key: state[key] for key in self.facts.compiled.keys if key in state}
        values.pop("input", None)
        output = execution_output(self.facts.specification, values)
        for name, value in output.items():
            if isinstance(value, StoredValue):
                output[name] = await self._answered(name, value)
        return output

    async def _answered(self, name: str, value: StoredValue) -> Any:
        try:
            return await self.rows.whole(name, value.task_id)
        except AgentError:
            # Its items can be read one by one.
            return {"count": value.count, "failed": value.failed}

    async def attempts(
        self,
        node: Node,
        task_id: str,
        known: Known,
        notes: Notes,
        *,
        name: str | None = None,
        extra: Mapping[str, Any] | None = None,
        first: int = 1,
        longest_sleep_seconds: float = math.inf,
    ) -> Attempt:
        """Try a node until it succeeds or has failed for good.

        Args:
            node: What is tried.
            task_id: The visit of the node that its log is for.
            known: What its parameters may refer to.
            notes: What records the attempts but for the last one's outcome.
            name: What its idempotency key calls it, if not by its id.
            extra: Further names that its parameters may refer to.
            first: The number of the attempt that is made first.
            longest_sleep_seconds: See `attempt_until_done`.
        """
        variables = {**scope(self.facts, known), **(extra or {})}
        registry = await self.host.custom.registry_for(self.lease.tenant_id, node_agents(node))
        work = Work.of(
            registry,
            node,
            variables,
            self.host.secrets,
            AgentContext(
                tenant_id=self.lease.tenant_id,
                workflow_id=self.facts.workflow_id,
                execution_id=self.lease.execution_id,
                node_id=name or node.id,
                services=self.host.services,
                inputs={key: known.values[key] for key in node.input_keys if key in known.values},
                variables=variables,
            ),
            self.host.say,
        )

        async def started(attempt: Attempt) -> None:
            self.begun()
            with suppress(AgentError):
                await self.artifacts.prepare(attempt.shown_parameters)
            # Nobody waits for it: it may be told together with what the attempt brings.
            self.write(notes.started(node, task_id, attempt), lazy=True)

        async def retrying(attempt: Attempt) -> None:
            self._count(node, attempt)
            self.write(notes.retrying(node, task_id, attempt), lazy=True)

        attempt = await attempt_until_done(
            work, started, retrying, first=first, longest_sleep_seconds=longest_sleep_seconds
        )
        self._count(node, attempt)
        if attempt.result is not None:
            try:
                await self.artifacts.check(attempt.result.output)
            except AgentError as error:
                return replace(attempt, result=None, error=str(error))
        return attempt

    def _count(self, node: Node, attempt: Attempt) -> None:
        tenant_id = self.lease.tenant_id
        self.host.count_attempt(tenant_id, node.agent, attempt.seconds, attempt.used)

    async def fail(
        self,
        node: Node,
        task_id: str,
        attempt: Attempt,
        state: Mapping[str, Any],
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
                route = await self.route(node, node.default, state)
            except AgentError as error:
                then = on_failure(specification, node)
                attempt = replace(attempt, error=f"{attempt.error} And its default: {error}")
        records = self.notes.failed(node, log_task_id or task_id, attempt, then, route)
        self.ended(node, task_id, records)
        message = attempt.error or ""
        failures = {FAILURES: {node.id: {"message": message, "then": then}}}
        if then in STOPPING:
            self.stopped_by[node.id] = message
            return {**failures, **route}
        return {**failures, node.key: node.default if then == "default" else None, **route}

    async def reuse(self, node: Node, task_id: str, seed: Seed, state: Mapping[str, Any]) -> Update:
        """Take over a result of the execution that this one was made of."""
        now = datetime.now(UTC)
        attempt = Attempt(1, now, None, now, error=seed.failure)
        if attempt.error is not None:
            return await self.fail(node, task_id, attempt, state)
        output = await self.artifacts.reader.recorded(seed.output)
        try:
            route = seed.taken(node)
            if route is None or node.agent == "router":
                route = await self.route(node, output, state)
        except AgentError as error:
            return await self.fail(node, task_id, replace(attempt, error=str(error)), state)
        self.ended(node, task_id, self.notes.reused(node, task_id, output, seed.origin, route))
        return {node.key: output, **route}

    def ended(self, node: Node, task_id: str, records: Sequence[Record]) -> None:
        """Leave what is to be recorded of a visit of a node that has come to its end."""
        self.leave(task_id, records)
        if self.seeds:
            self.seeds.ended(node.id)

    async def route(self, node: Node, output: Any, state: Mapping[str, Any]) -> Update:
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
        names = scope(self.facts, await self.known({**state, node.key: output}, node))
        for edge in self.facts.specification.edges:
            if edge.source != node.id or edge.type == "failure":
                continue
            if not edge.condition or await sandbox.evaluate(
                parse_condition(edge.condition).source, names, whose=self.lease.tenant_id
            ):
                return {channel: edge.target}
        return {channel: None}

    def leave(self, task_id: str, records: Sequence[Record]) -> None:
        """Leave what is to be recorded together with the next writes of a task."""
        self._left.setdefault(task_id, []).extend(records)

    def write(self, records: Sequence[Record], *, lazy: bool = False) -> "asyncio.Future[bool]":
        """Append records of this execution to the journal."""
        return self.host.journal.append(self.lease, records, lazy=lazy)

    def stand(self, task_id: str, place: int, reason: WaitsFor, make: Make) -> Mapping[str, Any]:
        """Wait at a place of a visit, or go on; see `Standing.stand`."""
        answer = self.standing.stand(task_id, place, reason, make)
        self.leave(task_id, [ConsumedRecord(self.lease.execution_id, answer["interrupt_id"])])
        return answer

    def pause_point(self) -> None:
        """Stand here while the execution is paused or handed over; nothing was done before."""
        while self.pausing or self.host.draining:
            # The end of an earlier pause of this node comes first, and counts no more.
            interrupt(PAUSE)


def _task_id(config: RunnableConfig) -> str:
    namespace: str = config["configurable"]["checkpoint_ns"]
    return namespace.rsplit(":", 1)[-1]
