"""What the pages of an execution remember from node to node: their cookies, for a while."""

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.bound import fits_any

KEPT_SECONDS = 3600.0
"""How long a session is kept that nobody goes on with."""
MOST_SESSIONS = 1_000
MOST_BYTES = 64 * 1024
"""Of the cookies of a session, as JSON; those of a node that has more are not kept."""

Cookie = Mapping[str, Any]
"""One as Playwright gives and takes it."""
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Session:
    used_at: float
    cookies: Mapping[_Key, Cookie] = field(default_factory=dict)
    begun: dict[str, Mapping[_Key, Cookie]] = field(default_factory=dict)
    """What each node began with."""


class Sessions:
    """The sessions of executions, by their names.

    Args:
        kept_seconds: How long one is kept that nobody goes on with.
    """

    def __init__(self, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def begin(self, execution: str, node: str, attempt: int) -> list[Cookie]:
        """Return the cookies that a node's attempt begins with.

        A second attempt begins with what the first one began with, whatever happened since.
        """
        session = self._used(execution)
        if attempt == 1 or node not in session.begun:
            session.begun[node] = session.cookies
        return list(session.begun[node].values())

    def end(self, execution: str, node: str, cookies: Iterable[Cookie]) -> None:
        """Take what a node's attempt has changed over into the session."""
        session = self._used(execution)
        ended = {_key(cookie): cookie for cookie in cookies}
        gone = session.begun.get(node, {}).keys() - ended.keys()
        merged = {key: one for key, one in session.cookies.items() if key not in gone} | ended
        if len(json.dumps(list(merged.values()))) <= MOST_BYTES:
            session.cookies = merged

    def __bool__(self) -> bool:
        """Whether there is any."""
        self._forget(time.monotonic())
        return bool(self._sessions)

    def _used(self, execution: str) -> _Session:
        now = time.monotonic()
        self._forget(now)
        session = self._sessions.setdefault(execution, _Session(now))
        session.used_at = now
        self._sessions.move_to_end(execution)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def _forget(self, now: float) -> None:
        while self._sessions:
            name, oldest = next(iter(self._sessions.items()))
            if now - oldest.used_at < self._kept_seconds:
                return
            del self._sessions[name]


def reachable_cookies(cookies: Iterable[Cookie], hosts: tuple[str, ...] | None) -> list[Cookie]:
    """Return the cookies of hosts that may be reached; None: every host."""
    return [one for one in cookies if hosts is None or _belongs(str(one["domain"]), hosts)]


def _belongs(domain: str, hosts: tuple[str, ...]) -> bool:
    bare = domain.removeprefix(".")
    # A cookie of a whole domain is that of each host in it.
    within = domain.startswith(".") and any(
        f".{host.removeprefix('*.')}".endswith(domain) for host in hosts
    )
    return within or fits_any(hosts, bare)


def _key(cookie: Cookie) -> _Key:
    return str(cookie["name"]), str(cookie["domain"]), str(cookie["path"])
