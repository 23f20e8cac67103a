"""Finding and ending every process of one platform.

Each process that a platform starts inherits `WEFT_PLATFORM_ID` in its environment, however many
steps removed (Ray's workers, HAProxy, a browser), so nothing of it can hide or be left behind.
"""

import hashlib
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from serve.settings import child_environment

MARKER = "WEFT_PLATFORM_ID"
DEMO = "-demo"
"""Follows the platform's name for the demonstration's own servers."""
SWEEPS = 3
"""A process may start another one just before it ends."""


def platform_id(home: Path) -> str:
    """Return the name that marks the processes of the platform of this folder."""
    return hashlib.sha256(str(home.resolve()).encode("utf-8")).hexdigest()[:12]


def new_mark(platform: str) -> str:
    """Return a mark for one run of a platform: its name and a word of its own.

    A reaper ends the processes of its own run only, so that one that is still at work cannot touch
    a platform that was started again meanwhile.
    """
    return f"{platform}.{secrets.token_hex(4)}"


def own_mark() -> str | None:
    """Return the mark that this process was started with; None when it has none."""
    return child_environment().get(MARKER)


def is_marked(process: psutil.Process, mark: str) -> bool:
    """Whether a process belongs to a platform (by its name) or to one run of it (by its mark)."""
    try:
        found = process.environ().get(MARKER, "")
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess, OSError):
        return False
    return found == mark or found.startswith(f"{mark}.")


def platform_processes(platform: str) -> list[psutil.Process]:
    """Return the running processes of a platform, this one and its parents left out."""
    own = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in own and is_marked(process, platform)
    ]


def end_processes(platform: str, grace_seconds: float = 5) -> int:
    """End every process of a platform: ask, wait, kill. Safe to repeat.

    Returns:
        How many were found.
    """
    found = 0
    for _ in range(SWEEPS):
        processes = platform_processes(platform)
        if not processes:
            break
        found += len(processes)
        for process in processes:
            _quietly(process.terminate)
        _, alive = psutil.wait_procs(processes, timeout=grace_seconds)
        for process in alive:
            _quietly(process.kill)
        psutil.wait_procs(alive, timeout=grace_seconds)
    return found


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
        env=child_environment(**{MARKER: f"reaper-{platform}"}),
        start_new_session=True,
    )
