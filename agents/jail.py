"""The walls around the script workers: bubblewrap, where this machine has it and allows it.

The interpreter gives scripts nothing to reach out with. Should one break out of it all the same, it
finds itself without network, files, environment or other processes.
"""

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic_monty._binary import find_monty_binary

NO_BUBBLEWRAP = "bubblewrap (bwrap) is not installed"
_PROBE_SECONDS = 10.0
_LIBRARIES = ("/lib", "/lib64")
_INSIDE = "/program"
_NOBODY = "65534"


def jail_command(bubblewrap: str, program: str) -> list[str]:
    """Return the command that runs a program between the walls; its arguments follow.

    It sees itself and the machine's shared libraries, read-only. It ends with the thread that
    started it, and all that it started ends with it.
    """
    walls = [
        "--unshare-user", "--unshare-all", "--uid", _NOBODY, "--gid", _NOBODY, "--cap-drop", "ALL",
        "--die-with-parent", "--new-session", "--clearenv",
    ]  # fmt: skip
    for folder in _LIBRARIES:
        walls += ["--ro-bind-try", folder, folder]
    return [bubblewrap, *walls, "--ro-bind", program, _INSIDE, "--chdir", "/", "--", _INSIDE]


def missing_jail() -> str:
    """Say why workers run without walls on this machine; empty when they have them."""
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        return NO_BUBBLEWRAP
    command = [*jail_command(bubblewrap, find_monty_binary()), "--version"]
    try:
        tried = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=_PROBE_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not run: {error}"
    if tried.returncode == 0:
        return ""
    return f"bubblewrap is not allowed here: {tried.stderr.strip()[:200]}"


@contextmanager
def open_worker_program() -> Iterator[str]:
    """Give the program of a worker: one that builds the walls first, or else the bare one."""
    bubblewrap = shutil.which("bwrap")
    program = find_monty_binary()
    if bubblewrap is None or missing_jail():
        yield program
        return
    # The pool starts one path with arguments of its own, so the command needs a file.
    with tempfile.TemporaryDirectory(prefix="weft-sandbox-") as folder:
        launcher = Path(folder) / "worker"
        command = shlex.join(jail_command(bubblewrap, program))
        launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        launcher.chmod(0o700)
        yield str(launcher)
