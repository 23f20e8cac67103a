"""Many executions in flight that wait on I/O: 10,000 at once on one machine, and the memory of it.

A server on loopback answers no request until all executions have asked; then all must complete.
`python -m benchmarks.in_flight [COUNT]`.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.figures import write
from benchmarks.platforms import (
    Platform,
    count_executions,
    create_workflow,
    open_platform,
    start_many,
    until_count,
)

COUNT = 10_000
TIMEOUT_SECONDS = 3000
DEADLINE_SECONDS = 900
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def serve(count: int, told: Connection) -> None:
    """Hold every request until `count` of them are here; tell the port first, then the time."""
    asyncio.run(_serve(count, told))


async def _serve(count: int, told: Connection) -> None:
    here, all_here = 0, asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal here
        await reader.readuntil(b"\r\n\r\n")
        here += 1
        if here == count:
            told.send(time.time())
            # The one who measures looks at what they cost before it lets them go on.
            await asyncio.to_thread(told.recv)
            all_here.set()
        await all_here.wait()
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0, backlog=count)
    told.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


@contextmanager
def holding_server(count: int) -> Iterator[Connection]:
    """Run the server in a process of its own; yields the way to talk with it."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(count, theirs))
    process.start()
    try:
        yield ours
    finally:
        process.kill()
        process.join()


async def measure(platform: Platform, count: int, server: Connection) -> dict[str, Any]:
    """Start them, look at the executors while all wait, let them go on."""
    node = {
        "id": "ask", "agent": "api", "timeout": TIMEOUT_SECONDS,
        "parameters": {"url": f"http://127.0.0.1:{server.recv()}/", "timeout": TIMEOUT_SECONDS},
    }  # fmt: skip
    async with platform.client() as client:
        workflow_id = await create_workflow(client, {"name": "Waits on I/O", "nodes": [node]})
        before_bytes, begun = await platform.executors_bytes(), time.time()
        await start_many(platform, workflow_id, {}, count)
        started = time.time()
        while not await asyncio.to_thread(server.poll, 1):
            if time.time() - begun > DEADLINE_SECONDS:
                running = await count_executions(client, workflow_id, "running")
                raise TimeoutError(f"not all of them asked; {running} run")
        all_here: float = server.recv()
        waiting_bytes = await platform.executors_bytes()
        running = await count_executions(client, workflow_id, "running")
        server.send("go")
        released = time.time()
        await until_count(
            client, workflow_id, "completed", count, deadline_seconds=DEADLINE_SECONDS
        )
        completed = time.time()
    return {
        "executions": count,
        "running_while_all_wait": running,
        "executors": len(await platform.executors()),
        "executors_mib_before": round(before_bytes / 2**20),
        "executors_mib_while_all_wait": round(waiting_bytes / 2**20),
        "kib_an_execution": round((waiting_bytes - before_bytes) / count / 1024, 1),
        "starts_per_second": round(count / (started - begun), 1),
        "seconds_until_all_wait": round(all_here - begun, 1),
        "seconds_from_answers_to_all_completed": round(completed - released, 1),
    }


def main() -> None:
    """Start a platform, measure, write, stop."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with holding_server(count) as server, open_platform() as platform:
        figures = asyncio.run(measure(platform, count, server))
    claim = "executions that all wait on I/O at once complete, executors under 2 GB together"
    print(write("in_flight", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
