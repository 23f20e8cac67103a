"""Versions of workflows: drafts, publishing, rollback, and who comes first."""

import asyncio
from typing import Any

import pytest

from compiler.specification import Specification
from compiler.text import specification_hash, to_document
from store.errors import Conflict, NotFound
from store.executions import Started
from store.postgres import Pool
from store.versions import (
    NewVersion,
    add_version,
    get_version,
    list_versions,
    publish_version,
    roll_back,
)
from store.workflows import Workflow, archive_workflow, get_workflow
from tests.factories import ONE_NODE, Account, MakeAccount, MakeWorkflow, StartExecution

NODE: dict[str, Any] = ONE_NODE["nodes"][0]


def next_one(workflow: Workflow, version: str, **fields: Any) -> NewVersion:
    """Return a version of a workflow whose only node has another timeout."""
    seconds = sum(map(int, version.split(".")))
    metadata = {"name": f"V{version}", "version": version, **fields.pop("metadata", {})}
    checked = Specification.model_validate(
        {"metadata": metadata, "nodes": [{**NODE, "timeout": seconds}]}
    )
    values: dict[str, Any] = {
        "tenant_id": workflow.tenant_id,
        "workflow_id": workflow.id,
        "user_id": None,
        "version": version,
        "state": "published",
        "base_version": workflow.version,
        "specification": to_document(checked),
        "specification_sha256": specification_hash(checked),
        "yaml_text": f"# {version}",
    }
    return NewVersion(**{**values, **fields})


@pytest.mark.requirement("FR-4.4", "FR-1.8")
async def test_a_new_workflow_has_its_first_version(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """It is published, current, and says what the workflow says."""
    workflow = await make_workflow()
    [only], total = await list_versions(api_pool, account.tenant_id, workflow.id)
    assert (total, only.version, only.state, only.base_version) == (1, "1.0.0", "published", None)
    assert only.current
    assert only.specification == workflow.specification
    assert only.yaml_text == workflow.yaml_text


@pytest.mark.requirement("FR-4.4", "USER.2")
async def test_a_published_version_becomes_the_current_one(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """Name, description and tags follow it; tags that were given to the workflow stay."""
    first = await make_workflow(
        {**ONE_NODE, "metadata": {"name": "A", "tags": ["old"]}}, tags=["mine", "old"]
    )
    metadata = {"tags": ["new"], "description": "Now otherwise"}
    changed = await add_version(api_pool, next_one(first, "1.1.0", metadata=metadata))
    assert changed == await get_workflow(api_pool, account.tenant_id, first.id)
    assert (changed.version, changed.name, changed.yaml_text) == ("1.1.0", "V1.1.0", "# 1.1.0")
    assert (changed.description, changed.tags) == ("Now otherwise", ["mine", "new"])
    assert changed.updated_at > first.updated_at


@pytest.mark.requirement("USER.2")
async def test_a_draft_changes_nothing_until_it_is_published(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """Starts go on with the current version; publishing twice is publishing once."""
    first = await make_workflow()
    draft = next_one(first, "1.0.1", state="draft")
    assert await add_version(api_pool, draft) == first
    with pytest.raises(Conflict, match="draft"):
        await roll_back(api_pool, account.tenant_id, first.id, "1.0.1")
    for _ in range(2):
        moved = await publish_version(api_pool, account.tenant_id, first.id, "1.0.1")
        assert (moved.previous_version, moved.workflow.version) == ("1.0.0", "1.0.1")


@pytest.mark.requirement("USER.2")
async def test_a_draft_of_a_former_version_is_not_published(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """What was published meanwhile would be lost silently."""
    first = await make_workflow()
    await add_version(api_pool, next_one(first, "1.0.1", state="draft"))
    await add_version(api_pool, next_one(first, "1.0.2"))
    with pytest.raises(Conflict, match=r"1\.0\.2 by now"):
        await publish_version(api_pool, account.tenant_id, first.id, "1.0.1")
    assert (await get_workflow(api_pool, account.tenant_id, first.id)).version == "1.0.2"


@pytest.mark.requirement("FR-1.8")
async def test_of_many_changes_of_one_version_one_is_made(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """The others are told that the workflow has another version by now."""
    first = await make_workflow()
    changes = [next_one(first, f"1.0.{number}") for number in range(1, 9)]
    ended = await asyncio.gather(
        *(add_version(api_pool, change) for change in changes), return_exceptions=True
    )
    made = [one for one in ended if isinstance(one, Workflow)]
    assert len(made) == 1
    assert all(isinstance(one, Conflict) for one in ended if one is not made[0])
    _, total = await list_versions(api_pool, account.tenant_id, first.id)
    assert total == 2


@pytest.mark.requirement("FR-1.8")
async def test_a_rollback_brings_back_every_field(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """The former version is current again, the later one stays; again changes nothing."""
    first = await make_workflow(name="Workflow")
    await add_version(api_pool, next_one(first, "2.0.0"))
    moved = await roll_back(api_pool, account.tenant_id, first.id, "1.0.0")
    assert (moved.previous_version, moved.workflow.version) == ("2.0.0", "1.0.0")
    assert moved.workflow.specification == first.specification
    assert moved.workflow.yaml_text == first.yaml_text
    again = await roll_back(api_pool, account.tenant_id, first.id, "1.0.0")
    assert (again.previous_version, again.workflow.version) == ("1.0.0", "1.0.0")
    found, _ = await list_versions(api_pool, account.tenant_id, first.id)
    assert [(one.version, one.current) for one in found] == [("2.0.0", False), ("1.0.0", True)]


@pytest.mark.requirement("USER.2")
async def test_executions_keep_the_specification_that_they_started_with(
    make_workflow: MakeWorkflow, start: StartExecution, api_pool: Pool, engine_pool: Pool
) -> None:
    """A start of before a change is of the former version; one that names it afterwards fails."""
    first = await make_workflow()
    before: Started = await start(first, {"text": "x"})
    second = await add_version(api_pool, next_one(first, "1.0.1"))
    after = await start(second, {"text": "x"})
    rows = await engine_pool.fetch(
        "SELECT id, specification_sha256 AS sha FROM workflow_executions"
    )
    assert {row["id"]: row["sha"] for row in rows} == {
        before.execution_id: first.specification_sha256,
        after.execution_id: second.specification_sha256,
    }
    with pytest.raises(NotFound):
        await start(first, {"text": "x"})


async def test_versions_are_listed_by_number(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """1.10.0 stands above 1.9.0, and pages go on where the one before ends."""
    workflow = await make_workflow()
    for version in ("1.9.0", "1.10.0"):
        workflow = await add_version(api_pool, next_one(workflow, version))
    pages = [
        await list_versions(api_pool, account.tenant_id, workflow.id, limit=2, offset=offset)
        for offset in (0, 2, 4)
    ]
    assert [[one.version for one in page] for page, _ in pages] == [["1.10.0", "1.9.0"],
                                                                      ["1.0.0"], []]  # fmt: skip


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenant_sees_and_moves_no_version(
    make_workflow: MakeWorkflow, make_account: MakeAccount, api_pool: Pool
) -> None:
    """For them there is no such workflow."""
    workflow = await make_workflow()
    other = (await make_account("Other")).tenant_id
    with pytest.raises(NotFound):
        await get_version(api_pool, other, workflow.id, "1.0.0")
    with pytest.raises(NotFound):
        await list_versions(api_pool, other, workflow.id)
    with pytest.raises(NotFound):
        await roll_back(api_pool, other, workflow.id, "1.0.0")


async def test_an_archived_workflow_is_not_changed(
    make_workflow: MakeWorkflow, api_pool: Pool, account: Account
) -> None:
    """It has to be active for a new version and for a rollback."""
    workflow = await make_workflow()
    await archive_workflow(api_pool, account.tenant_id, workflow.id)
    with pytest.raises(Conflict, match="archived"):
        await add_version(api_pool, next_one(workflow, "1.0.1"))
    with pytest.raises(Conflict, match="archived"):
        await roll_back(api_pool, account.tenant_id, workflow.id, "1.0.0")
