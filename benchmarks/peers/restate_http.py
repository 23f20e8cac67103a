"""Restate through HTTP: its server, which writes one log with fsync, and a Python service."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.peers.http_load import Endpoint, Installation, ToolMissing, main
from benchmarks.peers.servers import temporary_home
from benchmarks.peers.works import ITEMS, succeed
from serve.platform import free_ports

FOLDER = Path(__file__).parent
PACKAGES = FOLDER / "npm" / "node_modules" / "@restatedev"
START_SECONDS = 60
RESULTS = json.dumps([succeed(item) for item in ITEMS])


def restate_version() -> str:
    """Return what the server calls itself.

    Raises:
        ToolMissing: It is not installed.
    """
    told = subprocess.run([str(_binary()), "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


@contextmanager
def open_restate() -> Iterator[Installation]:
    """Run the server and the service, and tell the server of the service."""
    service_port, ingress_port, admin_port, node_port = free_ports(4)
    with temporary_home() as home:
        environment = {
            **os.environ,
            "RESTATE_BASE_DIR": str(home / "restate"),
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": str(node_port),
            "RESTATE_INGRESS__BIND_PORT": str(ingress_port),
            "RESTATE_ADMIN__BIND_PORT": str(admin_port),
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_LOG_FILTER": "warn",
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        server = _child([str(_binary())], environment, home / "logs" / "server.log")
        service = _child(
            [sys.executable, "-m", "hypercorn", "--config", str(FOLDER / "hypercorn.toml"),
             "--bind", f"127.0.0.1:{service_port}", "benchmarks.peers.restate_service:app"],
            dict(os.environ), home / "logs" / "service.log",
        )  # fmt: skip
        with server as server_process, service as service_process:
            _register(f"http://127.0.0.1:{admin_port}", f"http://127.0.0.1:{service_port}")
            yield Installation(
                url=f"http://127.0.0.1:{ingress_port}",
                root_pids=lambda: [server_process.pid, service_process.pid],
                endpoints=(
                    Endpoint("sequence", "/Peers/sequence", 0, 200, "3", (1, 100)),
                    Endpoint("map", "/Peers/map", ITEMS, 200, RESULTS, (1, 100), slow=True),
                ),
            )


def _binary() -> Path:
    binaries = list(PACKAGES.glob("restate-server-*/bin/restate-server"))
    if not binaries:
        raise ToolMissing("Restate's server is missing; run: make bench-peers")
    return binaries[0]


@contextmanager
def _child(
    command: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _register(admin_url: str, service_url: str) -> None:
    """Tell the server where the service is, as soon as both answer."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            answer = httpx.post(
                f"{admin_url}/deployments", json={"uri": service_url}, timeout=10, trust_env=False
            )
            if answer.is_success:
                return
            told = answer.text
        except httpx.HTTPError as error:
            told = repr(error)
        if time.monotonic() > deadline:
            raise TimeoutError(f"Restate did not start: {told}")
        time.sleep(0.2)


if __name__ == "__main__":
    main("restate", open_restate)
