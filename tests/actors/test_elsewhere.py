"""Work on much data: in a Ray task beside the executor, and what becomes of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from actors.elsewhere import RayTasks
from actors.limits import open_shared_services
from agents.agent import AgentContext
from agents.data_processing import DataProcessing
from agents.elsewhere import InThread
from agents.errors import AgentError
from agents.services import Services
from agents.settings import AgentSettings
from agents.tables.parameters import DataProcessingParameters
from tests.eventually import eventually
from tests.local_ray import local_ray

pytestmark = pytest.mark.timeout(120)
ROWS: list[dict[str, Any]] = [
    {"id": number, "kind": f"k{number % 7}", "price": number / 4} for number in range(30_000)
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of this module's own."""
    with local_ray():
        yield


@pytest.fixture
async def shared(cluster: None) -> AsyncIterator[Services]:
    """Services as a process of the cluster has them."""
    async with open_shared_services(AgentSettings()) as opened:
        yield opened


def where(parts: Sequence[bytes]) -> list[bytes]:
    """Answer which process works, and what it was given."""
    return [str(os.getpid()).encode(), *parts]


def fall(parts: Sequence[bytes]) -> list[bytes]:
    """End this process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return list(parts)


def stay(parts: Sequence[bytes]) -> list[bytes]:
    """Say which process works, and go on for long."""
    Path(parts[0].decode()).write_text(str(os.getpid()))
    while True:
        signal.pause()


async def test_work_is_done_in_another_process(cluster: None) -> None:
    """A task of Ray does it; without Ray a thread of this process does."""
    process, *parts = await RayTasks().run("work", where, [b"a", b"b"])
    assert int(process) != os.getpid()
    assert parts == [b"a", b"b"]
    assert (await InThread().run("work", where, []))[0] == str(os.getpid()).encode()


async def test_lost_process_is_told(cluster: None) -> None:
    """The node may try again when the process died."""
    with pytest.raises(AgentError, match="worker process failed") as lost:
        await RayTasks().run("work", fall, [])
    assert lost.value.retryable


async def test_work_that_nobody_waits_for_ends(cluster: None, tmp_path: Path) -> None:
    """A node that is cancelled or out of time takes its process with it."""
    told = tmp_path / "process"
    working = asyncio.create_task(RayTasks().run("work", stay, [str(told).encode()]))
    await eventually(lambda: told.exists() and told.read_text(), seconds=60)
    process = int(told.read_text())
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await eventually(lambda: not psutil.pid_exists(process), seconds=30)


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize("condition", [None, "item.id >= 10"])
async def test_much_data_is_processed_elsewhere(shared: Services, condition: str | None) -> None:
    """The agent's answer is that of little data; a condition is asked for part after part."""
    nobody = UUID(int=0)
    context = AgentContext(nobody, nobody, nobody, "totals", shared, inputs={"rows": ROWS})
    parameters = DataProcessingParameters.model_validate(
        {"operation": "aggregate", "where": condition, "by": "kind", "sort_by": "kind",
         "aggregates": {"n": "count", "sum": "sum(price)"}}
    )  # fmt: skip
    kept = [row for row in ROWS if not condition or row["id"] >= 10]
    result = await DataProcessing().run(parameters, context)
    assert sum(row["n"] for row in result.output) == len(kept)
    assert sum(row["sum"] for row in result.output) == sum(row["price"] for row in kept)
