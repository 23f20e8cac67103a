"""Every call of the API as data: what to send, whether it may be repeated, what comes back.

Both clients send these; neither knows a path or a body of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast
from urllib.parse import quote

import httpx

from weft.errors import Unreachable, WeftError
from weft.records import (
    BulkResult,
    Cancellation,
    CheckpointPage,
    CheckpointState,
    CreatedWorkflow,
    Decision,
    Event,
    Execution,
    ExecutionPage,
    Health,
    Item,
    ItemPage,
    NodeLog,
    Plan,
    Pruning,
    Readers,
    Session,
    Workflow,
    WorkflowPage,
)

T = TypeVar("T")
PREFIX = "/api/v1"
WORKFLOWS = f"{PREFIX}/workflows"
EXECUTIONS = f"{WORKFLOWS}/executions"


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call.

    Attributes:
        repeatable: Sending it twice does no more than sending it once, so it may be sent again
            when it is not known whether the first one arrived.
        reads: What the answer is read as.
        member: The key of the JSON object that is the result; None: the whole.
        accepts: Statuses beside 2xx whose body is the result.
    """

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    reads: Literal["json", "text", "nothing"] = "json"
    member: str | None = None
    accepts: tuple[int, ...] = ()

    def result(self, response: httpx.Response) -> T:
        """Return what the platform answered.

        Raises:
            WeftError: It refused, or answered something that is no JSON.
        """
        if not response.is_success and response.status_code not in self.accepts:
            raise refusal(response)
        if self.reads == "nothing":
            return cast("T", None)
        if self.reads == "text":
            return cast("T", response.text)
        try:
            value = response.json()
            return cast("T", value if self.member is None else value[self.member])
        except (ValueError, KeyError, TypeError) as error:
            raise WeftError(
                "The answer is not the platform's",
                status=response.status_code,
                detail=f"{self.method} {response.url} gave {response.text[:200]!r}.",
                remedy="Check the address (WEFT_URL): is it a Weft platform?",
            ) from error


def refusal(response: httpx.Response) -> WeftError:
    """Return the error that an answer other than success stands for."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and ("title" in problem or "detail" in problem):
        return WeftError.from_problem(response.status_code, problem)
    return WeftError(
        f"HTTP {response.status_code}",
        status=response.status_code,
        detail=f"{response.request.method} {response.url} was refused without a reason.",
        remedy="Look at the platform's log; `weft doctor` checks its parts.",
    )


def unreachable(base_url: str, error: Exception) -> Unreachable:
    """Return the error for a platform that does not answer."""
    return Unreachable(
        "The platform does not answer",
        detail=f"{base_url}: {error or type(error).__name__}.",
        remedy="Start it with `weft up`, or name another with WEFT_URL.",
    )


def path_of(prefix: str, *parts: str) -> str:
    """Return the path of a resource; its parts are escaped."""
    return "/".join((prefix, *(quote(part, safe="") for part in parts)))


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def source(
    description: str | None,
    specification: Mapping[str, Any] | None,
    yaml: str | None,
    template: str | None,
    inputs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what a workflow is created from.

    Raises:
        ValueError: Not exactly one was given, or inputs without a template.
    """
    found = _given(
        description=description, specification=specification, yaml=yaml, template=template
    )
    if len(found) != 1:
        raise ValueError("give exactly one of description, specification, yaml and template")
    if inputs and template is None:
        raise ValueError("inputs are those of a template: name one")
    return {**found, **_given(inputs=dict(inputs) if inputs else None)}


def create(
    source: Mapping[str, Any],
    name: str | None,
    tags: Sequence[str],
    answers: Mapping[str, str] | None,
    offline: bool,
) -> Request[CreatedWorkflow]:
    """Create a workflow; not repeatable, since each call makes one."""
    body = {
        **source,
        **_given(
            name=name, tags=list(tags) or None, answers=answers or None, offline=offline or None
        ),
    }
    return Request("POST", f"{WORKFLOWS}/create", body=body, repeatable=False)


def dry_run(
    source: Mapping[str, Any],
    name: str | None,
    tags: Sequence[str],
    answers: Mapping[str, str] | None,
    input: Mapping[str, Any] | None,
    offline: bool,
) -> Request[Plan]:
    """Say what would be created."""
    body = create(source, name, tags, answers, offline).body
    planned = _given(input=dict(input) if input else None)
    return Request("POST", f"{WORKFLOWS}/create", body={**body, **planned, "dry_run": True})


def get(workflow_id: str) -> Request[Workflow]:
    """Fetch a workflow."""
    return Request("GET", path_of(WORKFLOWS, workflow_id))


def get_yaml(workflow_id: str) -> Request[str]:
    """Fetch a workflow's YAML text."""
    return Request("GET", path_of(WORKFLOWS, workflow_id), {"format": "yaml"}, reads="text")


def list_workflows(
    status: str | None, tags: Sequence[str], limit: int, offset: int
) -> Request[WorkflowPage]:
    """List the tenant's workflows."""
    params = _given(status=status, tags=",".join(tags) or None, limit=limit, offset=offset)
    return Request("GET", WORKFLOWS, params)


def archive(workflow_id: str) -> Request[Workflow]:
    """Archive a workflow."""
    return Request("POST", path_of(WORKFLOWS, workflow_id, "archive"))


def delete(workflow_id: str) -> Request[None]:
    """Delete a workflow."""
    return Request("DELETE", path_of(WORKFLOWS, workflow_id), reads="nothing")


def execute(
    workflow_id: str,
    input: Mapping[str, Any] | None,
    timeout_seconds: float | None,
    priority: int | None,
    webhook_url: str | None,
    idempotency_key: str | None,
) -> Request[Execution]:
    """Start an execution; repeatable, since every start carries an idempotency key."""
    given = _given(timeout_seconds=timeout_seconds, priority=priority, webhook_url=webhook_url)
    options = {"async": True, **given}
    return Request(
        "POST",
        path_of(WORKFLOWS, workflow_id, "execute"),
        body={"input": dict(input or {}), "options": options},
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
    )


def execution(execution_id: str, full: bool) -> Request[Execution]:
    """Fetch an execution's status."""
    return Request("GET", path_of(EXECUTIONS, execution_id), {"full": "true"} if full else {})


def artifact(execution_id: str, sha256: str) -> Request[str]:
    """Fetch a large value's JSON text."""
    path = path_of(EXECUTIONS, execution_id, "artifacts", sha256)
    return Request("GET", path, reads="text")


def delete_execution(execution_id: str) -> Request[None]:
    """Delete an ended execution."""
    return Request("DELETE", path_of(EXECUTIONS, execution_id), reads="nothing")


def prune(older_than_days: float, dry_run: bool) -> Request[Pruning]:
    """Delete a batch of old executions, or count them."""
    body = {"older_than_days": older_than_days, "dry_run": dry_run}
    return Request("POST", f"{EXECUTIONS}/prune", body=body)


def list_executions(
    workflow_id: str | None, status: str | None, parent: str | None, limit: int, offset: int
) -> Request[ExecutionPage]:
    """List executions of one workflow, of one execution's nodes, or of all."""
    if workflow_id and parent is None:
        path = path_of(WORKFLOWS, workflow_id, "executions")
        return Request("GET", path, _given(status=status, limit=limit, offset=offset))
    given = _given(
        workflow_id=workflow_id, status=status, parent=parent, limit=limit, offset=offset
    )
    return Request("GET", EXECUTIONS, given)


def cancel(execution_id: str) -> Request[Cancellation]:
    """Cancel an execution."""
    return Request("POST", path_of(EXECUTIONS, execution_id, "cancel"))


def checkpoints(execution_id: str, limit: int, offset: int) -> Request[CheckpointPage]:
    """List an execution's checkpoints."""
    path = path_of(EXECUTIONS, execution_id, "checkpoints")
    return Request("GET", path, {"limit": limit, "offset": offset})


def state(execution_id: str, checkpoint_number: int, full: bool) -> Request[CheckpointState]:
    """Fetch the state at a checkpoint."""
    path = path_of(EXECUTIONS, execution_id, "checkpoints", str(checkpoint_number))
    return Request("GET", path, {"full": "true"} if full else {})


def rerun(
    execution_id: str,
    node_id: str | None,
    visit: int | None,
    input: Mapping[str, Any] | None,
    state: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Request[Execution]:
    """Make a new execution of one, from a node on."""
    body = _given(node_id=node_id, visit=visit, input=input, state=state)
    return _again(execution_id, "rerun", body, idempotency_key)


def fork(
    execution_id: str,
    checkpoint_number: int,
    state: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Request[Execution]:
    """Make a new execution of one, from a checkpoint on."""
    body = {"checkpoint_number": checkpoint_number, **_given(state=state)}
    return _again(execution_id, "fork", body, idempotency_key)


def retry(execution_id: str, idempotency_key: str | None) -> Request[Execution]:
    """Make a new execution that goes on where one failed."""
    return _again(execution_id, "retry", {}, idempotency_key)


def _again(
    execution_id: str, kind: str, body: dict[str, Any], idempotency_key: str | None
) -> Request[Execution]:
    return Request(
        "POST",
        path_of(EXECUTIONS, execution_id, kind),
        body=body,
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
    )


def bulk(
    action: str, wanted: Mapping[str, Any], dry_run: bool, idempotency_key: str | None
) -> Request[BulkResult]:
    """Do one thing with many executions; repeatable, since each has a key of its own."""
    return Request(
        "POST",
        f"{EXECUTIONS}/bulk",
        body={"action": action, "filter": _given(**wanted), "dry_run": dry_run},
        headers={"Idempotency-Key": idempotency_key} if idempotency_key else {},
    )


def approve(
    execution_id: str,
    decision: str,
    approval_id: str | None,
    value: Any,
    comment: str | None,
) -> Request[Decision]:
    """Answer an approval; repeatable by its id: without one a second try could answer the next."""
    body = {
        "decision": decision,
        **_given(approval_id=approval_id, value=value, comment=comment),
    }
    return Request(
        "POST",
        path_of(EXECUTIONS, execution_id, "approve"),
        body=body,
        repeatable=approval_id is not None,
    )


def logs(execution_id: str) -> Request[list[NodeLog]]:
    """Fetch every attempt at every node."""
    return Request("GET", path_of(EXECUTIONS, execution_id, "logs"), member="logs")


def items(
    execution_id: str, node_id: str, status: str | None, limit: int, offset: int
) -> Request[ItemPage]:
    """List the items of a map node that have ended."""
    path = path_of(EXECUTIONS, execution_id, "nodes", node_id, "items")
    return Request("GET", path, _given(status=status, limit=limit, offset=offset))


def item(execution_id: str, node_id: str, index: int) -> Request[Item]:
    """Fetch one item of a map node."""
    path = path_of(EXECUTIONS, execution_id, "nodes", node_id, "items", str(index))
    return Request("GET", path)


def events(execution_id: str, after: int, limit: int) -> Request[list[Event]]:
    """Fetch recorded events after a sequence number."""
    path = path_of(EXECUTIONS, execution_id, "events")
    return Request("GET", path, {"after": after, "limit": limit}, member="events")


def readers() -> Request[Readers]:
    """Ask which language models read texts."""
    return Request("GET", f"{PREFIX}/readers")


def session() -> Request[Session]:
    """Say whom the token speaks for."""
    return Request("GET", f"{PREFIX}/session")


def health() -> Request[Health]:
    """Ask whether the platform is alive."""
    return Request("GET", "/health")


def ready() -> Request[Health]:
    """Ask whether the platform can take work; one that cannot says so with a status of its own."""
    return Request("GET", "/ready", accepts=(500, 503))
