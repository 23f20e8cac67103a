"""The load on an installation through HTTP, with `wrk` as client, and what such engines share.

`wrk` checks every answer, and its own CPU time does not count. A Python client would be the
bottleneck itself.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.peers.cpu import cpu_seconds
from benchmarks.peers.measured import Measured

SCRIPT = Path(__file__).parent / "wrk.lua"
WARM_UP_SECONDS = 1
LONG = 5
"""How much longer a load lasts whose answers take seconds; `wrk` never sees what it cuts off."""
ANSWER_SECONDS = 60
"""How long an answer may take."""
QUIET_SHARE = 0.3
"""An installation that uses less of a core than this has nothing left to do."""
QUIET_SECONDS = 60
LOOK_SECONDS = 0.5


class ToolMissing(Exception):
    """A program that the comparison needs is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request of an installation, repeated."""

    work: str
    path: str
    body: Any
    status: int
    text: str
    """What every answer's body holds."""
    connections: tuple[int, ...]
    authorization: str | None = None
    slow: bool = False
    """Whether an answer takes seconds when all connections are busy."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A running engine, as a client and a bookkeeper see it."""

    url: str
    root_pids: Callable[[], list[int]]
    """Its processes; their children count with them."""
    endpoints: tuple[Endpoint, ...]


OpenInstallation = Callable[[], AbstractContextManager[Installation]]


def main(peer: str, open_installation: OpenInstallation) -> None:
    """Load an installation as the command line says; print figures as lines of JSON."""
    parser = argparse.ArgumentParser(description=f"Load {peer} through HTTP.")
    parser.add_argument("--seconds", type=int, default=6, help="of each load")
    seconds: int = parser.parse_args().seconds
    require_wrk()
    with open_installation() as installation:
        for endpoint in installation.endpoints:
            _check(installation, endpoint)
            _wrk(installation, endpoint, endpoint.connections[0], WARM_UP_SECONDS)
            for connections in endpoint.connections:
                _until_quiet(installation)
                lasts = seconds * (LONG if endpoint.slow and connections > 1 else 1)
                measured = _measure(peer, installation, endpoint, connections, lasts)
                print(json.dumps(asdict(measured)), flush=True)


def require_wrk() -> None:
    """Make sure that the client is installed.

    Raises:
        ToolMissing: It is not.
    """
    if shutil.which("wrk") is None:
        raise ToolMissing("wrk is missing; on Debian: apt-get install wrk")


def _check(installation: Installation, endpoint: Endpoint) -> None:
    """Make the first request, which may have to wait for processes to start."""
    headers = {"Authorization": endpoint.authorization} if endpoint.authorization else {}
    answer = httpx.post(
        installation.url + endpoint.path, json=endpoint.body, headers=headers,
        timeout=ANSWER_SECONDS, trust_env=False,
    )  # fmt: skip
    assert answer.status_code == endpoint.status and endpoint.text in answer.text, answer.text


def _measure(
    peer: str, installation: Installation, endpoint: Endpoint, connections: int, seconds: int
) -> Measured:
    """Load the endpoint; what was in flight at the end is waited for, and its CPU time shared."""
    used_before = cpu_seconds(installation.root_pids())
    told = _wrk(installation, endpoint, connections, seconds)
    _until_quiet(installation)
    used_seconds = cpu_seconds(installation.root_pids()) - used_before
    return Measured(
        peer=peer,
        work=endpoint.work,
        concurrency=connections,
        executions=told["requests"],
        per_second=round(told["requests"] / told["seconds"], 2),
        p50_ms=told["p50_ms"],
        p95_ms=told["p95_ms"],
        p99_ms=told["p99_ms"],
        cpu_ms=round(used_seconds * 1000 / (told["requests"] + connections), 3),
    )


def _wrk(
    installation: Installation, endpoint: Endpoint, connections: int, seconds: int
) -> dict[str, Any]:
    with _body_file(endpoint.body) as body:
        command = [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={ANSWER_SECONDS}s",
            "-s", str(SCRIPT), installation.url, "--", endpoint.path, str(body),
            str(endpoint.status), endpoint.text,
            *([endpoint.authorization] if endpoint.authorization else []),
        ]  # fmt: skip
        result = subprocess.run(
            command, capture_output=True, text=True, check=False,
            timeout=seconds + 2 * ANSWER_SECONDS,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    assert told["requests"] and not told["wrong"] and not told["failed"], (told, result.stderr)
    return told


@contextmanager
def _body_file(body: Any) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="weft-peers-") as folder:
        path = Path(folder) / "body.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        yield path


def _until_quiet(installation: Installation) -> None:
    """Wait until what an earlier load left has been done."""
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        used_before = cpu_seconds(installation.root_pids())
        time.sleep(LOOK_SECONDS)
        if cpu_seconds(installation.root_pids()) - used_before < QUIET_SHARE * LOOK_SECONDS:
            return
    raise TimeoutError(f"{installation.url} is still busy {QUIET_SECONDS} s after its load")
