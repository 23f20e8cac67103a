"""Starting and stopping a platform from outside: it runs as a process of its own.

Ray, Ray Serve and HAProxy read their settings from the environment when they are imported, so the
platform's process is started with all of it in place.
"""

import contextlib
import fcntl
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from serve.processes import (
    DEMO,
    MARKER,
    end_processes,
    is_marked,
    new_mark,
    platform_id,
)
from serve.settings import Settings, child_environment
from store.secrets_sealing import KeyFile, SecretsUnavailable

_outliving: list[subprocess.Popen[bytes]] = []
"""Platforms that this process started and that go on without it; kept so that none is collected."""

PORTS = range(20_000, 30_000)
"""Below those that Linux gives to whoever asks for any: what is free here stays so by itself."""
START_SECONDS = 170
STOP_SECONDS = 60


class PlatformError(Exception):
    """The platform cannot be started or stopped; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running platform, as its state file tells."""

    url: str
    pid: int
    ray_dashboard_url: str


def state_path(home: Path) -> Path:
    """Return the file in which a running platform says where it is."""
    return home / "platform.json"


def secrets_key(home: Path) -> Path:
    """Return the file with the master key of tenants' secrets."""
    return home / "secrets-key"


def running_platform(home: Path) -> Running | None:
    """Return the platform that runs in this folder; None when none is ready."""
    try:
        state = Running(**json.loads(state_path(home).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return state if _is_platform(state.pid, home) else None


def _is_platform(pid: int, home: Path) -> bool:
    """Whether a process is this folder's platform, and not another one that has its number now."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return "serve.main" in process.cmdline() and is_marked(process, platform_id(home))
    return False


def private_token(path: Path) -> str:
    """Return the secret kept in a file that only this user can read; make it when it is missing."""
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()


def prepare_home(home: Path) -> None:
    """Create the platform's folder, open to this user only.

    Raises:
        PlatformError: It cannot be created, or others can read the master key of the secrets.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        private_token(home / "ray-token")
        private_token(home / "key")
        keys = KeyFile(secrets_key(home))
        keys.make()
        keys.present_id()
    except SecretsUnavailable as error:
        raise PlatformError(str(error)) from error
    except OSError as error:
        raise PlatformError(
            f"{home} cannot be written: {error.strerror}. Set WEFT_HOME to a folder of your own."
        ) from error


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two platforms never share one database.

    Raises:
        PlatformError: Another platform holds it.
    """
    with (home / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlatformError(
                f"A platform runs in {home} already. Stop it, or set WEFT_HOME and WEFT_PORT to "
                "start a second one beside it."
            ) from None
        yield


def check_port(settings: Settings) -> None:
    """Make sure that the API's port is free.

    Raises:
        PlatformError: Something listens on it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PlatformError(
                f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}. "
                "Set WEFT_PORT to another one."
            ) from None


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody listens on, and that nobody is given before their use.

    Raises:
        PlatformError: There are not that many.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise PlatformError(f"{count} ports from {PORTS.start} to {PORTS.stop - 1} are not free.")


def spawn(settings: Settings, output: Path | None) -> subprocess.Popen[bytes]:
    """Start the platform's process.

    Args:
        settings: Where and how.
        output: A file for what it prints; None: this process's own output.
    """
    prepare_home(settings.home)
    environment = child_environment(
        **{MARKER: new_mark(platform_id(settings.home)), "WEFT_HOME": str(settings.home)}
    )
    command = [sys.executable, "-m", "serve.main"]
    root = Path(__file__).parent.parent
    if output is None:
        return subprocess.Popen(command, env=environment, cwd=root)
    with output.open("ab") as file:
        return subprocess.Popen(
            command, env=environment, cwd=root, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip


def run_foreground(settings: Settings) -> int:
    """Run the platform until it is interrupted; returns its exit code.

    Raises:
        PlatformError: It cannot be started.
    """
    process = spawn(settings, None)

    def forward(number: int, _frame: object) -> None:
        # The terminal sends Ctrl-C to both processes; a lone signal is passed on.
        if number != signal.SIGINT:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    return process.wait()


def start_background(settings: Settings) -> str:
    """Start a platform that outlives this process; returns its address once it is ready.

    Raises:
        PlatformError: It did not start; the message ends with what its log says.
    """
    prepare_home(settings.home)
    log = settings.home / "logs" / "platform.log"
    begun = log.stat().st_size if log.exists() else 0
    process = spawn(settings, log)
    _outliving.append(process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_bytes()[begun:].decode("utf-8", "replace").strip().splitlines()
            raise PlatformError("\n".join(said[-12:]) or f"It ended at once; see {log}.")
        state = running_platform(settings.home)
        if state is not None and state.pid == process.pid and answers(state.url):
            return state.url
        time.sleep(0.1)
    process.terminate()
    raise PlatformError(f"The platform was not ready after {START_SECONDS} s; see {log}.")


def answers(url: str) -> bool:
    """Whether a platform at this address is ready."""
    try:
        return httpx.get(f"{url}/ready", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def stop_platform(home: Path) -> bool:
    """Stop the platform of a folder and wait until nothing of it runs.

    Returns:
        Whether one was running.
    """
    state = running_platform(home)
    if state is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(state.pid)
            process.terminate()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(STOP_SECONDS)
    left = end_processes(platform_id(home)) + end_processes(platform_id(home) + DEMO)
    return state is not None or left > 0
