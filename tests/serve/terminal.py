"""Commands of the terminal beside the real API."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Weft = Callable[..., Awaitable[Result]]
"""Runs a command line beside the app's own loop."""
