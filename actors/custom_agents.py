"""Custom agents as nodes name them: read when they are needed, remembered for a moment.

A visit of a node uses the version that is the current one when it begins, so an agent that was
corrected helps the executions that wait for their next attempt; `name@2` always means version 2.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from pydantic import ConfigDict

from agents.agent import Agent, AgentContext, AgentResult, Parameters, SideEffect
from agents.custom.build import Found, custom_agent
from agents.custom.definition import Definition
from agents.custom.runner import Custom
from agents.errors import AgentError
from agents.registry import Registry
from compiler.signature import AgentSignature
from store.custom_agents import StoredAgent, count_uses, read_agents
from store.kept import Kept
from store.postgres import UNREACHABLE, Pool, tenant_transaction

log = structlog.get_logger(__name__)

KEPT_AGENTS = 5000
COUNT_SECONDS = 5.0
"""How often uses are counted."""

Read = Callable[[UUID, Sequence[tuple[str, int]]], Awaitable[list[StoredAgent]]]
"""Reads agents of a tenant by name and version, 0 for the current one."""


@dataclass(frozen=True, slots=True)
class CustomAgent:
    """An agent as it travels to the process that runs it."""

    named: str
    """How the node names it: `name` or `name@2`."""
    version: int
    status: str
    definition: Mapping[str, Any]

    @property
    def steps(self) -> tuple[str, ...]:
        """The agents that it names, if it is a chain."""
        return tuple(step["agent"] for step in self.definition["implementation"].get("steps", ()))

    @classmethod
    def of(cls, named: str, stored: StoredAgent) -> "CustomAgent":
        """Take what is needed of a stored one."""
        definition = {
            "agent_name": stored.agent_name,
            "description": stored.description,
            "tool_specification": stored.tool_specification,
            "implementation": stored.implementation,
        }
        return cls(named, stored.version, stored.status, definition)


class Unavailable:
    """Stands for an agent that cannot be used; every attempt fails and says why."""

    mappable = True
    parameters: type[Parameters]
    side_effect: SideEffect = "sends"
    default_timeout_seconds = 60.0
    output_fields: tuple[str, ...] = ()

    def __init__(self, name: str, error: AgentError) -> None:
        self.name = name
        self.description = str(error)
        self.unavailable = str(error)
        self.parameters = _Anything
        self._error = error

    async def run(self, parameters: Parameters, context: AgentContext) -> AgentResult:
        """Refuse.

        Raises:
            AgentError: Always.
        """
        raise self._error


class _Anything(Parameters):
    model_config = ConfigDict(extra="allow")


class CustomAgents:
    """The custom agents of all tenants, for one process.

    Args:
        registry: The agents that every tenant has.
        read: Reads further ones.
    """

    def __init__(self, registry: Registry, read: Read) -> None:
        self.registry = registry
        self._read = read
        self._kept = Kept(self._read_named, KEPT_AGENTS)
        self._uses: Counter[tuple[UUID, str]] = Counter()

    async def registry_for(self, tenant_id: UUID, names: Iterable[str]) -> Registry:
        """Return a registry that knows these of a tenant's agents, and all that every tenant has.

        What cannot be read now stands in it as an agent whose attempts fail and may be repeated.
        """
        wanted = self.unknown(names)
        if not wanted:
            return self.registry
        try:
            found = await self.find(tenant_id, wanted)
        except UNREACHABLE as error:
            log.warning("custom_agents.not_read", tenant=str(tenant_id), error=repr(error))
            away = AgentError("Custom agents cannot be read just now.", retryable=True)
            return self.registry.extended({name: Unavailable(name, away) for name in wanted})
        return extended(self.registry, found, wanted)

    async def signatures_for(
        self, tenant_id: UUID, names: Iterable[str]
    ) -> Mapping[str, AgentSignature]:
        """Return the signatures of these of a tenant's agents, and of all that every tenant has.

        One that does not exist is not among them.
        """
        wanted = self.unknown(names)
        found = await self.find(tenant_id, wanted) if wanted else []
        return extended(self.registry, found).signatures()

    async def own_signatures(
        self, tenant_id: UUID, names: Iterable[str]
    ) -> dict[str, AgentSignature]:
        """Return the signatures of those of some agents that are a tenant's own, in their order.

        They are plain values, and travel to other processes.
        """
        wanted = self.unknown(names)
        found = await self.find(tenant_id, wanted) if wanted else []
        known = extended(self.registry, found).signatures()
        given = {one.named for one in found}
        return {
            name: replace(known[name], parameter_faults=None) for name in wanted if name in given
        }

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return which of some agents are not every tenant's, each once."""
        return [name for name in dict.fromkeys(names) if not self.registry.knows(name)]

    async def find(self, tenant_id: UUID, names: Sequence[str]) -> list[CustomAgent]:
        """Return a tenant's agents as nodes name them, with those that chains among them name."""
        found = await self._kept.get(tenant_id, names)
        steps = [step for one in found.values() for step in one.steps]
        further = [name for name in self.unknown(steps) if name not in names]
        found |= await self._kept.get(tenant_id, further)
        return list(found.values())

    async def _read_named(self, tenant_id: UUID, names: Sequence[str]) -> dict[str, CustomAgent]:
        keys = {split_name(name): name for name in names}
        stored = await self._read(tenant_id, list(keys))
        named = ((keys[one.agent_name, one.wanted_version], one) for one in stored)
        return {name: CustomAgent.of(name, one) for name, one in named}

    def forget(self, tenant_id: UUID, name: str) -> None:
        """Read an agent anew the next time."""
        self._kept.forget(tenant_id, name)

    def used(self, tenant_id: UUID, name: str) -> None:
        """Count a use of a custom agent."""
        self._uses[tenant_id, name] += 1

    async def keep_counting(self, pool: Pool) -> None:
        """Write what was counted, again and again, from a pool of role weft_engine."""
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            await self.count(pool)

    async def count(self, pool: Pool) -> None:
        """Write what was counted; when the database is away, the next time."""
        uses, self._uses = self._uses, Counter()
        if not uses:
            return
        try:
            await count_uses(pool, uses)
        except UNREACHABLE as error:
            log.warning("custom_agents.not_counted", error=repr(error))
            self._uses += uses


def split_name(name: str) -> tuple[str, int]:
    """Return the agent and the version that a node names; 0: the current one, -1: none there is."""
    agent, at, version = name.partition("@")
    if not at:
        return agent, 0
    return agent, int(version) if version.isdecimal() and len(version) < 10 and int(version) else -1


def extended(
    registry: Registry, found: Sequence[CustomAgent], wanted: Iterable[str] = ()
) -> Registry:
    """Return a registry that knows some custom agents, too.

    Args:
        registry: The agents that every tenant has.
        found: The custom ones.
        wanted: What nodes name: those that do not exist stand in it as agents that always fail.
    """
    definitions = {one.named: one for one in found}
    missing = [
        name for name in dict.fromkeys(wanted)
        if name not in definitions and not registry.knows(name)
    ]  # fmt: skip
    if not definitions and not missing:
        return registry
    built: dict[str, Agent[Any]] = {
        name: Unavailable(name, AgentError(f"There is no agent named {name}.")) for name in missing
    }

    def find(name: str) -> Found:
        if name in definitions and name not in built:
            built[name] = _built(definitions[name], find_step)
        agent = built.get(name) or registry.get(name)
        return Found(agent, registry.code_parameters(name))

    def find_step(name: str) -> Found:
        # It may have become one since: chains in chains could name each other.
        if name in definitions and _is_chain(definitions[name]):
            raise AgentError(f"its step `{name}` is a chain itself")
        return find(name)

    for name in definitions:
        find(name)
    return registry.extended(built)


def _is_chain(one: CustomAgent) -> bool:
    return bool(one.definition["implementation"]["type"] == "chain")


def _built(one: CustomAgent, find: Callable[[str], Found]) -> Agent[Any]:
    name = one.definition["agent_name"]
    if one.status == "inactive":
        return Unavailable(one.named, AgentError(f"The agent `{name}` is inactive."))
    try:
        definition = Definition.model_validate(one.definition)
        agent: Custom = custom_agent(definition, one.version, find)
    except (AgentError, ValueError) as error:
        return Unavailable(one.named, AgentError(f"The agent `{name}` cannot be used: {error}"))
    if one.status == "deprecated":
        agent.deprecated = f"The agent `{name}` is deprecated."
    return agent


def documents(found: Iterable[CustomAgent]) -> list[dict[str, Any]]:
    """Return agents as JSON, for another process."""
    return [asdict(one) for one in found]


def reader(pool: Pool) -> Read:
    """Return what reads agents with the rights of one tenant."""

    async def read(tenant_id: UUID, wanted: Sequence[tuple[str, int]]) -> list[StoredAgent]:
        async with tenant_transaction(pool, tenant_id) as connection:
            return await read_agents(connection, tenant_id, wanted)

    return read
