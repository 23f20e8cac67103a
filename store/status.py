"""An execution's status and the moves that are allowed."""

from enum import StrEnum


class Status(StrEnum):
    """Where an execution is in its life."""

    PENDING = "pending"
    """Accepted and queued; no executor has it."""
    RUNNING = "running"
    """An executor drives it, or will within its lease."""
    WAITING = "waiting"
    """On a person, an event or a time; no process holds it."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.WAITING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.WAITING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}
"""From each status, the statuses that may follow."""


def may_follow(old: Status, new: Status) -> bool:
    """Whether an execution may move from one status to another."""
    return new in TRANSITIONS[old]
