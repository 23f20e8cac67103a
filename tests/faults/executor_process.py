"""The nursery: forks executors and recoverers, real processes without Ray.

Importing what an executor needs takes seconds, so it is done once: `python -m
tests.faults.executor_process` reads one JSON request a line and answers each with one line.

    {"fork": {…}}    {"pid": 7}     a process of these `Orders`
    {"exit": 7}      {"code": 70}   how it ended; null while it runs; a signal is negative

Everything that reaches into the product's insides for the sake of running it without Ray is here.
"""

import asyncio
import ctypes
import datetime
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import actors.engine
import actors.executor
from actors.config import ExecutorConfig, SupervisorConfig
from actors.executor import ExecutionActor
from actors.memory import settle_memory
from actors.supervisor import Supervisor
from agents.settings import AgentSettings
from store.due import see_due
from store.live import open_live_view
from store.postgres import UNREACHABLE, open_pool
from store.queue import Bounds
from tests.actors.process import LocalHost

PR_SET_PDEATHSIG = 1
PACKAGES = ("actors", "agents", "compiler", "store")


@dataclass(frozen=True)
class Orders:
    """What a process is to be."""

    kind: str
    """`executor` or `recoverer`."""
    slot: str
    database_url: str
    redis_url: str
    lease_seconds: float
    log: str
    """The file that it logs to."""
    look_seconds: float
    """How often it looks for what it is to do."""
    clock_ahead_seconds: float = 0
    drain_seconds: float = 0.5
    capacity: int = 20_000


async def _execute(orders: Orders, config: ExecutorConfig) -> None:
    """Host executions until told to stop, in good order."""
    actor = ExecutionActor(orders.slot, config)
    await actor.ready()
    await _told_to_stop()
    await actor.stop()


async def _recover(orders: Orders, config: ExecutorConfig) -> None:
    """Do the supervisor's work; executors find by themselves what they are given."""
    supervisor = Supervisor(SupervisorConfig(0, config, b"0" * 32))
    stop = asyncio.create_task(_told_to_stop())
    async with (
        open_pool(config.database_url, "weft_engine", size=4) as pool,
        open_live_view(config.redis_url) as live,
    ):
        while not stop.done():
            try:
                due = await see_due(pool, config.lease_seconds)
                await supervisor._watch(pool, live, due)
                await supervisor._admit(pool, 0)
                await supervisor._clock(pool, live, due)
                await supervisor._end_due(pool)
            except UNREACHABLE as error:
                sys.stderr.write(f"database away: {error!r}\n")
            await asyncio.wait([stop], timeout=orders.look_seconds)


async def _told_to_stop() -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


def _be(orders: Orders) -> None:
    """Turn this freshly forked process into what was ordered; never returns."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    log = os.open(orders.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if orders.clock_ahead_seconds:
        _shift_clock(orders.clock_ahead_seconds)
    # Chunks of maps run in this process, since there is no Ray.
    vars(actors.engine)["Host"] = LocalHost
    actors.executor.ADOPT_SECONDS = orders.look_seconds
    config = ExecutorConfig(
        database_url=orders.database_url,
        redis_url=orders.redis_url,
        lease_seconds=orders.lease_seconds,
        agents=AgentSettings(allow_loopback=True, sandbox_processes=1),
        secrets={"worker": str(os.getpid())},
        bounds=Bounds(orders.capacity),
        drain_seconds=orders.drain_seconds,
    )
    code = 1
    try:
        asyncio.run((_recover if orders.kind == "recoverer" else _execute)(orders, config))
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def _shift_clock(ahead_seconds: float) -> None:
    """Let this process believe that it is later; how fast time passes stays as it is."""
    real_time, real_time_ns = time.time, time.time_ns
    ahead = datetime.timedelta(seconds=ahead_seconds)

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + ahead

    time.time = lambda: real_time() + ahead_seconds
    time.time_ns = lambda: real_time_ns() + int(ahead_seconds * 1e9)
    for name, module in list(sys.modules.items()):
        owned = name.split(".")[0] in PACKAGES
        if owned and getattr(module, "datetime", None) is datetime.datetime:
            module.datetime = Shifted  # type: ignore[attr-defined]


def main() -> None:
    """Answer requests until the input ends; what was forked ends with this process."""
    ended: dict[int, int] = {}

    def collect(*_: object) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended[pid] = os.waitstatus_to_exitcode(status)

    # Once for all: each process would look through everything that is imported, and copy it.
    settle_memory()
    signal.signal(signal.SIGCHLD, collect)
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if orders := request.get("fork"):
            Path(orders["log"]).touch()
            if (pid := os.fork()) == 0:
                _be(Orders(**orders))
            answer: dict[str, int | None] = {"pid": pid}
        else:
            answer = {"code": ended.get(request["exit"])}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
