"""The cluster's process as the platform's process holds it: started, watched, started again.

PostgreSQL is the truth and outlives the cluster: whatever becomes of Ray, a new cluster goes on
with every execution from its last checkpoint.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from serve.platform import PlatformError
from serve.processes import MARKER, end_processes
from serve.settings import child_environment

EXIT_BROKEN = 71
LOOK_SECONDS = 0.5
"""How often the cluster's processes are looked at."""
STOP_SECONDS = 30
STARTS = 5
"""How often in a row the cluster may fail to start before the platform gives up."""
PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ClusterOrders:
    """What the cluster's process is told."""

    database_url: str
    redis_url: str
    ray_dashboard_port: int
    blocked_ports: Sequence[int]


class ClusterProcess:
    """One run of the cluster; it imports Ray at once and waits for its orders.

    Args:
        mark: The mark of this run of the platform.
    """

    def __init__(self, mark: str) -> None:
        self._mark = f"{mark}.cluster"
        self._reading, writing = os.pipe()
        told, telling = os.pipe()
        self._telling = os.fdopen(telling, "w", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "serve.cluster_main", str(writing)],
            env=child_environment(**{MARKER: self._mark}),
            cwd=Path(__file__).parent.parent,
            stdin=told,
            pass_fds=[writing],
            # Ctrl-C in a terminal is the platform's to answer.
            start_new_session=True,
        )
        self._ready = False
        os.close(writing)
        os.close(told)

    def open(self, orders: ClusterOrders, stop: threading.Event | None = None) -> str | None:
        """Give it its orders, and wait until it is ready.

        Returns:
            The Ray dashboard's address; None when it ended before, or is to stop.
        """
        try:
            self._telling.write(json.dumps(asdict(orders)) + "\n")
            self._telling.flush()
        except BrokenPipeError:
            return None
        while not (stop and stop.is_set()):
            if select.select([self._reading], [], [], LOOK_SECONDS)[0]:
                dashboard_url = os.read(self._reading, 4096).decode("utf-8")
                self._ready = bool(dashboard_url)
                return dashboard_url or None
        return None

    def runs(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it in good order if it runs, and whatever is left of it."""
        with contextlib.suppress(BrokenPipeError):
            self._telling.close()
        if self._ready:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        end_processes(self._mark, grace_seconds=1)
        self._process.wait()
        os.close(self._reading)


class Cluster:
    """The cluster of a running platform, through all its processes.

    Args:
        mark: The mark of this run of the platform.
        say: Where to tell what becomes of it.
    """

    def __init__(self, mark: str, say: Callable[[str], None]) -> None:
        self._mark = mark
        self._say = say
        self._process = ClusterProcess(mark)

    def open(self, orders: ClusterOrders) -> str:
        """Wait until it is ready for the first time; returns the Ray dashboard's address.

        Raises:
            PlatformError: It does not start.
        """
        dashboard_url = self._process.open(orders)
        if dashboard_url is None:
            # On a busy machine Ray's own processes may miss each other's deadlines once.
            self._say("The cluster did not start; what it said is above. Trying once more.")
            self._process.close()
            self._process = ClusterProcess(self._mark)
            dashboard_url = self._process.open(orders)
        if dashboard_url is None:
            raise PlatformError("The cluster did not start; what it said is above.")
        return dashboard_url

    def keep(self, orders: ClusterOrders, stop: threading.Event) -> None:
        """Start it again whenever it ends, until told to stop.

        Raises:
            PlatformError: It did not start, many times in a row.
        """
        while not stop.wait(LOOK_SECONDS):
            if not self._process.runs():
                self._start_again(orders, stop)

    def _start_again(self, orders: ClusterOrders, stop: threading.Event) -> None:
        begun = time.monotonic()
        for _ in range(STARTS):
            self._say("The cluster has ended. Starting it again; executions go on from there.")
            self._process.close()
            self._process = ClusterProcess(self._mark)
            if self._process.open(orders, stop) is not None:
                self._say(f"The cluster is back after {time.monotonic() - begun:.1f} s.")
                return
            if stop.wait(PAUSE_SECONDS):
                return
        raise PlatformError(f"The cluster did not start, {STARTS} times; what it said is above.")

    def close(self) -> None:
        """End it."""
        self._process.close()
