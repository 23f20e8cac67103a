"""Large values through the API, and the deletion of executions."""

import hashlib
from uuid import UUID

import httpx
import orjson
import pytest

from store.artifacts import PART_BYTES, Reference
from store.postgres import Pool
from store.records import ArtifactRecord, MoveRecord, Record
from store.status import Status
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.rows import write

EXECUTIONS = "/api/v1/workflows/executions"
VALUE = "large " * (PART_BYTES // 3)
CONTENT = orjson.dumps(VALUE)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def execution_id(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, engine_pool: Pool
) -> UUID:
    """An execution that completed with an output which only names its large value."""
    id = (await start(await make_workflow())).execution_id
    output = orjson.dumps({"text": Reference.to(CONTENT, VALUE).document, "n": 1}).decode()
    records: list[Record] = [
        ArtifactRecord(account.tenant_id, id, DIGEST, CONTENT),
        MoveRecord(id, 1, Status.RUNNING),
        MoveRecord(id, 1, Status.COMPLETED, output_json=output),
    ]
    await engine_pool.execute("UPDATE workflow_executions SET epoch = 1")
    for record in records:
        assert not await write(engine_pool, record)
    return id


@pytest.mark.requirement("FR-7.2")
async def test_a_reference_has_an_address(api: httpx.AsyncClient, execution_id: UUID) -> None:
    """An answer shows how a large value begins and where it is; there it is whole."""
    name = f"exec_{execution_id.hex}"
    output = (await api.get(f"{EXECUTIONS}/{name}")).json()["output"]
    assert output["n"] == 1
    assert output["text"]["preview"] == VALUE[:1000]
    told = output["text"]["$artifact"]
    assert told == {"sha256": DIGEST, "bytes": len(CONTENT),
                    "url": f"{EXECUTIONS}/{name}/artifacts/{DIGEST}"}  # fmt: skip
    answer = await api.get(told["url"])
    assert answer.content == CONTENT
    assert answer.headers["etag"] == f'"{DIGEST}"'
    assert answer.headers["content-type"] == "application/json"
    assert f"{name}-{DIGEST[:12]}.json" in answer.headers["content-disposition"]
    again = await api.get(told["url"], headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_output_can_be_asked_for_whole(
    api: httpx.AsyncClient, execution_id: UUID
) -> None:
    """With `full=true` nothing of an output is a reference."""
    answer = await api.get(f"{EXECUTIONS}/exec_{execution_id.hex}", params={"full": "true"})
    assert answer.json()["output"] == {"text": VALUE, "n": 1}


@pytest.mark.parametrize("digest", ["0" * 64, "x", DIGEST.upper()])
async def test_an_unknown_artifact_is_not_found(
    api: httpx.AsyncClient, execution_id: UUID, digest: str
) -> None:
    """A digest that the execution does not have, or that is none, is answered as a problem."""
    answer = await api.get(f"{EXECUTIONS}/exec_{execution_id.hex}/artifacts/{digest}")
    assert answer.status_code == 404
    assert answer.json()["remedy"]


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenant_sees_no_artifact_and_deletes_nothing(
    api: httpx.AsyncClient, execution_id: UUID, make_account: MakeAccount
) -> None:
    """The execution is not there for the token of another organization."""
    other = await make_account("Globex")
    headers = {"Authorization": f"Bearer {other.token}"}
    path = f"{EXECUTIONS}/exec_{execution_id.hex}"
    assert (await api.get(f"{path}/artifacts/{DIGEST}", headers=headers)).status_code == 404
    assert (await api.delete(path, headers=headers)).status_code == 404
    assert (await api.get(path)).status_code == 200


async def test_an_ended_execution_is_deleted(
    api: httpx.AsyncClient, execution_id: UUID, engine_pool: Pool
) -> None:
    """It and its artifacts are gone; deleting it again finds nothing."""
    path = f"{EXECUTIONS}/exec_{execution_id.hex}"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_artifacts") == 0
    assert (await api.delete(path)).status_code == 404


async def test_an_execution_that_runs_is_not_deleted(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """It is a conflict, with what to do first."""
    id = (await start(await make_workflow())).execution_id
    answer = await api.delete(f"{EXECUTIONS}/exec_{id.hex}")
    assert answer.status_code == 409
    assert "Cancel it first" in answer.json()["remedy"]


async def test_old_executions_are_counted_then_deleted(
    api: httpx.AsyncClient, execution_id: UUID, owner_pool: Pool
) -> None:
    """A dry run says how many; the call deletes them and says what is left."""
    body = {"older_than_days": 30, "dry_run": True}
    assert (await api.post(f"{EXECUTIONS}/prune", json=body)).json() == {"deleted": 0, "left": 0}
    await owner_pool.execute(
        "UPDATE workflow_executions SET completed_at = now() - interval '31 days'"
    )
    assert (await api.post(f"{EXECUTIONS}/prune", json=body)).json() == {"deleted": 0, "left": 1}
    answer = await api.post(f"{EXECUTIONS}/prune", json={"older_than_days": 30})
    assert answer.json() == {"deleted": 1, "left": 0}
    assert (await api.get(f"{EXECUTIONS}/exec_{execution_id.hex}")).status_code == 404


@pytest.mark.requirement("NFR-4.1")
async def test_only_owners_and_admins_delete(
    api: httpx.AsyncClient, execution_id: UUID, owner_pool: Pool
) -> None:
    """An editor is refused, and nothing is deleted."""
    await owner_pool.execute("UPDATE organization_members SET role = 'editor'")
    path = f"{EXECUTIONS}/exec_{execution_id.hex}"
    assert (await api.delete(path)).status_code == 403
    answer = await api.post(f"{EXECUTIONS}/prune", json={"older_than_days": 1})
    assert answer.status_code == 403
    assert (await api.get(path)).status_code == 200


@pytest.mark.parametrize("days", [0, -1, 4000, "x"])
async def test_an_age_out_of_bounds_is_refused(api: httpx.AsyncClient, days: object) -> None:
    """Everything at once is nothing that a slip may do."""
    answer = await api.post(f"{EXECUTIONS}/prune", json={"older_than_days": days})
    assert answer.status_code == 422
