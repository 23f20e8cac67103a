"""An execution on its way to its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from store.executions import Start, Started
from store.json_values import loads
from store.origins import OriginKind


@dataclass(frozen=True, slots=True)
class Handed:
    """An execution as it is handed to its owner."""

    execution_id: UUID
    tenant_id: UUID
    epoch: int
    workflow_id: UUID
    workflow_name: str
    specification_sha256: str
    input: Mapping[str, Any]
    user_email: str
    user_name: str
    seconds_left: float | None
    """How long it may still take, by the database's clock; None: without end."""
    fresh: bool
    """Whether it has no checkpoint yet."""
    paused: bool = False
    was_paused: bool = False
    ending_json: str | None = None
    """How it ends, when that is decided and only what runs at the end is left."""
    depth: int = 0
    """How many executions stand above it, each started by the one before."""
    origin_id: UUID | None = None
    """The execution that it was made of."""
    origin_kind: OriginKind | None = None

    @classmethod
    def started(cls, start: Start, started: Started) -> "Handed":
        """Make it of a start that was just accepted."""
        return cls(
            started.execution_id, start.tenant_id, 1, start.workflow_id,
            start.workflow_name, start.specification_sha256, start.input, start.user_email,
            start.user_name, start.timeout_seconds, fresh=True,
            origin_id=start.origin.execution_id if start.origin else None,
            origin_kind=start.origin.kind if start.origin else None,
        )  # fmt: skip

    @classmethod
    def from_row(cls, row: Any) -> "Handed":
        """Make it of a row of `get_owned_execution`."""
        return cls(
            row["id"], row["tenant_id"], row["epoch"], row["workflow_id"],
            row["workflow_name"], row["specification_sha256"], loads(row["input_data"]),
            row["user_email"] or "", row["user_name"] or "", row["seconds_left"],
            row["last_checkpoint_number"] == 0, row["paused"], row["pauses"] > 0,
            row["ending"], row["depth"], row["origin_execution_id"], row["origin_kind"],
        )  # fmt: skip

    def later(self, seconds: float) -> "Handed":
        """Return it as it is some seconds later."""
        if self.seconds_left is None:
            return self
        return replace(self, seconds_left=self.seconds_left - seconds)


def dump_handed(handed: Sequence[Handed]) -> bytes:
    """Return executions as JSON text, to cross to another process."""
    # A UUID that comes from Postgres is of asyncpg's own class.
    return orjson.dumps(handed, default=str)


def load_handed(text: bytes) -> list[Handed]:
    """Return what `dump_handed` made."""
    return [_TYPE.validate_python(entry) for entry in orjson.loads(text)]


_TYPE = TypeAdapter(Handed)
