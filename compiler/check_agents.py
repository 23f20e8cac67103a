"""Agents and their parameters: unknown agents, missing, unknown and wrong parameters."""

import ast
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import jsonschema_rs

from compiler.check_schemas import describe, validator
from compiler.check_statements import statement_problems
from compiler.check_tools import tool_problems
from compiler.errors import Problem
from compiler.failures import compensation
from compiler.references import parse_template, references_in
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.suggestions import did_you_mean
from compiler.workers import WORKERS, worker_nodes

"""What a node's `agent` says that runs SQL."""
_UNDECIDED = frozenset(("anyOf", "oneOf", "allOf", "not", "if", "contains", "uniqueItems"))
_MODES: dict[str, Literal["exec", "eval"]] = {
    "script": "exec",
    "custom_script": "exec",
    "where": "eval",
    "reduce": "eval",
}
_PYTHON_REMEDY = (
    "Code is written in Python, no other language is offered; for filtering and sorting, `where`, "
    "`select` and `sort_by` need no script."
)


def agent_problems(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> list[Problem]:
    """Return what is wrong with the nodes' agents and their parameters."""
    problems: list[Problem] = []
    compiled: dict[str, jsonschema_rs.Validator] = {}
    for path, node in _with_parts(specification):
        signature = agents.get(node.agent)
        if signature is None:
            message = f"There is no agent `{node.agent}`."
            problem = Problem(
                f"{path}.agent", "unknown_agent", message, did_you_mean(node.agent, agents)
            )
            problems.append(problem)
            continue
        if signature.unavailable:
            remedy = "Name another agent, or let its owner make it active again."
            problems.append(
                Problem(f"{path}.agent", "unavailable_agent", signature.unavailable, remedy)
            )
        if node.agent not in compiled:
            compiled[node.agent] = validator(signature.parameters_schema)
        problems += _map_problems(node, signature, path)
        if ".workers." in path:
            problems += _worker_problems(node, signature, path)
        problems += _parameter_problems(node, signature, compiled[node.agent], path)
        problems += _script_problems(node, signature, path)
        problems += tool_problems(node, path, agents)
        problems += statement_problems(node.parameters, signature, f"{path}.parameters")
    return problems


def _with_parts(specification: Specification) -> Iterator[tuple[str, Node]]:
    """Yield the nodes, with their workers and what undoes them as nodes of their own."""
    for index, node in enumerate(specification.nodes):
        yield f"nodes[{index}]", node
        for name, worker in worker_nodes(node).items():
            yield f"nodes[{index}].workers.{name}", worker
        undo = compensation(node)
        if undo is not None:
            yield f"nodes[{index}].compensate", undo


def _map_problems(node: Node, signature: AgentSignature, path: str) -> list[Problem]:
    if node.pattern == "map" and not signature.mappable:
        message = f"The agent `{node.agent}` cannot run once for each element."
        remedy = "Remove `pattern: map`, or put this agent in a node of its own after the map."
        return [Problem(f"{path}.pattern", "not_mappable", message, remedy)]
    return []


def _worker_problems(node: Node, signature: AgentSignature, path: str) -> Iterator[Problem]:
    if signature.driven:
        message = f"The agent `{node.agent}` waits, which a worker cannot."
        remedy = "Put it in a node of its own, which may run over the same list."
        yield Problem(f"{path}.agent", "waiting_worker", message, remedy)
    if node.agent == WORKERS:
        message = "A worker has no workers of its own."
        remedy = "Name the agents that do the work."
        yield Problem(f"{path}.agent", "workers_in_workers", message, remedy)


def _parameter_problems(
    node: Node, signature: AgentSignature, compiled: jsonschema_rs.Validator, path: str
) -> list[Problem]:
    problems = []
    for error in compiled.iter_errors(node.parameters):
        if _decided_at_run_time(error, node.parameters):
            continue
        for found in describe(error):
            place = f"{path}.parameters.{found.path}" if found.path else f"{path}.parameters"
            rule, remedy = f"{found.rule}_parameter", found.remedy
            if found.rule == "unknown":
                remedy = _unknown_remedy(found.path, error, signature)
            problems.append(Problem(place, rule, f"{node.agent}: {found.message}", remedy))
    return problems or _further_problems(node, signature, path)


def _further_problems(node: Node, signature: AgentSignature, path: str) -> list[Problem]:
    """Ask the agent's own rules, when nothing among the parameters waits for a value."""
    faults = signature.parameter_faults
    if faults is None or references_in(node.parameters, signature.code_parameters):
        return []
    return [
        Problem(
            f"{path}.parameters.{place}" if place else f"{path}.parameters",
            "wrong_parameter",
            f"{node.agent}: {message}",
            f"Change the parameters as the agent `{node.agent}` asks.",
        )
        for place, message in faults(node.parameters)
    ]


def _unknown_remedy(
    place: str, error: jsonschema_rs.ValidationError, signature: AgentSignature
) -> str:
    if error.instance_path:
        return "Remove it."
    known = signature.parameters_schema.get("properties", {})
    return f"Remove it. {did_you_mean(place, known)}".strip()


def _decided_at_run_time(error: jsonschema_rs.ValidationError, parameters: Any) -> bool:
    """Whether a violation may vanish once references have their values."""
    value = parameters
    for part in error.instance_path:
        value = value[part]
    if isinstance(value, str):
        template = parse_template(value)
        # A text around a reference stays a text, whatever the value is.
        return bool(template.references) and (
            template.whole is not None or error.kind.name != "type"
        )
    return error.kind.name in _UNDECIDED and _holds_whole_reference(value)


def _holds_whole_reference(value: Any) -> bool:
    if isinstance(value, str):
        return parse_template(value).whole is not None
    if isinstance(value, Mapping):
        return any(_holds_whole_reference(item) for item in value.values())
    return isinstance(value, list) and any(_holds_whole_reference(item) for item in value)


def _script_problems(node: Node, signature: AgentSignature, path: str) -> list[Problem]:
    """Return what is wrong with the syntax of code; conditions are checked with the names."""
    problems = []
    for name in sorted(signature.code_parameters & _MODES.keys()):
        code = node.parameters.get(name)
        fault = _syntax_fault(code, _MODES[name]) if isinstance(code, str) else None
        if fault:
            place = f"{path}.parameters.{name}"
            message = f"`{name}` is not valid Python: {fault}."
            problems.append(Problem(place, "script_syntax", message, _PYTHON_REMEDY))
    return problems


def _syntax_fault(code: str, mode: Literal["exec", "eval"]) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code.strip() if mode == "eval" else code, mode=mode)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})"
    except (ValueError, MemoryError, RecursionError):
        return "it is too complex"
    return None
