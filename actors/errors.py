"""What can happen to an execution's owner."""

from collections.abc import Mapping
from uuid import UUID


class ExecutionError(Exception):
    """Base of this package's errors."""


class LeaseLost(ExecutionError):
    """This process does not own the execution any more and can write nothing for it.

    Attributes:
        execution_id: The execution.
        epoch: The epoch under which this process held it.
    """

    def __init__(self, execution_id: UUID, epoch: int) -> None:
        self.execution_id = execution_id
        self.epoch = epoch
        super().__init__(f"Execution {execution_id} is no longer held under epoch {epoch}.")


class RecordRefused(ExecutionError):
    """Postgres refuses what an execution wants recorded; trying again changes nothing."""

    def __init__(self, execution_id: UUID, reason: str) -> None:
        self.execution_id = execution_id
        super().__init__(f"A record of the execution cannot be stored: {reason}")


class Draining(ExecutionError):
    """This process hands over what it drives: the execution goes on elsewhere, as it stands."""

    def __init__(self) -> None:
        super().__init__("The executor hands over its executions.")


class JournalStopped(ExecutionError):
    """The journal ended before the records were written."""

    def __init__(self) -> None:
        super().__init__("The journal has stopped; nothing more is written by this process.")


class ExecutionsFailed(ExecutionError):
    """Executions that a Ray task drove have failed: that is recorded, and Ray shows it.

    Its one argument is its text, so that it can cross to another process.
    """

    @classmethod
    def of(cls, failures: Mapping[UUID, str]) -> "ExecutionsFailed":
        """Make it of what made executions fail."""
        return cls("; ".join(f"exec_{id.hex}: {failure}" for id, failure in failures.items()))
