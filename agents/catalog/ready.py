"""A ready agent: checks parameters by its file's schema and lets its base agent do the work."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from agents.agent import Agent, AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.catalog.binding import bound
from agents.catalog.call import BOUND, COSTS_USD, IDEMPOTENCY_KEY, PARAMS, Call
from agents.catalog.given import Given, given
from agents.catalog.rendering import found_in, output_of, request_of
from agents.errors import AgentError
from agents.waiting import retry_after_seconds
from compiler.references import parse_template

_NOT_SENT = ("ConnectError", "ConnectTimeout")
_MOST_SHOWN = 300


class Ready:
    """The agent of one catalog file, or of one custom endpoint."""

    def __init__(self, entry: Call, base: Agent[Any]) -> None:
        self.entry = entry
        self.name = entry.name
        self.service = entry.service
        self.description = entry.told
        self.side_effect: SideEffect = entry.side_effect
        self.default_timeout_seconds = base.default_timeout_seconds
        self.estimated_seconds = entry.estimated_seconds
        self.estimated_cost_usd = COSTS_USD[entry.cost]
        self.hosts = (entry.host,) if entry.host else ()
        output = entry.response.output
        self.output_fields = tuple(output) if isinstance(output, dict) else ()
        self.parameters: type[Parameters] = given(entry.parameters)
        self._base = base

    async def run(self, parameters: Given, context: AgentContext) -> AgentResult:
        """Do the work once; see `call`."""
        return await self.call(parameters.model_dump(), context)

    async def call(self, checked: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Make the request of checked parameters, and those of all further pages.

        Raises:
            AgentError: The service refuses (final), or is away or busy; retryable then, when
                another call can do nothing twice.
        """
        entry = self.entry
        key = hashlib.sha256(context.idempotency_key.encode()).hexdigest()[:32]
        values = {**checked, IDEMPOTENCY_KEY: key}
        if entry.binding is not None:
            values[BOUND] = bound(entry.binding, checked.get(PARAMS))
        urls = context.services.settings.service_urls
        request = request_of(entry, values, urls.get(entry.service))
        secrets = entry.secret_values(values)
        usage = Usage()
        items: list[Any] = []
        pages = entry.pagination
        for _ in range(pages.max_pages if pages else 1):
            answer, result = await self._ask(request, secrets, context)
            usage += result.usage
            metadata = dict(result.metadata)
            if pages is None:
                break
            items += _found(pages.items, answer) or []
            mark = _found(pages.next, answer)
            if not mark:
                break
            metadata["more_pages"] = True
            place = request.get(pages.place) or {}
            request = {**request, pages.place: {**place, pages.parameter: mark}}
        if pages is not None:
            answer = _with(answer, pages.items, items)
        # The other base agents know what they cost.
        cost = Usage(cost_usd=COSTS_USD[entry.cost]) if entry.base == "api" else Usage()
        return AgentResult(output_of(entry.response.output, answer), usage + cost, metadata)

    async def _ask(
        self, request: Mapping[str, Any], secrets: Sequence[str], context: AgentContext
    ) -> tuple[dict[str, Any], AgentResult]:
        parameters = self._base.parameters.model_validate(dict(request))
        result = await self._base.run(parameters, context)
        answer = result.output
        if self.entry.base != "api":
            return (answer if isinstance(answer, dict) else {}) | {"output": answer}, result
        self._refuse_failure(answer, secrets)
        return answer, result

    def _refuse_failure(self, answer: Mapping[str, Any], secrets: Sequence[str]) -> None:
        entry, status = self.entry, answer["status_code"]
        reason = _found(entry.response.error, answer) if entry.response.error else None
        if 200 <= status < 300 and not reason:
            return
        if status == 0:
            told = str(answer["error"])
            again = entry.repeatable or told.startswith(_NOT_SENT)
            raise AgentError(f"{entry.service} does not answer: {told}.", retryable=again)
        told = str(reason or answer["body"] or "")
        # Before it is cut: a half of a secret would no longer be known as one.
        for secret in secrets:
            told = told.replace(secret, "***")
        told = told[:_MOST_SHOWN]
        raise AgentError(
            f"{entry.service} refuses {entry.name} (status {status}): {told}",
            retryable=status in entry.retried,
            retry_after_seconds=retry_after_seconds(answer["headers"]),
            remedy="Check the token and its rights." if status in (401, 403) else "",
        )


def _found(template: str, answer: Mapping[str, Any]) -> Any:
    whole = parse_template(template).whole
    return None if whole is None else found_in(whole, answer)


def _with(answer: Mapping[str, Any], template: str, items: list[Any]) -> dict[str, Any]:
    """Return an answer whose list is that of all pages."""
    reference = parse_template(template).whole
    path = (reference.root, *reference.path) if reference else ()
    return dict(_put(answer, path, items))


def _put(value: Any, path: tuple[str | int, ...], items: list[Any]) -> Any:
    if not path:
        return items
    below = value.get(path[0], {}) if isinstance(value, Mapping) else {}
    return {**value, path[0]: _put(below, path[1:], items)}
