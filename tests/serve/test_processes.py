"""Finding and ending every process of one platform, however it was started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psutil
import pytest

from serve.processes import MARKER, end_processes, new_mark, platform_id, platform_processes
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
WAIT = "import sys; print('up', flush=True); sys.stdin.read()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAIT!r}]).wait()"
HYDRA = f"""
import signal, subprocess, sys
def end(*_):
    subprocess.Popen([sys.executable, "-c", {WAIT!r}], stdin=sys.stdin)
    sys.exit()
signal.signal(signal.SIGTERM, end)
{WAIT}
"""
MAIN = """
import subprocess, sys
from serve.processes import MARKER, start_reaper
from serve.settings import export
export({MARKER: sys.argv[1]})
start_reaper(sys.argv[1])
left = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
)
print(left.pid, flush=True)
sys.stdin.read()
"""


class Run(Protocol):
    """Runs a program under a platform's mark."""

    def __call__(self, code: str, mark: str) -> subprocess.Popen[str]:
        """Run it until it has said that it is up."""
        ...


@pytest.fixture
def platform() -> str:
    """A platform of this test alone."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def run() -> Iterator[Run]:
    """Programs that end with the test at the latest."""
    with ExitStack() as stack:

        def start(code: str, mark: str) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own words
                    [sys.executable, "-c", code, mark], env={**os.environ, MARKER: mark},
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
                )
            )  # fmt: skip
            stack.callback(process.kill)
            return process

        yield start


def said(process: subprocess.Popen[str]) -> str:
    """The next line that a program prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: psutil.Process) -> bool:
    """Whether a process has ended, collected by its parent or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_processes_are_found_by_their_mark(run: Run, platform: str) -> None:
    """Children's children bear the mark too; those of another platform do not count."""
    parent, other = run(PARENT, platform), run(WAIT, f"{platform}-other")
    assert (said(parent), said(other)) == ("up", "up")
    found = platform_processes(platform)
    assert {process.pid for process in found} == {
        parent.pid, *(child.pid for child in psutil.Process(parent.pid).children()),
    }  # fmt: skip
    assert len(found) == 2


def test_this_process_and_its_parents_are_left_out(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """Whoever sweeps does not end itself."""
    monkeypatch.setenv(MARKER, platform)
    assert end_processes(platform) == 0


def test_a_sweep_leaves_others_alone(run: Run, platform: str) -> None:
    """All of one platform end, and nothing of a second one beside it."""
    own, other = run(PARENT, platform), run(WAIT, f"{platform}-other")
    assert (said(own), said(other)) == ("up", "up")
    assert end_processes(platform) == 2
    assert platform_processes(platform) == []
    assert other.poll() is None
    assert end_processes(platform) == 0


def test_one_run_of_a_platform_ends_alone(run: Run, platform: str) -> None:
    """A sweep of one run spares the next one; a sweep of the platform finds both."""
    marks = [new_mark(platform), new_mark(platform)]
    former, following = (run(WAIT, mark) for mark in marks)
    assert (said(former), said(following)) == ("up", "up")
    assert len(platform_processes(platform)) == 2
    assert end_processes(marks[0]) == 1
    assert following.poll() is None
    assert end_processes(platform) == 1


@pytest.mark.parametrize("code", [DEAF, HYDRA], ids=["deaf", "hydra"])
def test_nothing_escapes_a_sweep(run: Run, platform: str, code: str) -> None:
    """Who does not listen is killed; who starts another one in dying leaves none."""
    assert said(run(code, platform)) == "up"
    assert end_processes(platform, grace_seconds=0.5) >= 1
    assert platform_processes(platform) == []


async def test_orphans_end_when_their_main_process_is_killed(run: Run, platform: str) -> None:
    """After `kill -9` of the main process the reaper ends what it left, then itself."""
    main = run(MAIN, platform)
    orphan = psutil.Process(int(said(main)))
    reapers = platform_processes(f"reaper-{platform}")
    assert len(reapers) == 1
    main.kill()
    await eventually(lambda: ended(orphan), 20)
    await eventually(lambda: ended(reapers[0]), 20)


def test_a_platform_is_named_by_its_folder(tmp_path: Path) -> None:
    """The same folder by another path is the same platform."""
    (tmp_path / "link").symlink_to(tmp_path)
    assert platform_id(tmp_path / "link") == platform_id(tmp_path)
    assert platform_id(tmp_path) != platform_id(tmp_path / "other")
