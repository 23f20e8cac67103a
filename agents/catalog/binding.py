"""Values of a statement in the form in which a service binds them, never as a part of its text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from agents.errors import AgentError

Binding = Literal["bigquery", "snowflake"]


def bound(way: Binding, values: Sequence[Any] | None) -> Any:
    """Return what stands in a request for the values of a statement's `?`, in their order.

    Args:
        way: Whose request it is.
        values: Texts, numbers and truth values; for BigQuery also lists of one kind of them.

    Returns:
        The form that the service asks for; None without values.

    Raises:
        AgentError: A list holds several kinds, or nothing.
    """
    return _WAYS[way](values) if values else None


def _bigquery(values: Sequence[Any]) -> Any:
    # https://cloud.google.com/bigquery/docs/reference/rest/v2/QueryParameter
    return {"mode": "POSITIONAL", "parameters": [_bigquery_one(value) for value in values]}


def _bigquery_one(value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        return {"parameterType": {"type": _kind(value)}, "parameterValue": {"value": _text(value)}}
    kinds = {_kind(one) for one in value}
    if kinds == {"INT64", "FLOAT64"}:
        kinds = {"FLOAT64"}
    if len(kinds) != 1:
        raise AgentError(
            "A list among `params` must hold values of one kind, at least one.",
            remedy="Split it, or make all of them texts.",
        )
    return {
        "parameterType": {"type": "ARRAY", "arrayType": {"type": kinds.pop()}},
        "parameterValue": {"arrayValues": [{"value": _text(one)} for one in value]},
    }


def _snowflake(values: Sequence[Any]) -> Any:
    # https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests
    return {
        str(number): {"type": _SNOWFLAKE[_kind(value)], "value": _text(value)}
        for number, value in enumerate(values, 1)
    }


_SNOWFLAKE = {"BOOL": "BOOLEAN", "INT64": "FIXED", "FLOAT64": "REAL", "STRING": "TEXT"}
_WAYS: Mapping[Binding, Callable[[Sequence[Any]], Any]] = {
    "bigquery": _bigquery, "snowflake": _snowflake,
}  # fmt: skip


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    return "FLOAT64" if isinstance(value, float) else "STRING"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
