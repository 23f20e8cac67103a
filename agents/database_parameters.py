"""What a node may say to a database."""

from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from agents.agent import AgentContext, Parameters
from agents.errors import AgentError
from agents.scope import STATEMENT

MAX_ROWS = 10_000


class DatabaseParameters(Parameters):
    """One statement or command."""

    database: Literal["postgresql", "mongodb", "redis"] = "postgresql"
    connection_string: str | None = Field(
        default=None,
        description="postgresql://, mongodb:// (or mongodb+srv://) or redis://"
        "user:password@host:port/name; for PostgreSQL the tenant's if none.",
    )
    query: str | dict[str, Any] | list[Any] = Field(
        json_schema_extra=STATEMENT,
        description="SQL with $1, $2 … for the params; a MongoDB command such as "
        '{"find": "users", "filter": {"age": "$1"}}; a Redis command such as `GET $1` or a list.',
    )
    params: tuple[Any, ...] = Field(default=(), description="Values bound to $1, $2 …")
    timeout: float = Field(default=30, gt=0, le=3600, description="Seconds for the statement.")
    read_only: bool | None = Field(
        default=None,
        description="Refuse to write; null: PostgreSQL what begins with SELECT, others always.",
    )
    max_rows: int = Field(default=MAX_ROWS, ge=1, le=MAX_ROWS, description="At most so many rows.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if not self.query:
            raise ValueError("`query` is empty")
        if self.database == "postgresql" and not isinstance(self.query, str):
            raise ValueError("`query` is a text of SQL for PostgreSQL")
        if self.database == "mongodb" and isinstance(self.query, list):
            raise ValueError("`query` is a command for MongoDB: an object, or its JSON text")
        if self.database == "redis" and isinstance(self.query, dict):
            raise ValueError("`query` is a command for Redis: a text, or a list of words")
        if self.database != "postgresql" and not self.connection_string:
            raise ValueError(f"`connection_string` is missing: {self.database} has no default")
        return self


def bound(place: str, params: tuple[Any, ...], used: set[int]) -> Any:
    """Return the value of `$1`, `$2` …; notes which was used.

    Raises:
        AgentError: There is no such value.
    """
    number = int(place[1:])
    if not 1 <= number <= len(params):
        raise AgentError(
            f"The query names {place}, but `params` has {len(params)} values.",
            remedy="Give one value for each of $1, $2 …",
        )
    used.add(number)
    return params[number - 1]


def check_used(params: tuple[Any, ...], used: set[int]) -> None:
    """Refuse values that the query names nowhere.

    Raises:
        AgentError: There are some.
    """
    if unused := set(range(1, len(params) + 1)) - used:
        raise AgentError(f"The query does not name ${min(unused)}, for which `params` has a value.")


async def refuse_own(host: str, port: int, addresses: list[str], context: AgentContext) -> None:
    """Refuse the platform's own Redis, whichever name it is given by.

    Raises:
        AgentError: It is meant.
    """
    own = context.services.settings.redis_url
    if own is None:
        return
    place = urlsplit(own.get_secret_value())
    if not place.hostname or (place.port or 6379) != port:
        return
    try:
        known = await context.services.egress.resolve(place.hostname, port, trusted=True)
    except OSError:
        known = [place.hostname]
    if host == place.hostname or set(known) & set(addresses):
        raise AgentError("This is the platform's own Redis, which no agent may reach.")
