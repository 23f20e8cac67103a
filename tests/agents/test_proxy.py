"""The browser's proxy forwards to checked addresses, one request a connection."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.egress import Egress
from agents.proxy import open_proxy
from tests.agents.website import Reply, Site

SECONDS = 10


@pytest.fixture
async def proxy(inner: Site) -> AsyncIterator[int]:
    """A proxy that may reach loopback, but for the inner site."""
    blocked = frozenset({inner.port})
    egress = Egress(allow_loopback=True, blocked_ports=blocked, max_response_bytes=100_000)
    async with open_proxy(egress) as port:
        yield port


async def exchange(port: int, *parts: str) -> str:
    """Send parts down one connection, and return all that comes back until its end."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part.encode())
        await writer.drain()
        received = await reader.read()
        writer.close()
        return received.decode()


async def test_request_is_forwarded(proxy: int, site: Site) -> None:
    """A plain request reaches the site in origin form, without the proxy's headers."""
    site.replies["/a?b=1"] = Reply("hello", headers={"Proxy-Status": "spoofed", "X-A": "1"})
    head = f"GET {site.url('/a?b=1')} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    writer.write(f"{head}Proxy-Connection: keep-alive\r\n\r\n".encode())
    async with asyncio.timeout(SECONDS):
        received = (await reader.readuntil(b"hello")).decode()
    writer.close()
    assert received.startswith("HTTP/1.1 200")
    assert "X-A: 1" in received
    assert "Connection: close" in received
    assert "spoofed" not in received
    assert site.paths() == ["/a?b=1"]
    assert "proxy-connection" not in site.asked[0].headers


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("form", ["GET {url} HTTP/1.1\r\n\r\n", "CONNECT {host} HTTP/1.1\r\n\r\n"])
async def test_blocked_address_is_refused(proxy: int, inner: Site, form: str) -> None:
    """Neither a request nor a tunnel reaches a blocked address, and the answer says why."""
    request = form.format(url=inner.url(), host=f"127.0.0.1:{inner.port}")
    received = await exchange(proxy, request)
    assert received.startswith("HTTP/1.1 403")
    assert "destination_ip_prohibited" in received
    assert inner.asked == []


async def test_dead_address_is_told(proxy: int, dead_port: int) -> None:
    """An address where nothing listens gives a 502 of the proxy's own."""
    received = await exchange(proxy, f"GET http://127.0.0.1:{dead_port}/ HTTP/1.1\r\n\r\n")
    assert received.startswith("HTTP/1.1 502")
    assert "connection_refused" in received


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /x HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "CONNECT :1 HTTP/1.1",
        "CONNECT h:99999 HTTP/1.1",
        "nonsense",
    ],
)
async def test_odd_requests_are_refused(proxy: int, request_line: str) -> None:
    """What is no proxy request gets an answer, not a connection."""
    assert (await exchange(proxy, f"{request_line}\r\n\r\n")).startswith("HTTP/1.1 400")


async def test_tunnel_carries_both_ways(proxy: int, site: Site) -> None:
    """A tunnel to an allowed address carries bytes both ways."""
    site.replies["/"] = Reply("inside")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    async with asyncio.timeout(SECONDS):
        writer.write(f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\n\r\n".encode())
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"inside")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_answer_is_bounded(proxy: int, site: Site) -> None:
    """An answer beyond the limit is cut off."""
    site.replies["/"] = Reply("x" * 1_000_000)
    received = await exchange(proxy, f"GET {site.url()} HTTP/1.1\r\n\r\n")
    assert len(received) <= 101_000
