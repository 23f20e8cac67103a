"""Texts that people wrote, on their way to the parser and back; what models cost is recorded."""

import re
from collections.abc import Iterable
from typing import Literal

import structlog

from agents.planner_reading import Reading
from compiler.english.normalise import possible_agents
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.workers import agent_names
from serve.context import Context
from serve.metrics import (
    PARSER_CACHED,
    PARSER_CALLS,
    PARSER_COST_USD,
    PARSER_SECONDS,
    PARSER_TOKENS,
)
from serve.requests import CreateWorkflow, UpdateWorkflow
from serve.text_parser import ParsedText
from store.accounts import Principal
from store.custom_agents import find_like
from store.parser_calls import ParserCall, record_parser_calls

log = structlog.get_logger(__name__)
MOST_WORDS = 100
"""So many words of a text are compared with what agents say of themselves."""
MOST_LIKE = 5
"""So many agents that a text does not name are told to a language model."""


async def read_description(context: Context, caller: Principal, body: CreateWorkflow) -> ParsedText:
    """Read the description of a request."""
    own = await own_agents(context, caller, body)
    parsed: ParsedText = await context.parser.parse.remote(
        caller.tenant_id, body.description, body.name, body.answers, body.offline, own
    )
    await _record(context, caller, "create", parsed.reading)
    return parsed


async def read_instruction(
    context: Context, caller: Principal, body: UpdateWorkflow, document: dict[str, object]
) -> ParsedText:
    """Read the instruction of a request that changes a specification."""
    own = await own_agents(
        context, caller, body, agent_names(Specification.model_validate(document))
    )
    parsed: ParsedText = await context.parser.edit.remote(
        caller.tenant_id, body.description, document, body.answers, body.offline, own
    )
    await _record(context, caller, "edit", parsed.reading)
    return parsed


async def own_agents(
    context: Context,
    caller: Principal,
    body: CreateWorkflow | UpdateWorkflow,
    used: Iterable[str] = (),
) -> dict[str, AgentSignature]:
    """Return the organization's own agents that a text may mean, those that it names first.

    Beside them a language model is told of some whose words are like the text's, if they only read:
    what writes or sends must be named.

    Args:
        context: What the routes share.
        caller: Whose agents.
        body: The text, and the answers.
        used: The agents of the workflow that is changed.
    """
    text, tenant_id = body.description or "", caller.tenant_id
    named = possible_agents(text, *body.answers.values())
    own = await context.agents.own_signatures(tenant_id, (*named, *used))
    if body.offline or not await context.parser.models.remote():
        return own
    words = dict.fromkeys(re.findall(r"[a-z]{3,30}", text.lower()))
    names = await find_like(context.pool, tenant_id, [*words][:MOST_WORDS], MOST_LIKE)
    like = await context.agents.own_signatures(tenant_id, names)
    reads = {name: one for name, one in like.items() if one.side_effect in ("none", "reads")}
    return {**own, **{name: one for name, one in reads.items() if name not in own}}


async def _record(
    context: Context, caller: Principal, kind: Literal["create", "edit"], reading: Reading
) -> None:
    PARSER_SECONDS.labels(kind, "offline" if reading.by == "offline" else "model").observe(
        reading.ms / 1000
    )
    if reading.cached:
        PARSER_CACHED.inc()
    if not reading.attempts:
        return
    for one in reading.attempts:
        PARSER_CALLS.labels(kind, one.model, one.outcome).inc()
        PARSER_TOKENS.labels(one.model, "input").inc(one.used.input_tokens)
        PARSER_TOKENS.labels(one.model, "output").inc(one.used.output_tokens)
        PARSER_COST_USD.labels(one.model).inc(one.used.cost_usd)
    # The notes may quote what a model answered; outcomes say enough.
    told = {name: value for name, value in reading.to_document().items() if name != "notes"}
    outcomes = [one.outcome for one in reading.attempts]
    log.info("parser.read", kind=kind, tenant_id=str(caller.tenant_id), outcomes=outcomes, **told)
    calls = [
        ParserCall(
            one.model,
            one.outcome,
            one.used.rounds,
            one.used.input_tokens,
            one.used.output_tokens,
            one.used.cost_usd,
            one.duration_ms,
        )
        for one in reading.attempts
    ]
    await record_parser_calls(context.pool, caller.tenant_id, caller.user_id, kind, calls)
