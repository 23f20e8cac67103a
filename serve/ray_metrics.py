"""Our metrics beside Ray's, for who looks at Ray's dashboard or scrapes its agents.

The processes that run executions do without Ray's metrics, which remember each name of a task
(`actors.names.MANY_NAMES`). They write what they measure into the database; the cluster's own
process copies it from there.
"""

import asyncio
import threading

import structlog
from ray.util.metrics import Gauge

from actors.metrics import LIVING_SECONDS
from store.json_values import loads
from store.postgres import Pool, open_pool
from store.statements import statement

log = structlog.get_logger(__name__)

COPY_SECONDS = 15.0
"""How often they are copied; a copy takes milliseconds of CPU time."""


def start_copying(database_url: str) -> None:
    """Copy metrics from a thread until the process ends; needs a Ray driver or worker."""
    threading.Thread(
        target=lambda: asyncio.run(_copy_on(database_url)), name="metrics", daemon=True
    ).start()


async def _copy_on(database_url: str) -> None:
    gauges: dict[str, Gauge] = {}
    while True:
        try:
            async with open_pool(database_url, "weft_api", size=1) as pool:
                while True:
                    await _copy(pool, gauges)
                    await asyncio.sleep(COPY_SECONDS)
        except Exception as error:
            # Whatever it was, the next copy may do better; the originals are in the database.
            log.warning("metrics.not_copied", error=repr(error))
            await asyncio.sleep(COPY_SECONDS)


async def _copy(pool: Pool, gauges: dict[str, Gauge]) -> None:
    """Set a gauge for each sample: also a counter's and a histogram's are copies of a value."""
    for row in await pool.fetch(statement("list_metrics"), LIVING_SECONDS):
        for family in loads(row["families"]):
            for name, labels, value in family["samples"]:
                if name not in gauges:
                    gauges[name] = Gauge(name, family["help"], tag_keys=(*labels, "process"))
                gauges[name].set(value, {**labels, "process": row["process"]})
