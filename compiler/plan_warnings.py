"""What a person should know before they start a workflow that could run."""

from collections.abc import Callable, Collection, Iterator, Mapping

from compiler.check_failures import unheard_failures
from compiler.check_statements import statements_of
from compiler.conditions import parse_condition
from compiler.errors import Problem
from compiler.outside import node_outside
from compiler.references import Reference, parse_template, references_in
from compiler.regions import Block, Parallel, Single, decompose
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.tools import node_agents
from compiler.workers import worker_nodes


def plan_warnings(
    specification: Specification,
    agents: Mapping[str, AgentSignature],
    secrets: Collection[str] | None = None,
    refused: Callable[[str], bool] | None = None,
) -> list[Problem]:
    """Return the warnings about a specification that has passed the check.

    Args:
        specification: The specification.
        agents: The agents that its nodes name.
        secrets: The secrets that are set; None: that is not known.
        refused: Whether a host may not be reached; None: that is not known.
    """
    warnings: list[Problem] = []
    for index, node in enumerate(specification.nodes):
        path = f"nodes[{index}]"
        warnings += _sending(node, agents, path)
        warnings += _statement(node, agents[node.agent], path)
        warnings += _late_timeout(node, specification, path)
        warnings += _secrets(node, agents, path, secrets)
        warnings += _deprecated(node, agents, path)
        warnings += _hosts(node, agents, path, refused)
    warnings += _no_timeout(specification)
    warnings += _absent_values(specification, agents)
    warnings += _unproven_output(specification, agents)
    warnings += unheard_failures(specification)
    return warnings


def _sending(node: Node, agents: Mapping[str, AgentSignature], path: str) -> Iterator[Problem]:
    effect = node_outside(node, agents)
    if effect.side_effect != "sends":
        return
    if node.pattern == "map":
        message = f"`{node.id}` sends once for each element of `{node.input_keys[0]}`."
        remedy = "Limit that list, or collect its elements and send once after the map."
        yield Problem(path, "sends_in_map", message, remedy)
    unknown = [name for name in effect.recipients if "{" in name and name != "{user.email}"]
    if unknown:
        message = f"Who gets what `{node.id}` sends is known only at run time: {unknown[0]}."
        remedy = "Make sure that this value comes from someone you trust, or ask for approval."
        yield Problem(path, "unknown_recipient", message, remedy)


def _statement(node: Node, signature: AgentSignature, path: str) -> Iterator[Problem]:
    for name, text, _ in statements_of(node.parameters, signature):
        if parse_template(text).references:
            message = f"Which statement `{node.id}` runs is known only at run time: {text}."
            remedy = "Give it a login that may do no more than it should, or ask for approval."
            yield Problem(f"{path}.parameters.{name}", "unknown_statement", message, remedy)


def _late_timeout(node: Node, specification: Specification, path: str) -> Iterator[Problem]:
    bound = specification.settings.execution.timeout_seconds
    if bound is not None and node.timeout is not None and node.timeout > bound:
        message = f"`{node.id}` may take {node.timeout:g} s, but the workflow ends after {bound:g}."
        remedy = "Lower the node's `timeout` or raise `settings.execution.timeout_seconds`."
        yield Problem(f"{path}.timeout", "timeout_never_reached", message, remedy)


def _secrets(
    node: Node, agents: Mapping[str, AgentSignature], path: str, known: Collection[str] | None
) -> Iterator[Problem]:
    for name in node_outside(node, agents).secrets:
        if known is not None and name in known:
            continue
        told = "whether it is set is not known here" if known is None else "it is not set"
        message = f"`{node.id}` needs the secret `{name}`; {told}."
        remedy = f"Set it: `weft secrets set {name} --host HOST`."
        yield Problem(path, "needs_secret", message, remedy)


def _deprecated(node: Node, agents: Mapping[str, AgentSignature], path: str) -> Iterator[Problem]:
    parts = (node, *worker_nodes(node).values())
    for name in dict.fromkeys(name for part in parts for name in node_agents(part)):
        if told := agents[name].deprecated:
            remedy = "Ask its owner which agent takes its place."
            yield Problem(f"{path}.agent", "deprecated_agent", told, remedy)


def _hosts(
    node: Node,
    agents: Mapping[str, AgentSignature],
    path: str,
    refused: Callable[[str], bool] | None,
) -> Iterator[Problem]:
    for host in node_outside(node, agents).hosts:
        # One that a reference stands for is known at run time only.
        if refused is not None and "{" not in host and refused(host):
            message = f"`{node.id}` calls {host}, which workflows here may not reach."
            remedy = "Call a host that `weft egress show` lists, or let an admin add this one."
            yield Problem(path, "host_not_reachable", message, remedy)


def _no_timeout(specification: Specification) -> Iterator[Problem]:
    if specification.settings.execution.timeout_seconds is None:
        message = "The workflow has no time limit of its own."
        remedy = "Set `settings.execution.timeout_seconds`."
        yield Problem("settings.execution.timeout_seconds", "no_timeout", message, remedy)


def _unproven_output(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> Iterator[Problem]:
    """Find promised names that no node is known to give; an output of unknown shape still may."""
    known = {node.key for node in specification.nodes}
    for node in specification.nodes:
        if node.pattern != "map":
            known.update(agents[node.agent].output_fields)
    promised = specification.state_schema.output.get("properties")
    for name in promised if isinstance(promised, dict) else ():
        if name not in known and f"{name}_json" not in known:
            message = f"No node is known to give the output `{name}`."
            remedy = f"Give a node `output_key: {name}`; otherwise the output may lack it."
            path = f"state_schema.output.properties.{name}"
            yield Problem(path, "unproven_output", message, remedy)


def _absent_values(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> list[Problem]:
    """Find references to what only some of the ways to a node give."""
    keys = frozenset(node.key for node in specification.nodes)
    indexes = {node.id: index for index, node in enumerate(specification.nodes)}
    warnings: list[Problem] = []

    def used(node: Node, certain: frozenset[str]) -> None:
        for place, reference in _read(node, agents[node.agent]):
            if reference.key in keys - certain:
                path = f"nodes[{indexes[node.id]}].parameters.{place}"
                message = f"`{reference.key}` has no value on some of the ways to `{node.id}`."
                remedy = "Use it only where it is written, or let the other ways write it too."
                warnings.append(Problem(path, "may_be_absent", message, remedy))

    def walk(block: Block, certain: frozenset[str]) -> frozenset[str]:
        for step in block:
            if isinstance(step, Single):
                used(step.node, certain)
                certain |= {step.node.key}
                continue
            given = [walk(branch, certain) for branch in step.branches]
            if isinstance(step, Parallel):
                certain = certain.union(*given)
            else:
                certain = given[0].intersection(*given[1:])
        return certain

    walk(decompose(specification), frozenset())
    return warnings


def _read(node: Node, signature: AgentSignature) -> Iterator[tuple[str, Reference]]:
    yield from references_in(node.parameters, signature.code_parameters)
    condition = node.parameters.get("condition")
    if node.agent == "router" and isinstance(condition, str):
        for reference in parse_condition(condition).references:
            yield "condition", reference
