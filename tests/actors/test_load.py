"""What an executor tells of itself with each heartbeat."""

import asyncio
import threading

from actors.load import LoadMeter
from tests.eventually import eventually


async def test_count_and_lag_are_told_from_another_thread() -> None:
    """The lag is how long the loop took to hear the question before."""
    held = [1, 2, 3]
    meter = LoadMeter(asyncio.get_running_loop(), held.__len__)
    assert await asyncio.to_thread(meter.read) == (3, 0.0)
    await eventually(lambda: meter._heard)
    running, lag_ms = await asyncio.to_thread(meter.read)
    assert running == 3
    assert lag_ms >= 0


async def test_loop_that_is_stuck_is_later_and_later() -> None:
    """While it has not heard, the lag grows."""
    meter = LoadMeter(asyncio.get_running_loop(), lambda: 0)
    lags: list[float] = []

    def ask() -> None:
        lags.extend(meter.read()[1] for _ in range(3))

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join()
    assert lags[0] == 0.0
    assert 0 < lags[1] < lags[2]
