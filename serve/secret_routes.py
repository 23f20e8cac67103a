"""Routes on an organization's secrets: one is set, replaced and deleted, and never read."""

from dataclasses import asdict
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Response

from serve.answers import Secret, SecretList, json_answer
from serve.context import ROLES_THAT_DELETE, Caller, Shared, require_role
from serve.identifiers import render
from serve.problems import ApiError
from serve.requests import SetSecret
from store import secrets
from store.errors import Conflict
from store.secrets_sealing import SecretsUnavailable

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/secrets", tags=["secrets"])

Name = Annotated[
    str, Path(pattern="^[a-z][a-z0-9_-]{0,99}$", description="What `{secrets.name}` says.")
]


@router.get("", responses={200: {"model": SecretList}})
async def list_secrets(context: Shared, caller: Caller) -> Response:
    """Return the organization's secrets: names, hosts and times, never what they hold."""
    found = await secrets.list_secrets(context.pool, caller.tenant_id)
    return json_answer({"secrets": [asdict(secret) for secret in found]})


@router.put(
    "/{name}",
    responses={
        200: {"model": Secret},
        409: {"description": "The operator has one of that name, or somebody else set it just now"},
    },
)
async def set_secret(name: Name, body: SetSecret, context: Shared, caller: Caller) -> Response:
    """Set a secret for some hosts; it replaces what was set before, hosts included."""
    require_role(caller, ROLES_THAT_DELETE, "set secrets")
    if name in context.config.secret_names:
        raise Conflict(
            f"The operator of the platform has a secret `{name}` for all organizations.",
            "Choose another name, and name that in the specification.",
        )
    try:
        info = await secrets.set_secret(
            context.pool, context.keys, caller.tenant_id, caller.user_id, name,
            body.value.get_secret_value(), body.hosts,
        )  # fmt: skip
    except SecretsUnavailable as error:
        # Where the master key is, and what is wrong with it, is the operator's to know.
        raise ApiError(503, "Secrets cannot be set on this platform just now.",
                       "Ask its operator; the log says more.") from error  # fmt: skip
    log.info("secret.set", tenant=render("org", caller.organization_id), name=name,
             by=render("user", caller.user_id), version=info.version)  # fmt: skip
    return json_answer(asdict(info))


@router.delete("/{name}", status_code=204)
async def delete_secret(name: Name, context: Shared, caller: Caller) -> Response:
    """Delete a secret; within seconds no node gets it any more."""
    require_role(caller, ROLES_THAT_DELETE, "delete secrets")
    await secrets.delete_secret(context.pool, caller.tenant_id, name)
    log.info("secret.deleted", tenant=render("org", caller.organization_id), name=name,
             by=render("user", caller.user_id))  # fmt: skip
    return Response(status_code=204)
