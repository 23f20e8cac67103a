"""Plans with what the organization's executions took before."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from agents.bound import fits_any
from compiler.inputs import with_defaults
from compiler.plan import plan
from compiler.specification import Specification
from compiler.text import specification_hash
from compiler.workers import agent_names
from serve.callees import read_callees
from serve.context import Context
from store.accounts import Principal
from store.egress import get_egress_list
from store.measured import read_history
from store.secrets import list_secrets


async def plan_document(
    context: Context,
    caller: Principal,
    specification: Specification,
    input: Mapping[str, Any],
    workflow_id: UUID | None = None,
) -> dict[str, Any]:
    """Return the plan of an execution; nothing is called but the database.

    Args:
        context: What the routes share.
        caller: Whose history counts.
        specification: What is to be executed.
        input: Its input, or a part of it.
        workflow_id: Whose specification it is; None: it is not stored.
    """
    history = await read_history(
        context.pool,
        caller.tenant_id,
        agent_names(specification),
        workflow_id=workflow_id,
        specification_sha256=specification_hash(specification),
        nodes=len(specification.nodes),
    )
    given = with_defaults(specification, input)
    agents = await context.signatures_for(caller.tenant_id, specification)
    callees = await read_callees(context.pool, caller.tenant_id, agents, specification, given)
    called = callees.specifications.values()
    agents = await context.signatures_for(caller.tenant_id, specification, *called)
    known = await list_secrets(context.pool, caller.tenant_id)
    secrets = {*context.config.secret_names, *(secret.name for secret in known)}
    own = await get_egress_list(context.pool, caller.tenant_id)
    known_lists = (context.config.allowed_hosts, own.hosts if own else None)
    lists = [hosts for hosts in known_lists if hosts is not None]

    def refused(place: str) -> bool:
        host = urlsplit(f"//{place}").hostname or place
        return not all(fits_any(hosts, host) for hosts in lists)

    return plan(
        specification, agents, input, history, callees, secrets=secrets,
        refused=refused,
    ).to_document()  # fmt: skip
