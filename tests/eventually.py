"""The one way in which tests wait for something."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

T = TypeVar("T")

PAUSE_SECONDS = 0.01


async def eventually(check: Callable[[], T | Awaitable[T]], seconds: float = 10) -> T:
    """Call a check, plain or async, until it returns something true; return that.

    Raises:
        AssertionError: It did not within the time; says what it returned last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = check()
        value = cast(T, await found if inspect.isawaitable(found) else found)
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(f"Still {value!r} after {seconds:g} s.")
        await asyncio.sleep(PAUSE_SECONDS)
