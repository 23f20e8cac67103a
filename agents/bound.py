"""Hosts that an attempt may reach: those of its organization's list, and those of its secrets.

A secret is bound to hosts: while an attempt holds it, it reaches these hosts only.

The check stands where connections are made and requests are sent, so that no agent can forget it:
a secret may stand anywhere in a request, and what is not sent elsewhere cannot be found there. A
redirect is a request of its own.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from agents.errors import AgentError

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_PATTERN = re.compile(rf"(?:\*\.{_LABEL}\.)?{_LABEL}(?:\.{_LABEL})*")
PATTERN_CHARACTERS = 253


@dataclass(frozen=True, slots=True)
class BoundSecret:
    """A secret with the hosts that it was registered for."""

    name: str
    hosts: tuple[str, ...]
    value: str = field(default="", repr=False)


class SecretRefused(AgentError):
    """A secret would reach a host that it was not registered for; nothing was sent."""

    def __init__(self, secret: BoundSecret, host: str) -> None:
        super().__init__(
            f"The secret `{secret.name}` is not sent to {host}: it was registered for "
            f"{', '.join(secret.hosts)}.",
            remedy=f"Call one of these hosts, or run `weft secrets set {secret.name}` with "
            f"`--host {host}` as well if it is to be sent there.",
        )


class HostRefused(AgentError):
    """The organization's list of hosts does not have this one; nothing was sent."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is not among the hosts that the organization's workflows may reach.",
            remedy="Call one of those that `weft egress show` lists, or let an admin add it.",
        )


class ToolRefused(AgentError):
    """A tool or container would go to a host that was not named for it; nothing was sent."""

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        super().__init__(
            f"This tool or container does not go to {host}: it may go to "
            f"{', '.join(hosts) or 'no host'}.",
            remedy="List the host among its `hosts` if it may.",
        )


_reachable: ContextVar[tuple[str, ...] | None] = ContextVar("reachable_hosts", default=None)
_confined: ContextVar[tuple[tuple[str, ...], ...]] = ContextVar("confined_to", default=())
"""Lists of hosts: one that is reached is in each of them."""
_held: ContextVar[tuple[BoundSecret, ...]] = ContextVar("held_secrets", default=())


@contextmanager
def holding(secrets: Sequence[BoundSecret]) -> Iterator[None]:
    """Let what runs in here reach the hosts of these secrets only; none: every host."""
    token = _held.set(tuple(secrets))
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def reaching(hosts: Sequence[str] | None) -> Iterator[None]:
    """Let what runs in here reach these hosts only; None: every host."""
    token = _reachable.set(None if hosts is None else tuple(hosts))
    try:
        yield
    finally:
        _reachable.reset(token)


def check_reachable(host: str) -> None:
    """Refuse a host that is not on the list of the running attempt's organization.

    Raises:
        HostRefused: It is not.
    """
    hosts = _reachable.get()
    if hosts is not None and not fits_any(hosts, host):
        raise HostRefused(host)


def fits_any(patterns: Iterable[str], host: str) -> bool:
    """Whether a host is one of those that the patterns name."""
    return any(_fits(pattern, host) for pattern in patterns)


def covered(pattern: str, by: Iterable[str]) -> bool:
    """Whether every host that a pattern names is named by one of the others."""
    if pattern.startswith("*."):
        return any(one.startswith("*.") and pattern[1:].endswith(one[1:]) for one in by)
    return fits_any(by, pattern)


@contextmanager
def confined(hosts: Sequence[str] | None) -> Iterator[None]:
    """Let what runs in here reach these of the hosts that it could before; None: all of those."""
    if hosts is None:
        yield
        return
    token = _confined.set((*_confined.get(), tuple(hosts)))
    try:
        yield
    finally:
        _confined.reset(token)


def confinement() -> tuple[tuple[str, ...], ...] | None:
    """Return the lists of hosts, each of which has what may be reached; None: every host."""
    return _confined.get() or None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an attempt may reach, for those who connect on its behalf in a task of their own."""

    reachable: tuple[str, ...] | None
    confined: tuple[tuple[str, ...], ...]
    held: tuple[BoundSecret, ...]


def bounds() -> Bounds:
    """Return what the running attempt may reach."""
    return Bounds(_reachable.get(), _confined.get(), _held.get())


@contextmanager
def within(found: Bounds) -> Iterator[None]:
    """Let what runs in here reach what another one may, and nothing else."""
    token = _confined.set(found.confined)
    try:
        with reaching(found.reachable), holding(found.held):
            yield
    finally:
        _confined.reset(token)


def held() -> tuple[BoundSecret, ...]:
    """Return the secrets that the running attempt holds."""
    return _held.get()


def check_host(host: str) -> None:
    """Refuse a host that the running attempt may not reach.

    Raises:
        SecretRefused: A secret of it was not registered for this host.
        ToolRefused: It is a tool's or a container's, which may not go to this host.
    """
    for hosts in _confined.get():
        if not fits_any(hosts, host):
            raise ToolRefused(host, hosts)
    for secret in _held.get():
        if not fits_any(secret.hosts, host):
            raise SecretRefused(secret, host)


def host_pattern(text: str) -> str:
    """Return a host as secrets are registered for it: in lower case and without a port.

    Args:
        text: A name, an address, or `*.example.com` for every name below it.

    Raises:
        ValueError: It is none of these.
    """
    found = _plain(text)
    try:
        return ipaddress.ip_address(found).compressed
    except ValueError:
        pass
    if len(found) > PATTERN_CHARACTERS or not _PATTERN.fullmatch(found):
        raise ValueError(
            f"`{text[:80]}` is no host: write api.example.com, *.example.com or an address, "
            "without https:// and port"
        )
    return found


def _fits(pattern: str, host: str) -> bool:
    found = _plain(host)
    try:
        return ipaddress.ip_address(found).compressed == pattern
    except ValueError:
        pass
    if pattern.startswith("*."):
        return found.endswith(pattern[1:])
    return found == pattern


def _plain(host: str) -> str:
    """Write a host in one way: in lower case, international names in ASCII, no dot at the end."""
    text = host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    if text.isascii():
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return text
