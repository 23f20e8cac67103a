"""The llm agent: a language model when one is configured, the built-in offline model otherwise."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import jsonschema_rs
import orjson
from pydantic import BeforeValidator, Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.errors import AgentError
from agents.models import OFFLINE, Choice, Conversation, Models, Turn, missing_key
from agents.offline.job import Job, OutputFormat, Task, understand
from agents.offline.model import CannotDo, answer
from agents.offline.text import shorten, subject

_REPAIRS = 1
_NOT_DATA = frozenset({"workflow", "user", "secrets", "state"})
"""Names of the scope that hold no data of their own: `state` repeats the others."""
_FORMATS: Mapping[OutputFormat, str] = {
    "text": "",
    "markdown": "Answer in Markdown.",
    "json": "Answer with one JSON value and nothing else: no explanation, no code fence.",
    "json_array": "Answer with one JSON array and nothing else: no explanation, no code fence.",
}
_SENTIMENT_SHAPE = (
    'The JSON has the form {"sentiment": "positive"|"neutral"|"negative", "score": number from '
    "-1 (worst) to 1 (best)}."
)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else orjson.dumps(value).decode()


class LlmParameters(Parameters):
    """What the model is asked, and the form of its answer."""

    prompt: Annotated[str, BeforeValidator(_text)] = Field(
        min_length=1, description="The instruction, with references such as {reviews}."
    )
    model: str = Field(
        default="default",
        min_length=1,
        max_length=200,
        description="default, offline, gpt-4, gpt-3.5, claude-opus, claude-sonnet or a model's id.",
    )
    temperature: float = Field(default=0.7, ge=0, le=2)
    output_format: OutputFormat = "text"
    max_tokens: int = Field(default=1000, ge=1, le=100_000)
    system: str | None = Field(default=None, description="Who the model is and how it behaves.")
    json_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the answer must satisfy."
    )
    labels: tuple[str, ...] = Field(default=(), description="The labels to choose from.")
    task: Task | None = Field(default=None, description="A hint for the offline model.")


class Llm:
    """Text generation, analysis, extraction and classification."""

    name: ClassVar[str] = "llm"
    description: ClassVar[str] = "Asks a language model, or the built-in offline model."
    parameters: ClassVar[type[Parameters]] = LlmParameters
    side_effect: ClassVar[SideEffect] = "reads"
    default_timeout_seconds: ClassVar[float] = 180.0
    output_fields: ClassVar[tuple[str, ...]] = ()
    estimated_seconds: ClassVar[float] = 3.0
    estimated_cost_usd: ClassVar[float] = 0.005

    async def run(self, parameters: LlmParameters, context: AgentContext) -> AgentResult:
        """Return text or JSON; the metadata says which model made it, and whether it is an LLM.

        Raises:
            AgentError: No model can do the job (final, naming the key to set), the answer does
                not fit the schema (final), or the provider failed (its own kind).
        """
        models = await context.services.models()
        choice = models.choose(parameters.model)
        job = await asyncio.to_thread(
            understand,
            parameters.prompt,
            context.inputs,
            task=parameters.task,
            output_format=parameters.output_format,
            labels=parameters.labels,
            json_schema=parameters.json_schema,
            scope=_data_in(context),
        )
        if choice.offline:
            return await _offline(job, choice, parameters.json_schema)
        return await _online(models, choice, parameters, job)


def _data_in(context: AgentContext) -> dict[str, Any]:
    """The values that a prompt may show as its data, by name."""
    return {name: v for name, v in context.variables.items() if name not in _NOT_DATA}


async def _offline(job: Job, choice: Choice, schema: Mapping[str, Any] | None) -> AgentResult:
    try:
        found = await asyncio.to_thread(answer, job)
    except CannotDo as error:
        raise missing_key(choice, str(error)) from error
    if schema is not None and (problem := _misfit(found.output, schema)):
        named = f"the job {job.named}: what it finds does not fit the schema ({problem})"
        raise missing_key(choice, named)
    metadata: dict[str, Any] = {
        "model": OFFLINE,
        "is_llm": False,
        "task": job.task,
        **found.facts,
    }
    if choice.missing_key:
        metadata["requested_model"] = choice.requested
        metadata["reason"] = f"{choice.missing_key} is not set"
    return AgentResult(found.output, metadata=metadata)


async def _online(
    models: Models, choice: Choice, parameters: LlmParameters, job: Job
) -> AgentResult:
    turns = list(_turns(parameters, job))
    usage = Usage()
    wants_json = parameters.output_format in ("json", "json_array") or bool(parameters.json_schema)
    for attempt in range(_REPAIRS + 1):
        conversation = Conversation(tuple(turns), parameters.temperature, parameters.max_tokens)
        completion = await models.complete(choice, conversation)
        usage += completion.usage
        metadata = {"model": completion.model, "is_llm": True, "requested_model": choice.requested}
        if attempt:
            metadata["repaired"] = True
        if not wants_json:
            return AgentResult(completion.text.strip(), usage, metadata)
        try:
            output = _parse(completion.text, parameters)
            return AgentResult(_with_quote(output, job), usage, metadata)
        except ValueError as error:
            problem = str(error)
        turns += [
            Turn("assistant", completion.text or "(nothing)"),
            Turn("user", f"That cannot be used: {problem}. Answer again, with the JSON only."),
        ]
    raise AgentError(
        f"The model {choice.model} did not answer in the form that was asked for: {problem}.",
        retryable=parameters.temperature > 0,
        remedy="Say in the prompt what the answer looks like, or raise max_tokens.",
    )


def _turns(parameters: LlmParameters, job: Job) -> list[Turn]:
    rules = [parameters.system or "", _FORMATS[parameters.output_format]]
    if parameters.json_schema:
        rules.append(f"The JSON satisfies this schema: {json.dumps(parameters.json_schema)}")
    elif job.task == "sentiment" and parameters.output_format == "json":
        rules.append(_SENTIMENT_SHAPE)
    if parameters.labels:
        rules.append(f"Choose exactly one of: {', '.join(parameters.labels)}.")
    prompt = parameters.prompt
    if not job.data_in_prompt:
        prompt = f"{prompt}\n\n{_text(job.data)}"
    system = "\n".join(rule for rule in rules if rule)
    return [*([Turn("system", system)] if system else []), Turn("user", prompt)]


def _parse(text: str, parameters: LlmParameters) -> Any:
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
    if parameters.output_format == "json_array" and not isinstance(value, list):
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        if len(lists) != 1:
            raise ValueError("it is not a JSON array")
        value = lists[0]
    if parameters.json_schema and (problem := _misfit(value, parameters.json_schema)):
        raise ValueError(problem)
    return value


def _misfit(value: Any, schema: Mapping[str, Any]) -> str:
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


def _with_quote(output: Any, job: Job) -> Any:
    """Let a sentiment carry the text that it judges, so that a report can quote it."""
    if job.task == "sentiment" and isinstance(output, dict) and "sentiment" in output:
        return {**output, "text": output.get("text") or shorten(subject(job.data))}
    return output
