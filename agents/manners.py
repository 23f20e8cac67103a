"""How this process behaves towards sites: it asks what robots may read, and leaves time between."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from agents.egress import split_url
from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.robots import MOST_CHARACTERS, Rules, parse_robots

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
    due_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Manners:
    """What this process knows of sites: their robots.txt, and when it may ask again.

    Args:
        client: Reads robots.txt files.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    async def turn(self, url: str, *, respect_robots: bool, gap_seconds: float | None) -> float:
        """Take a page's turn among those of its host.

        Args:
            url: Which page.
            respect_robots: Ask the site's robots.txt, and keep the delay that it wants.
            gap_seconds: The least time after the page before; None: the usual one.

        Returns:
            After how many seconds it may be loaded.

        Raises:
            RobotsRefused: The site does not want it.
            AgentError: Its robots.txt cannot be read for now (retryable).
        """
        site = self._site(url)
        delay_seconds = GAP_SECONDS if gap_seconds is None else gap_seconds
        if respect_robots:
            rules = await self._rules(site, url)
            if line := rules.refusing(url):
                raise RobotsRefused(url, line)
            delay_seconds = max(delay_seconds, rules.delay_seconds)
        now = time.monotonic()
        begin = max(now, site.due_at)
        site.due_at = begin + delay_seconds
        return begin - now

    def _site(self, url: str) -> _Site:
        origin = _origin(url)
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
        request = Request("GET", f"{_origin(url)}/robots.txt", timeout_seconds=_ROBOTS_SECONDS)
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


def _origin(url: str) -> str:
    host, port = split_url(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{urlsplit(url.strip()).scheme.lower()}://{shown}:{port}"
