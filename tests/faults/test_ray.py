"""A whole platform on Ray loses its parts; executions go on without anybody's help.

The deaths of an executor and of the platform's own process are tests/acceptance's
(test_durability.py, test_platform.py). Here are those of Ray itself, which take it down as a whole.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest
from weft import Client

from serve.embedded import socket_folder
from serve.platform import answers, free_ports, running_platform, start_background, stop_platform
from serve.processes import platform_id, platform_processes
from serve.settings import load_settings
from tests.acceptance.builders import api_node, chain
from tests.acceptance.recorder import Recorder
from tests.acceptance.waiting import until
from tests.faults.invariants import check_all

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

BACK = "The cluster is back"
BACK_SECONDS = 150
LENGTH = 14


@dataclass(frozen=True)
class Platform:
    """A running platform."""

    url: str
    home: Path
    token: str
    pid: int

    def client(self) -> Client:
        """A client with the platform's token."""
        return Client(self.url, token=self.token, timeout=60)

    def process(self, name: str) -> psutil.Process:
        """The platform's one process whose command line holds a name."""
        [found] = [
            process
            for process in platform_processes(platform_id(self.home))
            if any(name in part for part in process.cmdline()[:3])
        ]
        return found

    def said(self, words: str) -> int:
        """How often the platform has said something."""
        return (self.home / "logs" / "platform.log").read_text("utf-8", "replace").count(words)

    def check(self) -> None:
        """Check the invariants, in the platform's own database."""

        async def look() -> None:
            dsn = f"postgresql://weft@/postgres?host={socket_folder(self.home)}&port=5432"
            async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
                await check_all(pool, within_seconds=60, lease_seconds=10)

        asyncio.run(look())


@contextmanager
def new_home() -> Iterator[Path]:
    """A home and a port for a platform, named in the environment; what runs in it is stopped."""
    home = Path(tempfile.mkdtemp(prefix="weft-ray-")) / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEFT_HOME", str(home))
        patch.setenv("WEFT_PORT", str(free_ports(1)[0]))
        patch.setenv("WEFT_EXECUTORS", "2")
        yield home
    stop_platform(home)
    assert platform_processes(platform_id(home)) == []
    shutil.rmtree(home.parent)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A platform of these tests alone."""
    with new_home() as home:
        url = start_background(load_settings())
        running = running_platform(home)
        assert running is not None
        yield Platform(url, home, (home / "token").read_text().strip(), running.pid)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A web service that remembers what it is asked."""
    opened = Recorder()
    opened.delay_seconds = 0.3
    opened.start()
    yield opened
    opened.stop()


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize(("name", "all_of_it"), [
    ("raylet/raylet", True),
    ("gcs/gcs_server", True),
    ("serve.cluster_main", True),
    ("ray::Supervisor", False),
], ids=["raylet", "gcs", "driver", "supervisor"])  # fmt: skip
def test_part_of_ray_dies(
    name: str, all_of_it: bool, platform: Platform, recorder: Recorder
) -> None:
    """The platform notices by itself, starts what is missing, and everything goes on."""
    with platform.client() as client:
        nodes = [api_node(f"step_{n}", recorder.url) for n in range(LENGTH)]
        workflow_id = client.create(specification=chain(nodes))["workflow_id"]
        ids = [client.execute(workflow_id)["execution_id"] for _ in range(3)]
    until(lambda: len(recorder.calls) >= 6, 60)
    before = platform.said(BACK)
    platform.process(name).kill()
    if all_of_it:
        until(lambda: platform.said(BACK) > before, BACK_SECONDS)
    with platform.client() as client:
        until(lambda: answers(platform.url), BACK_SECONDS)
        for id in ids:
            status = client.wait(id, timeout=BACK_SECONDS)
            assert status["status"] == "completed", status["error"]
        fresh = client.execute(workflow_id)["execution_id"]
        assert client.wait(fresh, timeout=60)["status"] == "completed"
    # What was in the middle when its process died is done again, nothing else.
    assert len(recorder.calls) <= LENGTH * (len(ids) + 1) + len(ids)
    running = running_platform(platform.home)
    assert running is not None
    assert running.pid == platform.pid
    platform.check()


@pytest.mark.requirement("NFR-3.3")
def test_cluster_that_dies_while_it_starts_is_started_once_more() -> None:
    """The platform comes up all the same, and says what happened."""
    with new_home() as home, ThreadPoolExecutor(1) as thread:
        starting = thread.submit(start_background, load_settings())

        def cluster() -> list[psutil.Process]:
            return [
                process for process in platform_processes(platform_id(home))
                if "serve.cluster_main" in process.cmdline()
            ]  # fmt: skip

        until(lambda: bool(cluster()), 60)
        cluster()[0].kill()
        assert answers(starting.result(timeout=BACK_SECONDS))
        said = (home / "logs" / "platform.log").read_text("utf-8", "replace")
        assert said.count("Trying once more.") == 1
