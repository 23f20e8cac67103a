"""An execution's input: values that the schema has ready, values that a person fixes beforehand."""

from collections.abc import Mapping
from typing import Any

from compiler.check_schemas import below, schema_errors, validator
from compiler.errors import Problem, SpecificationError
from compiler.specification import Specification
from compiler.suggestions import did_you_mean
from compiler.values import value_problems


def with_defaults(specification: Specification, data: Any) -> Any:
    """Return an input in which what is missing has the default that the schema says, if any.

    Args:
        specification: It must have passed the check.
        data: The input as it came; what is no object is returned as it is.
    """
    return _filled(specification.state_schema.input, data)


def _filled(schema: Mapping[str, Any], data: Any) -> Any:
    properties = schema.get("properties")
    if not isinstance(data, Mapping) or not isinstance(properties, Mapping):
        return data
    filled = dict(data)
    for name, about in properties.items():
        if not isinstance(about, Mapping):
            continue
        if name in filled:
            filled[name] = _filled(about, filled[name])
        elif "default" in about:
            filled[name] = about["default"]
    return filled


def fix_inputs(specification: Specification, values: Mapping[str, Any]) -> Specification:
    """Return a specification whose input has the given values as defaults.

    Args:
        specification: It must have passed the check.
        values: By the names of its input; they need not be all.

    Raises:
        SpecificationError: With every value that does not fit, and every unknown name.
    """
    schema = dict(specification.state_schema.input)
    properties = dict(schema.get("properties", {}))
    if problems := _value_problems(schema, properties, values):
        raise SpecificationError(problems)
    for name, value in values.items():
        properties[name] = {**properties[name], "default": value}
    schema["properties"] = properties
    required = [name for name in schema.get("required", ()) if name not in values]
    schema.pop("required", None)
    if required:
        schema["required"] = required
    state = specification.state_schema.model_copy(update={"input": schema})
    return specification.model_copy(update={"state_schema": state})


def _value_problems(
    schema: Mapping[str, Any], properties: Mapping[str, Any], values: Mapping[str, Any]
) -> list[Problem]:
    problems = [
        Problem(
            name,
            "unknown_input",
            f"There is no input `{name:.100}`.",
            did_you_mean(name, properties) or "Leave it out: this workflow has no input.",
        )
        for name in values
        if name not in properties
    ]
    if not problems:
        problems = value_problems(values)
    if not problems:
        partial = {name: rule for name, rule in schema.items() if name != "required"}
        problems = schema_errors(validator(partial), values)
    return [below("inputs", problem) for problem in problems]
