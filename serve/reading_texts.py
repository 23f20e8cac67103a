"""Texts that people wrote, on their way to the parser and back; what models cost is recorded."""

from typing import Literal

import structlog

from agents.planner_reading import Reading
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
from store.parser_calls import ParserCall, record_parser_calls

log = structlog.get_logger(__name__)


async def read_description(context: Context, caller: Principal, body: CreateWorkflow) -> ParsedText:
    """Read the description of a request."""
    parsed: ParsedText = await context.parser.parse.remote(
        caller.tenant_id, body.description, body.name, body.answers, body.offline
    )
    await _record(context, caller, "create", parsed.reading)
    return parsed


async def read_instruction(
    context: Context, caller: Principal, body: UpdateWorkflow, document: dict[str, object]
) -> ParsedText:
    """Read the instruction of a request that changes a specification."""
    parsed: ParsedText = await context.parser.edit.remote(
        caller.tenant_id, body.description, document, body.answers, body.offline
    )
    await _record(context, caller, "edit", parsed.reading)
    return parsed


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
