"""Routes on the items of a map node."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from serve.answers import json_answer
from serve.context import Caller, Context, Shared
from serve.execution_answers import Item, ItemPage
from serve.identifiers import parse
from serve.problems import ApiError
from serve.workflow_routes import Offset
from store import history
from store.accounts import Principal
from store.json_values import loads

router = APIRouter(prefix="/api/v1/workflows", tags=["executions"])

Items = Annotated[int, Query(ge=1, le=1000)]
Place = Annotated[int, Path(ge=0, le=2**31 - 1)]


@router.get(
    "/executions/{execution_id}/nodes/{node_id}/items", responses={200: {"model": ItemPage}}
)
async def list_items(
    execution_id: str,
    node_id: str,
    context: Shared,
    caller: Caller,
    status: Literal["completed", "failed"] | None = None,
    limit: Items = 100,
    offset: Offset = 0,
) -> Response:
    """List the items of a map node that have ended, in the order of its list.

    In a loop these are the items of the node's last visit.
    """
    id = parse("exec", execution_id)
    await _require_map(context, caller, id, node_id)
    rows, total = await history.list_items(
        context.pool, caller.tenant_id, id, node_id, status=status, limit=limit, offset=offset
    )
    items = [_document(row) for row in rows]
    return json_answer({"items": items, "total": total, "limit": limit, "offset": offset})


@router.get(
    "/executions/{execution_id}/nodes/{node_id}/items/{index}", responses={200: {"model": Item}}
)
async def get_item(
    execution_id: str, node_id: str, index: Place, context: Shared, caller: Caller
) -> Response:
    """Return one item of a map node, its output whole."""
    id = parse("exec", execution_id)
    await _require_map(context, caller, id, node_id)
    row = await history.get_item(context.pool, caller.tenant_id, id, node_id, index)
    return json_answer(_document(row))


async def _require_map(context: Context, caller: Principal, id: UUID, node_id: str) -> None:
    execution = await history.get_execution(context.pool, caller.tenant_id, id)
    nodes = loads(execution["document"])["nodes"]
    maps = [node["id"] for node in nodes if node.get("pattern") == "map"]
    if node_id not in maps:
        known = ", ".join(f"`{name}`" for name in maps) or "none"
        raise ApiError(
            404, f"The workflow has no map node {node_id[:100]!r}.", f"Its map nodes: {known}."
        )


def _document(row: Any) -> dict[str, Any]:
    return {
        "index": row["map_index"],
        "status": row["status"],
        "attempt": row["attempt"],
        "output": loads(row["output_data"]),
        "output_bytes": row["output_bytes"],
        "error": row["error_message"],
    }
