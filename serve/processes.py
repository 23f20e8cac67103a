"""Finding and ending every process of one platform.

Each process that a platform starts inherits `WEFT_PLATFORM_ID` in its environment, however many
steps removed (Ray's workers, HAProxy, a browser), so nothing of it can hide or be left behind.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from serve.settings import child_environment

MARKER = "WEFT_PLATFORM_ID"
DEMO = "-demo"
"""Follows the platform's name for the demonstration's own servers."""


def platform_id(home: Path) -> str:
    """Return the name that marks the processes of the platform of this folder."""
    return hashlib.sha256(str(home.resolve()).encode("utf-8")).hexdigest()[:12]


def platform_processes(platform: str) -> list[psutil.Process]:
    """Return the running processes of a platform, this one and its parents left out."""
    own = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARKER) == platform:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess, OSError):
            continue
    return found


def end_processes(platform: str, grace_seconds: float = 5) -> int:
    """End every process of a platform: ask, wait, kill. Safe to repeat.

    Returns:
        How many were found.
    """
    processes = platform_processes(platform)
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=grace_seconds)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=grace_seconds)
    return len(processes)


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return


def start_reaper(platform: str) -> subprocess.Popen[bytes]:
    """Start the process that ends all others of the platform when this one dies, however it dies.

    It holds the read end of a pipe whose write end only this process has; end of file means death.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "serve.reaper", platform],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        env=child_environment(**{MARKER: f"{platform}-reaper"}),
        start_new_session=True,
    )
