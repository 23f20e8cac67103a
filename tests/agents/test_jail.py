"""What breaks out of the interpreter finds nothing behind it."""

import shutil
import subprocess

import psutil
import pytest

from agents.jail import NO_BUBBLEWRAP, jail_command, missing_jail, open_worker_program
from agents.sandbox import Sandbox, SandboxLimits
from tests.agents.website import Site

WHY_NONE = missing_jail()
BASH = shutil.which("bash") or "/bin/bash"
jailed = pytest.mark.skipif(bool(WHY_NONE), reason=WHY_NONE or "bubblewrap runs")


def inside(script: str) -> str:
    """Run a shell between the walls of a worker, and return what it prints."""
    command = [*jail_command(shutil.which("bwrap") or "bwrap", BASH), "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return ended.stdout.strip()


@jailed
@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("for path in /*; do case $path in /lib*|/program) ;; *) echo $path; esac; done", ""),
        ("[ -e /proc/self ] || [ -e /home ] || [ -e /etc ] || echo nothing", "nothing"),
        ("echo x > /program || echo read-only", "read-only"),
        ("echo x > /lib/x || echo read-only", "read-only"),
        ("echo $UID ${HOME-none} ${DATABASE_URL-none}", "65534 none none"),
        ("kill -0 %d 2>/dev/null || echo unseen", "unseen"),
    ],
    ids=["folders", "no proc", "own program", "libraries", "environment", "other processes"],
)
def test_nothing_is_there(script: str, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No files but read-only libraries, no environment, no processes of others."""
    monkeypatch.setenv("DATABASE_URL", "a secret")
    number = psutil.Process().pid
    assert inside(script.replace("%d", str(number))) == printed


@jailed
@pytest.mark.requirement("NFR-4.5")
async def test_network_is_not_there(site: Site) -> None:
    """Not even loopback of the machine answers."""
    connect = f"exec 3<>/dev/tcp/127.0.0.1/{site.port} && echo connected || echo none"
    assert "connected" not in inside(connect)
    assert site.asked == []


@jailed
async def test_workers_run_between_the_walls() -> None:
    """A pool's workers are children of bubblewrap, and end with the pool."""
    before = set(psutil.Process().children(recursive=True))
    async with Sandbox(SandboxLimits(processes=1)) as sandbox:
        assert await sandbox.run("return 6 * 7", {}) == 42
        started = set(psutil.Process().children(recursive=True)) - before
        assert {"bwrap"} <= {process.name() for process in started}
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []


async def test_without_bubblewrap_workers_run_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without it runs scripts all the same, and says what is missing."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing_jail() == NO_BUBBLEWRAP
    with open_worker_program() as program:
        assert program.endswith("/monty")
