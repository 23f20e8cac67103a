"""The form in which a model is to answer, and whether it did."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from agents.errors import AgentError
from agents.offline.job import OutputFormat

FORMATS: Mapping[OutputFormat, str] = {
    "text": "",
    "markdown": "Answer in Markdown.",
    "json": "Answer with one JSON value and nothing else: no explanation, no code fence.",
    "json_array": "Answer with one JSON array and nothing else: no explanation, no code fence.",
}
"""How a model is told of each."""


def read_json(text: str, output_format: OutputFormat, schema: Mapping[str, Any] | None) -> Any:
    """Return the JSON in an answer.

    Raises:
        ValueError: There is none, or it has another form than asked for.
    """
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        raise ValueError("it holds no JSON object or array")
    try:
        value, _ = json.JSONDecoder().raw_decode(text[min(starts) :])
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if output_format == "json_array" and not isinstance(value, list):
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        if len(lists) != 1:
            raise ValueError("it is not a JSON array")
        value = lists[0]
    if schema and (problem := misfit(value, schema)):
        raise ValueError(problem)
    return value


def misfit(value: Any, schema: Mapping[str, Any]) -> str:
    """Say why a value does not satisfy a schema; empty when it does."""
    try:
        validator = jsonschema_rs.validator_for(dict(schema), retriever=_no_retrieval)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise AgentError(
            f"`json_schema` is not a usable JSON Schema: {str(error).splitlines()[0]}."
        ) from error
    first = next(iter(validator.iter_errors(value)), None)
    if first is None:
        return ""
    place = ".".join(str(part) for part in first.instance_path)
    return f"{place}: {first.message}" if place else first.message


def _no_retrieval(uri: str) -> Any:
    """Refuse a schema's reference to another document: schemas come from users."""
    raise ValueError(f"the reference to {uri} is not followed")
