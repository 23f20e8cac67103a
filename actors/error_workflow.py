"""Starting the workflow that another one names for its failed executions."""

from typing import Any
from uuid import UUID

from agents.errors import AgentError
from compiler.check import validate_input
from compiler.concurrency import limits
from compiler.errors import SpecificationError
from compiler.inputs import with_defaults
from compiler.specification import Specification
from store.errors import Conflict, NotFound
from store.executions import Start, start_execution
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.workflows import get_workflow

TRIGGER = "error"
"""What triggered such an execution; when it fails itself, no other is started for it."""


async def start_error_workflow(pool: Pool, live: LiveView, delivery: Any) -> None:
    """Start it, once however often this is called.

    Args:
        pool: A pool of role weft_engine.
        live: Told of the event.
        delivery: A row of `claim_webhook_deliveries` of kind `error_workflow`.

    Raises:
        AgentError: It cannot be started, and trying again would not help.
    """
    try:
        workflow = await get_workflow(
            pool, delivery["tenant_id"], UUID(hex=delivery["url"].removeprefix("wf_"))
        )
        if workflow.tenant_id != delivery["tenant_id"]:
            # The engine sees all tenants; whoever names another's workflow sees none.
            raise NotFound("workflow", delivery["url"])
        specification = Specification.model_validate(workflow.specification)
        given = with_defaults(specification, _input(delivery))
        if problems := validate_input(specification, given):
            raise AgentError("; ".join(str(problem) for problem in problems))
        settings = specification.settings.execution
        # Nobody in particular starts it.
        bounds = limits(specification, given, user_email="", user_name="")
        start = Start(
            tenant_id=delivery["tenant_id"],
            organization_id=delivery["organization_id"],
            workflow_id=workflow.id,
            workflow_name=workflow.name,
            user_id=delivery["started_by"],
            specification_sha256=workflow.specification_sha256,
            input=given,
            total_nodes=len(specification.nodes),
            triggered_by=TRIGGER,
            timeout_seconds=settings.timeout_seconds,
            idempotency_key=f"error:{delivery['execution_id']}",
            priority=settings.priority,
            dedicated=settings.isolation == "dedicated",
            workflow_limit=bounds.workflow_limit,
            key_limit=bounds.key_limit,
            key=bounds.key,
        )
        await start_execution(pool, live, start, None)
    except (NotFound, Conflict, SpecificationError) as error:
        raise AgentError(f"The error workflow cannot be started: {error}") from error


def _input(delivery: Any) -> dict[str, Any]:
    body = loads(delivery["body"])
    return {
        "execution_id": f"exec_{delivery['execution_id'].hex}",
        "workflow_id": f"wf_{delivery['workflow_id'].hex}",
        "workflow_name": body["workflow_name"],
        "error_message": body["error_message"],
        "error_node_id": body["error_node_id"],
        "input": body["input"],
    }
