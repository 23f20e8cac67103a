"""Workflows: their rows and the specifications that executions pin."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import Conflict, NotFound
from store.json_values import clean_text, dumps, loads
from store.postgres import Connection, Pool, tenant_transaction
from store.statements import statement


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow as it stands now."""

    id: UUID
    tenant_id: UUID
    name: str
    description: str
    version: str
    status: str
    pattern: str
    specification: dict[str, Any]
    specification_sha256: str
    yaml_text: str
    tags: list[str]
    executions_count: int
    last_executed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Workflow":
        """Make a workflow of a row of `get_workflow` or `list_workflows`."""
        values = {field.name: row[field.name] for field in fields(cls)}
        return cls(**{**values, "specification": loads(row["specification"])})


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    """A workflow to be stored."""

    tenant_id: UUID
    organization_id: UUID
    user_id: UUID | None
    name: str
    description: str
    version: str
    pattern: str
    specification: dict[str, Any]
    specification_sha256: str
    yaml_text: str
    tags: Sequence[str] = ()


async def create_workflow(pool: Pool, new: NewWorkflow) -> Workflow:
    """Store a workflow, its specification and its first version in one transaction."""
    workflow_id = uuid7()
    document = dumps(new.specification)
    async with tenant_transaction(pool, new.tenant_id) as connection:
        await connection.execute(
            statement("insert_specification"), new.tenant_id, new.specification_sha256, document
        )
        await connection.execute(
            statement("insert_workflow"),
            workflow_id, new.tenant_id, new.organization_id, clean_text(new.name),
            clean_text(new.description), new.version, new.pattern, document,
            new.specification_sha256, clean_text(new.yaml_text), list(map(clean_text, new.tags)),
            new.user_id,
        )  # fmt: skip
        await connection.execute(
            statement("insert_version"),
            new.tenant_id, workflow_id, new.version, "published", None, document,
            new.specification_sha256, clean_text(new.yaml_text), "", new.user_id,
        )  # fmt: skip
        return await read_workflow(connection, workflow_id)


async def get_workflow(pool: Pool, tenant_id: UUID, workflow_id: UUID) -> Workflow:
    """Return a workflow.

    Raises:
        NotFound: The tenant has no such workflow.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        return await read_workflow(connection, workflow_id)


@dataclass(frozen=True, slots=True)
class Startable:
    """A workflow as a start needs it."""

    name: str
    status: str
    specification_sha256: str
    specification: dict[str, Any]
    mean_seconds: float | None
    """How long the last completed executions took on average."""


async def get_startable(pool: Pool, tenant_id: UUID, workflow_id: UUID) -> Startable:
    """Return what a start of the workflow needs.

    Raises:
        NotFound: The tenant has no such workflow.
    """
    row = await pool.fetchrow(statement("read_startable"), tenant_id, workflow_id)
    if row is None:
        raise NotFound("workflow", f"wf_{workflow_id.hex}")
    return Startable(**{**row, "specification": loads(row["specification"])})


async def read_workflow(connection: Connection, workflow_id: UUID) -> Workflow:
    """Return a workflow as a transaction sees it.

    Raises:
        NotFound: The tenant has no such workflow.
    """
    row = await connection.fetchrow(statement("get_workflow"), workflow_id)
    if row is None:
        raise NotFound("workflow", f"wf_{workflow_id.hex}")
    return Workflow.from_row(row)


async def missing_workflows(
    pool: Pool, tenant_id: UUID, workflow_ids: Sequence[UUID]
) -> list[UUID]:
    """Return those of the ids that are no active workflow of the tenant."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_active_ids"), list(workflow_ids))
    known = {row["id"] for row in rows}
    return [id for id in workflow_ids if id not in known]


async def find_specification(
    pool: Pool, tenant_id: UUID, workflow_id: UUID | None, name: str
) -> dict[str, Any] | None:
    """Return what the active workflow says that has an id, or else a name that no other has."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("find_workflow"), tenant_id, workflow_id, name)
    document: dict[str, Any] | None = loads(rows[0]["specification"]) if len(rows) == 1 else None
    return document


async def list_workflows(
    pool: Pool,
    tenant_id: UUID,
    *,
    status: str | None = None,
    tags: Sequence[str] = (),
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Workflow], int]:
    """Return a page of workflows, the newest first, and how many there are in all."""
    wanted = list(tags) or None
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_workflows"), status, wanted, limit, offset)
        total = await connection.fetchval(statement("count_workflows"), status, wanted)
    return [Workflow.from_row(row) for row in rows], total


async def archive_workflow(pool: Pool, tenant_id: UUID, workflow_id: UUID) -> Workflow:
    """Take a workflow out of use; running executions go on. Safe to repeat.

    Raises:
        NotFound: The tenant has no such workflow.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(statement("archive_workflow"), workflow_id)
        return await read_workflow(connection, workflow_id)


async def delete_workflow(pool: Pool, tenant_id: UUID, workflow_id: UUID) -> None:
    """Delete a workflow; its executions stay readable. Safe to repeat.

    Raises:
        NotFound: The tenant has no such workflow.
        Conflict: Executions of it have not ended.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        await read_workflow(connection, workflow_id)
        if active := await connection.fetchval(statement("count_active_executions"), workflow_id):
            raise Conflict(
                f"{active} executions of this workflow have not ended.",
                "Cancel them or wait for them, or archive the workflow instead.",
            )
        await connection.execute(statement("delete_workflow"), workflow_id)
