"""Routes on what is kept: artifacts, and the deletion of ended executions."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from serve.answers import json_answer
from serve.context import ROLES_THAT_DELETE, Caller, Shared, require_role
from serve.execution_answers import Pruning
from serve.identifiers import parse
from serve.requests import Prune
from store import retention
from store.artifacts import PostgresArtifacts, is_digest
from store.errors import NotFound

router = APIRouter(prefix="/api/v1/workflows/executions", tags=["executions"])


@router.get(
    "/{execution_id}/artifacts/{sha256}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/json": {}}, "description": "The value's JSON"},
        304: {"description": "It is the one that the caller has"},
    },
)
async def get_artifact(
    execution_id: str,
    sha256: str,
    context: Shared,
    caller: Caller,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a large value that an answer or an event only refers to."""
    id = parse("exec", execution_id)
    if not is_digest(sha256):
        raise NotFound("artifact", sha256[:80])
    artifacts = PostgresArtifacts(context.pool)
    size_bytes = await artifacts.size_bytes(caller.tenant_id, id, sha256)
    # It is named by its content, so it never changes.
    headers = {"etag": f'"{sha256}"', "cache-control": "private, max-age=31536000, immutable"}
    if if_none_match is not None and f'"{sha256}"' in if_none_match:
        return Response(status_code=304, headers=headers)
    headers |= {
        "content-length": str(size_bytes),
        "content-disposition": f'attachment; filename="{execution_id}-{sha256[:12]}.json"',
    }
    return StreamingResponse(
        artifacts.parts(caller.tenant_id, id, sha256),
        headers=headers,
        media_type="application/json",
    )


@router.delete(
    "/{execution_id}",
    status_code=204,
    responses={409: {"description": "It has not ended"}},
)
async def delete_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Delete an ended execution with its logs, events, state and artifacts."""
    require_role(caller, ROLES_THAT_DELETE, "delete executions")
    await retention.delete_execution(context.pool, caller.tenant_id, parse("exec", execution_id))
    return Response(status_code=204)


@router.post("/prune", responses={200: {"model": Pruning}})
async def prune_executions(body: Prune, context: Shared, caller: Caller) -> Response:
    """Delete a batch of the executions that ended so long ago, or say how many there are."""
    require_role(caller, ROLES_THAT_DELETE, "delete executions")
    days = body.older_than_days
    deleted = 0
    if not body.dry_run:
        deleted = await retention.delete_old_executions(context.pool, caller.tenant_id, days)
    left = await retention.count_old_executions(context.pool, caller.tenant_id, days)
    return json_answer({"deleted": deleted, "left": left})
