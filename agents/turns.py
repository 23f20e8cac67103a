"""When a request to a host may be sent: the operator's limit of the host, and rates beside it."""

import asyncio
from collections.abc import Mapping, Sequence

from agents.egress import split_url
from agents.errors import AgentError
from agents.limits import Limiter, Rate

LONGEST_WAIT_SECONDS = 5.0
"""How long an attempt waits for its turn itself; the engine waits for what takes longer."""


class Turns:
    """Lets requests wait for their turns.

    Args:
        limiter: Who keeps the rates.
        host_limits: How many requests in how many seconds a host is sent, by its name.
    """

    def __init__(self, limiter: Limiter, host_limits: Mapping[str, tuple[int, float]]) -> None:
        self._limiter = limiter
        self._host_limits = host_limits

    async def wait(
        self,
        url: str,
        work: str,
        rates: Sequence[Rate] = (),
        longest_seconds: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        """Wait until a request may be sent.

        Args:
            url: Where to.
            work: What for, the same for every attempt at it.
            rates: What bounds it beside the operator's limit of the host.
            longest_seconds: How long to wait here; for what takes longer the turn is kept.

        Raises:
            AgentError: The turn is later than that; retryable, with its time.
        """
        host = split_url(url)[0].lower()
        bounding = list(rates)
        if limit := self._host_limits.get(host):
            bounding.append(Rate(f"host {host}", *limit))
        if not bounding:
            return
        wait_seconds = await self._limiter.take(bounding, work, longest_seconds)
        if wait_seconds > longest_seconds:
            raise AgentError(
                f"The rate limit of {host} lets this call through in {wait_seconds:.0f} s.",
                retryable=True,
                retry_after_seconds=wait_seconds,
                remedy="Give the node another attempt, or raise the limit.",
            )
        await asyncio.sleep(wait_seconds)
