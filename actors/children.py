"""Executions that nodes start and await.

A child is a row that is written together with its parent's wait; it stands in line until the node
lets it run, and its end ends the wait (`weft_write`). The rows are the truth: the parent holds
nothing meanwhile and reads what became of its children when it goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError
from uuid_utils.compat import uuid7

from actors.attempts import Attempt
from actors.backoff import nothing, stand_until_next
from actors.scope import Known, scope
from actors.standing import Make
from agents.agent import AgentResult
from agents.errors import AgentError
from agents.workflow import WorkflowParameters
from compiler.check import validate_input
from compiler.concurrency import Limits, limits
from compiler.errors import SpecificationError
from compiler.inputs import with_defaults
from compiler.references import UnresolvedReference, resolve
from compiler.specification import ExecutionSettings, Node, Retry, Specification
from store.executions import UNLIMITED, lane_of
from store.json_values import dumps, loads
from store.records import ChildRecord, Record, WaitRecord
from store.statements import statement

if TYPE_CHECKING:
    from actors.run import Run

DEPTH_LIMIT = 10
"""How deep executions may start one another."""


@dataclass(frozen=True, slots=True)
class Call:
    """A workflow that is to be run, with its input."""

    workflow_id: UUID
    name: str
    sha256: str
    total_nodes: int
    input: Mapping[str, Any]
    settings: ExecutionSettings
    bounds: Limits

    @property
    def lane(self) -> UUID:
        """What it shares with those that are bounded alike, by whomever they were started."""
        if self.bounds == Limits():
            return UNLIMITED
        dedicated = self.settings.isolation == "dedicated"
        return lane_of(self.workflow_id, self.bounds.key, dedicated)


class Calls:
    """Makes calls of a node's parameters; each workflow is read once."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._found: dict[str, tuple[Any, Specification]] = {}

    async def call(self, parameters: Any) -> Call:
        """Return what resolved parameters ask for.

        Raises:
            AgentError: There is no such workflow, or it cannot be run so.
        """
        try:
            asked = WorkflowParameters.model_validate(parameters)
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            told = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
            raise AgentError(f"parameters.{told}") from None
        if self._run.facts.depth >= DEPTH_LIMIT:
            raise AgentError(
                f"Executions may start one another {DEPTH_LIMIT} deep, and this one stands there.",
                remedy="Let a workflow that starts itself come to an end earlier.",
            )
        row, specification = await self._find(asked.workflow)
        given = with_defaults(specification, asked.input)
        if problems := validate_input(specification, given):
            told = "; ".join(str(problem) for problem in problems)
            raise AgentError(f"The input does not fit the workflow {row['name']!r}: {told}")
        facts = self._run.facts
        try:
            bounds = limits(
                specification, given,
                user_email=facts.user_email, user_name=facts.user_name,
            )  # fmt: skip
        except SpecificationError as error:
            told = "; ".join(str(problem) for problem in error.problems)
            raise AgentError(f"The workflow {row['name']!r} cannot be started: {told}") from error
        return Call(
            row["id"], row["name"], row["specification_sha256"], len(specification.nodes),
            given, specification.settings.execution, bounds,
        )  # fmt: skip

    async def _find(self, wanted: str) -> tuple[Any, Specification]:
        if wanted not in self._found:
            rows = await self._run.host.pool.fetch(
                statement("find_workflow"), self._run.lease.tenant_id, workflow_id(wanted), wanted
            )
            if len(rows) > 1:
                raise AgentError(
                    f"Several workflows are named {wanted!r}.", remedy="Name one by its id, `wf_…`."
                )
            if not rows:
                raise AgentError(
                    f"There is no active workflow {wanted!r}.",
                    remedy="Name an active workflow of your organization by its id or its name.",
                )
            specification = Specification.model_validate(loads(rows[0]["specification"]))
            self._found[wanted] = rows[0], specification
        return self._found[wanted]


def workflow_id(text: str) -> UUID | None:
    """Return the id that a text is, if it is one."""
    try:
        return UUID(hex=text.removeprefix("wf_")) if text.startswith("wf_") else None
    except ValueError:
        return None


def repeats(retry: Retry, number: int) -> bool:
    """Whether a failed child is started again: only when the node has a policy of its own.

    The child's own nodes were tried as often as they may; doing all of it again is for the
    workflow's author to ask for.
    """
    return retry != Retry() and number < retry.max_attempts


async def await_workflow(run: "Run", node: Node, task_id: str, known: Known) -> Attempt:
    """Run the workflow that a node names, as often as the node asks.

    Returns:
        The last attempt, with the child's output or why it failed.
    """
    shown, place, number = None, 0, 1
    while True:
        begun = Attempt(number, datetime.now(UTC), shown)
        make: Make = nothing
        if not run.standing.began(task_id, place):
            try:
                shown = resolve(node.parameters, scope(run.facts, known))
                begun = replace(begun, shown_parameters=shown)
                make = _starting(run, node, task_id, begun, await Calls(run).call(shown))
            except (AgentError, UnresolvedReference) as error:
                return replace(begun, ended_at=datetime.now(UTC), error=str(error))
        answer = run.stand(task_id, place, "workflow", make)
        [child] = await run.host.pool.fetch(
            statement("list_children"), run.lease.execution_id, answer["interrupt_id"]
        )
        ended = _ended(begun, child)
        if ended.result is not None or not repeats(node.retry, number):
            return ended
        stand_until_next(run, node, task_id, place + 1, ended)
        place, number = place + 2, number + 1


def _ended(begun: Attempt, child: Any) -> Attempt:
    """Return what a child came to as an attempt at its node."""
    now, name = datetime.now(UTC), f"exec_{child['id'].hex}"
    if child["status"] == "completed":
        output = loads(child["output_data"])
        return replace(
            begun, ended_at=now, result=AgentResult(output, metadata={"execution_id": name})
        )
    verb = "failed" if child["status"] == "failed" else f"was {child['status']}"
    error = f"The execution {name} {verb}: {child['error_message'] or 'no reason was given.'}"
    return replace(begun, ended_at=now, error=error)


def _starting(run: "Run", node: Node, task_id: str, attempt: Attempt, call: Call) -> Make:
    def make(wait_id: str) -> list[Record]:
        child = child_record(run, node, wait_id, call)
        wait = WaitRecord(
            tenant_id=run.lease.tenant_id,
            execution_id=run.lease.execution_id,
            interrupt_id=wait_id,
            node_id=node.id,
            task_id=task_id,
            kind="items",
            payload_json=dumps({"timeout_seconds": node.timeout}),
            attempt=attempt.number,
            at_once=1,
        )
        return [wait, child, *run.notes.called(node, task_id, attempt, [child])]

    return make


def child_record(
    run: "Run", node: Node, wait_id: str, call: Call, map_index: int | None = None
) -> ChildRecord:
    """Make the record that starts an execution for a node or one of its items."""
    payload = {
        "workflow_id": f"wf_{call.workflow_id.hex}",
        "triggered_by": "workflow",
        "input_data": call.input,
        "total_nodes": call.total_nodes,
        "parent": {
            "execution_id": f"exec_{run.lease.execution_id.hex}",
            "node_id": node.id,
            "map_index": map_index,
        },
    }
    return ChildRecord(
        run.lease.tenant_id, run.lease.execution_id, wait_id, node.id, map_index, uuid7(),
        call.workflow_id, call.sha256, dumps(call.input), call.total_nodes, uuid7(),
        dumps(payload), call.settings.priority, call.lane, call.bounds.workflow_limit,
        call.bounds.key_limit,
    )  # fmt: skip
