"""The aggregator agent: joins what parallel branches and maps gave."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.arithmetic import AGGREGATIONS, aggregate
from agents.report import insights, render, render_parts
from agents.scope import CODE, script_scope

_DEFAULT_TITLE = "Insights report"


class AggregatorParameters(Parameters):
    """How results are joined, and the form of the answer."""

    aggregation: AGGREGATIONS | Literal["summarize"] = "concat"
    format: Literal["json", "text", "markdown_report"] = "json"
    custom_script: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="Python over `results` and `data`; its value replaces the aggregation's.",
    )
    field: str | None = Field(default=None, description="The field of objects to aggregate.")
    title: str | None = Field(default=None, description="The report's heading.")
    data: Any = Field(default=None, description="The data; all input keys when left out.")


class Aggregator:
    """Concatenates, counts, computes or reports; needs no language model."""

    name: ClassVar[str] = "aggregator"
    description: ClassVar[str] = "Joins results and writes reports."
    parameters: ClassVar[type[Parameters]] = AggregatorParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 120.0
    output_fields: ClassVar[tuple[str, ...]] = ()
    estimated_seconds: ClassVar[float] = 0.1

    async def run(self, parameters: AggregatorParameters, context: AgentContext) -> AgentResult:
        """Return the aggregated value as JSON, text, or a Markdown report.

        Raises:
            AgentError: The data does not hold what the aggregation needs; always final.
        """
        given = "data" in parameters.model_fields_set
        data = parameters.data if given else _input(context)
        several = not given and len(context.inputs) > 1
        if several and _is_plain_report(parameters):
            title = parameters.title or _DEFAULT_TITLE
            report = await asyncio.to_thread(render_parts, context.inputs, title)
            return AgentResult(report, metadata={"items": len(context.inputs)})
        results = _results(data, several=several)
        value: Any = results
        if parameters.custom_script is not None:
            sandbox = await context.services.sandbox()
            scope = script_scope(context, results=results, data=data)
            value = await sandbox.run(parameters.custom_script, scope, whose=context.tenant_id)
        elif parameters.aggregation != "summarize":
            value = await asyncio.to_thread(
                aggregate, results, parameters.aggregation, parameters.field
            )
        output = await asyncio.to_thread(_formatted, value, results, parameters)
        return AgentResult(output, metadata={"items": len(results)})


def _input(context: AgentContext) -> Any:
    if len(context.inputs) == 1:
        return next(iter(context.inputs.values()))
    return dict(context.inputs)


def _is_plain_report(parameters: AggregatorParameters) -> bool:
    """Whether a report tells each input by itself: nothing is computed over all of them."""
    computes = parameters.custom_script is not None or parameters.aggregation != "concat"
    return parameters.format == "markdown_report" and not computes


def _results(data: Any, *, several: bool) -> list[Any]:
    """The list to aggregate: of several inputs, their elements one after another."""
    if isinstance(data, list):
        return data
    if several and isinstance(data, Mapping):
        joined: list[Any] = []
        for value in data.values():
            joined.extend(value) if isinstance(value, list) else joined.append(value)
        return joined
    return [] if data is None else [data]


def _formatted(value: Any, results: list[Any], parameters: AggregatorParameters) -> Any:
    """The value in its form; a report tells the computed value and what it was computed from."""
    title = parameters.title or _DEFAULT_TITLE
    summarizes = parameters.aggregation == "summarize" and parameters.custom_script is None
    if parameters.format == "markdown_report" or (summarizes and parameters.format == "text"):
        if isinstance(value, list):
            return render(insights(value), title)
        heading = "Result" if parameters.custom_script else parameters.aggregation.capitalize()
        return render(insights(results), title, {heading: value})
    if summarizes:
        return insights(results).as_json()
    return value if parameters.format == "json" else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(entry) for entry in value)
    return orjson.dumps(value).decode()
