"""Weft through HTTP: a platform of its own with its default settings, every process counted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from benchmarks.peers.http_load import Endpoint, Installation, main
from benchmarks.peers.servers import temporary_home
from benchmarks.peers.weft import input_of, specification
from benchmarks.peers.works import WORKS, Work
from serve.platform import free_ports, running_platform, start_background, stop_platform
from serve.processes import platform_id, platform_processes
from serve.settings import load_settings

START = "start to 202"
"""The load that waits for the acknowledgement of a start only."""


@contextmanager
def open_platform() -> Iterator[Installation]:
    """Run a platform with a workflow for each work."""
    with temporary_home() as home:
        os.environ |= {"WEFT_HOME": str(home), "WEFT_PORT": str(free_ports(1)[0])}
        try:
            url = start_background(load_settings())
            token = (home / "token").read_text(encoding="utf-8").strip()
            endpoints = _endpoints(url, f"Bearer {token}")
            yield Installation(url, partial(_pids, home), endpoints)
        finally:
            stop_platform(home)


def _pids(home: Path) -> list[int]:
    """Return the platform's processes: its tree, and what has left it but bears its mark."""
    running = running_platform(home)
    assert running is not None, "the platform has ended"
    return [running.pid, *(process.pid for process in platform_processes(platform_id(home)))]


def _endpoints(url: str, authorization: str) -> tuple[Endpoint, ...]:
    paths = {work: _path(url, authorization, work) for work in WORKS}
    start = Endpoint(
        START, paths["sequence"], {}, 202, '"execution_id"', (1,), authorization
    )  # fmt: skip
    return (*(_whole(work, paths[work], authorization) for work in WORKS), start)


def _whole(work: Work, path: str, authorization: str) -> Endpoint:
    """Return the load that waits for the end of each execution."""
    body: dict[str, Any] = {"input": input_of(work), "options": {"async": False}}
    return Endpoint(
        work, path, body, 200, '"status":"completed"', (1, 100), authorization, slow=work == "map"
    )


def _path(url: str, authorization: str, work: Work) -> str:
    """Store the work's workflow; return where it is executed."""
    answer = httpx.post(
        f"{url}/api/v1/workflows/create", json={"specification": specification(work)},
        headers={"Authorization": authorization}, timeout=60, trust_env=False,
    )  # fmt: skip
    answer.raise_for_status()
    return f"/api/v1/workflows/{answer.json()['workflow_id']}/execute"


if __name__ == "__main__":
    main("weft", open_platform)
