"""What former executions took, for those who plan the next one."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from compiler.history import Counted, History, Measured, Spread
from store.postgres import Pool, tenant_transaction
from store.statements import statement

OWN_EXECUTIONS = 50
"""So many of the workflow's newest executions are looked at."""
OWN_ROWS = 20_000
"""So many of their nodes' log rows at most, all together."""
ROWS_A_NODE = 3
"""So many rows a node, for its attempts and rounds; where there are more, some are not seen."""
TENANT_EXECUTIONS = 100
"""So many of the tenant's newest executions are looked at."""
TENANT_ROWS = 50
"""So many log rows of each of them."""


async def read_history(
    pool: Pool,
    tenant_id: UUID,
    agents: Iterable[str],
    *,
    workflow_id: UUID | None = None,
    specification_sha256: str = "",
    nodes: int = 0,
) -> History:
    """Return what the newest executions took.

    Args:
        pool: Of role weft_api.
        tenant_id: Whose executions.
        agents: The agents to look for in all of the tenant's executions.
        workflow_id: The workflow whose own executions count; None: it has none yet.
        specification_sha256: Which of them took the same way.
        nodes: How many nodes it has.
    """
    rows_each = max(100, ROWS_A_NODE * nodes)
    executions = min(OWN_EXECUTIONS, max(10, OWN_ROWS // rows_each))
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("summarize_runs"), workflow_id, specification_sha256, sorted(set(agents)),
            executions, rows_each, TENANT_EXECUTIONS, TENANT_ROWS,
        )  # fmt: skip
    by_kind: dict[str, list[Any]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    whole = next((row for row in by_kind["workflow"] if row["samples"]), None)
    return History(
        workflow=whole and _measured(whole),
        nodes={
            (row["node_id"], row["agent_name"]): _measured(row) for row in by_kind.get("node", ())
        },
        items={
            row["node_id"]: Counted(row["samples"], Spread(*row["seconds"]))
            for row in by_kind.get("items", ())
        },
        maps_cost_usd=next(
            (Counted(row["samples"], Spread(*row["cost_usd"])) for row in by_kind.get("maps", ())),
            None,
        ),
        agents={row["agent_name"]: _measured(row) for row in by_kind.get("agent", ())},
    )


def _measured(row: Any) -> Measured:
    return Measured(row["samples"], Spread(*row["seconds"]), Spread(*row["cost_usd"]))
