"""Where an execution comes from that is made of another one, and which results it reuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from store.json_values import dumps
from store.postgres import Connection
from store.statements import statement

OriginKind = Literal["rerun", "fork", "retry"]


@dataclass(frozen=True, slots=True)
class Reuse:
    """Which of the source's recorded results a new execution begins with."""

    until_seq: int
    """The number of the source's last event that counts."""
    cuts: Mapping[str, int] = field(default_factory=dict)
    """By node: the number of the event from which on its results are not reused."""
    maps: tuple[str, ...] = ()
    """The nodes that run over lists."""
    edits: Mapping[str, Any] = field(default_factory=dict)
    """What replaces the last reused result of a node, by node."""
    anew: tuple[str, ...] = ()
    """The nodes that choose their way anew, since what they look at was edited."""
    unfinished: bool = False
    """Whether items of maps that did not complete are reused."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The execution that a new one is made of."""

    execution_id: UUID
    kind: OriginKind
    reuse: Reuse
    node_id: str | None = None
    """From which node on it runs anew."""
    checkpoint_number: int | None = None
    asked: Any = None
    """What was asked for, as two requests with one idempotency key must share it."""

    def columns(self) -> tuple[UUID, str, str | None, int | None]:
        """Return what the new execution's row says, in the order of `weft_new_execution`."""
        return self.execution_id, self.kind, self.node_id, self.checkpoint_number

    def document(self) -> dict[str, Any]:
        """Return it as the outside reads it."""
        return origin_document(*self.columns())


def origin_document(
    execution_id: UUID, kind: str, node_id: str | None, checkpoint_number: int | None
) -> dict[str, Any]:
    """Return where an execution comes from, as the outside reads it."""
    return {
        "execution_id": f"exec_{execution_id.hex}",
        "kind": kind,
        "node_id": node_id,
        "checkpoint_number": checkpoint_number,
    }


async def seed_execution(
    connection: Connection, tenant_id: UUID, execution_id: UUID, reuse: Reuse
) -> None:
    """Give an execution that was started in this transaction the results that it reuses."""
    await connection.execute(
        statement("seed_execution"), tenant_id, execution_id, reuse.until_seq,
        dumps(reuse.cuts), list(reuse.maps), dumps(reuse.edits), list(reuse.anew),
        reuse.unfinished,
    )  # fmt: skip
