"""The one way in which these tests wait for something."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], within_seconds: float = 20) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: It did not come to hold in time.
    """
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110 (the state is another thread's)
            await asyncio.sleep(0.02)
