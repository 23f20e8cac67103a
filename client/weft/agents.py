"""The agents that nodes may name; for both clients."""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar

from weft.requests import PREFIX, Request, path_of

T = TypeVar("T")
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


class Agents:
    """What `Client` can do with agents."""

    def _send(self, call: Request[T], attempts: int | None = None) -> T:
        raise NotImplementedError

    def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return self._send(_list())

    def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return self._send(_get(name))


class AsyncAgents:
    """What `AsyncClient` can do with agents."""

    async def _send(self, call: Request[T], attempts: int | None = None) -> T:
        raise NotImplementedError

    async def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return await self._send(_list())

    async def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return await self._send(_get(name))
