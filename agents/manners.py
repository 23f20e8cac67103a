"""How we behave towards sites: we ask what robots may read, and leave time between pages."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID
from weakref import WeakValueDictionary

import httpx2

from agents.agent import AgentContext
from agents.egress import split_url
from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.limits import Rate
from agents.robots import LONGEST_DELAY_SECONDS, MOST_CHARACTERS, Rules, parse_robots
from agents.turns import Turns

GAP_SECONDS = 0.1
"""The least time between two pages of one host, unless the node or the site asks for more."""
KEPT_SECONDS = 24 * 3600.0
_ROBOTS_SECONDS = 10.0
_MOST_SITES = 10_000


class RobotsRefused(AgentError):
    """A site's robots.txt disallows a page."""

    def __init__(self, url: str, line: str) -> None:
        super().__init__(
            f"{url} is not for robots: the site's robots.txt says `{line}`.",
            remedy="Ask the site for permission, and set `respect_robots: false` if you have it.",
        )


@dataclass(slots=True)
class _Site:
    rules: Rules | None = None
    read_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Manners:
    """What this process knows of sites: their robots.txt, and when it may ask again.

    Args:
        client: Reads robots.txt files.
        turns: Lets pages wait for their turns.
    """

    def __init__(self, client: httpx2.AsyncClient, turns: Turns) -> None:
        self._client = client
        self._turns = turns
        self._queues: WeakValueDictionary[tuple[str, UUID], asyncio.Lock] = WeakValueDictionary()
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    async def turn(
        self, url: str, context: AgentContext, *, respect_robots: bool, gap_seconds: float | None
    ) -> None:
        """Wait for a page's turn among those of its host.

        The site's own distance holds for the whole cluster; a longer one that a node asks for holds
        among its organization's pages.

        Args:
            url: Which page.
            context: The attempt that wants it.
            respect_robots: Ask the site's robots.txt, and keep the delay that it wants.
            gap_seconds: The least time after the page before; None: the usual one.

        Raises:
            RobotsRefused: The site does not want it.
            AgentError: Its robots.txt cannot be read for now, or its turn is late (retryable).
        """
        shared = GAP_SECONDS if gap_seconds is None else min(gap_seconds, GAP_SECONDS)
        if respect_robots:
            shared = max(shared, (await self.check(url)).delay_seconds)
        name = f"pages of {origin_of(url)}"
        rates = [Rate(name, 1, shared)] if shared else []
        if gap_seconds is not None and gap_seconds > shared:
            rates.append(Rate(f"{context.tenant_id} {name}", 1, gap_seconds))
        # One at a time: turns that are taken long before are lost when their attempt ends.
        queue = self._queues.setdefault((name, context.tenant_id), asyncio.Lock())
        async with queue:
            work = f"{context.idempotency_key}:{url}"
            await self._turns.wait(url, work, rates, LONGEST_DELAY_SECONDS)

    async def check(self, url: str) -> Rules:
        """Return the rules of a page's site.

        Raises:
            RobotsRefused: They disallow the page.
            AgentError: They cannot be read for now (retryable).
        """
        rules = await self._rules(self._site(url), url)
        if line := rules.refusing(url):
            raise RobotsRefused(url, line)
        return rules

    def _site(self, url: str) -> _Site:
        origin = origin_of(url)
        site = self._sites.setdefault(origin, _Site())
        self._sites.move_to_end(origin)
        while len(self._sites) > _MOST_SITES:
            self._sites.popitem(last=False)
        return site

    async def _rules(self, site: _Site, url: str) -> Rules:
        async with site.lock:
            if site.rules is None or time.monotonic() - site.read_at > KEPT_SECONDS:
                site.rules = await self._read(url)
                site.read_at = time.monotonic()
            return site.rules

    async def _read(self, url: str) -> Rules:
        """Read a robots.txt; what is not there allows everything, what fails nothing for now."""
        request = Request("GET", f"{origin_of(url)}/robots.txt", timeout_seconds=_ROBOTS_SECONDS)
        try:
            answer = await fetch(self._client, request, max_bytes=4 * MOST_CHARACTERS)
        except httpx2.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if answer.status_code < 300:
                return parse_robots(answer.text)
            if answer.status_code < 500:
                return Rules()
            reason = f"status {answer.status_code}"
        raise AgentError(
            f"{url} could not be loaded: the site's robots.txt cannot be read ({reason}).",
            retryable=True,
        )


def origin_of(url: str) -> str:
    """Return the site of a page: scheme, host and port."""
    host, port = split_url(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{urlsplit(url.strip()).scheme.lower()}://{shown}:{port}"
