"""Health, readiness and metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asyncpg import exceptions
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError

from serve.answers import Health, Readiness, json_answer
from serve.context import Caller, Context, Shared
from serve.metrics import exposition
from store.postgres import UNREACHABLE
from store.statements import statement

router = APIRouter(tags=["health"])

CHECK_SECONDS = 3.0


@router.get("/health", responses={200: {"model": Health}})
async def health() -> Response:
    """Say that this process answers."""
    return json_answer({"status": "ok"})


@router.get(
    "/ready",
    responses={
        200: {"model": Readiness},
        503: {"model": Readiness, "description": "Executions cannot run just now"},
    },
)
async def ready(context: Shared) -> Response:
    """Say whether executions can run; Redis only makes watching faster, so it may be away."""
    checks = {
        "postgres": await _check(lambda: context.pool.fetchval(statement("ping"))),
        "redis": await _check(lambda: context.live.redis.ping()),
        "executors": await _executors(context),
    }
    can_run = checks["postgres"] == "ok" and checks["executors"] == "ok"
    body = {"status": "ready" if can_run else "not ready", "checks": checks}
    return json_answer(body, 200 if can_run else 503)


async def _check(probe: Callable[[], Awaitable[Any]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await probe()
    except (*UNREACHABLE, exceptions.PostgresError, RedisError) as error:
        return f"away: {error or type(error).__name__}"
    return "ok"


async def _executors(context: Context) -> str:
    try:
        found = await context.handover.executors()
    except (*UNREACHABLE, exceptions.PostgresError) as error:
        return f"unknown: {error or type(error).__name__}"
    return "ok" if found else "none holds a lease"


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(context: Shared, _caller: Caller) -> Response:
    """Return the platform's metrics in Prometheus's text format; needs a token like every route."""
    return PlainTextResponse(await exposition(context.pool), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request, _caller: Caller) -> Response:
    """Return the API's description of itself."""
    return json_answer(request.app.openapi())
