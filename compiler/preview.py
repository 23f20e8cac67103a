"""A specification as far as its values are known before it runs: the input's, nothing else.

What earlier nodes make, people answer and secrets hold stays the reference that it is. A value
that holds braces is never put where somebody reads references: it could pass for one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.references import Reference, UnresolvedReference, lookup, parse_template, rendered
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification

MOST_CHARACTERS = 2000
"""A longer value stays its reference where a person reads it."""
HIDDEN = "***"
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_SECRET = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|authorization|cookie|api[_-]?key)$", re.I
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CREDENTIALS = frozenset(("key", "token", "password"))


def known(
    specification: Specification,
    agents: Mapping[str, AgentSignature],
    input: Mapping[str, Any],
) -> Specification:
    """Return a specification whose parameters hold the input's values, for what reads them."""

    def fill(agent: str, parameters: Mapping[str, Any]) -> Any:
        code = agents[agent].code_parameters if agent in agents else frozenset()
        return _Filling({"input": input}, code, plain=True).value(parameters)

    nodes = tuple(_with_parameters(node, fill) for node in specification.nodes)
    return specification.model_copy(update={"nodes": nodes})


def _with_parameters(node: Node, fill: Callable[[str, Mapping[str, Any]], Any]) -> Node:
    update: dict[str, Any] = {
        "parameters": fill(node.agent, node.parameters),
        "workers": {
            name: worker.model_copy(update={"parameters": fill(worker.agent, worker.parameters)})
            for name, worker in node.workers.items()
        },
    }
    if (undo := node.compensate) is not None:
        parameters = fill(undo.agent, undo.parameters)
        update["compensate"] = undo.model_copy(update={"parameters": parameters})
    return node.model_copy(update=update)


def shown(
    parameters: Mapping[str, Any], signature: AgentSignature, input: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a node's parameters with the input's values, as a person may read them.

    They stand in the order of the agent's own. Passwords in addresses and credentials that stand
    in the text are hidden.
    """
    filling = _Filling({"input": input}, signature.code_parameters, plain=False)
    hidden = _hidden(filling.value(parameters), "", within_credentials=False)
    known = [name for name in signature.parameters_schema.get("properties", ()) if name in hidden]
    return {name: hidden[name] for name in dict.fromkeys((*known, *hidden))}


@dataclass(frozen=True, slots=True)
class _Filling:
    """Replaces the references that a scope holds."""

    scope: Mapping[str, Any]
    code: frozenset[str]
    plain: bool
    """Whether the result is read for references again, so that no brace may come into it."""

    def value(self, value: Any, place: str = "") -> Any:
        """Return a value with its references replaced, as far as they are known."""
        if place in self.code:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            dot = "." if place else ""
            return {key: self.value(item, f"{place}{dot}{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, f"{place}[]") for item in value]
        return value

    def _text(self, text: str) -> Any:
        template = parse_template(text)
        found = {r: known for r in template.references if (known := self._known(r))}
        literals = (part for part in template.parts if isinstance(part, str))
        if not found or (self.plain and any(map(_has_brace, literals))):
            return text
        if template.whole is not None:
            return found[template.whole][0]
        return "".join(
            part if isinstance(part, str)
            else rendered(found[part][0]) if part in found
            else f"{{{part}}}"
            for part in template.parts
        )  # fmt: skip

    def _known(self, reference: Reference) -> tuple[Any] | None:
        """Return what is named, in a tuple since that may be null; None: it is not known."""
        if reference.root not in self.scope:
            return None
        try:
            value = lookup(reference, self.scope)
        except UnresolvedReference:
            return None
        text = rendered(value)
        fits = not _has_brace(text) if self.plain else len(text) <= MOST_CHARACTERS
        return (value,) if fits else None


def _has_brace(text: str) -> bool:
    return "{" in text or "}" in text


def _hidden(value: Any, name: str, *, within_credentials: bool) -> Any:
    if isinstance(value, Mapping):
        inside = within_credentials or name == "auth"
        return {
            key: _hidden(item, str(key), within_credentials=inside) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_hidden(item, name, within_credentials=within_credentials) for item in value]
    if not isinstance(value, str):
        return value
    named = within_credentials and name in _CREDENTIALS
    if named or _SECRET.search(_HUMP.sub("_", name)):
        return value if parse_template(value).references else HIDDEN
    return _PASSWORD.sub(rf"\1:{HIDDEN}@", value)
