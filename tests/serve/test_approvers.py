"""Questions to several people, over HTTP; and executions that started one another."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from serve import execution_answers
from store.accounts import token_sha256
from store.executions import UNLIMITED
from store.json_values import dumps, loads
from store.postgres import Pool, connect
from store.records import ChildRecord, MoveRecord, WaitRecord
from store.statements import statement
from store.status import Status
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.serve.shapes import fits
from tests.store.rows import park, write

WORKFLOWS = "/api/v1/workflows"


class People:
    """Users of the test's organization."""

    def __init__(self, dsn: str, account: Account, api: httpx.AsyncClient) -> None:
        self._dsn = dsn
        self._account = account
        self._api = api

    async def add(self, email: str, role: str = "editor") -> dict[str, str]:
        """Add one; return the headers of their requests."""
        tenant_id, user_id, token = self._account.tenant_id, uuid7(), f"weft_{email}"
        connection = await connect(self._dsn, "weft_owner")
        await connection.execute(statement("insert_user"), tenant_id, user_id, email, email)
        await connection.execute(statement("insert_member"), tenant_id, tenant_id, user_id, role)
        await connection.execute(
            statement("insert_api_key"), uuid7(), tenant_id, user_id, "key", token_sha256(token)
        )
        await connection.close()
        return {"Authorization": f"Bearer {token}"}

    async def answer(self, id: UUID, who: dict[str, str], **body: Any) -> httpx.Response:
        """Answer an execution's question."""
        path = f"{WORKFLOWS}/executions/exec_{id.hex}/approve"
        return await self._api.post(path, json=body, headers=who)


@pytest.fixture
def people(dsn: str, account: Account, api: httpx.AsyncClient) -> People:
    """Those who answer."""
    return People(dsn, account, api)


async def _asked(pool: Pool, account: Account, id: UUID, required: int, *approvers: str) -> None:
    await park(pool, account.tenant_id, id, "only")
    await pool.execute(
        "UPDATE execution_approvals SET required = $1, approvers = $2::jsonb",
        required, dumps(list(approvers)),
    )  # fmt: skip


@pytest.mark.requirement("USER.14")
async def test_only_those_who_are_named_answer_and_each_once(
    api: httpx.AsyncClient, people: People, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution, engine_pool: Pool,
) -> None:  # fmt: skip
    """Also a viewer who is named; the question is decided when enough have approved."""
    id = (await start(await make_workflow())).execution_id
    await _asked(engine_pool, account, id, 2, "Ann@example.com", "bob@example.com")
    ann, bob = await people.add("ann@example.com", "viewer"), await people.add("bob@example.com")
    eve = await people.add("eve@example.com", "admin")
    refused = await people.answer(id, eve)
    assert refused.status_code == 403
    assert "Ask one of: Ann@example.com, bob@example.com." in refused.json()["remedy"]
    first = await people.answer(id, ann)
    fits(execution_answers.Decision, first.json())
    assert (first.json()["status"], first.json()["decision"]) == ("pending", None)
    assert (await people.answer(id, ann)).json() == first.json()
    assert (await people.answer(id, ann, decision="reject")).status_code == 409
    status = (await api.get(f"{WORKFLOWS}/executions/exec_{id.hex}")).json()
    fits(execution_answers.Execution, status)
    [approval] = status["approvals"]
    assert [vote["by"] for vote in approval["votes"]] == ["ann@example.com"]
    decided = (await people.answer(id, bob)).json()
    assert (decided["status"], decided["decision"]) == ("decided", "approve")
    assert (await people.answer(id, bob)).json() == decided
    assert await engine_pool.fetchval("SELECT epoch FROM workflow_executions") == 2


@pytest.mark.requirement("USER.14")
async def test_answers_that_race_make_one_decision(
    people: People, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Fifty requests of ten people at once: two votes decide, each answer told truly."""
    id = (await start(await make_workflow())).execution_id
    await _asked(engine_pool, account, id, 2)
    voters = [await people.add(f"p{n}@example.com") for n in range(10)]
    answers = await asyncio.gather(*(people.answer(id, voters[n % 10]) for n in range(50)))
    by = [answer.json()["votes"] for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} == {200, 409}
    assert max(len(votes) for votes in by) == 2
    assert len(by) == 2 * 5
    count = await engine_pool.fetchval(
        "SELECT count(*) FROM execution_events WHERE event_type = 'approval_decided'"
    )
    assert count == 1


async def test_an_execution_shows_who_started_it_and_what_it_started(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Both ways, and as a filter of the list."""
    workflow = await make_workflow()
    id = (await start(workflow)).execution_id
    wait = WaitRecord(tenant_id=account.tenant_id, execution_id=id, interrupt_id="w",
                      node_id="only", task_id="t", kind="items", at_once=1)  # fmt: skip
    child = ChildRecord(account.tenant_id, id, "w", "only", 3, uuid7(), workflow.id,
                        workflow.specification_sha256, "{}", 1, uuid7(), "{}", 0, UNLIMITED, None,
                        None)  # fmt: skip
    await write(engine_pool, MoveRecord(id, 1, Status.RUNNING), wait, child)
    parent = (await api.get(f"{WORKFLOWS}/executions/exec_{id.hex}")).json()
    fits(execution_answers.Execution, parent)
    [started] = parent["children"]
    assert (started["execution_id"], started["node_id"], started["map_index"]) == (
        f"exec_{child.id.hex}", "only", 3,
    )  # fmt: skip
    shown = (await api.get(f"{WORKFLOWS}/executions/{started['execution_id']}")).json()
    assert shown["parent"] == {"execution_id": f"exec_{id.hex}", "node_id": "only", "map_index": 3}
    listed = (await api.get(f"{WORKFLOWS}/executions?parent=exec_{id.hex}")).json()
    fits(execution_answers.ExecutionPage, listed)
    assert [row["execution_id"] for row in listed["executions"]] == [started["execution_id"]]
    assert listed["total"] == 1


async def test_a_workflow_that_is_named_by_an_unknown_id_is_a_problem(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, make_account: Any
) -> None:
    """Also one of another organization; a name may come later."""
    foreign = await make_workflow(account=await make_account("Globex"))
    for id in ("wf_" + "1" * 32, f"wf_{foreign.id.hex}"):
        document = {"nodes": [{"id": "sub", "agent": "workflow", "parameters": {"workflow": id}}]}
        answer = await api.post(f"{WORKFLOWS}/create", json={"specification": document})
        assert answer.status_code == 422
        [problem] = answer.json()["problems"]
        assert problem["path"] == "nodes[0].parameters.workflow"
    named = {"nodes": [{"id": "sub", "agent": "workflow", "parameters": {"workflow": "later"}}]}
    answer = await api.post(f"{WORKFLOWS}/create", json={"specification": named})
    assert answer.status_code == 201


FORM = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "format": "email"},
        "seats": {"type": "integer", "minimum": 1},
    },
    "required": ["email"],
    "additionalProperties": False,
}


@pytest.mark.requirement("FR-3.7", "USER.14")
async def test_form_is_answered_by_what_fits_its_schema(
    api: httpx.AsyncClient, people: People, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution, engine_pool: Pool,
) -> None:  # fmt: skip
    """Every misfit is told by its path at once; what fits is the value that was asked for."""
    id = (await start(await make_workflow())).execution_id
    await park(engine_pool, account.tenant_id, id, "only")
    await engine_pool.execute(
        "UPDATE execution_approvals SET approval_type = 'form', options = $1::jsonb", dumps(FORM)
    )
    status = (await api.get(f"{WORKFLOWS}/executions/exec_{id.hex}")).json()
    fits(execution_answers.Execution, status)
    assert (status["approvals"][0]["schema"], status["approvals"][0]["options"]) == (FORM, [])
    ann = await people.add("ann@example.com")
    refused = await people.answer(id, ann, value={"email": "ann", "seats": 0, "x": 1})
    assert refused.status_code == 422
    paths = {problem["path"] for problem in refused.json()["problems"]}
    assert paths == {"value.email", "value.seats", "value.x"}
    misfits: list[Any] = [None, "ann@example.com", {}]
    for misfit in misfits:
        assert (await people.answer(id, ann, value=misfit)).status_code == 422
    value = {"email": "ann@example.com", "seats": 3}
    answered = await people.answer(id, ann, value=value)
    assert (answered.status_code, answered.json()["decision"]) == (200, "approve")
    kept = await engine_pool.fetchval("SELECT value FROM execution_approvals")
    assert loads(kept) == value
