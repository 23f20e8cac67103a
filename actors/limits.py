"""What agents share in a process of the cluster, with rates that the whole cluster keeps."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import ray
import structlog

from actors.browsers import MachineKeepers
from actors.elsewhere import RayTasks
from actors.metrics import LOCAL_PERMITS
from agents.limits import LocalLimiter, Rate
from agents.services import Services, open_services
from agents.settings import AgentSettings
from store.rate_limits import Interval, LimitsUnavailable, SharedRates, open_shared_rates

log = structlog.get_logger(__name__)

AWAY_SECONDS = 5.0
"""For how long nobody asks a Redis that did not answer."""


class SharedLimiter:
    """Takes permits from Redis; while it is away, each process keeps the rates by itself.

    Args:
        rates: The cluster's.
    """

    def __init__(self, rates: SharedRates) -> None:
        self._rates = rates
        self._local = LocalLimiter()
        self._away_until = 0.0

    async def take(self, rates: Sequence[Rate], work: str, longest_seconds: float) -> float:
        """See `agents.limits.Limiter`."""
        if time.monotonic() >= self._away_until:
            intervals = [
                Interval(rate.name, rate.interval_seconds, rate.tolerance_seconds) for rate in rates
            ]
            try:
                return await self._rates.take(intervals, work, longest_seconds)
            except LimitsUnavailable as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("limits.kept_by_process", error=str(error))
        LOCAL_PERMITS.record()
        return await self._local.take(rates, work, longest_seconds)


@asynccontextmanager
async def open_shared_services(settings: AgentSettings) -> AsyncIterator[Services]:
    """Open what agents share in this process; see `agents.services.open_services`."""
    async with AsyncExitStack() as stack:
        limiter = None
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            limiter = SharedLimiter(await stack.enter_async_context(open_shared_rates(url)))
        keepers = None
        if ray.is_initialized():
            keepers = MachineKeepers(settings.chromium_path, settings.browser_concurrency)
        opening = open_services(settings, limiter, RayTasks(), keepers)
        yield await stack.enter_async_context(opening)
