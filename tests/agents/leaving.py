"""Sockets that drivers of databases leave to be collected when a connection cannot be made."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def drivers_sockets() -> Iterator[None]:
    """Collect them at the end of a file: asyncio's transports are theirs, and so is the warning."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
