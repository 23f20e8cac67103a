"""The workflows that a workflow runs: whether those that it names by id are there."""

from uuid import UUID

from actors.children import workflow_id
from compiler.errors import Problem
from compiler.specification import Specification
from store import workflows
from store.postgres import Pool


async def callee_problems(
    pool: Pool, tenant_id: UUID, specification: Specification
) -> list[Problem]:
    """Return a problem for each node that names a workflow which the tenant does not have.

    A name may still be given to a workflow that comes later; an id cannot.
    """
    named: dict[str, UUID] = {}
    for index, node in enumerate(specification.nodes):
        name = node.parameters.get("workflow")
        if node.agent == "workflow" and isinstance(name, str) and (id := workflow_id(name)):
            named[f"nodes[{index}].parameters.workflow"] = id
    if not named:
        return []
    missing = await workflows.missing_workflows(pool, tenant_id, [*named.values()])
    return [
        Problem(
            path,
            "unknown_workflow",
            f"There is no active workflow `wf_{id.hex}`.",
            "Name a workflow of your organization by its id, or by its name.",
        )
        for path, id in named.items()
        if id in missing
    ]
