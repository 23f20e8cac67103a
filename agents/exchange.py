"""One HTTP exchange: a request, its redirects, and an answer of bounded size."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx2

from agents.egress import split_url
from agents.errors import AgentError
from agents.inflation import unpacked

MAX_REDIRECTS = 5
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEPT_ACROSS_ORIGINS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole."""

    status_code: int
    url: str
    headers: Mapping[str, str]
    content: bytes
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text; bytes that do not fit the encoding are replaced."""
        try:
            return self.content.decode(self.encoding, errors="replace")
        except LookupError:
            return self.content.decode("utf-8", errors="replace")

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """What a file of it is called: as the answer says, else by its address; may be empty."""
        head = Message()
        head["Content-Disposition"] = self.headers.get("content-disposition", "")
        return head.get_filename() or unquote(urlsplit(self.url).path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as an agent states it; `timeout_seconds` bounds all of it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    timeout_seconds: float | None = None
    redirects: int = MAX_REDIRECTS
    """How many of them are followed."""


Led = Callable[[str], Awaitable[None]]
"""Is told an address that a redirect leads to, before it is asked for; an error refuses it."""


async def fetch(
    client: httpx2.AsyncClient, request: Request, *, max_bytes: int, led: Led | None = None
) -> Answer:
    """Send one request, follow its redirects, and read the answer within `max_bytes`.

    A redirect to another origin loses every header that could carry a secret.

    Raises:
        AgentError: The request is unusable, an address is refused, or the answer is too long.
        httpx2.HTTPError: The other side did not answer in time, or at all.
    """
    try:
        async with asyncio.timeout(request.timeout_seconds):
            return await _follow(client, request, max_bytes, led)
    except TimeoutError as error:
        raise httpx2.ReadTimeout(
            f"no whole answer within {request.timeout_seconds:g} seconds"
        ) from error


async def _follow(
    client: httpx2.AsyncClient, first: Request, max_bytes: int, led: Led | None
) -> Answer:
    request, cookies = first, httpx2.Cookies()
    for _ in range(first.redirects + 1):
        built = _build(client, request)
        # A redirect may set what its target asks for; nothing of it outlives the exchange.
        cookies.set_cookie_header(built)
        response = await client.send(built, stream=True)
        try:
            cookies.extract_cookies(response)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not location:
                return await _read(response, max_bytes)
        finally:
            await response.aclose()
        request = _redirected(request, response.status_code, urljoin(str(response.url), location))
        if led is not None:
            await led(request.url)
    raise AgentError(
        f"{first.url} redirects more than {first.redirects} times.",
        remedy="Use the address that it leads to in the end.",
    )


def _build(client: httpx2.AsyncClient, request: Request) -> httpx2.Request:
    split_url(request.url)
    for name, value in request.headers.items():
        if _CONTROL.search(f"{name}{value}"):
            raise AgentError(f"The header {name!r} holds a line break or a control character.")
    try:
        url = httpx2.URL(request.url.strip()).copy_merge_params(dict(request.params))
        return client.build_request(
            request.method, url, headers=dict(request.headers), content=request.content,
            timeout=_bounds(client, request),
        )  # fmt: skip
    except (httpx2.InvalidURL, UnicodeError, ValueError, TypeError) as error:
        raise AgentError(
            f"The request to {request.url[:200]} cannot be written: {error}.",
            remedy="Check its URL, headers and params.",
        ) from error


def _bounds(client: httpx2.AsyncClient, request: Request) -> httpx2.Timeout:
    """Return how long the parts of a request may take: what bounds all of it bounds the answer."""
    if request.timeout_seconds is None:
        return client.timeout
    return httpx2.Timeout(
        connect=client.timeout.connect, write=client.timeout.write, read=None, pool=None
    )


def _redirected(request: Request, status_code: int, url: str) -> Request:
    headers = request.headers
    if _origin(url) != _origin(request.url):
        headers = {k: v for k, v in headers.items() if k.lower() in _KEPT_ACROSS_ORIGINS}
    keeps_method = status_code in (307, 308) or request.method == "HEAD"
    return replace(
        request,
        method=request.method if keeps_method else "GET",
        url=url,
        headers=headers,
        params={},
        content=request.content if keeps_method else None,
    )


async def _read(response: httpx2.Response, max_bytes: int) -> Answer:
    body = bytearray()
    async for chunk in unpacked(response):
        body += chunk
        if len(body) > max_bytes:
            raise AgentError(
                f"{response.url} answers with more than {max_bytes} bytes.",
                remedy="Ask for a smaller part of it.",
            )
    return Answer(
        status_code=response.status_code,
        url=str(response.url),
        headers=dict(response.headers),
        content=bytes(body),
        encoding=response.charset_encoding or "utf-8",
    )


def _origin(url: str) -> tuple[str, str, int]:
    host, port = split_url(url)
    return urlsplit(url).scheme, host.lower(), port
