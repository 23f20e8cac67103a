"""LangGraph's checkpointer over the journal.

A checkpoint is one row without its values, and most say only what differs from their parent; a
channel's value is a row per version: so a chain of n nodes writes O(n). Every write goes through
the journal under the execution's lease: an owner that lost it gets `LeaseLost` and writes nothing.
What a node wants recorded with its result (log, event, counters) is handed to `Recorder.take`, and
lands in the same transaction as the result. Writes of a superstep's tasks are left out when its
checkpoint comes before they are flushed, since it holds them.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol, cast
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)

from actors import serde
from actors.artifacts import Artifacts
from actors.errors import LeaseLost
from actors.journal import Journal, Lease
from actors.loop import done, next_version
from actors.snapshots import Place, snapshot, whole
from store import json_values
from store.artifacts import PostgresArtifacts
from store.postgres import Pool
from store.records import (
    ChannelValueRecord,
    CheckpointRecord,
    Record,
    WriteRecord,
)
from store.statements import statement

INTERRUPT = "__interrupt__"


class Recorder(Protocol):
    """What an execution's run adds to the writes of its tasks."""

    lease: Lease
    fresh: bool
    """Whether nothing was recorded of the execution before this process began with it."""
    places: dict[str, Place]
    """What this process has written, by checkpoint namespace."""
    held: list[Record]
    """What waits for a later checkpoint to be committed with."""
    artifacts: Artifacts
    """Its large values."""

    def first_checkpoint(self) -> Checkpoint | None:
        """Return what it begins with, when it does not begin with its input."""
        ...

    def holds(self) -> bool:
        """Whether what is written now waits for a later checkpoint, as the workflow asks."""
        ...

    def take_held(self) -> list[Record]:
        """Return, once, what waits for a later checkpoint."""
        ...

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Return, once, what is to be recorded together with these writes of a task."""
        ...


class JournalSaver(BaseCheckpointSaver[str]):
    """Keeps the state of the executions that this process owns.

    Args:
        pool: A pool of role weft_engine, for reading.
        journal: Takes what is written.
        recorder: Returns the run of an execution, if this process hosts it.
    """

    def __init__(
        self, pool: Pool, journal: Journal, recorder: Callable[[UUID], Recorder | None]
    ) -> None:
        super().__init__()
        self._pool = pool
        self._journal = journal
        self._recorder = recorder

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one: a number that sorts as text.

        A value is stored once for its version, so two ways on from one checkpoint must not come to
        the same versions: chance tells them apart.
        """
        return next_version(current, random.getrandbits(32))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint with its values and pending writes; None when there is none."""
        execution_id, namespace = _place(config)
        wanted = config["configurable"].get("checkpoint_id")
        recorder = self._recorder(execution_id)
        if recorder is not None:
            if recorder.fresh and namespace not in recorder.places:
                return None if namespace else self._begin(recorder)
            await self._journal.drain()
        rows = await self._pool.fetch(statement("get_checkpoint"), execution_id, namespace, wanted)
        return await self._tuple(execution_id, namespace, rows) if rows else None

    def _begin(self, recorder: Recorder) -> CheckpointTuple | None:
        checkpoint = recorder.first_checkpoint()
        if checkpoint is None:
            return None
        id = recorder.lease.execution_id
        metadata: CheckpointMetadata = {"source": "input", "step": 0, "parents": {}}
        self.record(_config(id, "", None), checkpoint, metadata, checkpoint["channel_versions"])
        return CheckpointTuple(_config(id, "", checkpoint["id"]), checkpoint, metadata, None, [])

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield an execution's checkpoints, the latest first."""
        if config is None:
            return
        configurable = config["configurable"]
        if self._recorder(UUID(configurable["thread_id"])) is not None:
            await self._journal.drain()
        rows = await self._pool.fetch(
            statement("list_checkpoints"),
            UUID(configurable["thread_id"]),
            configurable.get("checkpoint_ns"),
            before["configurable"].get("checkpoint_id") if before else None,
            json_values.dumps(filter or {}),
            limit,
        )
        for row in rows:
            execution_id, namespace = UUID(configurable["thread_id"]), row["checkpoint_ns"]
            line = await self._pool.fetch(
                statement("get_checkpoint"), execution_id, namespace, row["checkpoint_id"]
            )
            yield await self._tuple(execution_id, namespace, line)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint and the values that are new in it; returns when they are durable.

        Raises:
            LeaseLost: This process does not own the execution any more.
        """
        written = self.record(config, checkpoint, metadata, new_versions)
        self.hurry()
        await written
        return _config(*_place(config), checkpoint["id"])

    def record(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> asyncio.Future[Any]:
        """Take a checkpoint and the values that are new in it, as `aput`.

        Returns:
            A future that is done when they are durable, soon after `hurry`, or at once when they
            are not to be before a later checkpoint is; it raises LeaseLost.
        """
        execution_id, namespace = _place(config)
        recorder = self._hosted(execution_id)
        place = recorder.places.setdefault(namespace, Place())
        records = _checkpoint_records(recorder, namespace, place, config, checkpoint,
                                      metadata, new_versions)  # fmt: skip
        # The checkpoint holds what its superstep's tasks wrote: writes that are still queued need
        # not be written, and what was noted beside them is recorded with it.
        for entry, amount in place.writes:
            recorder.held.extend(entry.recall()[amount:])
        place.writes = []
        if recorder.held:
            held = [record for record in recorder.held if not _is_write(record, namespace)]
            recorder.held = held
        recorder.held.extend(records)
        # Before the first node has run there is nothing that the execution's row does not say; but
        # what nodes leave from now on names this checkpoint, so it comes before them or with them.
        begun = metadata.get("step", 0) >= 1
        if begun and recorder.holds():
            return done()
        written = self._journal.append(recorder.lease, recorder.take_held(), lazy=True)
        return written if begun else done()

    def hurry(self) -> None:
        """Begin to write what was taken."""
        self._journal.wake()

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Write what a task wrote, with what its run wants recorded beside it.

        Raises:
            LeaseLost: This process does not own the execution any more.
        """
        execution_id, namespace = _place(config)
        recorder = self._hosted(execution_id)
        lease = recorder.lease
        place = recorder.places.setdefault(namespace, Place())
        records: list[Record] = [
            WriteRecord(
                lease.tenant_id,
                execution_id,
                namespace,
                config["configurable"]["checkpoint_id"],
                task_id,
                task_path,
                WRITES_IDX_MAP.get(channel, position),
                channel,
                recorder.artifacts.state_text(value),
            )
            for position, (channel, value) in enumerate(writes)
        ]
        notes = recorder.take(task_id, writes)
        if any(channel in WRITES_IDX_MAP for channel, _ in writes):
            # No checkpoint follows on these.
            recorder.held.extend([*records, *notes])
            await self._journal.append(lease, recorder.take_held())
            return
        if notes and recorder.holds():
            # Who commits before the next checkpoint must commit the writes, too: told as completed
            # without them, the task would run again.
            recorder.held.extend([*records, *notes])
            return
        # The checkpoint that these are writes of; what follows commits them with its own.
        held, recorder.held = recorder.held, []
        entry = self._journal.queue(lease, [*held, *records, *notes], lazy=True)
        if not held:
            place.writes.append((entry, len(records)))
        await entry.done

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget the state of an execution.

        Raises:
            LeaseLost: This process does not own the execution any more.
        """
        lease = self._hosted(UUID(thread_id)).lease
        await self._journal.drain()
        held = await self._pool.fetchval(
            statement("delete_checkpoints"), lease.execution_id, lease.epoch
        )
        if held is None:
            raise LeaseLost(lease.execution_id, lease.epoch)

    def _hosted(self, execution_id: UUID) -> Recorder:
        recorder = self._recorder(execution_id)
        if recorder is None:
            raise RuntimeError(f"Execution {execution_id} is not hosted here, so not written here.")
        return recorder

    def _artifacts(self, execution_id: UUID, tenant_id: UUID) -> Artifacts:
        recorder = self._recorder(execution_id)
        if recorder is not None:
            return recorder.artifacts
        reader = Lease(tenant_id, execution_id, 0)
        return Artifacts(reader, self._journal, PostgresArtifacts(self._pool))

    async def _tuple(
        self, execution_id: UUID, namespace: str, rows: Sequence[Any]
    ) -> CheckpointTuple:
        checkpoint = whole(rows)
        row = rows[0]
        versions = checkpoint["channel_versions"]
        values = await self._pool.fetch(
            statement("list_channel_values"),
            execution_id,
            namespace,
            list(versions),
            [str(version) for version in versions.values()],
        )
        artifacts = self._artifacts(execution_id, row["tenant_id"])
        for value in values:
            kept = await artifacts.stated(serde.load(value["value"]))
            checkpoint["channel_values"][value["channel"]] = kept
        writes = await self._pool.fetch(
            statement("list_writes"), execution_id, namespace, row["checkpoint_id"]
        )
        parent = row["parent_checkpoint_id"]
        return CheckpointTuple(
            config=_config(execution_id, namespace, row["checkpoint_id"]),
            checkpoint=cast(Checkpoint, checkpoint),
            metadata=cast(CheckpointMetadata, json_values.loads(row["metadata"])),
            parent_config=_config(execution_id, namespace, parent) if parent else None,
            pending_writes=[
                (
                    write["task_id"],
                    write["channel"],
                    await artifacts.stated(serde.load(write["value"])),
                )
                for write in writes
            ],
        )


def _checkpoint_records(
    recorder: Recorder,
    namespace: str,
    place: Place,
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    new_versions: ChannelVersions,
) -> list[Record]:
    """Return a checkpoint's row and those of the values that are new in it."""
    lease = recorder.lease
    values = checkpoint["channel_values"]
    parent = config["configurable"].get("checkpoint_id")
    records: list[Record] = [
        CheckpointRecord(
            lease.tenant_id,
            lease.execution_id,
            namespace,
            checkpoint["id"],
            parent,
            _origin(namespace, metadata),
            snapshot(place, parent, checkpoint),
            json_values.dumps(get_checkpoint_metadata(config, metadata)),
            lease.epoch,
        )
    ]
    for channel, version in new_versions.items():
        if (value := values.get(channel)) is not None:
            records.append(
                ChannelValueRecord(
                    lease.tenant_id,
                    lease.execution_id,
                    namespace,
                    channel,
                    str(version),
                    recorder.artifacts.state_text(value),
                )
            )
    return records


def _is_write(record: Record, namespace: str) -> bool:
    return isinstance(record, WriteRecord) and record.checkpoint_ns == namespace


def _place(config: RunnableConfig) -> tuple[UUID, str]:
    configurable = config["configurable"]
    return UUID(configurable["thread_id"]), configurable.get("checkpoint_ns", "")


def _config(execution_id: UUID, namespace: str, checkpoint_id: str | None) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": str(execution_id),
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }


def _origin(namespace: str, metadata: CheckpointMetadata) -> str:
    """Name the checkpoint in words: the branch it is of, or what made it."""
    if namespace:
        return namespace.rsplit("|", 1)[-1].split(":", 1)[0][:100]
    return str(metadata.get("source", "loop"))
