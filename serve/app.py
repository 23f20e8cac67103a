"""The API as one ASGI app: routes, bounds, pages."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from actors.custom_agents import CustomAgents, reader
from actors.memory import settle_memory
from actors.metrics import count_ended, report
from agents.registry import builtin_registry
from serve import (
    agent_routes,
    approval_routes,
    custom_agent_routes,
    egress_routes,
    execution_routes,
    health_routes,
    item_routes,
    lifecycle_routes,
    problems,
    reader_routes,
    retention_routes,
    secret_routes,
    session_routes,
    streams,
    template_routes,
    time_travel_routes,
    version_routes,
    workflow_routes,
)
from serve.api_config import ApiConfig
from serve.background import running
from serve.context import Context
from serve.description import describe
from serve.endings import Endings
from serve.handover import Handover
from serve.limits import Bounded
from serve.metrics import PROCESS, Measured
from serve.readings import Readings
from serve.startables import Startables
from serve.starter import Starter
from store.accounts import Principals
from store.live import LiveView, open_live_view
from store.postgres import Pool, open_pool
from store.secrets_keyring import Keyring


class Pages(StaticFiles):
    """The dashboard's files, asked for anew after an upgrade."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer a file that a browser may keep but has to check."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


PAGES = Path(__file__).parent / "dashboard"


def make_context(config: ApiConfig, pool: Pool, live: LiveView, parser: Any) -> Context:
    """Return what the routes share; its starter and endings must be run."""
    handover = Handover(pool, config.lease_seconds, config.bounds.executor_capacity)
    agents = CustomAgents(builtin_registry(), reader(pool))
    return Context(
        config=config,
        pool=pool,
        live=live,
        handover=handover,
        starter=Starter(pool, live, handover, config.bounds.tenant_most),
        startables=Startables(pool, agents),
        endings=Endings(pool, live),
        readings=Readings(pool),
        principals=Principals(pool),
        keys=Keyring(config.secrets_keys),
        parser=parser,
        agents=agents,
    )


def build_app(config: ApiConfig, parser: Any) -> FastAPI:
    """Build the app; what it shares is opened when it starts.

    Args:
        config: Addresses and keys.
        parser: The handle of the parser deployment.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(
                open_pool(config.database_url, "weft_api", size=20)
            )
            live = await stack.enter_async_context(open_live_view(config.redis_url, count_ended))
            context = make_context(config, pool, live, parser)
            stack.callback(context.keys.close)
            app.state.context = context
            await stack.enter_async_context(running("starts", context.starter.run()))
            await stack.enter_async_context(running("endings", context.endings.run()))
            reporting = report(pool, PROCESS, lambda: None)
            await stack.enter_async_context(running("metrics", reporting))
            settle_memory()
            yield

    app = FastAPI(
        title="Weft",
        version=version("weft-platform"),
        lifespan=lifespan,
        # Its own pages need the internet, and its own route needs no token.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    # The execution routes come first: `executions` must not be read as a workflow's identifier.
    for module in (custom_agent_routes, execution_routes, item_routes, approval_routes,
                   lifecycle_routes, time_travel_routes, retention_routes, secret_routes,
                   egress_routes, streams,
                   version_routes, workflow_routes, template_routes, agent_routes, reader_routes,
                   session_routes, health_routes):  # fmt: skip
        app.include_router(module.router)
    describe(app)
    app.mount("/", Pages(directory=PAGES, html=True), name="dashboard")
    app.add_middleware(Bounded)
    app.add_middleware(Measured)
    return app
