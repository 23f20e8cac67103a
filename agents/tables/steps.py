"""What can be declared to be done with a table, as parameters."""

import re
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from agents.agent import Parameters

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "starts with", "ends with",
    "is empty", "is not empty",
]  # fmt: skip
Kind = Literal["integer", "number", "text", "boolean"]
Function = Literal[
    "count", "count_distinct", "sum", "mean", "avg", "median", "min", "max", "first", "last",
    "collect", "list", "unique", "concat",
]  # fmt: skip
FieldFunction = Literal["avg", "median", "first", "last", "list", "unique"]
"""What `aggregation` knows beside what the aggregator does."""
_AGGREGATE = re.compile(rf"({'|'.join(get_args(Function))})(?:\((.+?)(?:,\s*(['\"])(.*)\3\s*)?\))?")
_SAME = {"avg": "mean", "list": "collect"}
_BETWEEN_TEXTS = ", "


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _function_fits(text: str) -> str:
    parse_aggregate(text)
    return text


class AggregateParts(NamedTuple):
    """What an aggregate such as `sum(price)` says."""

    function: str
    field: str | None
    separator: str
    """What `concat` puts between texts."""


def parse_aggregate(text: str) -> AggregateParts:
    """Return the parts of an aggregate: `sum(price)`, `count`, `concat(name, "; ")`.

    Raises:
        ValueError: It is none.
    """
    match = _AGGREGATE.fullmatch(text.strip())
    if not match:
        functions = ", ".join(get_args(Function))
        raise ValueError(f"`{text}` is none of {functions} with a field, as in `sum(price)`")
    function, field, quote, separator = match.groups()
    if field is None and function != "count":
        raise ValueError(f"`{function}` needs a field, as in `{function}(price)`")
    if quote and function != "concat":
        raise ValueError(f"`{function}` takes a field alone, as in `{function}(price)`")
    return AggregateParts(
        _SAME.get(function, function),
        field.strip() if field else None,
        separator if quote else _BETWEEN_TEXTS,
    )


Names = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One name, or several."""
Aggregate = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_function_fits)]


class Filter(Parameters):
    """A condition that a row's field fulfils."""

    field: str = Field(min_length=1)
    operator: Operator = "="
    value: Any = None


class SortKey(Parameters):
    """A field to sort by."""

    field: str = Field(min_length=1)
    descending: bool | None = None
    nulls: Literal["first", "last"] = "last"


class Join(Parameters):
    """A second list, and how its rows are found."""

    rows: Any = Field(default=None, description="The second list; the second input key if not.")
    on: Names = Field(min_length=1, description="The fields that are equal in both.")
    right_on: Names | None = Field(
        default=None, description="Their names in the second list, when they differ."
    )
    how: Literal["inner", "left", "outer", "anti", "semi"] = "inner"
    suffix: str = Field(
        default="",
        description="Added to the second list's names that the first has, too; "
        "empty: the second's value stands.",
    )

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.right_on is not None and len(self.right_on) != len(self.on):
            raise ValueError("`on` and `right_on` name as many fields")
        return self

    @property
    def right_names(self) -> tuple[str, ...]:
        """The fields of the second list."""
        return self.right_on or self.on


class Pivot(Parameters):
    """A column for each value of a field; `by` names what makes a row."""

    columns: str = Field(min_length=1, description="The field whose values become columns.")
    values: Aggregate = Field(description="What stands in them, such as `sum(amount)`.")


class CsvDialect(Parameters):
    """How CSV is written."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    columns: tuple[str, ...] | None = Field(
        default=None, description="The columns' names; without a header `column_1` and so on."
    )
    encoding: str = Field(
        default="utf-8", description="Of bytes that begin with no mark of theirs."
    )
