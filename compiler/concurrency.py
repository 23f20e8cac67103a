"""Limits on how many executions of a workflow are in progress at once: their check and their key.

A rule without a key counts all executions of the workflow; one with a key counts those whose key
has the same value. The key is a text over `{input…}` and `{user…}`: what is known at the start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.errors import Problem, SpecificationError
from compiler.names import FIELDS
from compiler.references import Reference, UnresolvedReference, parse_template, resolve
from compiler.specification import Specification
from compiler.suggestions import did_you_mean

PATH = "settings.execution.concurrency"
_REMEDY = "Name a field of the input or the user, such as `{input.customer}` or `{user.email}`."


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds one execution: how many like it may be in progress, itself included."""

    workflow_limit: int | None = None
    """Of its workflow; None: any number."""
    key_limit: int | None = None
    """With the same key; None: any number."""
    key: str | None = None


def concurrency_problems(specification: Specification) -> Iterator[Problem]:
    """Yield what is wrong with the limits."""
    rules = specification.settings.execution.concurrency
    if len(rules) == 2 and (rules[0].key is None) == (rules[1].key is None):
        message = "Of two limits one has a `key` and one has none."
        yield Problem(PATH, "conflicting_limits", message, "Remove one of them.")
    for index, rule in enumerate(rules):
        if rule.key is None:
            continue
        path = f"{PATH}[{index}].key"
        references = parse_template(rule.key).references
        if not references:
            message = "The key is the same for every execution."
            remedy = f"{_REMEDY} Or leave `key` out."
            yield Problem(path, "constant_key", message, remedy)
        for reference in references:
            if problem := _reference_problem(specification, reference, path):
                yield problem


def _reference_problem(
    specification: Specification, reference: Reference, path: str
) -> Problem | None:
    if reference.root not in ("input", "user"):
        message = f"`{{{reference}}}` is not known when an execution starts."
        return Problem(path, "unknown_reference", message, _REMEDY)
    schema = specification.state_schema.input
    properties = schema.get("properties")
    known = tuple(properties) if isinstance(properties, dict) else ()
    if reference.root == "user":
        known = FIELDS["user"]
    elif not known or schema.get("additionalProperties"):
        return None
    name = str(reference.path[0]) if reference.path else ""
    if name in known or (reference.root == "input" and not name):
        return None
    message = f"`{{{reference}}}` names nothing."
    return Problem(path, "unknown_reference", message, did_you_mean(name, known) or _REMEDY)


def limits(
    specification: Specification, input: Mapping[str, Any], *, user_email: str, user_name: str
) -> Limits:
    """Return what bounds an execution with this input, started by this user.

    Raises:
        SpecificationError: The input lacks what the key names.
    """
    workflow_limit = key_limit = key = None
    scope = {"input": input, "user": {"email": user_email, "name": user_name}}
    for rule in specification.settings.execution.concurrency:
        if rule.key is None:
            workflow_limit = rule.limit
            continue
        key_limit = rule.limit
        try:
            # The space keeps a key that is one reference a text, whatever type its value has.
            key = str(resolve(f"{rule.key} ", scope))[:-1]
        except UnresolvedReference as error:
            message = f"The limit on executions needs `{{{error.path}}}`, which has no value."
            remedy = f"Give it; the workflow allows {rule.limit} executions at once for each value."
            raise SpecificationError(
                [Problem(error.path, "missing_key", message, remedy)]
            ) from error
    return Limits(workflow_limit, key_limit, key)
