"""Servers that never come to an end: a call of any agent ends within its bounds all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.agent import AgentContext
from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.registry import builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from tests.agents.conftest import Run, context_of

MOST_BYTES = 1024 * 1024
BOUND_SECONDS = 20
"""Far more than any call here may take, far less than it would take without a bound."""
Write = Callable[[bytes], Any]


async def _again(write: Write, part: bytes, pause_seconds: float = 0.0) -> None:
    while True:
        await write(part)
        await asyncio.sleep(pause_seconds)


async def _slow_head(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nX: ")
    await _again(write, b"x", 0.05)


async def _slow_body(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await _again(write, b"x", 0.05)


async def _endless_headers(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\n")
    await _again(write, b"X-Header: value\r\n" * 100)


async def _huge_header(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nX: ")
    await _again(write, b"x" * 65536)


async def _endless_informational(write: Write) -> None:
    await _again(write, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


async def _slow_informational(write: Write) -> None:
    await _again(write, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.05)


async def _endless_chunk(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n")
    await _again(write, b"x" * 65536)


async def _endless_chunk_size(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await _again(write, b"0" * 65536)


async def _endless_trailers(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    await _again(write, b"X-Trailer: value\r\n" * 100)


async def _slow_chunks(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await _again(write, b"1\r\nx\r\n", 0.05)


async def _endless_body(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\n\r\n")
    await _again(write, b"x" * 65536)


async def _longer_than_it_says(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nonly this")


async def _two_lengths(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nonly this")


async def _nothing(_write: Write) -> None:
    await asyncio.Event().wait()


SERVERS = {
    serve.__name__.strip("_").replace("_", " "): serve
    for serve in (
        _slow_head, _slow_body, _endless_headers, _huge_header, _endless_informational,
        _slow_informational, _endless_chunk, _endless_chunk_size, _endless_trailers, _slow_chunks,
        _endless_body, _longer_than_it_says, _two_lengths, _nothing,
    )
}  # fmt: skip


class Hostile:
    """A server that answers every connection in one way, and counts those that are open."""

    def __init__(self, serve: Callable[[Write], Any]) -> None:
        self._serve = serve
        self.port = 0
        self.open = 0
        self.closed = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until the other side leaves."""
        self.open += 1

        async def write(part: bytes) -> None:
            writer.write(part)
            await writer.drain()

        try:
            await reader.readuntil(b"\r\n")
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(self._serve(write))
                while await reader.read(65536):
                    pass
                serving.cancel()
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.open -= 1
            if self.open == 0:
                self.closed.set()

    def url(self, scheme: str = "http") -> str:
        """Return its address."""
        return f"{scheme}://127.0.0.1:{self.port}/"


@asynccontextmanager
async def open_hostile(serve: Callable[[Write], Any]) -> AsyncIterator[Hostile]:
    """Run such a server."""
    hostile = Hostile(serve)
    server = await asyncio.start_server(hostile.answer, "127.0.0.1", 0)
    hostile.port = server.sockets[0].getsockname()[1]
    async with server:
        yield hostile
        async with asyncio.timeout(BOUND_SECONDS):
            # Whoever called has let go of it.
            if hostile.open:
                await hostile.closed.wait()


@pytest.fixture
def settings() -> AgentSettings:
    """Answers have a low bound, so that an endless one passes it soon."""
    return AgentSettings(allow_loopback=True, max_response_bytes=MOST_BYTES, http_timeout_seconds=5)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("server", SERVERS)
async def test_a_call_of_an_api_ends(run: Run, server: str) -> None:
    """It gives no answer of that server, and says why."""
    async with asyncio.timeout(BOUND_SECONDS), open_hostile(SERVERS[server]) as hostile:
        try:
            result = await run("api", {"url": hostile.url(), "timeout": 0.5})
        except AgentError as error:
            assert "more than" in str(error)
        else:
            assert result.output["status_code"] == 0
            assert result.output["error"]


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("server", SERVERS)
async def test_a_scraped_page_ends(run: Run, server: str) -> None:
    """Plain HTTP gives up; another attempt may find it mended."""
    async with asyncio.timeout(BOUND_SECONDS), open_hostile(SERVERS[server]) as hostile:
        with pytest.raises(AgentError):
            await run("web_scraping", {"url": hostile.url(), "mode": "http", "timeout": 0.5})


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "server",
    ["slow head", "endless headers", "huge header", "endless informational", "endless chunk",
     "endless chunk size", "nothing"],
)  # fmt: skip
async def test_a_page_in_the_browser_ends(run: Run, chromium: str, server: str) -> None:
    """The browser gives up, and its way out lets go of the server."""
    async with asyncio.timeout(2 * BOUND_SECONDS), open_hostile(SERVERS[server]) as hostile:
        try:
            parameters = {"url": hostile.url(), "mode": "browser", "timeout": 1}
            result = await run("web_scraping", parameters)
        except AgentError:
            pass
        else:
            # What had come until the answer was cut off.
            assert len(str(result.output)) <= MOST_BYTES


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("agent", ["api", "web_scraping"])
async def test_a_handshake_that_never_ends_does(run: Run, agent: str) -> None:
    """A server that says nothing to TLS is given up like one that says nothing at all."""
    more = {"mode": "http"} if agent == "web_scraping" else {}
    async with asyncio.timeout(BOUND_SECONDS), open_hostile(_nothing) as hostile:
        parameters = {"url": hostile.url("https"), "timeout": 0.5, **more}
        if agent == "api":
            result = await run(agent, parameters)
            assert result.output["status_code"] == 0
        else:
            with pytest.raises(AgentError):
                await run(agent, parameters)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "server", ["endless headers", "huge header", "endless body", "two lengths"]
)
async def test_a_ready_agent_ends(server: str, settings: AgentSettings) -> None:
    """It fails in words, whatever stands in the place of its service."""
    async with asyncio.timeout(BOUND_SECONDS), open_hostile(SERVERS[server]) as hostile:
        settings = AgentSettings(
            allow_loopback=True,
            max_response_bytes=MOST_BYTES,
            service_urls={"Slack": hostile.url()},
        )
        agent = builtin_registry().get("slack_post_message")
        given = agent.parameters.model_validate({"token": "t", "channel": "c", "text": "hello"})
        async with open_services(settings) as services:
            context: AgentContext = context_of(services)
            with pytest.raises(AgentError):
                await agent.run(given, context)


@pytest.mark.requirement("NFR-4.5")
async def test_redirects_that_drip_share_one_bound(services: Services) -> None:
    """Each answer comes in time, all together do not: the bound is the whole call's."""

    async def redirect(write: Write) -> None:
        await write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n")
        await asyncio.sleep(0.4)
        await write(b"Connection: close\r\n\r\n")

    async with asyncio.timeout(BOUND_SECONDS), open_hostile(redirect) as hostile:
        client = await services.http()
        request = Request("GET", hostile.url(), timeout_seconds=1)
        with pytest.raises(Exception, match="no whole answer within 1 seconds"):
            await fetch(client, request, max_bytes=MOST_BYTES)
