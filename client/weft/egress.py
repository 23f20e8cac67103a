"""Which hosts the organization's workflows may reach; for both clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from weft.requests import PREFIX, Request
from weft.sending import AsyncSender, Sender

_EGRESS = f"{PREFIX}/egress"


class EgressHosts(TypedDict):
    """Which hosts may be reached; the time is ISO 8601."""

    hosts: list[str] | None
    updated_at: str | None
    operator_hosts: list[str] | None
    loopback: bool


def _get() -> Request[EgressHosts]:
    return Request("GET", _EGRESS)


def _set(hosts: Sequence[str] | None) -> Request[EgressHosts]:
    return Request("PUT", _EGRESS, body={"hosts": None if hosts is None else list(hosts)})


class Egress(Sender):
    """What `Client` can do with the hosts that may be reached."""

    def egress(self) -> EgressHosts:
        """Return which hosts the organization's workflows may reach; `hosts` None: every one."""
        return self._send(_get())

    def set_egress(self, hosts: Sequence[str] | None) -> EgressHosts:
        """Set which hosts the organization's workflows may reach, for attempts from 5 s later on.

        Args:
            hosts: `api.example.com`, `*.example.com`, addresses; none: no host at all; None: every
                public host.
        """
        return self._send(_set(hosts))


class AsyncEgress(AsyncSender):
    """What `AsyncClient` can do with the hosts that may be reached."""

    async def egress(self) -> EgressHosts:
        """Return which hosts the organization's workflows may reach; see `Egress.egress`."""
        return await self._send(_get())

    async def set_egress(self, hosts: Sequence[str] | None) -> EgressHosts:
        """Set which hosts the organization's workflows may reach; see `Egress.set_egress`."""
        return await self._send(_set(hosts))
