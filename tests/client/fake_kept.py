"""The part of the fake API that answers for large values and old executions."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.client.world import World


def kept_routes(world: World, executions: str) -> list[Route]:
    """Return the routes: an artifact is its own digest twice; pruning deletes two at a time."""

    async def artifact(request: Request) -> Response:
        return PlainTextResponse(f'"{request.path_params["sha256"] * 2}"')

    async def prune(request: Request) -> Response:
        body = await request.json()
        ids = [] if body["dry_run"] else list(world.executions)[:2]
        for execution_id in ids:
            del world.executions[execution_id]
        return JSONResponse({"deleted": len(ids), "left": len(world.executions)})

    return [
        Route(f"{executions}/{{id}}/artifacts/{{sha256}}", artifact),
        Route(f"{executions}/prune", prune, methods=["POST"]),
    ]
