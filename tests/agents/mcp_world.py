"""A real MCP server on loopback, by the protocol's own library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.eventually import eventually

PIXEL = b"\x89PNG\r\n\x1a\n"


@dataclass
class McpWorld:
    """A server with some tools, and what it was asked."""

    url: str = ""
    sse_url: str = ""
    calls: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Those of all requests."""
    methods: list[str] = field(default_factory=list)
    says: str = "nothing"
    """What the tool `page` gives."""
    accepts: set[str] = field(default_factory=set)
    """The `Authorization` that lets somebody in; empty: everybody may come."""

    def server(self) -> MCPServer:
        """Return a server with the tools."""
        server = MCPServer("World Tools")

        @server.tool(annotations=ToolAnnotations(read_only_hint=True))
        def add(a: int, b: int) -> dict[str, int]:
            """Adds two numbers."""
            self.calls.append((a, b))
            return {"sum": a + b}

        @server.tool()
        def page() -> str:
            """Gives a page."""
            return self.says

        @server.tool()
        def picture() -> Image:
            """Gives a picture."""
            return Image(data=PIXEL, format="png")

        @server.tool()
        def broken() -> str:
            """Fails."""
            raise ToolError("it is broken")

        @server.tool()
        async def endless() -> str:
            """Never answers."""
            await asyncio.Event().wait()
            return ""

        return server


def _noting(world: McpWorld, app: ASGIApp) -> ASGIApp:
    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {k.decode(): v.decode() for k, v in scope["headers"]}
            world.headers.append(headers)
            world.methods.append(scope["method"])
            if world.accepts and headers.get("authorization") not in world.accepts:
                await PlainTextResponse("no", 401)(scope, receive, send)
                return
        await app(scope, receive, send)

    return noted


@asynccontextmanager
async def open_mcp_world() -> AsyncIterator[McpWorld]:
    """Serve both transports on free ports."""
    world = McpWorld()
    apps = [world.server().streamable_http_app(), world.server().sse_app()]
    servers = [
        uvicorn.Server(
            uvicorn.Config(
                _noting(world, app), port=0, log_level="critical", timeout_graceful_shutdown=0
            )
        )
        for app in apps
    ]
    running = [asyncio.create_task(server.serve()) for server in servers]
    await eventually(lambda: all(server.started for server in servers))
    ports = [server.servers[0].sockets[0].getsockname()[1] for server in servers]
    world.url, world.sse_url = (
        f"http://127.0.0.1:{port}/{path}" for port, path in zip(ports, ("mcp", "sse"), strict=True)
    )
    try:
        yield world
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running, return_exceptions=True)
