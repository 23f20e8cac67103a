"""Cutting off a Ray task whose results nobody takes any more."""

import asyncio
from contextlib import suppress
from typing import Any

import ray

CANCEL_SECONDS = 0.8
"""How long a task that is cut off may take to end; a cancel is answered within a second."""


async def cut_off(stream: Any) -> None:
    """End the task of a stream; when this returns nothing of it begins any more."""
    ray.cancel(stream, force=True)
    with suppress(TimeoutError, ray.exceptions.RayError):
        await asyncio.wait_for(stream.completed(), CANCEL_SECONDS)
