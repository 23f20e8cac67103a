"""MongoDB's servers as DNS names them (`mongodb+srv://`): a seed list and its options, read once.

The driver would look them up by itself, and connect to whatever it finds. Here the names are only
read; each of them is checked like any other host when it is connected to.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from agents.bound import check_host, check_reachable
from agents.egress import Egress
from agents.errors import AgentError

_SECONDS = 5.0
_MOST_HOSTS = 50
_OPTIONS = frozenset({"authSource", "replicaSet", "loadBalanced"})
"""What a TXT record may say; whoever controls a name's records must not weaken the connection."""
_LABELS = 3
"""A name of fewer labels has no domain above it that its servers could share."""

Place = dict[str, Any]


def resolver() -> dns.asyncresolver.Resolver:
    """Return what asks this machine's name servers."""
    return dns.asyncresolver.Resolver()


async def found_by_name(name: str, egress: Egress) -> tuple[list[tuple[str, int]], dict[str, str]]:
    """Return the hosts that a name's SRV records list, and the options of its TXT record.

    Args:
        name: What stands in the connection string.
        egress: What may be reached; the name itself must be, before it is asked for.

    Raises:
        AgentError: The name may not be reached, its records break the rules (final), or nobody
            answers for it (retryable).
    """
    check_host(name)
    check_reachable(name)
    egress.check_name(name)
    try:
        asked = await asyncio.to_thread(resolver)
        hosts = await _hosts(asked, name)
        return hosts, await _options(asked, name)
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        raise AgentError(
            f"The servers of {name} could not be found: {type(error).__name__}.",
            retryable=True,
            remedy=f"Check the spelling, and that _mongodb._tcp.{name} has SRV records.",
        ) from error


async def _hosts(asked: dns.asyncresolver.Resolver, name: str) -> list[tuple[str, int]]:
    answer = await asked.resolve(f"_mongodb._tcp.{name}.", "SRV", lifetime=_SECONDS)
    hosts = sorted((record.target.to_text(omit_final_dot=True), record.port) for record in answer)
    if len(hosts) > _MOST_HOSTS:
        raise AgentError(f"{name} has more than {_MOST_HOSTS} servers.")
    labels = name.lower().split(".")
    below = len(labels) < _LABELS
    domain = "." + ".".join(labels if below else labels[1:])
    for host, _ in hosts:
        if not f"{'' if below else '.'}{host}".lower().endswith(domain):
            raise AgentError(
                f"{name} names the server {host[:200]}, which is not in its domain {domain[1:]}.",
                remedy="Name the hosts themselves: mongodb://host:port,host2:port/database.",
            )
    return hosts


async def _options(asked: dns.asyncresolver.Resolver, name: str) -> dict[str, str]:
    try:
        answer = await asked.resolve(f"{name}.", "TXT", lifetime=_SECONDS)
    except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
        return {}
    if len(answer) != 1:
        raise AgentError(f"{name} has {len(answer)} TXT records; MongoDB allows one.")
    text = b"".join(answer[0].strings).decode("ascii", "replace")
    options = dict(pair.partition("=")[::2] for pair in text.split("&"))
    if wrong := options.keys() - _OPTIONS or [key for key, value in options.items() if not value]:
        raise AgentError(
            f"The TXT record of {name} says `{min(wrong)[:50]}`, which it may not.",
            remedy=f"It may say {', '.join(sorted(_OPTIONS))}.",
        )
    return options


def with_records(place: Place, hosts: list[tuple[str, int]], options: Mapping[str, str]) -> Place:
    """Return where to connect: the hosts in the name's place, options where none are given.

    Raises:
        AgentError: The options contradict the number of hosts.
    """
    balanced = options.get("loadBalanced") == "true"
    if balanced and (len(hosts) > 1 or options.get("replicaSet")):
        raise AgentError("A load balancer is one server, and no replica set.")
    source = place["given_source"] or options.get("authSource") or place["source"]
    return {**place, "hosts": hosts, "source": source, "balanced": balanced}
