"""How an execution ends: decided once, recorded before what runs at the end begins."""

from dataclasses import dataclass, replace
from typing import Any, Self

from uuid_utils.compat import uuid7

from actors.artifacts import Artifacts
from actors.journal import Lease
from compiler.failures import on_failure
from compiler.specification import Specification
from store.json_values import clean_text, dumps, loads
from store.records import EndingRecord, EventRecord, MoveRecord, Record
from store.status import Status


@dataclass(frozen=True, slots=True)
class Ending:
    """An outcome."""

    status: Status
    message: str | None = None
    """Why it failed or was cancelled, and what went wrong at the end."""
    node_id: str | None = None
    """The node that failed."""
    output: Any = None
    """As the execution's row holds it."""

    @classmethod
    def failed(cls, message: str, node_id: str | None = None) -> Self:
        """Make the ending of an execution that failed."""
        return cls(Status.FAILED, clean_text(message), node_id)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read an ending as its execution's row keeps it."""
        kept = loads(text)
        return cls(
            Status(kept["status"]), kept["error_message"], kept["error_node_id"], kept["output"]
        )

    def rolls_back(self, specification: Specification) -> bool:
        """Whether what was done is to be undone: as the failed node, else the workflow, says."""
        if self.status != Status.FAILED:
            return False
        if self.node_id is None:
            return specification.settings.error_handling.on_failure == "rollback"
        return on_failure(specification, specification.node(self.node_id)) == "rollback"

    def remarked(self, remarks: list[str]) -> "Ending":
        """Add to the message what went wrong at the end."""
        sentences = [self.message, *remarks] if self.message else remarks
        return replace(self, message=clean_text(" ".join(sentences)) if sentences else None)

    def decided(self, lease: Lease) -> list[Record]:
        """Make the records that keep it while something still runs at the end."""
        payload = {
            "status": self.status,
            "error_message": self.message,
            "error_node_id": self.node_id,
        }
        return [
            EndingRecord(lease.execution_id, dumps({**payload, "output": self.output})),
            _event(lease, "workflow_ending", self.node_id, payload),
        ]

    def records(self, lease: Lease, artifacts: Artifacts) -> list[Record]:
        """Make the records of the end itself."""
        payload: dict[str, Any] = {"status": self.status}
        if self.status == Status.COMPLETED:
            payload["output"] = artifacts.shown(self.output)
            if self.message:
                payload["message"] = self.message
        elif self.status == Status.CANCELLED:
            payload["message"] = self.message
        else:
            payload |= {"error_node_id": self.node_id, "error_message": self.message}
        return [
            MoveRecord(
                lease.execution_id,
                lease.epoch,
                self.status,
                output_json=dumps(self.output) if self.status == Status.COMPLETED else None,
                error_message=self.message,
                error_node_id=self.node_id,
            ),
            _event(lease, f"workflow_{self.status}", self.node_id, payload),
        ]


def _event(lease: Lease, kind: str, node_id: str | None, payload: dict[str, Any]) -> EventRecord:
    return EventRecord(lease.tenant_id, lease.execution_id, uuid7(), kind, node_id, dumps(payload))
