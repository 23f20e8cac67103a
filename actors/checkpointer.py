"""LangGraph's checkpointer over the journal.

A checkpoint is one row without its values; a channel's value is a row per version, so a chain of n
nodes writes O(n). Every write goes through the journal under the execution's lease: an owner that
lost it gets `LeaseLost` and writes nothing. What a node wants recorded with its result (log, event,
counters) is handed to `Recorder.take`, and lands in the same transaction as the result.
"""

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
from actors.journal import Journal, Lease
from store import json_values
from store.postgres import Pool
from store.records import ChannelValueRecord, CheckpointRecord, Record, WriteRecord
from store.statements import statement

INTERRUPT = "__interrupt__"


class Recorder(Protocol):
    """What an execution's run adds to the writes of its tasks."""

    lease: Lease

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Return, once, what is to be recorded together with these writes of a task."""
        ...


class JournalSaver(BaseCheckpointSaver[str]):
    """Keeps the state of the executions that this process owns.

    Args:
        pool: A pool of role weft_engine, for reading.
        journal: Takes what is written.
        recorder: Returns the run of an execution that this process hosts.
    """

    def __init__(self, pool: Pool, journal: Journal, recorder: Callable[[UUID], Recorder]) -> None:
        super().__init__()
        self._pool = pool
        self._journal = journal
        self._recorder = recorder

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one: a number that sorts as text.

        A value is stored once for its version, so two ways on from one checkpoint must not come to
        the same versions: chance tells them apart.
        """
        number = int(current.split(".")[0]) if current else 0
        return f"{number + 1:012d}.{random.getrandbits(32):08x}"

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint with its values and pending writes; None when there is none."""
        execution_id, namespace = _place(config)
        wanted = config["configurable"].get("checkpoint_id")
        row = await self._pool.fetchrow(
            statement("get_checkpoint"), execution_id, namespace, wanted
        )
        return await self._tuple(execution_id, namespace, row) if row else None

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
        rows = await self._pool.fetch(
            statement("list_checkpoints"),
            UUID(configurable["thread_id"]),
            configurable.get("checkpoint_ns"),
            before["configurable"].get("checkpoint_id") if before else None,
            json_values.dumps(filter or {}),
            limit,
        )
        for row in rows:
            yield await self._tuple(UUID(configurable["thread_id"]), row["checkpoint_ns"], row)

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
        execution_id, namespace = _place(config)
        lease = self._recorder(execution_id).lease
        values = checkpoint["channel_values"]
        # Most channels that merely trigger a node hold null: those need no row of their own.
        nulls = [channel for channel, value in values.items() if value is None]
        snapshot = {**checkpoint, "channel_values": dict.fromkeys(nulls)}
        records: list[Record] = [
            CheckpointRecord(
                lease.tenant_id,
                execution_id,
                namespace,
                checkpoint["id"],
                config["configurable"].get("checkpoint_id"),
                _origin(namespace, metadata),
                serde.dump(snapshot),
                json_values.dumps(get_checkpoint_metadata(config, metadata)),
                lease.epoch,
            )
        ]
        for channel, version in new_versions.items():
            if (value := values.get(channel)) is not None:
                records.append(
                    ChannelValueRecord(
                        lease.tenant_id,
                        execution_id,
                        namespace,
                        channel,
                        str(version),
                        serde.dump(value),
                    )
                )
        await self._journal.append(lease, records)
        return {
            "configurable": {
                "thread_id": config["configurable"]["thread_id"],
                "checkpoint_ns": namespace,
                "checkpoint_id": checkpoint["id"],
            }
        }

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
        recorder = self._recorder(execution_id)
        lease = recorder.lease
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
                serde.dump(value),
            )
            for position, (channel, value) in enumerate(writes)
        ]
        await self._journal.append(lease, [*records, *recorder.take(task_id, writes)])

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget the state of an execution."""
        await self._pool.execute(statement("delete_checkpoints"), UUID(thread_id))

    async def _tuple(self, execution_id: UUID, namespace: str, row: Any) -> CheckpointTuple:
        checkpoint = serde.load(row["state_snapshot"])
        versions = checkpoint["channel_versions"]
        values = await self._pool.fetch(
            statement("list_channel_values"),
            execution_id,
            namespace,
            list(versions),
            [str(version) for version in versions.values()],
        )
        checkpoint["channel_values"].update(
            {value["channel"]: serde.load(value["value"]) for value in values}
        )
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
                (write["task_id"], write["channel"], serde.load(write["value"])) for write in writes
            ],
        )


def _place(config: RunnableConfig) -> tuple[UUID, str]:
    configurable = config["configurable"]
    return UUID(configurable["thread_id"]), configurable.get("checkpoint_ns", "")


def _config(execution_id: UUID, namespace: str, checkpoint_id: str) -> RunnableConfig:
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
