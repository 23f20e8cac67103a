"""The api agent: a request to a REST API, whose every answer (even none) is a result."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import httpx2
import orjson

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.api_operation import called
from agents.api_pages import Pages
from agents.api_parameters import ApiParameters, OAuth2Auth
from agents.api_request import request_of
from agents.egress import split_url
from agents.errors import AgentError
from agents.exchange import Answer, fetch
from agents.files import as_file
from agents.limits import Rate
from agents.turns import LONGEST_WAIT_SECONDS
from agents.waiting import retry_after_seconds

_TEXT_TYPES = (
    "text/", "application/xml", "application/javascript", "application/x-www-form",
    "application/yaml", "application/x-yaml", "application/toml", "application/sql",
)  # fmt: skip
_UNAUTHORIZED = 401


class Api:
    """Calls an endpoint; a refused connection or an error status is a result to route on."""

    name: ClassVar[str] = "api"
    description: ClassVar[str] = "Calls a REST API."
    parameters: ClassVar[type[Parameters]] = ApiParameters
    side_effect: ClassVar[SideEffect] = "sends"
    default_timeout_seconds: ClassVar[float] = 60.0
    closed: ClassVar[tuple[str, ...]] = ("method", "headers", "auth")
    output_fields: ClassVar[tuple[str, ...]] = (
        "status_code",
        "body",
        "headers",
        "duration_ms",
        "error",
        "pages",
    )

    async def run(self, parameters: ApiParameters, context: AgentContext) -> AgentResult:
        """Return `{"status_code", "body", "headers", "duration_ms"}`, and `pages` where asked for.

        A host that does not answer gives status_code 0 and says why under `error`.

        Raises:
            AgentError: The address is one that agents may not reach, the answer is too long or
                not what its document says (final); a status of `retry_on`, or a rate limit whose
                turn is later (retryable).
        """
        started = time.monotonic()
        if parameters.openapi is not None:
            parameters = await called(parameters, context)
        calls = _Calls(parameters, context)
        pages = Pages(parameters.pagination) if parameters.pagination else None
        output = await (calls.listed(parameters, pages) if pages else calls.one(parameters))
        output["duration_ms"] = round((time.monotonic() - started) * 1000, 1)
        metadata: dict[str, Any] = {"method": parameters.method}
        if pages is not None:
            output["pages"] = pages.count
            metadata["more_pages"] = pages.more
        return AgentResult(output, Usage(api_calls=calls.made), metadata)


class _Calls:
    """The requests that one attempt makes."""

    def __init__(self, parameters: ApiParameters, context: AgentContext) -> None:
        self.made = 0
        self._page = 0
        self._context = context
        self._retried = parameters.retry_on
        self._rate = parameters.rate_limit
        bound = context.services.settings.max_response_bytes
        self._left_bytes = min(parameters.max_response_bytes or bound, bound)

    async def listed(self, parameters: ApiParameters, pages: Pages) -> dict[str, Any]:
        """Make the requests for all pages; an answer that is no success ends them."""
        following: ApiParameters | None = pages.first(parameters)
        while following is not None:
            output = await self.one(following)
            if not 200 <= output["status_code"] < 300:
                return output
            following = pages.add(following, output["body"], output["headers"])
            self._page = pages.count
        return {**output, "body": pages.whole(output["body"])}

    async def one(self, parameters: ApiParameters) -> dict[str, Any]:
        """Make one request and return what became of it."""
        try:
            answer = await self._asked(parameters)
        except httpx2.HTTPError as error:
            reason = f"{type(error).__name__}: {error}".strip(": ")
            self._refuse_retried(0, {}, reason)
            return {"status_code": 0, "body": None, "headers": {}, "error": reason}
        self._left_bytes -= len(answer.content)
        self._refuse_retried(answer.status_code, dict(answer.headers), "")
        return {
            "status_code": answer.status_code,
            "body": _body(answer),
            "headers": dict(answer.headers),
        }

    async def _asked(self, parameters: ApiParameters) -> Answer:
        client = await self._context.services.http()
        auth = parameters.auth
        if not isinstance(auth, OAuth2Auth):
            return await self._sent(client, parameters)
        tokens = await self._context.services.tokens()
        token, is_new = await tokens.get(client, self._context.tenant_id, auth)
        answer = await self._sent(client, parameters, token)
        if answer.status_code == _UNAUTHORIZED and not is_new:
            # It was taken back before its time; what is new and refused will stay so.
            token, _ = await tokens.get(client, self._context.tenant_id, auth, refused=token)
            answer = await self._sent(client, parameters, token)
        return _without(answer, token)

    async def _sent(
        self, client: httpx2.AsyncClient, parameters: ApiParameters, token: str = ""
    ) -> Answer:
        await self._wait_for_turn(parameters)
        self.made += 1
        key = self._context.idempotency_key
        # Each page is a request of its own, for which a service must not repeat another's answer.
        request = request_of(parameters, f"{key}:{self._page}" if self._page else key, token)
        return await fetch(client, request, max_bytes=self._left_bytes)

    async def _wait_for_turn(self, parameters: ApiParameters) -> None:
        rates = []
        if own := self._rate:
            host = split_url(parameters.url)[0].lower()
            name = f"{self._context.tenant_id} {host} {own.requests}/{own.seconds:g}"
            rates.append(Rate(name, own.requests, own.seconds, own.burst))
        # Whoever has read a page waits for the next one: another attempt would begin anew.
        longest = parameters.timeout
        if not self._page:
            longest = min(LONGEST_WAIT_SECONDS, longest)
        work = f"{self._context.idempotency_key}:{self.made}"
        await self._context.services.turns.wait(parameters.url, work, rates, longest)

    def _refuse_retried(self, status: int, headers: Mapping[str, str], reason: str) -> None:
        if status in self._retried:
            told = f"answers {status}" if status else f"does not answer: {reason}"
            raise AgentError(
                f"The API {told}.",
                retryable=True,
                retry_after_seconds=retry_after_seconds(headers),
            )


def _without(answer: Answer, token: str) -> Answer:
    """Return an answer without the token that its request was sent with."""
    return replace(
        answer,
        content=answer.content.replace(token.encode(), b"***"),
        headers={name: value.replace(token, "***") for name, value in answer.headers.items()},
    )


def _body(answer: Answer) -> Any:
    """The body as JSON when it says it is, as text, or as a file when it is neither."""
    if not answer.content:
        return None
    media = answer.media_type
    if media.endswith("json"):
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            return answer.text
    if not media or media.startswith(_TEXT_TYPES) or media.endswith("+xml"):
        return answer.text
    return as_file(answer.content, answer.filename, media)
