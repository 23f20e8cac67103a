"""Which agents there are, by name, and what the compiler may know of each."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from agents.agent import Agent, Parameters
from agents.aggregator import Aggregator
from agents.api import Api
from agents.catalog.given import Given
from agents.catalog.library import catalog_entry, catalog_names
from agents.catalog.ready import Ready
from agents.data_processing import DataProcessing
from agents.database import Database
from agents.errors import AgentError
from agents.extending import installed_agents
from agents.human_loop import HumanLoop
from agents.llm import Llm
from agents.mail import Email
from agents.mcp import Mcp
from agents.router import Router
from agents.scope import CODE
from agents.wait import Wait
from agents.web_scraping import WebScraping
from agents.workers import Workers
from agents.workflow import Workflow
from compiler.signature import AgentSignature

_CODE_KEY = next(iter(CODE))


class Registry:
    """The agents of an installation; unchanging once built.

    Agents of the catalog are known by name, and read when one is first asked for: a process that
    uses few of them reads few.
    """

    def __init__(
        self,
        agents: Iterable[Agent[Any]],
        ready: Iterable[str] = (),
        build: Callable[[str, Mapping[str, Agent[Any]]], Agent[Any]] | None = None,
    ) -> None:
        """Take agents as they are, and names of others with what builds one over the former."""
        self._base = {agent.name: agent for agent in agents}
        self._agents = dict(self._base)
        self._ready = frozenset(ready)
        self._build = build
        self._signatures = Signatures(self)

    def extended(self, agents: Mapping[str, Agent[Any]]) -> "Registry":
        """Return a registry that knows further agents, too, by the names that nodes give them."""
        further = Registry(self._base.values(), self._ready, self._build)
        further._agents = {**self._agents, **agents}
        further._base = {**self._base, **agents}
        further._signatures = Signatures(further)
        return further

    def knows(self, name: str) -> bool:
        """Whether there is an agent of this name."""
        return name in self._base or name in self._ready

    def code_parameters(self, name: str) -> frozenset[str]:
        """Return the places among an agent's parameters that hold code; of a custom one, none."""
        return self._signatures[name].code_parameters if self.knows(name) else frozenset()

    def driven(self, name: str) -> bool:
        """Whether the engine itself does an agent's work; it does no custom one's."""
        return self.knows(name) and self._signatures[name].driven

    def get(self, name: str) -> Agent[Any]:
        """Return the agent of this name.

        Raises:
            AgentError: There is none; names the ones that are spelled like it.
        """
        if agent := self._agents.get(name):
            return agent
        if name in self._ready and self._build is not None:
            return self._agents.setdefault(name, self._build(name, self._base))
        close = difflib.get_close_matches(name, self.names(), n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"There are: {self._list()}."
        raise AgentError(f"There is no agent named {name}.", remedy=hint)

    def names(self) -> tuple[str, ...]:
        """Return the names of all agents, sorted."""
        return tuple(sorted({*self._base, *self._ready}))

    def signatures(self) -> Mapping[str, AgentSignature]:
        """Return what the compiler checks specifications against, by name."""
        return self._signatures

    def _list(self) -> str:
        return ", ".join(sorted(self._base))


class Signatures(Mapping[str, AgentSignature]):
    """The signatures of a registry's agents, each made when it is first asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._names = dict.fromkeys(registry.names())
        self._made: dict[str, AgentSignature] = {}

    def __getitem__(self, name: str) -> AgentSignature:
        if found := self._made.get(name):
            return found
        if name not in self._names:
            raise KeyError(name)
        return self._made.setdefault(name, _signature(name, self._registry.get(name)))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def builtin_registry() -> Registry:
    """Return the registry of the agents that every tenant has: ours, and installed packages'.

    Raises:
        ExtensionError: A package's agent cannot be loaded, or has a name that is taken.
    """
    own = (
        Aggregator(),
        Api(),
        DataProcessing(),
        Database(),
        Email(),
        HumanLoop(),
        Wait(),
        Llm(),
        Mcp(),
        Router(),
        WebScraping(),
        Workers(),
        Workflow(),
    )
    taken = {*catalog_names(), *(agent.name for agent in own)}
    return Registry((*own, *installed_agents(taken)), catalog_names(), _ready)


def _ready(name: str, base: Mapping[str, Agent[Any]]) -> Agent[Any]:
    entry = catalog_entry(name)
    return Ready(entry, base[entry.base])


def _signature(name: str, agent: Agent[Any]) -> AgentSignature:
    schema = agent.parameters.model_json_schema()
    # A schema from outside may refer to itself, and what it says is never code.
    code = () if issubclass(agent.parameters, Given) else _code_paths(schema, schema, "")
    return AgentSignature(
        name=name,
        description=agent.description,
        parameters_schema=schema,
        code_parameters=frozenset(code),
        side_effect=agent.side_effect,
        output_fields=agent.output_fields,
        default_timeout_seconds=agent.default_timeout_seconds,
        output_type=getattr(agent, "output_type", ""),
        estimated_seconds=getattr(agent, "estimated_seconds", 1.0),
        estimated_cost_usd=getattr(agent, "estimated_cost_usd", 0.0),
        mappable=getattr(agent, "mappable", True),
        driven=getattr(agent, "driven", False),
        hosts=getattr(agent, "hosts", ()),
        service=getattr(agent, "service", ""),
        secrets=getattr(agent, "own_secrets", ()),
        chain=getattr(agent, "kind", "") == "chain",
        closed=getattr(agent, "closed", ()),
        unavailable=getattr(agent, "unavailable", ""),
        deprecated=getattr(agent, "deprecated", ""),
        parameter_faults=_fault_finder(agent.parameters),
    )


def _fault_finder(
    model: type[Parameters],
) -> Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]]:
    """Return what finds the faults that a parameter model's own rules see."""

    def faults(values: Mapping[str, Any]) -> list[tuple[str, str]]:
        try:
            model.model_validate(values)
        except ValidationError as error:
            return [
                (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
                for fault in error.errors(include_input=False, include_url=False)
            ]
        return []

    return faults


def _code_paths(root: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> list[str]:
    """Return the places marked as code: `script`, `routes[].when`."""
    found: list[str] = []
    if _CODE_KEY in schema:
        found.append(path)
    if reference := schema.get("$ref"):
        target = root.get("$defs", {}).get(str(reference).rpartition("/")[2], {})
        found += _code_paths(root, target, path)
    for name, entry in schema.get("properties", {}).items():
        found += _code_paths(root, entry, f"{path}.{name}" if path else name)
    if isinstance(schema.get("items"), Mapping):
        found += _code_paths(root, schema["items"], f"{path}[]")
    for entry in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found += _code_paths(root, entry, path)
    return found
