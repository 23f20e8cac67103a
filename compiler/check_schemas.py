"""JSON Schema at work: schemas that are none, and values that do not fit theirs.

Nothing is fetched: a schema may refer only to itself. Patterns are bounded.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
from jsonschema_rs import FancyRegexOptions, Validator

from compiler.errors import Problem, dotted
from compiler.specification import Specification
from compiler.suggestions import did_you_mean
from compiler.values import value_problems

_PATTERNS = FancyRegexOptions(
    backtrack_limit=100_000, size_limit=1_000_000, dfa_size_limit=1_000_000
)
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}
_SIZES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} elements",
    "maxItems": "at most {} elements",
    "minProperties": "at least {} fields",
    "maxProperties": "at most {} fields",
}


def validator(schema: Mapping[str, Any]) -> Validator:
    """Compile a JSON Schema.

    Raises:
        ValueError: It is none, or refers to something outside itself.
    """
    return jsonschema_rs.validator_for(
        dict(schema), offline=True, validate_formats=True, pattern_options=_PATTERNS
    )


def state_schema_problems(specification: Specification) -> list[Problem]:
    """Return what is wrong with the schemas of input and output themselves."""
    problems = []
    for name in ("input", "output"):
        schema: dict[str, Any] = getattr(specification.state_schema, name)
        problem = _schema_problem(schema, f"state_schema.{name}")
        if problem:
            problems.append(problem)
    return problems


def _schema_problem(schema: dict[str, Any], path: str) -> Problem | None:
    try:
        validator(schema)
    except jsonschema_rs.ValidationError as error:
        place = dotted(error.instance_path)
        return Problem(
            f"{path}.{place}" if place else path,
            "invalid_schema",
            f"This is not a valid JSON Schema: {error.message}.",
            "Write JSON Schema: `type`, `properties`, `items`, `required`; refer only to `#/…`.",
        )
    return None


def validate_input(specification: Specification, data: Any) -> list[Problem]:
    """Return what in an execution's input does not fit the workflow's `state_schema.input`.

    Args:
        specification: It must have passed the check.
        data: The input as it came.
    """
    if not isinstance(data, Mapping):
        message = f"The input must be an object, not {_named(data)}."
        return [Problem("input", "wrong_type", message, 'Send fields: {"name": "value"}.')]
    problems = value_problems(data)
    if not problems:
        problems = schema_errors(validator(specification.state_schema.input), data)
    return [below("input", problem) for problem in problems]


def below(root: str, problem: Problem) -> Problem:
    """Return a problem of a value as one of what stands around it, under a name."""
    path = f"{root}.{problem.path}" if problem.path else root
    return Problem(path, problem.rule, problem.message, problem.remedy)


def schema_errors(compiled: Validator, value: Any) -> list[Problem]:
    """Return a value's violations of a schema as problems, paths relative to the value."""
    return [p for error in compiled.iter_errors(value) for p in describe(error)]


def describe(error: jsonschema_rs.ValidationError) -> list[Problem]:
    """Say one violation in the product's words; more than one when it names several fields."""
    place = tuple(error.instance_path)
    kind, value = error.kind.name, error.kind.value
    if kind == "required":
        message = f"`{value}` is missing."
        return [Problem(dotted((*place, value)), "missing", message, f"Add `{value}`.")]
    if kind == "additionalProperties":
        return [
            Problem(dotted((*place, name)), "unknown", f"`{name}` is not known here.", "Remove it.")
            for name in value
        ]
    if kind in ("anyOf", "oneOf"):
        fitting = [branch for branch in value if branch and not _is_of_another_kind(branch, error)]
        if len(fitting) == 1:
            return [problem for deeper in fitting[0] for problem in describe(deeper)]
    name = str(place[-1]) if place else "value"
    message, remedy = _sentence(kind, value, name, error)
    return [Problem(dotted(place), "wrong", message, remedy)]


def _is_of_another_kind(
    branch: list[jsonschema_rs.ValidationError], error: jsonschema_rs.ValidationError
) -> bool:
    """Whether one of several schemas is not meant at all: another type, or another constant."""
    return any(
        fault.kind.name in ("const", "enum")
        or (fault.kind.name == "type" and fault.instance_path == error.instance_path)
        for fault in branch
    )


def _sentence(
    kind: str, value: Any, name: str, error: jsonschema_rs.ValidationError
) -> tuple[str, str]:
    shown = _named(error.instance)
    if kind == "type":
        expected = _expected([error])
        return f"`{name}` must be {expected}, not {shown}.", f"Write {expected}."
    if kind == "enum":
        options = [option for option in value if isinstance(option, str)]
        written = error.instance if isinstance(error.instance, str) else ""
        remedy = did_you_mean(written, options) or "Write one of those."
        return f"`{name}` cannot be {shown}.", remedy
    if kind in _BOUNDS:
        return f"`{name}` must be {_BOUNDS[kind]} {value}, not {shown}.", "Change the number."
    if kind in _SIZES:
        return f"`{name}` must have {_size(kind, value)}.", "Change its length."
    if kind == "pattern":
        return f"`{name}` does not match the pattern `{value}`.", "Change the text."
    if kind == "format":
        return f"`{name}` is no valid {value}.", "Change the text."
    if kind in ("anyOf", "oneOf") and value:
        return _alternatives(name, value, shown)
    return f"`{name}` is not allowed: {error.message}.", "Change the value."


def _size(kind: str, bound: int) -> str:
    said = _SIZES[kind].format(bound)
    return said[:-1] if bound == 1 else said


def _alternatives(
    name: str, branches: list[list[jsonschema_rs.ValidationError]], shown: str
) -> tuple[str, str]:
    """Say what a value may be when none of several schemas fits it."""
    errors = [branch[0] for branch in branches if branch]
    if all(error.kind.name == "required" for error in errors):
        names = " or ".join(f"`{error.kind.value}`" for error in errors)
        return f"One of {names} is missing.", f"Add {names}."
    expected = _expected([error for error in errors if error.kind.name == "type"])
    if not expected:
        return f"`{name}` cannot be {shown}.", "Change the value."
    return f"`{name}` must be {expected}, not {shown}.", f"Write {expected}."


def _expected(errors: list[jsonschema_rs.ValidationError]) -> str:
    """Say which types would have fitted."""
    kinds: dict[str, None] = {}
    for error in errors:
        value = error.kind.value
        kinds.update(dict.fromkeys([value] if isinstance(value, str) else value))
    return " or ".join(_TYPES.get(kind, kind) for kind in kinds)


def _named(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return f"`{value!s:.80}`"
