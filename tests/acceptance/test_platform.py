"""Starting, dying and starting again."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from serve.embedded import socket_folder
from serve.platform import (
    PlatformError,
    free_ports,
    running_platform,
    start_background,
    stop_platform,
)
from serve.processes import platform_id, platform_processes
from serve.settings import Settings, load_settings
from tests.acceptance.builders import api_node, chain
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def mortal(platform: Platform) -> Iterator[Platform]:
    """The platform of all tests, which is up again for those that follow."""
    yield platform
    if running_platform(platform.home) is None:
        start_background(load_settings())


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a platform of the test's own, which does not run."""
    home = Path(tempfile.mkdtemp(prefix="weft-second-")) / "home"
    monkeypatch.setenv("WEFT_HOME", str(home))
    monkeypatch.setenv("WEFT_PORT", str(free_ports(1)[0]))
    yield load_settings()
    stop_platform(home)
    shutil.rmtree(home.parent)


def begin_a_chain(platform: Platform, recorder: Recorder) -> str:
    """Start fourteen calls one after another; returns the execution when some were made."""
    nodes = [api_node(f"step_{n}", recorder.url) for n in range(14)]
    with platform.client() as client:
        created = client.create(specification=chain(nodes))
        execution_id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(recorder.calls) >= 3, 60)
    return execution_id


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
def test_a_killed_platform_leaves_nothing_and_recovers(
    mortal: Platform, recorder: Recorder
) -> None:
    """`kill -9` of a platform ends all its processes; the next start finishes what it ran."""
    recorder.delay_seconds = 0.5
    execution_id = begin_a_chain(mortal, recorder)
    running = running_platform(mortal.home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: platform_processes(platform_id(mortal.home)) == [], 60)
    # A server that renames itself hides its environment: look at command lines, too.
    folder = str(socket_folder(mortal.home))
    until(
        lambda: (
            not [
                p
                for p in psutil.process_iter(["cmdline"])
                if any(folder in part for part in p.info["cmdline"] or [])
            ]
        ),
        30,
    )
    reached = len(recorder.calls)
    assert reached < 14
    assert start_background(load_settings()) == mortal.url
    with mortal.client() as client:
        status = client.wait(execution_id, timeout=90)
        assert status["status"] == "completed", status["error"]
    assert len(recorder.calls) <= 14 + 1


@pytest.mark.requirement("NFR-3.6", "FR-2.6")
def test_a_stopped_platform_repeats_nothing_when_it_starts_again(
    mortal: Platform, recorder: Recorder
) -> None:
    """SIGTERM lets the node that runs end; the next start begins with the one after it."""
    recorder.delay_seconds = 0.5
    execution_id = begin_a_chain(mortal, recorder)
    assert stop_platform(mortal.home)
    assert platform_processes(platform_id(mortal.home)) == []
    assert len(recorder.calls) < 14
    assert start_background(load_settings()) == mortal.url
    with mortal.client() as client:
        assert client.wait(execution_id, timeout=90)["status"] == "completed"
    assert recorder.paths() == [f"/step_{n}" for n in range(14)]


def test_a_missing_database_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its database the platform does not start, and says what to check."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(PlatformError, match="DATABASE_URL"):
        start_background(load_settings())
    assert platform_processes(platform_id(settings.home)) == []


def test_a_taken_port_is_told(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is in use is named, with the variable that changes it."""
    monkeypatch.setenv("WEFT_PORT", platform.url.rsplit(":", 1)[1])
    with pytest.raises(PlatformError, match="WEFT_PORT"):
        start_background(load_settings())


def test_one_home_has_one_platform(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second platform in the same home is refused, and the first one is not disturbed."""
    monkeypatch.setenv("WEFT_HOME", str(platform.home))
    with pytest.raises(PlatformError, match="already"):
        start_background(load_settings())
    with platform.client() as client:
        assert client.ready()["status"] == "ready"
