"""A container engine for the tests of custom agents, where one runs."""

from collections.abc import AsyncIterator, Iterator

import pytest

from agents.services import Services, open_services
from agents.settings import AgentSettings
from tests.agents.custom.engine import container_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The address of an engine."""
    opened = container_engine()
    try:
        address = opened.__enter__()
    except RuntimeError as error:
        pytest.skip(f"no container engine: {error}")
    yield address
    opened.__exit__(None, None, None)


@pytest.fixture
async def contained(engine: str) -> AsyncIterator[Services]:
    """What agents share, with the engine."""
    async with open_services(AgentSettings(containers_url=engine)) as opened:
        yield opened
