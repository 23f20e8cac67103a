"""Executors and recoverers as a test holds them: started, frozen, killed, asked how they ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from store.postgres import Pool
from tests.eventually import eventually
from tests.faults.executor_process import Orders

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Nursery:
    """Forks processes; every one of them ends with it."""

    process: subprocess.Popen[str]

    def fork(self, orders: Orders) -> int:
        """Start a process; returns its id."""
        return int(self._ask({"fork": asdict(orders)})["pid"])

    def exit_code(self, pid: int) -> int | None:
        """Return how a process ended; None while it runs."""
        code: int | None = self._ask({"exit": pid})["code"]
        return code

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """Open a nursery; its processes are gone when it is closed."""
    command = [sys.executable, "-m", "tests.faults.executor_process"]
    # Threads of a linear algebra library would be lost in each fork.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


@dataclass
class Worker:
    """One executor or recoverer."""

    nursery: Nursery
    orders: Orders
    pid: int
    id: UUID | None = None
    """Its row in `executors`; a recoverer has none."""
    _frozen: bool = field(default=False, init=False)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it where it is."""
        self._frozen = True
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._frozen = False
        os.kill(self.pid, signal.SIGCONT)

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self.nursery.exit_code(self.pid)

    async def ended(self, seconds: float = 15) -> int:
        """Wait until it has ended; returns how."""
        await eventually(lambda: self.code is not None, seconds)
        code = self.code
        assert code is not None
        return code

    async def stop(self) -> None:
        """End it in good order; what does not end is killed, and that is a failure."""
        if self.code is not None:
            return
        if self._frozen:
            self.kill()
        else:
            os.kill(self.pid, signal.SIGTERM)
        try:
            await self.ended()
        except AssertionError:
            self.kill()
            raise AssertionError(
                f"{self.orders.slot} did not stop; its log: {self.log()}"
            ) from None

    def rss_bytes(self) -> int:
        """The memory that it holds."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def log(self) -> list[dict[str, Any]]:
        """What it has logged."""
        lines = Path(self.orders.log).read_text(encoding="utf-8").splitlines()
        return [_entry(line) for line in lines if line.strip()]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What it has logged of one kind."""
        return [entry for entry in self.log() if entry.get("event") == event]


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"text": line}
    return entry if isinstance(entry, dict) else {"text": line}


async def row_of(pool: Pool, worker: Worker) -> UUID:
    """Return the id of a process's row in `executors`, once it is there."""

    async def row() -> UUID | bool | None:
        id: UUID | None = await pool.fetchval(
            "SELECT id FROM executors WHERE pid = $1 AND stopped_at IS NULL", worker.pid
        )
        return id or worker.code is not None

    with suppress(AssertionError):
        found = await eventually(row, 20)
        if isinstance(found, UUID):
            return found
    raise AssertionError(f"It does not start; its log: {worker.log()}")
