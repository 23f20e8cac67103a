"""Versions of workflows: what each said, which one starts use, and how that changes.

Every change of the current version holds the workflow's row, so changes come one after the other
and each says of which version it was made. Executions are not touched: they keep the
specification that they were started with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from store import workflows
from store.errors import Conflict, NotFound
from store.json_values import clean_text, dumps, loads
from store.postgres import Connection, Pool, tenant_transaction
from store.statements import statement

State = Literal["draft", "published"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a workflow."""

    workflow_id: UUID
    version: str
    state: State
    base_version: str | None
    """The published version that it was made of; None: it is the first."""
    specification: dict[str, Any]
    specification_sha256: str
    yaml_text: str
    summary: str
    created_by: UUID | None
    created_at: datetime
    current: bool
    """Whether starts use it."""

    @classmethod
    def from_row(cls, row: Any) -> "Version":
        """Make a version of a row of `get_version` or `list_versions`."""
        values = {field.name: row[field.name] for field in fields(cls)}
        return cls(**{**values, "specification": loads(row["specification"])})


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be stored."""

    tenant_id: UUID
    workflow_id: UUID
    user_id: UUID | None
    version: str
    state: State
    base_version: str
    """The published version that it was made of, directly or through drafts."""
    specification: dict[str, Any]
    specification_sha256: str
    yaml_text: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """A workflow that has another current version."""

    previous_version: str
    workflow: workflows.Workflow


async def get_version(pool: Pool, tenant_id: UUID, workflow_id: UUID, version: str) -> Version:
    """Return one version of a workflow.

    Raises:
        NotFound: The tenant has no such workflow, or it no such version.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        return await _get(connection, workflow_id, version)


async def _get(connection: Connection, workflow_id: UUID, version: str) -> Version:
    row = await connection.fetchrow(statement("get_version"), workflow_id, clean_text(version))
    if row is None:
        raise NotFound(f"version {version[:80]!r} of workflow", f"wf_{workflow_id.hex}")
    return Version.from_row(row)


async def list_versions(
    pool: Pool, tenant_id: UUID, workflow_id: UUID, *, limit: int = 50, offset: int = 0
) -> tuple[list[Version], int]:
    """Return a page of a workflow's versions, the highest first, and how many there are in all.

    Raises:
        NotFound: The tenant has no such workflow.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        rows: Sequence[Any] = await connection.fetch(
            statement("list_versions"), workflow_id, limit, offset
        )
        total = await connection.fetchval(statement("count_versions"), workflow_id)
    if not rows and (offset == 0 or total == 0):
        raise NotFound("workflow", f"wf_{workflow_id.hex}")
    return [Version.from_row(row) for row in rows], total


async def add_version(pool: Pool, new: NewVersion) -> workflows.Workflow:
    """Store a version; a published one becomes the current one.

    Raises:
        NotFound: The tenant has no such workflow.
        Conflict: It was changed since the base was read, or is not active.
    """
    document = dumps(new.specification)
    async with tenant_transaction(pool, new.tenant_id) as connection:
        await _hold(connection, new.workflow_id, new.base_version)
        added = await connection.fetchval(
            statement("insert_version"),
            new.tenant_id, new.workflow_id, new.version, new.state, new.base_version, document,
            new.specification_sha256, clean_text(new.yaml_text), clean_text(new.summary),
            new.user_id,
        )  # fmt: skip
        if added is None:
            raise _changed(f"Version {new.version} was made meanwhile.")
        if new.state == "published":
            await connection.execute(
                statement("insert_specification"),
                new.tenant_id, new.specification_sha256, document,
            )  # fmt: skip
            await connection.execute(statement("set_current_version"), new.workflow_id, new.version)
        return await workflows.read_workflow(connection, new.workflow_id)


async def publish_version(pool: Pool, tenant_id: UUID, workflow_id: UUID, version: str) -> Moved:
    """Make a draft the current version. Safe to repeat.

    Raises:
        NotFound: The tenant has no such workflow, or it no such version.
        Conflict: Another version became the current one since the draft was made.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        draft = await _get(connection, workflow_id, version)
        if draft.state == "published":
            if not draft.current:
                raise Conflict(
                    f"Version {version} is published already, and not the current one.",
                    "Roll back to it.",
                )
            workflow = await workflows.read_workflow(connection, workflow_id)
            return Moved(draft.base_version or version, workflow)
        previous = await _hold(connection, workflow_id, draft.base_version)
        await connection.execute(statement("publish_version"), workflow_id, version)
        return await _move(connection, tenant_id, draft, previous)


async def roll_back(pool: Pool, tenant_id: UUID, workflow_id: UUID, version: str) -> Moved:
    """Make a published version the current one again; later versions stay. Safe to repeat.

    Raises:
        NotFound: The tenant has no such workflow, or it no such version.
        Conflict: The version is a draft, or the workflow is not active.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        previous = await _hold(connection, workflow_id, None)
        target = await _get(connection, workflow_id, version)
        if target.state == "draft":
            raise Conflict(f"Version {version} is a draft.", "Publish it instead.")
        return await _move(connection, tenant_id, target, previous)


async def _hold(connection: Connection, workflow_id: UUID, expected: str | None) -> str:
    """Lock a workflow and return its version.

    Args:
        connection: In a transaction, which keeps the lock.
        workflow_id: Which workflow.
        expected: The version that it must have; None: any.
    """
    row = await connection.fetchrow(statement("lock_workflow"), workflow_id)
    if row is None:
        raise NotFound("workflow", f"wf_{workflow_id.hex}")
    if row["status"] != "active":
        raise Conflict(f"The workflow is {row['status']}.", "Change an active workflow.")
    version: str = row["version"]
    if expected is not None and version != expected:
        raise _changed(f"The workflow has version {version} by now, not {expected}.")
    return version


def _changed(message: str) -> Conflict:
    return Conflict(message, "Look at what changed, and make the change anew from there.")


async def _move(connection: Connection, tenant_id: UUID, target: Version, previous: str) -> Moved:
    # A specification that nothing used may have been deleted since.
    await connection.execute(
        statement("insert_specification"),
        tenant_id, target.specification_sha256, dumps(target.specification),
    )  # fmt: skip
    await connection.execute(statement("set_current_version"), target.workflow_id, target.version)
    return Moved(previous, await workflows.read_workflow(connection, target.workflow_id))
