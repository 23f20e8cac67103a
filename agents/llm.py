"""The llm agent: a language model when one is configured, the built-in offline model otherwise."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.answer_form import misfit
from agents.asking import Asking, ModelAway, chain, none_answered
from agents.errors import AgentError
from agents.llm_parameters import LlmParameters
from agents.models import OFFLINE, Choice, missing_key
from agents.offline.job import understand
from agents.offline.model import CannotDo, answer
from agents.talk import Talk
from agents.tools import Toolbox

_NOT_DATA = frozenset({"workflow", "user", "secrets", "state"})
"""Names of the scope that hold no data of their own: `state` repeats the others."""


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
        telling = context.telling if parameters.stream else None
        asking = Asking(models, context.timeout_seconds, telling, left=left)
        talk = Talk(parameters, job, asking, _toolbox(parameters, context))
        try:
            async with asyncio.timeout(talk.patience_seconds(context.timeout_seconds)):
                return await _first_answer(choices, talk)
        except TimeoutError as error:
            raise talk.failed(AgentError("The answer took too long.", retryable=True)) from error
        except AgentError as error:
            raise talk.failed(error) from error


async def _first_answer(choices: Sequence[Choice], talk: Talk) -> AgentResult:
    """Let one model after the other do the job, each going on with what the talk has come to."""
    failures: list[tuple[Choice, AgentError]] = []
    for choice in choices:
        try:
            if choice.offline:
                result = await _offline(choice, talk)
            else:
                result = await talk.lead(choice, last=choice is choices[-1])
        except ModelAway as away:
            failures.append((choice, away.error))
            talk.asking.left.append({"model": choice.requested, "reason": str(away.error)})
            continue
        return replace(result, metadata={**result.metadata, **talk.metadata()})
    raise none_answered(failures)


def _toolbox(parameters: LlmParameters, context: AgentContext) -> Toolbox | None:
    if not parameters.tools:
        return None
    toolset = context.tools
    written = toolset.tools if toolset else ()
    if toolset is None or len(written) != len(parameters.tools):
        raise AgentError(
            "The tools of a model are listed in a node of its own, and never taken from data.",
            remedy="Write them in the node's `tools`.",
        )
    resolved = [
        one.tool if isinstance(use, str) else replace(
            one.tool, parameters=use.parameters, hosts=use.hosts, recipients=use.recipients
        )
        for one, use in zip(written, parameters.tools, strict=True)
    ]  # fmt: skip
    return Toolbox(toolset, resolved, context, parameters.max_tool_calls)


def _data_in(context: AgentContext) -> dict[str, Any]:
    """The values that a prompt may show as its data, by name."""
    return {name: v for name, v in context.variables.items() if name not in _NOT_DATA}


async def _offline(choice: Choice, talk: Talk) -> AgentResult:
    job, schema = talk.job, talk.parameters.json_schema
    if talk.parameters.tools:
        raise ModelAway(missing_key(choice, "a job that calls tools"))
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
    return AgentResult(found.output, talk.usage, metadata)
