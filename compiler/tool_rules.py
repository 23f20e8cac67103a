"""What of a tool's parameters a model may set.

Where something goes and what opens it are the specification's: an address, a recipient, a key, a
method. A model may set an address only among `hosts`, a recipient only among `recipients`, and the
rest never. Of tools that write or send it sets what `open` lists; of others all that is left.
"""

from collections.abc import Mapping
from typing import Any

from compiler.outside import effect, is_recipient
from compiler.references import parse_template
from compiler.signature import AgentSignature
from compiler.tools import Tool

_KEYS = ("token", "api_key", "password", "secret", "application_key", "connection_string")
"""How the names of parameters end that hold what opens something."""


def is_address(name: str) -> bool:
    """Whether a parameter says where something goes."""
    return name in ("url", "urls") or name.endswith(("_url", "_urls"))


def never_open(name: str, signature: AgentSignature) -> bool:
    """Whether no model may set a parameter, whatever the specification says."""
    about = _properties(signature).get(name, {})
    keys = "x-secret" in about or about.get("writeOnly", False) or name.endswith(_KEYS)
    return keys or name in signature.closed or name in _within_hosts(signature)


def open_names(tool: Tool, signature: AgentSignature) -> tuple[str, ...]:
    """Return the parameters that the model sets, in the order of the agent's schema."""
    free = [
        name for name in _properties(signature)
        if name not in tool.parameters and not never_open(name, signature)
        and not (is_address(name) and not tool.hosts)
        and not (is_recipient(name, signature) and not tool.recipients)
    ]  # fmt: skip
    if tool.open is not None:
        return tuple(name for name in free if name in tool.open)
    harmless = effect(tool.parameters, signature) in ("none", "reads")
    return tuple(free) if harmless else ()


def open_schema(tool: Tool, signature: AgentSignature) -> dict[str, Any]:
    """Return the JSON Schema of what the model sets."""
    names = open_names(tool, signature)
    properties = _properties(signature)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: properties[name] for name in names},
        "required": [name for name in signature.parameters_schema.get("required", ())
                     if name in names],
        "additionalProperties": False,
    }  # fmt: skip
    if definitions := signature.parameters_schema.get("$defs"):
        schema["$defs"] = definitions
    return schema


def _properties(signature: AgentSignature) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = signature.parameters_schema.get("properties", {})
    return properties


def _within_hosts(signature: AgentSignature) -> frozenset[str]:
    """Return the parameters that are a part of the host that an agent calls."""
    references = (
        reference for host in signature.hosts for reference in parse_template(host).references
    )
    return frozenset(reference.root for reference in references)
