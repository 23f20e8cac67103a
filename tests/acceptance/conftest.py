"""One real platform for all acceptance tests, with an outside world on loopback."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from weft import Client

from serve.demo_world import World, open_world
from serve.embedded import embedded_postgres, socket_folder
from serve.platform import free_ports, start_background, stop_platform
from serve.processes import platform_id, platform_processes
from serve.settings import load_settings
from tests.acceptance.recorder import Recorder


@dataclass(frozen=True)
class Platform:
    """A running platform and how to reach into it."""

    url: str
    home: Path
    token: str
    dsn: str
    """The database of the platform itself."""

    def client(self) -> Client:
        """A client with the platform's token."""
        return Client(self.url, token=self.token, timeout=60)

    def processes(self, name: str) -> list[psutil.Process]:
        """The platform's processes whose command line holds a name."""
        found = []
        for process in platform_processes(platform_id(self.home)):
            try:
                if any(name in part for part in process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found


@pytest.fixture(scope="package")
def agent_dsn() -> Iterator[str]:
    """A PostgreSQL of the outside world, which database nodes write to."""
    home = Path(tempfile.mkdtemp(prefix="weft-world-"))
    (home / "logs").mkdir()
    with embedded_postgres(home, dict(os.environ)) as dsn:
        yield dsn
    shutil.rmtree(home)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """The demonstration's shop and mail server."""
    folder = Path(tempfile.mkdtemp(prefix="weft-mail-"))
    opened = open_world(folder)
    yield opened
    opened.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="package")
def slack() -> Iterator[Recorder]:
    """A stand-in for a chat service and its incoming webhook."""
    recorder = Recorder()
    recorder.start()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="package")
def platform(agent_dsn: str, world: World, slack: Recorder) -> Iterator[Platform]:
    """A platform of its own home and port, stopped at the end; nothing of it may be left."""
    home = Path(tempfile.mkdtemp(prefix="weft-accept-")) / "with a space"
    variables = {
        "WEFT_HOME": str(home),
        "WEFT_PORT": str(free_ports(1)[0]),
        "WEFT_LEASE_SECONDS": "3",
        "WEFT_EXECUTORS": "2",
        # Whoever runs the tests may have a key, and a model would read each sentence anew.
        "WEFT_PARSER_MODELS": "offline",
        "WEFT_SMTP_URL": f"smtp://127.0.0.1:{world.smtp_port}",
        "WEFT_AGENT_DATABASE_URL": agent_dsn,
        "WEFT_SECRET_SLACK_WEBHOOK_URL": f"{slack.url}/services/T0/B0",
        "WEFT_SECRET_SLACK_TOKEN": "xoxb-of-the-tests",
        "WEFT_SERVICE_URLS": json.dumps({"Slack": slack.url}),
    }
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in variables.items():
            patch.setenv(name, value)
        url = start_background(load_settings())
        stack.callback(shutil.rmtree, home.parent)
        stack.callback(stop_platform, home)
        token = (home / "token").read_text().strip()
        dsn = f"postgresql://weft@/postgres?host={socket_folder(home)}&port=5432"
        yield Platform(url, home, token, dsn)
    assert platform_processes(platform_id(home)) == []


@pytest.fixture
def client(platform: Platform) -> Iterator[Client]:
    """A client of the platform."""
    with platform.client() as opened:
        yield opened


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A web service of the outside world that remembers what it is asked."""
    opened = Recorder()
    opened.start()
    yield opened
    opened.stop()
