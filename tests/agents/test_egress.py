"""Agents reach public addresses only, whatever a name or a redirect says."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from agents.egress import Egress, EgressRefused, split_url
from agents.errors import AgentError
from agents.exchange import Request, fetch
from tests.agents.website import Reply, Site

MIB = 1024 * 1024


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that may reach loopback."""
    async with Egress(allow_loopback=True, timeout_seconds=5).client() as opened:
        yield opened


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.4.4",
        "192.168.1.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:db8::1",
    ],
)
def test_inner_addresses_are_refused(address: str) -> None:
    """Private, local, reserved and translated addresses are refused in every form."""
    with pytest.raises(EgressRefused) as caught:
        Egress().check_ip(address, 80)
    assert not caught.value.retryable
    assert "Use an address" in caught.value.remedy


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"])
def test_public_addresses_are_reached(address: str) -> None:
    """Public addresses pass."""
    Egress().check_ip(address, 443)


def test_operator_may_allow_networks() -> None:
    """A network that the operator names is reachable, its neighbours are not."""
    egress = Egress(allowed_networks=("10.1.0.0/16",))
    egress.check_ip("10.1.2.3", 80)
    with pytest.raises(EgressRefused):
        egress.check_ip("10.2.0.1", 80)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::", "::ffff:127.0.0.1"])
def test_own_ports_are_refused_on_loopback(address: str) -> None:
    """The platform's own ports stay closed even where loopback is open."""
    egress = Egress(allow_loopback=True, blocked_ports=frozenset({6379}))
    with pytest.raises(EgressRefused, match="belongs to the platform"):
        egress.check_ip(address, 6379)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "data:text/html,x", "//example.com", ""]
)
def test_only_http_urls_are_taken(url: str) -> None:
    """Another scheme than http and https is refused with the remedy."""
    with pytest.raises(EgressRefused, match="http"):
        split_url(url)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://a:99999/"])
def test_broken_urls_are_refused(url: str) -> None:
    """A URL without a usable host and port is an error of ours, not of a library."""
    with pytest.raises(AgentError):
        split_url(url)


async def test_client_is_guarded(site: Site) -> None:
    """The HTTP client itself refuses loopback: no request arrives."""
    async with Egress().client() as guarded:
        with pytest.raises(EgressRefused):
            await guarded.get(site.url("/"))
    assert site.asked == []


async def test_every_answer_of_the_resolver_is_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with one public and one inner address is refused."""

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (ip, port)) for ip in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(EgressRefused, match=r"10\.0\.0\.1 is a private address"):
        await Egress().check_url("http://two-faced.example/")


async def test_connection_goes_to_the_checked_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is resolved once; what it resolves to a moment later does not matter."""
    answers = iter(["127.0.0.1", "10.0.0.1", "10.0.0.1"])

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        ip = next(answers) if host == "rebinding.example" else host
        return [(socket.AF_INET, 1, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    site.replies["/"] = Reply("hello")
    async with Egress(allow_loopback=True).client() as guarded:
        answer = await guarded.get(site.url("/", host="rebinding.example"))
    assert answer.text == "hello"
    assert site.asked[0].headers["host"] == f"rebinding.example:{site.port}"


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("target", ["http://10.0.0.1/", "file:///etc/passwd", "http://[fe80::1]/"])
async def test_redirects_are_checked(site: Site, client: httpx2.AsyncClient, target: str) -> None:
    """A redirect to an inner address or another scheme is refused."""
    site.replies["/"] = Reply(status=302, headers={"Location": target})
    with pytest.raises(EgressRefused):
        await fetch(client, Request("GET", site.url("/")), max_bytes=MIB)


async def test_redirect_to_another_origin_loses_secrets(
    site: Site, client: httpx2.AsyncClient
) -> None:
    """A key in a header is not carried to another origin, but is kept within one."""
    site.replies["/here"] = Reply(status=307, headers={"Location": "/there"})
    site.replies["/there"] = Reply(
        status=302, headers={"Location": site.url("/end", host="localhost")}
    )
    site.replies["/end"] = Reply("end")
    request = Request("GET", site.url("/here"), {"X-API-Key": "s3cret", "Accept": "text/plain"})
    answer = await fetch(client, request, max_bytes=MIB)
    assert answer.text == "end"
    assert [asked.headers.get("x-api-key") for asked in site.asked] == ["s3cret", "s3cret", None]
    assert site.asked[-1].headers["accept"] == "text/plain"


async def test_redirects_end(site: Site, client: httpx2.AsyncClient) -> None:
    """A redirect in a circle is an error after a few hops."""
    site.replies["/"] = Reply(status=302, headers={"Location": "/"})
    with pytest.raises(AgentError, match="redirects more than"):
        await fetch(client, Request("GET", site.url("/")), max_bytes=MIB)


async def test_answer_is_bounded(site: Site, client: httpx2.AsyncClient) -> None:
    """A body beyond the limit is refused while it comes in."""
    site.replies["/"] = Reply("x" * 10_000)
    with pytest.raises(AgentError, match="more than 1000 bytes"):
        await fetch(client, Request("GET", site.url("/")), max_bytes=1000)


async def test_whole_answer_has_a_deadline(site: Site, client: httpx2.AsyncClient) -> None:
    """A server that never answers ends the request at its timeout."""
    site.replies["/"] = Reply(hang=True)
    with pytest.raises(httpx2.ReadTimeout):
        await fetch(client, Request("GET", site.url("/"), timeout_seconds=0.2), max_bytes=MIB)


@pytest.mark.requirement("NFR-4.1")
async def test_cookies_end_with_the_exchange(site: Site, client: httpx2.AsyncClient) -> None:
    """A cookie comes along to where its redirect leads, and never into another exchange."""
    site.replies["/in"] = Reply(
        status=302, headers={"Location": "/home", "Set-Cookie": "session=one; Path=/"}
    )
    site.replies["/home"] = Reply("home", headers={"Set-Cookie": "more=two; Path=/"})
    for _ in range(2):
        await fetch(client, Request("GET", site.url("/in")), max_bytes=MIB)
    sent = [(asked.path, asked.headers.get("cookie")) for asked in site.asked]
    assert sent == [("/in", None), ("/home", "session=one")] * 2
