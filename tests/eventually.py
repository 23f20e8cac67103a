"""The one way in which tests wait for something."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PAUSE_SECONDS = 0.01


@overload
async def eventually(check: Callable[[], Awaitable[T]], seconds: float = 10) -> T: ...


@overload
async def eventually(check: Callable[[], T], seconds: float = 10) -> T: ...


async def eventually(check: Callable[[], Any], seconds: float = 10) -> Any:
    """Call a check, plain or async, until it returns something true; return that.

    Raises:
        AssertionError: It did not within the time; says what it returned last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = check()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(f"Still {value!r} after {seconds:g} s.")
        await asyncio.sleep(PAUSE_SECONDS)
