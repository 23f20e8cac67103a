"""Statements of SQL and the like: values are bound to them, and never a part of their text."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.errors import Problem
from compiler.references import parse_template
from compiler.signature import AgentSignature

STATEMENT = "x-statement"
"""Marks a parameter as a statement; says how the place of a value is written: `$1`, `?`.

Empty: its language binds no values.
"""


def statements_of(
    parameters: Mapping[str, Any], signature: AgentSignature
) -> Iterator[tuple[str, str, str]]:
    """Yield the parameters that are statements: name, text, and how a value's place is written."""
    for name, about in signature.parameters_schema.get("properties", {}).items():
        text = parameters.get(name)
        if isinstance(about, Mapping) and STATEMENT in about and isinstance(text, str):
            yield name, text, str(about[STATEMENT])


def statement_problems(
    parameters: Mapping[str, Any], signature: AgentSignature, path: str
) -> Iterator[Problem]:
    """Yield a problem when values would be written into a statement, where any text may change it.

    Args:
        parameters: Of a node, a tool or a step.
        signature: Its agent's.
        path: Where the parameters stand.
    """
    for name, text, place in statements_of(parameters, signature):
        template = parse_template(text)
        if not template.references or template.whole is not None:
            continue
        reference = f"{{{template.references[0]}}}"
        yield Problem(
            f"{path}.{name}",
            "reference_in_sql",
            f"`{reference}` stands inside of the statement, and its text could change what that "
            "does.",
            _remedy(place, reference),
        )


def _remedy(place: str, reference: str) -> str:
    if not place:
        return "Nothing can be bound to it: write the value itself, or filter the rows afterwards."
    key = place.rpartition(".")[2] if "." in place else ""
    values = f'{{{key}: "{reference}"}}' if key else f'["{reference}"]'
    return f"Write {place} in its place, and `params: {values}`."
