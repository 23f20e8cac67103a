"""What can be wrong with what is remembered."""

from uuid import UUID


class StoreError(Exception):
    """Base of this package's errors."""


class DatabaseUnavailable(StoreError):
    """Postgres does not answer or refuses the login."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"PostgreSQL cannot be used: {reason}. Check DATABASE_URL, or unset it to use the "
            "embedded server."
        )


class MigrationError(StoreError):
    """The schema cannot be brought to this version."""


class NotFound(StoreError):
    """No such thing for this tenant.

    Attributes:
        kind: What was looked for: "workflow", "execution", "checkpoint" or "approval".
        id: Its identifier.
    """

    def __init__(self, kind: str, id: UUID | str) -> None:
        self.kind = kind
        self.id = id
        super().__init__(f"There is no {kind} {id}.")


class Conflict(StoreError):
    """The thing is not in a state that allows this.

    Attributes:
        remedy: What to do instead, in one sentence.
    """

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


class NestedTooDeep(StoreError, ValueError):
    """A JSON value has more levels than can be stored."""

    def __init__(self, levels: int) -> None:
        super().__init__(f"A value is nested deeper than {levels} levels.")
