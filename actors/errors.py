"""What can happen to an execution's owner."""

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
