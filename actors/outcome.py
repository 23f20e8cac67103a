"""What an execution answers when it ends."""

from collections.abc import Mapping
from typing import Any

from compiler.specification import Node, Specification


def execution_output(specification: Specification, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an execution's output from the values of its nodes.

    Each name of `state_schema.output` is taken from the state key of that name, else from
    `<name>_json`, else from a field of that name in a node's output object (the latest node
    first). Without an output schema it is what the last nodes made, with what they sent.

    Args:
        specification: The workflow.
        values: Node outputs by state key, maps as lists.
    """
    names = specification.state_schema.output.get("properties", {})
    if names:
        return {name: _find(specification, values, name) for name in names}
    return _last_outputs(specification, values)


def _find(specification: Specification, values: Mapping[str, Any], name: str) -> Any:
    for key in (name, f"{name}_json"):
        if key in values:
            return values[key]
    for node in reversed(specification.nodes):
        output = values.get(node.key)
        if isinstance(output, dict) and name in output:
            return output[name]
    return None


def _last_outputs(specification: Specification, values: Mapping[str, Any]) -> dict[str, Any]:
    output: dict[str, Any] = {}
    left = {edge.source for edge in specification.edges}
    for node in specification.nodes:
        if node.key not in values or (node.id in left and _goes_on(specification, node, values)):
            continue
        value = values[node.key]
        if node.output_key is None and isinstance(value, dict):
            output |= {key: values[key] for key in node.input_keys if key in values}
            output |= value
        else:
            output[node.key] = value
    return output


def _goes_on(specification: Specification, node: Node, values: Mapping[str, Any]) -> bool:
    """Whether a node after this one ran."""
    following = {edge.target for edge in specification.edges if edge.source == node.id}
    return any(specification.node(target).key in values for target in following)
