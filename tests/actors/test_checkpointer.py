"""LangGraph's own conformance tests against our saver, and what it keeps."""

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES

from actors.checkpointer import JournalSaver
from actors.journal import Lease
from actors.serde import StoredValue
from store.postgres import Pool
from store.records import EventRecord, Record
from tests.actors.bare_recorder import BareRecorder
from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.workflows import chain, does, workflow
from tests.factories import Account, MakeWorkflow, StartExecution

ANY_THREAD = UUID("5f8b6a53-7d0c-4a57-9c55-0b6a5a1f3a10")


class AnyThread(BaseCheckpointSaver[str]):
    """Our saver for threads of any name: each new one is an execution that is started first."""

    def __init__(self, process: Process, start: Any, account: Account) -> None:
        super().__init__()
        self._start = start
        self._account = account
        self._ids: dict[str, UUID] = {}
        self._names: dict[str, str] = {}
        self._recorders: dict[UUID, BareRecorder] = {}
        self._process = process
        self._saver = JournalSaver(process.pool, process.journal, self._recorder)

    def _recorder(self, execution_id: UUID) -> BareRecorder:
        lease = Lease(self._account.tenant_id, execution_id, 1)
        return self._recorders.setdefault(execution_id, BareRecorder(lease, self._process))

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the next version."""
        return self._saver.get_next_version(current, channel)

    async def _inward(self, config: Any) -> Any:
        configurable = config["configurable"]
        name = configurable["thread_id"]
        if name not in self._ids:
            self._ids[name] = (await self._start()).execution_id
            self._names[str(self._ids[name])] = name
        return {**config, "configurable": {**configurable, "thread_id": str(self._ids[name])}}

    def _outward(self, config: Any) -> Any:
        if config is None:
            return None
        configurable = config["configurable"]
        name = self._names[configurable["thread_id"]]
        return {**config, "configurable": {**configurable, "thread_id": name}}

    def _told(self, found: CheckpointTuple) -> CheckpointTuple:
        return found._replace(
            config=self._outward(found.config), parent_config=self._outward(found.parent_config)
        )

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint."""
        found = await self._saver.aget_tuple(await self._inward(config))
        return self._told(found) if found else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints."""
        inward = await self._inward(config) if config else None
        async for found in self._saver.alist(inward, filter=filter, before=before, limit=limit):
            yield self._told(found)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint."""
        inward = await self._inward(config)
        put = await self._saver.aput(inward, checkpoint, metadata, new_versions)
        outward: RunnableConfig = self._outward(put)
        return outward

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Write what a task wrote."""
        await self._saver.aput_writes(await self._inward(config), writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        inward = await self._inward({"configurable": {"thread_id": thread_id}})
        await self._saver.adelete_thread(inward["configurable"]["thread_id"])


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
async def test_saver_conforms(
    process: Process, make_workflow: MakeWorkflow, start: StartExecution, account: Account
) -> None:
    """Every base capability of LangGraph's conformance suite passes."""
    made = await make_workflow()

    @checkpointer_test(name="JournalSaver")
    async def saver() -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
        yield AnyThread(process, lambda: start(made), account)

    report = await validate(saver, capabilities={one.value for one in BASE_CAPABILITIES})
    failures = list(itertools.chain.from_iterable(
        result.failures for result in report.results.values() if result.failures
    ))  # fmt: skip
    assert failures == []
    for capability in BASE_CAPABILITIES:
        result = report.results[capability.value]
        assert result.passed, capability
        assert result.tests_passed > 0


async def test_chain_writes_each_output_once(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """A longer chain adds a value per node, not a copy of the state per step."""
    names = [f"n{number}" for number in range(8)]
    id = await begin(chain(*names))
    await process.drive(id)
    rows = await engine_pool.fetch(
        "SELECT channel, count(*) FROM execution_channel_values "
        "WHERE channel = ANY($1) GROUP BY channel", names,
    )  # fmt: skip
    assert {row["channel"]: row["count"] for row in rows} == dict.fromkeys(names, 1)


async def test_checkpoints_are_numbered_and_named(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """Numbers have no gap, and each checkpoint says what it is of."""
    nodes = [does(name) for name in ("s", "a", "x", "y", "j")]
    id = await begin(workflow(nodes, "s a j", "s x y j"))
    await process.drive(id)
    rows = await engine_pool.fetch(
        "SELECT checkpoint_number, checkpoint_ns, node_id, epoch FROM execution_checkpoints "
        "ORDER BY checkpoint_number"
    )
    assert [row["checkpoint_number"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["node_id"] for row in rows} == {"input", "loop", "x.branch"}
    assert {row["epoch"] for row in rows} == {1}
    assert await engine_pool.fetchval(
        "SELECT last_checkpoint_number FROM workflow_executions"
    ) == len(rows)


async def test_execution_begins_with_its_input_beside_the_first_node(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """Three nodes leave four checkpoints; the first holds the input and stands before them."""
    id = await begin(chain("a", "b", "c"), {"n": 7})
    await process.drive(id)
    rows = await engine_pool.fetch(
        "SELECT checkpoint_id, parent_checkpoint_id, metadata ->> 'source' AS source, "
        "(metadata ->> 'step')::integer AS step "
        "FROM execution_checkpoints ORDER BY checkpoint_number"
    )
    assert [(row["source"], row["step"]) for row in rows] == [
        ("input", 0), ("loop", 1), ("loop", 2), ("loop", 3),
    ]  # fmt: skip
    parents = [None, *(row["checkpoint_id"] for row in rows[:-1])]
    assert [row["parent_checkpoint_id"] for row in rows] == parents
    assert (
        await engine_pool.fetchval(
            "SELECT value #>> '{}' FROM execution_channel_values WHERE channel = 'input'"
        )
        == '{"n": 7}'
    )
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_writes") == 0


async def test_two_ways_on_from_a_checkpoint_keep_their_own_values(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Versions of a fork do not meet those of the first way, so no value is lost."""
    saver = process.saver
    first = saver.get_next_version(None, None)
    assert saver.get_next_version(first, None) > first
    assert saver.get_next_version(first, None) != saver.get_next_version(first, None)
    versions = itertools.accumulate(range(12), lambda v, _: saver.get_next_version(v, None),
                                    initial=first)  # fmt: skip
    found = list(versions)
    assert found == sorted(found)


async def test_map_is_one_reference_in_the_state(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """A mapped list's items are rows; a checkpoint holds their count only."""
    each = {**does("each", value="{item}"), "pattern": "map", "input_keys": ["input.rows"]}
    id = await begin(workflow([each], ""), {"rows": ["x" * 1000] * 50})
    await process.drive(id)
    config: RunnableConfig = {"configurable": {"thread_id": str(id)}}
    last = await process.saver.aget_tuple(config)
    assert last is not None
    kept = last.checkpoint["channel_values"]["each"]
    assert isinstance(kept, StoredValue)
    assert (kept.count, kept.failed) == (50, 0)
    lengths = await engine_pool.fetch(
        "SELECT channel, max(length(value::text)) FROM execution_channel_values "
        "WHERE channel NOT IN ('input', '__start__') GROUP BY channel"
    )
    assert {row["channel"]: row["max"] for row in lengths if row["max"] > 1000} == {}


async def test_notes_are_written_with_the_result_they_belong_to(
    process: Process, make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """What a run wants recorded is asked once, and lands in the transaction of the writes."""
    id = (await start(await make_workflow())).execution_id
    lease = Lease((await engine_pool.fetchval("SELECT tenant_id FROM organizations")), id, 1)
    taken: list[str] = []

    class Taking(BareRecorder):
        def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
            """Record an event with the first writes of the task."""
            taken.append(task_id)
            event_id = uuid5(ANY_THREAD, f"{len(taken)}")
            return [EventRecord(lease.tenant_id, id, event_id, "node_completed", "n", "{}")]

    taking = Taking(lease, process)
    saver = JournalSaver(engine_pool, process.journal, lambda _id: taking)
    config: RunnableConfig = {
        "configurable": {"thread_id": str(id), "checkpoint_ns": "", "checkpoint_id": "c"}
    }
    await saver.aput_writes(config, [("n", 1)], "task")
    assert taken == ["task"]
    rows = await engine_pool.fetch(
        "SELECT xmin::text FROM execution_writes UNION ALL "
        "SELECT xmin::text FROM execution_events WHERE node_id = 'n'"
    )
    assert len(rows) == 2
    assert len({row["xmin"] for row in rows}) == 1
