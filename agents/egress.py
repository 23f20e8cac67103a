"""The one door to the outside: which addresses agents may connect to, and an HTTP client on top.

A host name is resolved once, every address it has is checked, and the connection is made to a
checked address, so a name that resolves to something else a moment later gains nothing. The same
holds for every hop of a redirect. Addresses inside the operator's networks, the machine's own
loopback (unless allowed) and the platform's own ports are refused. Endpoints that the operator
configured (a model server, a database, a mail relay) are trusted by name, never those of a user.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpcore2
import httpx2
import psutil
from httpcore2 import SOCKET_OPTION

from agents.bound import check_host, check_reachable, fits_any
from agents.errors import AgentError
from agents.pools import Pools
from agents.settings import AgentSettings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Endpoint = tuple[str, int]

# They log whole URLs, in which there may be secrets, for every request.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

USER_AGENT = "weft/0.1"
"""What sites see who reads them; robots.txt files call it `weft`."""
ENCODINGS = ("gzip", "deflate")
"""Compressions of answers that are asked for: those that `agents.inflation` reads in bounds."""
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# What the standard library takes for public, depending on its version.
_NOT_PUBLIC = {
    ipaddress.ip_network(network): words
    for network, words in (
        ("168.63.129.16/32", "a cloud metadata address"),
        ("192.0.0.0/24", "an address of special purpose (a cloud metadata service is there)"),
        ("192.88.99.0/24", "a relay into a tunnel"),
        ("2001::/32", "an address in a tunnel (Teredo)"),
        ("2002::/16", "an address in a tunnel (6to4)"),
        ("3fff::/20", "an address for documentation"),
    )
}
_LOCAL_REMEDY = (
    "Use an address that is reachable from the internet, or let the operator allow this network."
)


class EgressRefused(AgentError):
    """The address is one that agents may not reach; another attempt gives the same answer."""

    def __init__(self, target: str, why: str, remedy: str = _LOCAL_REMEDY) -> None:
        super().__init__(f"The connection to {target} is refused: {why}.", remedy=remedy)


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be connected to.

    Attributes:
        allow_loopback: Loopback addresses may be reached (development, tests), but for
            `blocked_ports`.
        blocked_ports: The platform's own ports, refused on every address of this machine.
        allowed_networks: CIDR networks beside the public internet, such as `10.1.0.0/16`.
        allowed_hosts: The only hosts that may be reached, as patterns; None: every one.
        timeout_seconds: Bound of one read, write or connect.
        max_response_bytes: Bound of one response's decoded body.
    """

    allow_loopback: bool = False
    blocked_ports: frozenset[int] = frozenset()
    allowed_networks: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] | None = None
    timeout_seconds: float = 30.0
    max_response_bytes: int = 32 * 1024 * 1024

    def check_ip(self, text: str, port: int, *, target: str = "") -> None:
        """Refuse an address that agents may not reach.

        Raises:
            EgressRefused: It is not a public address and not an allowed one.
        """
        address = _innermost(ipaddress.ip_address(text.split("%")[0]))
        target = target or f"{text}:{port}"
        if port in self.blocked_ports and (address.is_loopback or _is_own(address)):
            raise EgressRefused(
                target, "this port belongs to the platform itself", "Use another address."
            )
        if address.is_loopback and self.allow_loopback:
            return
        if any(address in network for network in _networks(self.allowed_networks)):
            return
        if kind := _kind(address):
            raise EgressRefused(target, f"{address} is {kind}")

    def check_name(self, host: str) -> None:
        """Refuse a host that the operator's list does not have.

        Raises:
            EgressRefused: There is a list, and it does not have it.
        """
        if self.allowed_hosts is not None and not fits_any(self.allowed_hosts, host):
            raise EgressRefused(
                host,
                "it is not among the hosts that this installation allows",
                "Let the operator add it to WEFT_ALLOWED_HOSTS.",
            )

    async def resolve(self, host: str, port: int, *, trusted: bool = False) -> list[str]:
        """Return the checked addresses of a host, the preferred one first.

        Raises:
            EgressRefused: One of its addresses is not allowed.
            SecretRefused: The attempt holds a secret that is not meant for this host.
            HostRefused: The organization's list does not have it.
            OSError: The name does not resolve.
        """
        check_host(host)
        if not trusted:
            check_reachable(host)
            self.check_name(host)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not trusted:
            for address in addresses:
                self.check_ip(address, port, target=f"{host}:{port}")
        return addresses

    async def check_address(self, host: str, port: int, *, trusted: bool = False) -> list[str]:
        """Like `resolve`, for callers that report a name without an address as a failed attempt.

        Raises:
            AgentError: The address is refused (final) or the name does not resolve (retryable).
        """
        try:
            return await self.resolve(host, port, trusted=trusted)
        except (OSError, ValueError) as error:  # no such name, or none that can be one
            raise AgentError(
                f"The host {host} could not be found.",
                retryable=True,
                remedy="Check the spelling of the host name.",
            ) from error

    async def check_url(self, url: str) -> None:
        """Refuse a URL that is not http(s) or whose host agents may not reach.

        Raises:
            AgentError: See `check_address`.
        """
        host, port = split_url(url)
        await self.check_address(host, port)

    def client(
        self, *, trusted: Iterable[Endpoint] = (), timeout_seconds: float | None = None
    ) -> httpx2.AsyncClient:
        """Return a new HTTP client whose every connection is checked; the caller closes it.

        Args:
            trusted: Endpoints that the operator configured, reached without the address check.
            timeout_seconds: Bound of one read, write or connect instead of the default.
        """
        return httpx2.AsyncClient(
            transport=self.transport(trusted),
            trust_env=False,
            timeout=timeout_seconds or self.timeout_seconds,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": ", ".join(ENCODINGS)},
            cookies=_no_cookies(),
        )

    def transport(self, trusted: Iterable[Endpoint] = ()) -> httpx2.AsyncBaseTransport:
        """Return what makes checked connections, for a client of someone else's."""
        return _GuardedTransport(self, frozenset(trusted))


def egress_of(settings: AgentSettings) -> Egress:
    """Return what an installation may connect to."""
    return Egress(
        allow_loopback=settings.allow_loopback,
        blocked_ports=settings.blocked_ports,
        allowed_networks=settings.allowed_networks,
        allowed_hosts=settings.allowed_hosts,
        timeout_seconds=settings.http_timeout_seconds,
        max_response_bytes=settings.max_response_bytes,
    )


def split_url(url: str) -> Endpoint:
    """Return the host and port of an http or https URL.

    Raises:
        EgressRefused: It has another scheme or no host.
    """
    shown = url if len(url) < 200 else f"{url[:200]}…"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EgressRefused(shown, str(error), "Check the spelling of the URL.") from error
    if parts.scheme not in ("http", "https"):
        remedy = "Give a URL that begins with http:// or https://."
        raise EgressRefused(shown or "an empty URL", "only http and https are allowed", remedy)
    if not host:
        raise EgressRefused(shown, "the URL names no host", "Check the spelling of the URL.")
    return host, port or _PORTS[parts.scheme]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses only; TLS still verifies the host's name."""

    def __init__(self, egress: Egress, trusted: frozenset[Endpoint] = frozenset()) -> None:
        self._egress = egress
        self._trusted = trusted
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check every address, and connect to the first that answers.

        Raises:
            EgressRefused: An address is not allowed.
            httpcore2.ConnectError: No address answers, or the name has none.
        """
        try:
            with anyio.fail_after(timeout):
                trusted = (host, port) in self._trusted
                addresses = await self._egress.resolve(host, port, trusted=trusted)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} was not found in time") from error
        except (OSError, ValueError) as error:
            raise httpcore2.ConnectError(f"{host} was not found: {error}") from error
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
                return _Connection(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: agents reach the network only."""
        raise EgressRefused(path, "local sockets are not allowed", "Use an http or https URL.")

    async def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        await anyio.sleep(seconds)


class _Connection(httpcore2.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is cut off, which httpcore leaves open."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about it."""
        return self._inner.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Begin TLS."""
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._inner.aclose()
            raise


class _GuardedTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, egress: Egress, trusted: frozenset[Endpoint]) -> None:
        super().__init__(trust_env=False)
        self._trusted = trusted
        backend = GuardedBackend(egress, trusted)
        # httpx2 offers no parameter for the network backend; the pool that it would build is
        # replaced by pools over ours (tests/agents/test_egress.py fails if they are not used).
        ssl_context = httpx2.create_ssl_context(trust_env=False)

        def new_pool(connections: int, kept_connections: int) -> httpcore2.AsyncConnectionPool:
            return httpcore2.AsyncConnectionPool(
                ssl_context=ssl_context,
                max_connections=connections,
                max_keepalive_connections=kept_connections,
                keepalive_expiry=5.0,
                network_backend=backend,
            )

        self._pool = Pools(new_pool)  # type: ignore[assignment]  # the interface that is used

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, unless the attempt may not reach its host.

        A connection that is there already is resolved no more, so resolving it is too late.
        """
        host = request.url.host
        check_host(host)
        if (host, request.url.port or _PORTS[request.url.scheme]) not in self._trusted:
            check_reachable(host)
        return await super().handle_async_request(request)


def _no_cookies() -> CookieJar:
    """A jar that takes nothing: a client serves all tenants, each with sessions of its own."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _networks(texts: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in texts]


def _innermost(address: IPAddress) -> IPAddress:
    """The address that a translated one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _kind(address: IPAddress) -> str:
    """Say in words why an address is not public; empty when it is."""
    kinds = (
        (address.is_loopback, "a loopback address of this machine"),
        (address.is_link_local, "a link-local address (where cloud metadata services are)"),
        (address.is_multicast, "a multicast address"),
        (address.is_unspecified, "the unspecified address"),
        (getattr(address, "is_site_local", False), "a site-local address"),
        (address.is_reserved, "a reserved address"),
        (not address.is_global, "a private address"),
        (address.version == 6 and address not in _GLOBAL_UNICAST, "no global unicast address"),
    )
    special = (words for network, words in _NOT_PUBLIC.items() if address in network)
    return next((words for holds, words in kinds if holds), next(special, ""))


def _is_own(address: IPAddress) -> bool:
    own = {
        entry.address.split("%")[0]
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    }
    return str(address) in own or address.is_unspecified
