"""Routes on which hosts an organization's workflows may reach."""

from typing import Any

import structlog
from fastapi import APIRouter, Response

from agents.bound import covered
from serve.answers import Egress, json_answer
from serve.context import ROLES_THAT_DELETE, Caller, Context, Shared, require_role
from serve.identifiers import render
from serve.problems import ApiError
from serve.requests import SetEgress
from store.egress import EgressList, delete_egress_list, get_egress_list, set_egress_list

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/egress", tags=["egress"])


@router.get("", responses={200: {"model": Egress}})
async def get_egress(context: Shared, caller: Caller) -> Response:
    """Return which hosts the organization's workflows may reach."""
    return json_answer(_told(context, await get_egress_list(context.pool, caller.tenant_id)))


@router.put(
    "",
    responses={
        200: {"model": Egress},
        422: {"description": "A host is none, or the operator does not allow it"},
    },
)
async def set_egress(body: SetEgress, context: Shared, caller: Caller) -> Response:
    """Set which hosts the organization's workflows may reach, for attempts from 5 s later on."""
    require_role(caller, ROLES_THAT_DELETE, "change which hosts workflows may reach")
    hosts = body.hosts and list(dict.fromkeys(body.hosts))
    allowed = context.config.allowed_hosts
    beyond = [] if allowed is None else [one for one in hosts or () if not covered(one, allowed)]
    if beyond:
        raise ApiError(422, f"The operator does not allow {', '.join(beyond)}.",
                       f"The installation allows {', '.join(allowed or ())}.")  # fmt: skip
    found: EgressList | None = None
    if hosts is None:
        await delete_egress_list(context.pool, caller.tenant_id)
    else:
        found = await set_egress_list(context.pool, caller.tenant_id, caller.user_id, hosts)
    log.info("egress.set", tenant=render("org", caller.organization_id), hosts=hosts,
             by=render("user", caller.user_id))  # fmt: skip
    return json_answer(_told(context, found))


def _told(context: Context, found: EgressList | None) -> dict[str, Any]:
    config = context.config
    return {
        "hosts": found and list(found.hosts),
        "updated_at": found and found.updated_at,
        "operator_hosts": config.allowed_hosts and list(config.allowed_hosts),
        "loopback": config.allow_loopback,
    }
