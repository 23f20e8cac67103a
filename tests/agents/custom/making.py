"""Custom agents for tests."""

from collections.abc import Mapping
from typing import Any

from actors.custom_agents import CustomAgent, extended
from agents.agent import AgentResult
from agents.bound import BoundSecret, holding
from agents.custom.definition import Definition
from agents.registry import builtin_registry
from agents.services import Services
from tests.agents.conftest import context_of


def definition(
    implementation: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    returns: Mapping[str, Any] | None = None,
    name: str = "mine",
) -> dict[str, Any]:
    """Return a definition as it is registered."""
    return {
        "agent_name": name,
        "description": "Does something.",
        "tool_specification": {"parameters": parameters or {}, "returns": returns or {}},
        "implementation": dict(implementation),
    }


def python(code: str, **parameters: Any) -> dict[str, Any]:
    """Return the definition of a Python function."""
    return definition({"type": "python_function", "code": code}, parameters)


async def run_custom(
    services: Services,
    document: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *others: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    hosts: tuple[str, ...] = ("127.0.0.1",),
    timeout_seconds: float | None = None,
) -> AgentResult:
    """Run an agent once, as a node does that names it.

    Args:
        services: What agents share.
        document: The definition.
        parameters: What it is given.
        others: Definitions that a chain names.
        secrets: Those that it may name, by name; each for `hosts`.
        hosts: Where the secrets may be sent.
        timeout_seconds: After how long the attempt is cut off.
    """
    found = [
        CustomAgent(one["agent_name"], 1, "active", Definition.model_validate(one).model_dump())
        for one in (document, *others)
    ]
    agent = extended(builtin_registry(), found).get(document["agent_name"])
    values = dict(parameters)
    held = [BoundSecret(name, hosts, value) for name, value in (secrets or {}).items()]
    if own := getattr(agent, "own_secrets", ()):
        values["secrets"] = {name: (secrets or {})[name] for name in own}
    with holding(held):
        context = context_of(services, timeout_seconds=timeout_seconds)
        return await agent.run(agent.parameters.model_validate(values), context)
