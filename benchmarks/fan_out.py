"""Maps over trivial items through real Ray tasks: time an item, executor memory, checkpoints.

A platform of its own is started with one executor. Maps over 100, 1,000 and 10,000 items are
executed, a chain of two over 10,000, and one whose items answer 64 KiB; every execution must
complete. What is measured is the time from a map's start to its end, as its log says, the growth of
the executor's memory over what it had before, and what the execution's checkpoints hold beside its
input.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from weft import Client

from benchmarks.figures import spread, write
from serve.embedded import socket_folder
from serve.platform import free_ports, start_background, stop_platform
from serve.settings import load_settings

COUNTS = (100, 1_000, 10_000)
LARGE_ITEMS = 2_500
"""Of 64 KiB each: together more than is ever loaded as a whole."""
ROUNDS = 7
SAMPLE_SECONDS = 0.05
CHECKPOINTS = """
SELECT (SELECT COALESCE(sum(octet_length(state_snapshot::text) + octet_length(metadata::text)), 0)
        FROM execution_checkpoints WHERE execution_id = $1)
    + (SELECT COALESCE(sum(octet_length(value::text)), 0) FROM execution_channel_values
       WHERE execution_id = $1 AND channel NOT IN ('input', '__start__'))
    + (SELECT COALESCE(sum(octet_length(value::text)), 0) FROM execution_writes
       WHERE execution_id = $1 AND channel <> 'input')
"""
OWNER = "SELECT pid FROM executors WHERE stopped_at IS NULL"


def large_specification() -> dict[str, Any]:
    """One map whose items answer a text of 64 KiB."""
    node = {"id": "map_0", "agent": "data_processing", "pattern": "map", "output": "texts",
            "parameters": {"script": "return 'x' * 65536"},
            "input": ["input.numbers"]}  # fmt: skip
    return {"name": "Large items", "pattern": "map_reduce", "nodes": [node], "edges": []}


def specification(maps: int) -> dict[str, Any]:
    """So many maps one after the other, each over what the one before it made."""
    names = [f"map_{number}" for number in range(maps)]
    nodes = [
        {"id": name, "agent": "aggregator", "pattern": "map", "output": f"{name}_counts",
         "parameters": {"aggregation": "count", "data": ["{item}"]},
         "input": [f"{names[place - 1]}_counts" if place else "input.numbers"]}
        for place, name in enumerate(names)
    ]  # fmt: skip
    edges = [{"from": a, "to": b} for a, b in itertools.pairwise(names)]
    return {"name": f"{maps} maps", "pattern": "map_reduce", "nodes": nodes, "edges": edges}


@contextmanager
def memory_growth(process: psutil.Process) -> Iterator[list[float]]:
    """Watch a process while the context lasts; then the list holds its growth in MiB."""
    peak = before = process.memory_info().rss
    grown: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(SAMPLE_SECONDS):
            peak = max(peak, process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    yield grown
    stop.set()
    thread.join()
    grown.append((peak - before) / 2**20)


async def one_value(dsn: str, sql: str, *arguments: Any) -> Any:
    """Ask the platform's database."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


def execute(client: Client, workflow_id: str, count: int) -> tuple[str, float]:
    """Run maps over so many numbers; return the execution and its maps' milliseconds together."""
    started = client.execute(workflow_id, {"numbers": list(range(count))})
    ended = client.wait(started["execution_id"], timeout=300)
    assert ended["status"] == "completed", ended["error"]
    nodes = ended["nodes"]
    assert all(node["items"]["completed"] == count for node in nodes if node["items"]), nodes
    return started["execution_id"], sum(node["duration_seconds"] or 0 for node in nodes) * 1000


def measure(client: Client, dsn: str) -> dict[str, Any]:
    """Run all sizes and return their figures."""
    cases = [("trivial", specification(1), 1, count) for count in COUNTS]
    cases.append(("chain", specification(2), 2, COUNTS[-1]))
    cases.append(("64 KiB", large_specification(), 1, LARGE_ITEMS))
    figures: dict[str, Any] = {}
    executor = psutil.Process(asyncio.run(one_value(dsn, OWNER)))
    for name, document, maps, count in cases:
        workflow_id = client.create(specification=document)["workflow_id"]
        execute(client, workflow_id, count)
        times, growth = [], []
        for _ in range(ROUNDS):
            with memory_growth(executor) as grown:
                execution_id, took_ms = execute(client, workflow_id, count)
            times.append(took_ms)
            growth += grown
        size = asyncio.run(one_value(dsn, CHECKPOINTS, execution_id.removeprefix("exec_")))
        figures[f"{name} x {count}"] = {
            "maps": maps,
            "items": count,
            "whole": spread(times),
            "item": spread([took_ms / count / maps for took_ms in times]),
            "executor_growth_mib": round(max(growth), 1),
            "checkpoint_bytes": int(size),
        }
    return figures


def table(figures: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = ["maps              ms an item p50 / p99   growth MiB   checkpoint bytes"]
    lines += [
        f"{name:15}   {row['item']['p50_ms']:10.3f} / {row['item']['p99_ms']:6.3f}"
        f"   {row['executor_growth_mib']:10.1f}   {row['checkpoint_bytes']:16,}"
        for name, row in figures.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Start a platform, measure, write, stop."""
    home = Path(tempfile.mkdtemp(prefix="weft-bench-"))
    os.environ |= {"WEFT_HOME": str(home), "WEFT_PORT": str(free_ports(1)[0]),
                   "WEFT_EXECUTORS": "1"}  # fmt: skip
    try:
        url = start_background(load_settings())
        token = (home / "token").read_text(encoding="utf-8").strip()
        dsn = f"postgresql://weft@/postgres?host={socket_folder(home)}&port=5432"
        with Client(url, token=token, timeout=300) as client:
            figures = measure(client, dsn)
    finally:
        stop_platform(home)
        shutil.rmtree(home, ignore_errors=True)
    claim = (
        "a map over 10,000 trivial items costs under 0.5 ms an item, and neither the executor's "
        "memory nor the checkpoints grow with the items: at most 200 chunks show in them"
    )
    print(table(figures))
    print(write("fan_out", claim, figures))


if __name__ == "__main__":
    main()
