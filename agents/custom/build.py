"""From registered definitions to agents, and what is wrong with a definition before that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.agent import Agent
from agents.custom.api_endpoint import EndpointRunner, endpoint_problems
from agents.custom.chain import ChainRunner
from agents.custom.container import ContainerRunner
from agents.custom.definition import (
    ApiEndpoint,
    Chain,
    Definition,
    DockerContainer,
    McpTool,
    PythonFunction,
    Step,
)
from agents.custom.mcp_tool import McpToolRunner, mcp_tool_problems
from agents.custom.python_function import PythonRunner, python_problems
from agents.custom.runner import Custom, Runner
from compiler.check_agents import agent_problems
from compiler.errors import Problem
from compiler.references import references_in
from compiler.signature import AgentSignature
from compiler.specification import Metadata, Node, Specification
from compiler.tools import LLM, TOOLS


@dataclass(frozen=True, slots=True)
class Found:
    """An agent that a chain names."""

    agent: Agent[Any]
    code: frozenset[str]
    """Places among its parameters that hold code and are no templates."""


Find = Callable[[str], Found]


def custom_agent(definition: Definition, version: int, find: Find) -> Custom:
    """Return the agent of a definition.

    Args:
        definition: As it was registered.
        version: Its number.
        find: Gives other agents by name.

    Raises:
        AgentError: It names an agent that does not exist.
        ValueError: It could not be registered today.
    """
    return Custom(definition, version, _runner(definition, find))


def _runner(definition: Definition, find: Find) -> Runner:
    match definition.implementation:
        case PythonFunction() as function:
            return PythonRunner(function)
        case ApiEndpoint() as endpoint:
            return EndpointRunner(definition, endpoint, find("api").agent)
        case DockerContainer() as container:
            return ContainerRunner(container)
        case McpTool() as tool:
            return McpToolRunner(tool, find("mcp").agent)
        case Chain() as chain:
            return ChainRunner(chain, find)


def named_agents(definition: Definition) -> tuple[str, ...]:
    """Return the agents that a definition names, each once."""
    if isinstance(definition.implementation, Chain):
        return tuple(dict.fromkeys(step.agent for step in definition.implementation.steps))
    return ()


def definition_problems(
    definition: Definition, agents: Mapping[str, AgentSignature]
) -> list[Problem]:
    """Return what is wrong with a definition whose form is right; nothing of it is run.

    Args:
        definition: What is to be registered.
        agents: Those that a chain may name.
    """
    schema = definition.tool_specification.parameters
    match definition.implementation:
        case PythonFunction() as function:
            return python_problems(function, schema)
        case ApiEndpoint() as endpoint:
            return endpoint_problems(definition, endpoint)
        case Chain() as chain:
            return [*_step_problems(chain, agents), *_name_problems(chain, schema, agents)]
        case McpTool() as tool:
            return mcp_tool_problems(tool)
        case DockerContainer():
            return []


def _step_problems(chain: Chain, agents: Mapping[str, AgentSignature]) -> list[Problem]:
    """Return what is wrong with the steps' agents and parameters, as of nodes that say the same."""
    problems = [
        Problem(
            f"implementation.steps[{index}].agent", "not_in_chain",
            f"The agent `{step.agent}` cannot be a step: {reason}.", remedy,
        )
        for index, step in enumerate(chain.steps)
        if (signature := agents.get(step.agent)) is not None
        for reason, remedy in _reasons(step, signature)
    ]  # fmt: skip
    nodes = tuple(
        Node(id=step.id, agent=step.agent, parameters=step.parameters) for step in chain.steps
    )
    specification = Specification(metadata=Metadata(name="chain"), nodes=nodes)
    for problem in agent_problems(specification, agents):
        path = problem.path.replace("nodes[", "implementation.steps[", 1)
        problems.append(Problem(path, problem.rule, problem.message, problem.remedy))
    return problems


def _reasons(step: Step, signature: AgentSignature) -> list[tuple[str, str]]:
    if step.agent == LLM and TOOLS in step.parameters:
        return [("its model calls tools", "Use it in a node of a workflow.")]
    if signature.chain:
        return [("it is a chain itself", "Write its steps here.")]
    if signature.driven or not signature.mappable or signature.name == "workers":
        return [
            (
                "it waits, chooses or runs other nodes",
                "Use it in a node of a workflow; a workflow can run another one as a node.",
            )
        ]
    return []


def _name_problems(
    chain: Chain, schema: Mapping[str, Any], agents: Mapping[str, AgentSignature]
) -> list[Problem]:
    """Return a problem for each reference to what is neither a parameter nor an earlier step."""
    problems = []
    known = {"secrets", *schema["properties"]}
    for index, step in enumerate(chain.steps):
        place = f"implementation.steps[{index}]"
        if step.id in known:
            message = f"`{step.id}` is a parameter already."
            problems.append(Problem(f"{place}.id", "twice", message, "Call the step otherwise."))
        signature = agents.get(step.agent)
        code = signature.code_parameters if signature else frozenset()
        problems += _unknown(step.parameters, known, f"{place}.parameters", code)
        known.add(step.id)
    return problems + _unknown(chain.output, known - {"secrets"}, "implementation.output")


def _unknown(
    template: Any, known: set[str], place: str, skip: frozenset[str] = frozenset()
) -> list[Problem]:
    return [
        Problem(
            f"{place}.{where}" if where else place,
            "unknown_reference",
            f"`{{{reference}}}` names neither a parameter nor a step before.",
            f"There is: {', '.join(sorted(known))}.",
        )
        for where, reference in references_in(template, skip)
        if reference.root not in known
    ]
