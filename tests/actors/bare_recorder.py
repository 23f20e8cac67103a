"""An execution's run as the saver sees it, with nothing to record of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.checkpoint.base import Checkpoint

from actors.artifacts import Artifacts
from actors.journal import Lease
from actors.snapshots import Place
from store.artifacts import PostgresArtifacts
from store.records import Record
from tests.actors.process import Process


@dataclass
class BareRecorder:
    """Has each checkpoint committed, and adds nothing."""

    lease: Lease
    process: Process
    fresh: bool = False
    places: dict[str, Place] = field(default_factory=dict)
    held: list[Record] = field(default_factory=list)
    artifacts: Artifacts = field(init=False)

    def __post_init__(self) -> None:
        store = PostgresArtifacts(self.process.pool)
        self.artifacts = Artifacts(self.lease, self.process.journal, store)

    def first_checkpoint(self) -> Checkpoint | None:
        """Begin with whatever input LangGraph is given."""
        return None

    def holds(self) -> bool:
        """Commit each checkpoint."""
        return False

    def take_held(self) -> list[Record]:
        """Return what waits."""
        records, self.held = self.held, []
        return records

    def take(self, task_id: str, writes: Sequence[tuple[str, Any]]) -> list[Record]:
        """Record nothing beside the writes."""
        return []
