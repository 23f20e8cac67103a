"""The load on an engine in this process, and the command line that all such engines share.

A closed loop: so many executions are in flight at any time, each from its start to its end. What
came before the first one (connections, schema, warm-up) is not measured.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import get_args

import uvloop

from benchmarks.figures import spread
from benchmarks.peers.cpu import cpu_seconds
from benchmarks.peers.measured import Measured
from benchmarks.peers.works import Work

CONNECTIONS = 20
"""How many connections to Postgres an engine may open in all."""
WARM_UP_EXECUTIONS = 10

Execute = Callable[[], Awaitable[None]]
"""Does one execution of the work; raises when it did not complete with the right answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many executions at a time, and in all."""

    concurrency: int
    executions: int


OpenPeer = Callable[[str, Work], AbstractAsyncContextManager[Execute]]
"""Opens an engine for a database (its DSN) and a work."""


def main(peer: str, open_peer: OpenPeer) -> None:
    """Open an engine as the command line says; print each load's figures as a line of JSON."""
    arguments = _parser(peer).parse_args()
    loads = [
        Load(concurrency, executions)
        for concurrency, executions in zip(
            arguments.concurrency, arguments.executions, strict=True
        )
    ]  # fmt: skip
    uvloop.run(_run(peer, open_peer, arguments.dsn, arguments.work, loads, arguments.server_pid))


def _parser(peer: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Load {peer} in this process.")
    parser.add_argument("--dsn", required=True, help="an empty PostgreSQL database")
    parser.add_argument("--work", required=True, choices=get_args(Work))
    parser.add_argument("--concurrency", type=int, nargs="+", default=[100])
    parser.add_argument("--executions", type=int, nargs="+", default=[500], help="one each")
    parser.add_argument(
        "--server-pid", type=int, nargs="*", default=[], help="servers whose CPU time counts, too"
    )
    return parser


async def _run(
    peer: str, open_peer: OpenPeer, dsn: str, work: Work, loads: list[Load], servers: list[int]
) -> None:
    async with open_peer(dsn, work) as execute:
        await _spend(execute, Load(WARM_UP_EXECUTIONS, WARM_UP_EXECUTIONS))
        for load in loads:
            measured = await _measure(peer, work, execute, load, [os.getpid(), *servers])
            print(json.dumps(asdict(measured)), flush=True)


async def _measure(
    peer: str, work: Work, execute: Execute, load: Load, processes: list[int]
) -> Measured:
    used_before, begun = cpu_seconds(processes), time.perf_counter()
    latencies = await _spend(execute, load)
    took_seconds = time.perf_counter() - begun
    used_seconds = cpu_seconds(processes) - used_before
    told = spread(latencies)
    return Measured(
        peer=peer,
        work=work,
        concurrency=load.concurrency,
        executions=load.executions,
        per_second=round(load.executions / took_seconds, 2),
        p50_ms=told["p50_ms"],
        p95_ms=told["p95_ms"],
        p99_ms=told["p99_ms"],
        cpu_ms=round(used_seconds * 1000 / load.executions, 3),
    )


async def _spend(execute: Execute, load: Load) -> list[float]:
    """Do a load; return the milliseconds of each execution."""
    left = iter(range(load.executions))
    async with asyncio.TaskGroup() as group:
        slots = [
            group.create_task(_slot(execute, left))
            for _ in range(min(load.concurrency, load.executions))
        ]
    return [latency_ms for slot in slots for latency_ms in slot.result()]


async def _slot(execute: Execute, left: Iterator[int]) -> list[float]:
    """Do one execution after another for as long as there are any left."""
    latencies = []
    for _ in left:
        begun = time.perf_counter()
        await execute()
        latencies.append((time.perf_counter() - begun) * 1000)
    return latencies
