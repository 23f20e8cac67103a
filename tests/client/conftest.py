"""Fixtures of the client's tests."""

from collections.abc import Iterator

import pytest
from weft import Client, Retries

from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS

QUICK = Retries(attempts=6, initial_seconds=0.01)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform on loopback."""
    with FakeApi().serving() as api:
        yield api


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    """Return a client of the fake platform that repeats quickly."""
    with Client(api.base_url, TOKEN, retries=QUICK) as client:
        yield client


@pytest.fixture
def workflow_id(api: FakeApi) -> str:
    """Store the reviews workflow and return its id."""
    return api.world.add_workflow(REVIEWS, REVIEWS_LEVELS)
