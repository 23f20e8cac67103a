"""The agents that nodes may name; for both clients."""

from __future__ import annotations

from typing import Any, TypedDict

from weft.requests import PREFIX, Request, path_of
from weft.sending import AsyncSender, Sender

_AGENTS = f"{PREFIX}/agents"


class Agent(TypedDict, total=False):
    """An agent; from `parameters` on only when fetched by its name.

    `parameters` is the JSON Schema of its parameters.
    """

    name: str
    title: str
    group: str
    service: str | None
    description: str
    synonyms: list[str]
    side_effect: str
    cost_class: str | None
    documentation: str | None
    parameters: dict[str, Any]
    output_fields: list[str]
    hosts: list[str]
    usual_secrets: dict[str, str]
    estimated_seconds: float
    estimated_cost_usd: float
    example: dict[str, Any] | None


def _list() -> Request[list[Agent]]:
    return Request("GET", _AGENTS, member="agents")


def _get(name: str) -> Request[Agent]:
    return Request("GET", path_of(_AGENTS, name))


class Agents(Sender):
    """What `Client` can do with agents."""

    def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return self._send(_list())

    def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return self._send(_get(name))


class AsyncAgents(AsyncSender):
    """What `AsyncClient` can do with agents."""

    async def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return await self._send(_list())

    async def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return await self._send(_get(name))
