"""The parameters of data_processing."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from agents.agent import Parameters
from agents.arithmetic import AGGREGATIONS
from agents.errors import AgentError
from agents.sandbox import with_fields
from agents.scope import CODE, RARE
from agents.tables.formats import Format
from agents.tables.steps import (
    Aggregate,
    CsvDialect,
    FieldFunction,
    Filter,
    Join,
    Kind,
    Names,
    Pivot,
    SortKey,
)

Operation = Literal["filter", "map", "reduce", "aggregate", "transform", "sort", "dedupe", "join"]
_NEEDS: dict[Operation, tuple[str, ...]] = {
    "filter": ("where", "filters"),
    "map": ("compute", "select", "field", "rename", "drop", "cast"),
    "reduce": ("reduce", "aggregation", "aggregates"),
    "aggregate": ("aggregation", "aggregates", "pivot"),
    "sort": ("sort_by", "field"),
    "join": ("field", "join"),
}
"""What an operation needs when there is no script: one of these."""


def _keys(value: Any) -> Any:
    listed = [value] if isinstance(value, str | dict) else value
    if not isinstance(listed, list | tuple):
        return value
    return [{"field": key} if isinstance(key, str) else key for key in listed]


def _is_expression(text: str) -> str:
    try:
        with_fields(text)
    except AgentError as error:
        raise ValueError(str(error)) from error
    return text


Expression = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(_is_expression)
]
"""A Python expression, evaluated in the sandbox only."""

SortKeys = Annotated[
    tuple[SortKey, ...] | None,
    BeforeValidator(_keys, json_schema_input_type=str | SortKey | list[str | SortKey] | None),
]


class DataProcessingParameters(Parameters):
    """A `script`, or an operation with the declarative fields that it needs.

    The fields are applied in one order, whatever the operation: cast, join, filters, compute,
    where, dedupe, aggregates or pivot, sort, limit, aggregation, rename, drop, select, reduce.
    Filters on computed fields come after these.
    """

    operation: Operation = "transform"
    script: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="Python over `data`, `state` and `input`; `return` gives the result.",
    )
    input_format: Format = "json"
    output_format: Format = "json"
    csv: CsvDialect = Field(
        default=CsvDialect(), json_schema_extra=RARE, description="How CSV is written."
    )
    cast: dict[str, Kind] | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="Fields and their kinds; CSV gives texts.",
    )
    cast_errors: Literal["fail", "null"] = Field(
        default="fail",
        json_schema_extra=RARE,
        description="What becomes of a value that cannot be cast.",
    )
    join: Join | None = Field(default=None, description="A second list and its fields.")
    filters: tuple[Filter, ...] = Field(
        default=(), description="Conditions {field, operator, value} that all kept rows fulfil."
    )
    compute: dict[str, Expression] | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description='New columns: `{total: "price * quantity"}`.',
    )
    compute_errors: Literal["fail", "null"] = Field(
        default="fail",
        json_schema_extra=RARE,
        description="What becomes of a value that cannot be computed.",
    )
    where: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="An expression over `item` and its fields that kept rows fulfil.",
    )
    by: Names = Field(default=(), description="Fields to group, pivot or dedupe by.")
    keep: Literal["first", "last"] = Field(
        default="first",
        json_schema_extra=RARE,
        description="Which of several alike rows dedupe keeps.",
    )
    aggregates: dict[str, Aggregate] | None = Field(
        default=None,
        description="Names and values of each group or of all rows: `sum(price)`, `count`, `mean`, "
        '`min`, `max`, `count_distinct`, `concat(name, "; ")`, those of `aggregation`.',
    )
    reduce: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE | RARE,
        description="An expression over `accumulator`, `item` and its fields, whose value is the "
        "next `accumulator`: `accumulator + price * quantity`.",
    )
    initial: Any = Field(
        default=None,
        json_schema_extra=RARE,
        description="The first `accumulator`; the first element when left out.",
    )
    pivot: Pivot | None = Field(default=None, json_schema_extra=RARE)
    select: tuple[str, ...] | None = Field(default=None, description="Fields to keep.")
    rename: dict[str, str] | None = Field(
        default=None, json_schema_extra=RARE, description="Old and new names."
    )
    drop: Names = Field(default=(), json_schema_extra=RARE, description="Fields to leave out.")
    sort_by: SortKeys = Field(
        default=None,
        description="Field to sort by, or several: names, or {field, descending, nulls}.",
    )
    descending: bool = False
    field: str | None = Field(
        default=None, description="Field to aggregate, map to, dedupe by or join on."
    )
    aggregation: AGGREGATIONS | FieldFunction | None = None
    limit: int | None = Field(default=None, ge=1, description="Keep the first elements only.")
    data: Any = Field(
        default=None,
        description="The data, or a file as {base64}; the first input key when left out.",
    )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.pivot is not None and not self.by:
            raise ValueError("a pivot needs `by`: the fields that name a row")
        if self.pivot is not None and self.aggregates is not None:
            raise ValueError("give either `pivot` or `aggregates`")
        if self.reduce is not None and self.aggregation is not None:
            raise ValueError("give either `reduce` or `aggregation`")
        if self.script is not None:
            return self
        needs = _NEEDS.get(self.operation, ())
        if needs and not any(getattr(self, name) for name in needs):
            wanted = " or ".join(f"`{name}`" for name in ("script", *needs))
            raise ValueError(f"{self.operation} needs {wanted}")
        return self

    @property
    def early_filters(self) -> tuple[Filter, ...]:
        """The filters on fields that are there before any is computed."""
        return tuple(one for one in self.filters if not self._is_computed(one.field))

    @property
    def late_filters(self) -> tuple[Filter, ...]:
        """The filters on computed fields."""
        return tuple(one for one in self.filters if self._is_computed(one.field))

    def _is_computed(self, field: str) -> bool:
        return any(field == name or field.startswith(f"{name}.") for name in self.compute or ())

    @property
    def sort_keys(self) -> tuple[SortKey, ...]:
        """What is sorted by, each key with its direction."""
        keys = self.sort_by or ()
        if not keys and self.operation == "sort" and self.field:
            keys = (SortKey(field=self.field),)
        return tuple(
            key if key.descending is not None
            else key.model_copy(update={"descending": self.descending})
            for key in keys
        )  # fmt: skip
