"""The llm agent: a language model when one is configured, the built-in offline model otherwise."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import BeforeValidator, Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.answer_form import FORMATS, misfit, read_json
from agents.asking import Asking, ModelAway, chain, none_answered
from agents.errors import AgentError
from agents.models import OFFLINE, Choice, Completion, Conversation, Turn, missing_key
from agents.offline.job import Job, OutputFormat, Task, understand
from agents.offline.model import CannotDo, answer
from agents.offline.text import shorten, subject

ModelName = Annotated[str, Field(min_length=1, max_length=200)]
_REPAIRS = 1
_NOT_DATA = frozenset({"workflow", "user", "secrets", "state"})
"""Names of the scope that hold no data of their own: `state` repeats the others."""
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
    model: ModelName = Field(
        default="default",
        description="default, offline, gpt-4, gpt-3.5, claude-opus, claude-sonnet or a model's id.",
    )
    fallbacks: Annotated[tuple[ModelName, ...], Field(max_length=10)] | None = Field(
        default=None,
        description="Models that are asked in turn when one is away, limited or refuses; the "
        "built-in one only if `offline` is among them. Left out: the operator's.",
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

    @property
    def wants_json(self) -> bool:
        """Whether the answer is a JSON value."""
        return self.output_format in ("json", "json_array") or bool(self.json_schema)


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
                not fit the schema (final), or no provider answered (its own kind).
        """
        models = await context.services.models()
        choices, left = chain(models, parameters.model, parameters.fallbacks)
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
        asking = Asking(models, context.timeout_seconds, left=left)
        talk = _Talk(parameters, job, asking)
        failures: list[tuple[Choice, AgentError]] = []
        for choice in choices:
            last = choice is choices[-1]
            try:
                result = await _answer(choice, talk, last=last)
            except ModelAway as away:
                failures.append((choice, away.error))
                asking.left.append({"model": choice.requested, "reason": str(away.error)})
                continue
            return replace(result, metadata={**result.metadata, **asking.metadata()})
        raise none_answered(failures)


def _data_in(context: AgentContext) -> dict[str, Any]:
    """The values that a prompt may show as its data, by name."""
    return {name: v for name, v in context.variables.items() if name not in _NOT_DATA}


async def _answer(choice: Choice, talk: "_Talk", *, last: bool) -> AgentResult:
    """Let a model do the job, after whatever the talk with those before it has come to."""
    if choice.offline:
        return await _offline(talk.job, choice, talk.parameters.json_schema, talk.asking.usage)
    return await talk.lead(choice, last=last)


async def _offline(
    job: Job, choice: Choice, schema: Mapping[str, Any] | None, usage: Usage
) -> AgentResult:
    try:
        found = await asyncio.to_thread(answer, job)
    except CannotDo as error:
        raise ModelAway(missing_key(choice, str(error))) from error
    if schema is not None and (problem := misfit(found.output, schema)):
        named = f"the job {job.named}: what it finds does not fit the schema ({problem})"
        raise ModelAway(missing_key(choice, named))
    metadata: dict[str, Any] = {
        "model": OFFLINE,
        "is_llm": False,
        "task": job.task,
        **found.facts,
    }
    if choice.missing_key:
        metadata["requested_model"] = choice.requested
        metadata["reason"] = f"{choice.missing_key} is not set"
    return AgentResult(found.output, usage, metadata)


class _Talk:
    """The conversation of one attempt; when a model is away, the next one goes on with it."""

    def __init__(self, parameters: LlmParameters, job: Job, asking: Asking) -> None:
        self.parameters = parameters
        self.job = job
        self.asking = asking
        self._turns = list(_turns(parameters, job))

    async def lead(self, choice: Choice, *, last: bool) -> AgentResult:
        """Ask a model until its answer has the form that is asked for.

        Raises:
            ModelAway: It did not answer.
            AgentError: It did not answer in that form.
        """
        parameters = self.parameters
        for attempt in range(_REPAIRS + 1):
            completion = await self._ask(choice, last=last)
            metadata: dict[str, Any] = {
                "model": completion.model, "is_llm": True, "requested_model": choice.requested
            }  # fmt: skip
            metadata |= {"repaired": True} if attempt else {}
            metadata |= {"cut_short": True} if completion.cut_short else {}
            if not parameters.wants_json:
                return AgentResult(completion.text.strip(), self.asking.usage, metadata)
            try:
                output = read_json(
                    completion.text, parameters.output_format, parameters.json_schema
                )
                return AgentResult(_with_quote(output, self.job), self.asking.usage, metadata)
            except ValueError as error:
                problem = _why(completion, error)
            self._turns += [
                Turn("assistant", completion.text or "(nothing)"),
                Turn("user", f"That cannot be used: {problem}. Answer again, with the JSON only."),
            ]
        raise AgentError(
            f"The model {choice.model} did not answer in the form that was asked for: {problem}.",
            retryable=parameters.temperature > 0,
            remedy="Say in the prompt what the answer looks like, or raise max_tokens.",
        )

    async def _ask(self, choice: Choice, *, last: bool) -> Completion:
        conversation = Conversation(
            tuple(self._turns), self.parameters.temperature, self.parameters.max_tokens
        )
        return await self.asking.ask(choice, conversation, last=last)


def _why(completion: Completion, error: ValueError) -> str:
    """Say why an answer cannot be used."""
    if completion.cut_short:
        return f"it ended at max_tokens, and {error}"
    return str(error)


def _turns(parameters: LlmParameters, job: Job) -> list[Turn]:
    rules = [parameters.system or "", FORMATS[parameters.output_format]]
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


def _with_quote(output: Any, job: Job) -> Any:
    """Let a sentiment carry the text that it judges, so that a report can quote it."""
    if job.task == "sentiment" and isinstance(output, dict) and "sentiment" in output:
        return {**output, "text": output.get("text") or shorten(subject(job.data))}
    return output
