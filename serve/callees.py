"""The workflows that a workflow runs: whether they are there, and what they say."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from actors.children import workflow_id
from compiler.callees import Callees, callee_names
from compiler.check import check
from compiler.errors import Problem
from compiler.signature import AgentSignature
from compiler.specification import Specification
from store import workflows
from store.json_values import clean_text
from store.postgres import Pool

MOST_READ = 20
"""So many workflows are read for a plan."""


async def specification_problems(
    pool: Pool,
    tenant_id: UUID,
    agents: Mapping[str, AgentSignature],
    specification: Specification,
) -> list[Problem]:
    """Return what is wrong with a specification, with the workflows that it names."""
    return [
        *check(specification, agents),
        *await callee_problems(pool, tenant_id, specification),
    ]


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


async def read_callees(
    pool: Pool,
    tenant_id: UUID,
    agents: Mapping[str, AgentSignature],
    specification: Specification,
    input: Mapping[str, Any],
) -> Callees:
    """Return the workflows that a specification runs with an input, and those that they run."""
    found: dict[str, Specification] = {}
    waiting = list(callee_names(specification, agents, input))
    looked: set[str] = set()
    while waiting and len(looked) < MOST_READ:
        name = waiting.pop(0)
        if name in looked:
            continue
        looked.add(name)
        document = await workflows.find_specification(
            pool, tenant_id, workflow_id(name), clean_text(name)
        )
        if document is not None:
            found[name] = Specification.model_validate(document)
            waiting += callee_names(found[name], agents, {})
    return Callees(found, frozenset(looked - found.keys()))
