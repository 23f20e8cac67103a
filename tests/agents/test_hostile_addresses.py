"""No way of writing an inner address gets past the egress guard."""
# ruff: noqa: RUF001 (digits that only look like digits are the point)

import gzip
import socket
import zlib
from typing import Any

import httpx2
import pytest

from agents.egress import Egress, EgressRefused
from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.proxy import open_proxy
from tests.agents.test_proxy import exchange
from tests.agents.website import Reply, Site

MIB = 1024 * 1024
# Each is written as the host of a URL.
HOSTS = [
    # loopback: decimal, octal, hexadecimal, short, padded, with a dot behind
    "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "017700000001", "127.1", "127.0.1",
    "0177.1", "127.000.000.001", "127.255.255.254", "127.0.0.1.", "localhost", "LOCALHOST",
    "localhost.", "0", "0.0.0.0", "0.1.2.3",  # noqa: S104
    # digits that IDNA makes plain
    "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ",
    # cloud metadata
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
    "１６９.２５４.１６９.２５４", "168.63.129.16", "100.100.100.200", "192.0.0.192",
    "[fd00:ec2::254]", "[fd20:ce::254]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    # private and of special purpose
    "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1",
    "100.127.255.255", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    # version 6
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]",
    "[fdff::1]", "[ff02::1]", "[FF05::2]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]",
    "[2001::1]", "[2001:10::1]",
    # version 4 within version 6: mapped, compatible, translated, tunnelled
    "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::10.0.0.1]",
    "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::10.0.0.1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:5db8:d822::]",
    "[2001:0:7f00:1::]", "[2001:0:4136:e378:8000:63bf:f5ff:fffe]",
]  # fmt: skip
# Each hides where it leads to.
URLS = [
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1%2f@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://%31%32%37.0.0.1/",
    "HTTP://127.0.0.1/",
    "  http://127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1:80\\@example.com/",
]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that anything tried to connect to; none is really connected."""
    tried: list[Any] = []

    async def connect(self: object, host: str, port: int, *_: Any, **__: Any) -> None:
        tried.append(host)
        raise OSError("the test connects to nothing")

    monkeypatch.setattr("httpcore2.AnyIOBackend.connect_tcp", connect)
    return tried


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("url", [*(f"http://{host}/" for host in HOSTS), *URLS])
async def test_client_connects_to_no_inner_address(connected: list[Any], url: str) -> None:
    """The client refuses it, or finds no such host; it opens no connection."""
    async with Egress().client() as client:
        with pytest.raises((AgentError, httpx2.ConnectError)):
            await fetch(client, Request("GET", url), max_bytes=MIB)
    assert connected == []


@pytest.mark.requirement("NFR-4.5")
async def test_redirects_connect_to_no_inner_address(site: Site) -> None:
    """A public site (loopback stands for it) that redirects there gains nothing."""
    tried = [f"http://{host}/" for host in HOSTS] + URLS[:-2]
    egress = Egress(allow_loopback=True, blocked_ports=frozenset({80}))
    async with egress.client() as client:
        for number, url in enumerate(tried):
            location = url.strip().encode().decode("latin-1")
            site.replies[f"/{number}"] = Reply(status=302, headers={"Location": location})
            with pytest.raises((AgentError, httpx2.HTTPError)):
                await fetch(client, Request("GET", site.url(f"/{number}")), max_bytes=MIB)
    assert len(site.asked) == len(tried)


@pytest.mark.requirement("NFR-4.5")
async def test_proxy_connects_to_no_inner_address(connected: list[Any]) -> None:
    """The browser's proxy answers each, for pages and for tunnels, with a refusal."""
    async with open_proxy(Egress()) as port:
        for host in (host for host in HOSTS if host.isascii()):
            for line in (f"GET http://{host}/ HTTP/1.1", f"CONNECT {host}:443 HTTP/1.1"):
                status = (await exchange(port, f"{line}\r\n\r\n"))[9:12]
                assert status in ("400", "403", "502"), line
    assert connected == []


@pytest.mark.requirement("NFR-4.5")
async def test_name_that_changes_its_address_gains_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public at the first answer, inner at the next: each connection is checked anew."""
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    egress = Egress()
    await egress.check_url(site.url("/", host="rebinding.example"))
    async with egress.client() as client:
        with pytest.raises(EgressRefused):
            await client.get(site.url("/", host="rebinding.example"))
    assert site.asked == []


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("gzip", gzip.compress(bytes(64 * MIB)), "more than 1048576 bytes"),
        ("deflate", zlib.compress(bytes(64 * MIB)), "more than 1048576 bytes"),
        ("deflate", zlib.compress(bytes(64 * MIB), wbits=-15), "more than 1048576 bytes"),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(64 * MIB))), "compression"),
        ("br", b"\x00", "compression that is not read: br"),
        ("zstd", b"\x00", "compression that is not read: zstd"),
        ("gzip", b"no gzip", "broken gzip data"),
    ],
)
async def test_compressed_answers_are_bounded(
    site: Site, encoding: str, body: bytes, words: str
) -> None:
    """An answer that grows beyond the limit when unpacked is refused, however it is packed."""
    site.replies["/"] = Reply(body, headers={"Content-Encoding": encoding})
    async with Egress(allow_loopback=True).client() as client:
        with pytest.raises(AgentError, match=words):
            await fetch(client, Request("GET", site.url()), max_bytes=MIB)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare deflate", "identity"])
async def test_compressed_answers_are_read(site: Site, encoding: str) -> None:
    """What fits is unpacked whole."""
    text = b"hello " * 100_000
    packed = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "bare deflate": zlib.compress(text, wbits=-15),
        "identity": text,
    }[encoding]
    site.replies["/"] = Reply(packed, headers={"Content-Encoding": encoding.split()[-1]})
    async with Egress(allow_loopback=True).client() as client:
        answer = await fetch(client, Request("GET", site.url()), max_bytes=MIB)
    assert answer.content == text
