"""Clients of databases that nodes name: one for each address, a bounded number of them.

A client is kept for the next node of the same tenant with the same connection string and address.
Those that nobody uses are closed when there are too many, and all of them with the services.
"""

import asyncio
import hashlib
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

C = TypeVar("C")
MOST_CLIENTS = 32
CONNECTIONS = 8
"""How many connections a client has at most."""


@dataclass(slots=True)
class _Kept:
    client: Any
    close: Callable[[], Awaitable[None]]
    users: int = 0


class Clients:
    """The clients of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def use(
        self,
        key: str,
        open_client: Callable[[], Awaitable[C]],
        close: Callable[[C], Awaitable[None]],
    ) -> AsyncIterator[C]:
        """Give the client of a key, opened when there is none yet."""
        async with self._opening:
            if key not in self._kept:
                client = await open_client()
                self._kept[key] = _Kept(client, lambda: close(client))
            kept = self._kept[key]
            kept.users += 1
            self._kept.move_to_end(key)
            await self._make_room()
        try:
            yield kept.client
        finally:
            kept.users -= 1

    async def aclose(self) -> None:
        """Close all of them."""
        kept, self._kept = self._kept, OrderedDict()
        for one in kept.values():
            await one.close()

    async def _make_room(self) -> None:
        idle = [key for key, kept in self._kept.items() if not kept.users]
        for key in idle[: max(0, len(self._kept) - MOST_CLIENTS)]:
            await self._kept.pop(key).close()


def key_of(tenant_id: UUID, *parts: object) -> str:
    """Return the key of a client, in which no password can be read."""
    text = "\x00".join(map(str, (tenant_id, *parts)))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class NamedContext(ssl.SSLContext):
    """A TLS context that proves a name while the connection goes to a checked address."""

    proven_name: str = ""

    def wrap_bio(self, incoming: Any, outgoing: Any, *args: Any, **options: Any) -> Any:
        """Begin a connection as with the name itself."""
        options["server_hostname"] = self.proven_name
        return super().wrap_bio(incoming, outgoing, *args[:1], **options)


def named_context(name: str, *, check_name: bool = True) -> NamedContext:
    """Return a context that trusts the system's authorities for a name."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.check_hostname = check_name
    context.proven_name = name
    return context
