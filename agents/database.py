"""The database agent: one statement on PostgreSQL, or one command on MongoDB or Redis."""

from typing import Any, ClassVar

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.database_parameters import DatabaseParameters
from agents.postgres import run_postgres
from agents.redis_commands import run_redis


async def _run_mongo(
    parameters: DatabaseParameters, context: AgentContext
) -> tuple[list[Any], int, bool]:
    # Importing its driver takes 0.2 s, and most processes never ask MongoDB.
    from agents.mongo import run_mongo  # noqa: PLC0415

    return await run_mongo(parameters, context)


_RUNNERS = {"postgresql": run_postgres, "mongodb": _run_mongo, "redis": run_redis}


class Database:
    """Reads and writes databases; values come back as JSON."""

    name: ClassVar[str] = "database"
    description: ClassVar[str] = "Runs a statement on PostgreSQL, or a command on MongoDB or Redis."
    parameters: ClassVar[type[Parameters]] = DatabaseParameters
    side_effect: ClassVar[SideEffect] = "writes"
    closed: ClassVar[tuple[str, ...]] = ("database", "connection_string")
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = ("rows", "row_count")
    estimated_seconds: ClassVar[float] = 0.1

    async def run(self, parameters: DatabaseParameters, context: AgentContext) -> AgentResult:
        """Return `{"rows": [...], "row_count": n}`; without rows, n is how many were changed.

        Raises:
            AgentError: The statement or the address is wrong (final), or the server is busy or
                away (retryable).
        """
        rows, count, cut = await _RUNNERS[parameters.database](parameters, context)
        metadata = {"truncated": True, "max_rows": parameters.max_rows} if cut else {}
        return AgentResult({"rows": rows, "row_count": count}, Usage(), metadata)
