"""What the agents of one process share: HTTP client, sandbox, browser, model providers.

Each part is opened when an agent first asks for it and closed once, with the services.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from agents.browser import Browser, open_browser
from agents.browser_keeper import Keepers
from agents.database_clients import Clients
from agents.egress import egress_of
from agents.elsewhere import Elsewhere, InThread
from agents.limits import Limiter, LocalLimiter
from agents.manners import Manners
from agents.models import Models, model_access, open_models
from agents.oauth import Tokens
from agents.openapi_documents import Documents
from agents.sandbox import Sandbox, SandboxLimits
from agents.settings import AgentSettings
from agents.turns import Turns

if TYPE_CHECKING:
    from agents.containers import Containers
    from agents.mcp_servers import McpServers

T = TypeVar("T")


class Services:
    """The shared parts; get one from `open_services`."""

    def __init__(
        self,
        settings: AgentSettings,
        stack: AsyncExitStack,
        limiter: Limiter | None = None,
        elsewhere: Elsewhere | None = None,
        keepers: Keepers | None = None,
    ) -> None:
        self.settings = settings
        self._keepers = keepers
        self.elsewhere: Elsewhere = elsewhere or InThread()
        self.limiter: Limiter = limiter or LocalLimiter()
        self.turns = Turns(self.limiter, settings.host_limits)
        self.egress = egress_of(settings)
        self._stack = stack
        self._parts: dict[str, Any] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def http(self) -> httpx2.AsyncClient:
        """Return the HTTP client for addresses that users name."""
        return await self._part("http", self._open_http)

    async def sandbox(self) -> Sandbox:
        """Return the pool of script workers."""
        return await self._part("sandbox", self._open_sandbox)

    async def browser(self) -> Browser:
        """Return the way into the machine's Chromium.

        Raises:
            AgentError: There is none on this machine, or it does not start.
        """
        return await self._part("browser", self._open_browser)

    async def containers(self) -> "Containers":
        """Return the container engine.

        Raises:
            AgentError: None is configured (final), or it does not answer (retryable).
        """
        return await self._part("containers", self._open_containers)

    async def mcp(self) -> "McpServers":
        """Return the MCP servers that workflows name."""
        return await self._part("mcp", self._open_mcp)

    async def models(self) -> Models:
        """Return the language models."""
        return await self._part("models", self._open_models)

    async def tokens(self) -> Tokens:
        """Return the access tokens that are kept."""
        return await self._part("tokens", _open_tokens)

    async def documents(self) -> Documents:
        """Return the OpenAPI documents that were read."""
        return await self._part("documents", _open_documents)

    async def manners(self) -> Manners:
        """Return what this process knows of sites that it reads."""
        return await self._part("manners", self._open_manners)

    async def clients(self) -> Clients:
        """Return the clients of databases that nodes name."""
        return await self._part("clients", self._open_clients)

    async def _part(self, name: str, open_part: Callable[[], Awaitable[T]]) -> T:
        if name in self._parts:
            opened: T = self._parts[name]
            return opened
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._parts:
                self._parts[name] = await open_part()
            part: T = self._parts[name]
            return part

    async def _open_manners(self) -> Manners:
        return Manners(await self.http(), self.turns)

    async def _open_clients(self) -> Clients:
        clients = Clients()
        self._stack.push_async_callback(clients.aclose)
        return clients

    async def _open_http(self) -> httpx2.AsyncClient:
        return await self._stack.enter_async_context(self.egress.client())

    async def _open_sandbox(self) -> Sandbox:
        limits = SandboxLimits(
            seconds=self.settings.sandbox_seconds,
            memory_bytes=self.settings.sandbox_memory_bytes,
            processes=self.settings.sandbox_processes,
        )
        return await self._stack.enter_async_context(Sandbox(limits))

    async def _open_browser(self) -> Browser:
        return await self._stack.enter_async_context(
            open_browser(
                self.egress,
                self.settings.chromium_path,
                self.settings.browser_concurrency,
                self._keepers,
            )
        )

    async def _open_containers(self) -> "Containers":
        # Most processes never run one, and importing the engine's client takes a while.
        from agents.containers import open_containers  # noqa: PLC0415

        opening = open_containers(self.settings.containers_url)
        return await self._stack.enter_async_context(opening)

    async def _open_mcp(self) -> "McpServers":
        # Importing the protocol takes more than a second, and most processes never speak it.
        module = await asyncio.to_thread(importlib.import_module, "agents.mcp_servers")
        servers: McpServers = module.McpServers(self)
        return servers

    async def _open_models(self) -> Models:
        access = model_access(self.settings)
        return await self._stack.enter_async_context(
            open_models(
                self.egress, access, self.settings.default_model, self.settings.fallback_models
            )
        )


async def _open_tokens() -> Tokens:
    return Tokens()


async def _open_documents() -> Documents:
    return Documents()


@asynccontextmanager
async def open_services(
    settings: AgentSettings,
    limiter: Limiter | None = None,
    elsewhere: Elsewhere | None = None,
    keepers: Keepers | None = None,
) -> AsyncIterator[Services]:
    """Open what agents share in this process; closes every part that was used.

    Args:
        settings: Plain values, the same for every process of an installation.
        limiter: Who keeps rate limits; None: this process by itself.
        elsewhere: Where work on much data is done; None: in a thread.
        keepers: Who knows where this machine's browser is lent; None: this process has its own.
    """
    async with AsyncExitStack() as stack:
        yield Services(settings, stack, limiter, elsewhere, keepers)
