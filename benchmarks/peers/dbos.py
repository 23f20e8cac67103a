"""DBOS in this process, on PostgreSQL: workflows called directly, each step recorded as it ends.

Each work in the form that was measured to be DBOS's faster one: the sequence as synchronous
functions on threads (a third faster than asynchronous ones, whose database calls go to threads
anyway), the map as asynchronous steps that run at once. As many threads as connections: with more,
they wait for a connection until DBOS's own 30 s timeout.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from dbos import DBOS, DBOSConfig

from benchmarks.peers.load import CONNECTIONS, Execute, main
from benchmarks.peers.works import ITEMS, Work, succeed


async def _succeed_soon(value: int) -> int:
    return succeed(value)


step = DBOS.step()(succeed)
item_step = DBOS.step()(_succeed_soon)


def _sequence(value: int) -> int:
    three: int = step(step(step(value)))
    return three


async def _map(items: list[int]) -> list[int]:
    # Steps that begin in a fixed order may run at once, by the manual.
    return list(await asyncio.gather(*(item_step(item) for item in items)))


sequence = DBOS.workflow()(_sequence)
mapped = DBOS.workflow()(_map)


@asynccontextmanager
async def open_dbos(dsn: str, work: Work) -> AsyncIterator[Execute]:
    """Launch DBOS; its system tables go to this database."""
    config = DBOSConfig(
        name="peers",
        system_database_url=dsn,
        sys_db_pool_size=CONNECTIONS,
        max_executor_threads=CONNECTIONS,
        log_level="WARNING",
    )
    DBOS(config=config)
    DBOS.launch()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(CONNECTIONS) as threads:

        async def execute_sequence() -> None:
            assert await loop.run_in_executor(threads, sequence, 0) == 3

        async def execute_map() -> None:
            assert await mapped(ITEMS) == [item + 1 for item in ITEMS]

        try:
            yield execute_sequence if work == "sequence" else execute_map
        finally:
            DBOS.destroy()


if __name__ == "__main__":
    main("dbos", open_dbos)
