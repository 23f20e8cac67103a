"""The ready agents as English knows them: `ready_agents.json`, read once in a process.

The file is made of the agents' catalog (`python -m tools.ready_index`), which stands above the
compiler; a test holds the two against each other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a step asks for an agent."""

    verbs: tuple[str, ...]
    """Verbs, or names of groups of them in the lexicon."""
    things: tuple[str, ...] = ()
    """What the verb must be about; empty: whatever."""
    named: str = ""
    """The parameter that the step must speak of."""


@dataclass(frozen=True, slots=True)
class ReadyParameter:
    """One parameter, and how a step says it."""

    description: str
    schema: Mapping[str, Any]
    required: bool = False
    secret: str = ""
    """How the secret for it is usually called."""
    role: str = ""
    names: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """Output fields of the service's agent before that hold it."""
    value: Any = None
    shared: bool = False
    """All steps of the service mean the same."""


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """One agent of the catalog."""

    name: str
    service: str
    base: str
    """The building block that does its work."""
    reads: bool
    """Its result is what the text goes on with."""
    forms: tuple[Form, ...]
    fields: tuple[str, ...]
    """The fields of its output."""
    gives: str
    """The field that a sentence means by its result; empty: all of it."""
    parameters: Mapping[str, ReadyParameter]


@cache
def ready_agents() -> Mapping[str, ReadyAgent]:
    """Return the agents that English may ask for, by name."""
    text = resources.files("compiler.english").joinpath("ready_agents.json").read_text("utf-8")
    return {name: _agent(name, told) for name, told in json.loads(text).items()}


@cache
def of_services() -> Mapping[str, tuple[ReadyAgent, ...]]:
    """Return the agents of each service, by its name in lower case."""
    found: dict[str, tuple[ReadyAgent, ...]] = {}
    for agent in ready_agents().values():
        service = agent.service.lower()
        found[service] = (*found.get(service, ()), agent)
    return found


def base_of(agent: str) -> str:
    """Return the building block that does an agent's work: itself for a building block."""
    ready = ready_agents().get(agent)
    return ready.base if ready else agent


def value_path(agent: str) -> str:
    """Return where in a ready agent's output stands what a sentence means by it: `.issues`."""
    ready = ready_agents().get(agent)
    return f".{ready.gives}" if ready and ready.reads and ready.gives else ""


def _agent(name: str, told: Mapping[str, Any]) -> ReadyAgent:
    forms = tuple(
        Form(tuple(form["verbs"]), tuple(form.get("things", ())), form.get("named", ""))
        for form in told["forms"]
    )
    parameters = {key: _parameter(one) for key, one in told["parameters"].items()}
    return ReadyAgent(
        name, told["service"], told["base"], told.get("reads", False), forms,
        tuple(told.get("fields", ())), told.get("gives", ""), parameters,
    )  # fmt: skip


def _parameter(told: Mapping[str, Any]) -> ReadyParameter:
    lists = {name: tuple(told[name]) for name in ("names", "fields") if name in told}
    return ReadyParameter(**{"schema": {}, **told, **lists})
