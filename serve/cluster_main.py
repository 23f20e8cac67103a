"""The cluster's own process: runs it until it is told to stop, and ends when Ray is broken.

Ray's driver cannot go on without its GCS and its raylet, nor begin again in the same process. So
this one ends with them, and the platform's process starts another. Run as `python -m
serve.cluster_main DESCRIPTOR` with the orders as the first line of its input; the end of the input
tells it to stop, and the descriptor is written to when the cluster is ready.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence

import psutil

from serve.cluster import open_cluster
from serve.cluster_process import EXIT_BROKEN, LOOK_SECONDS, ClusterOrders
from serve.ray_metrics import start_copying
from serve.settings import load_settings

HEADS = ("gcs_server", "raylet")
"""The processes of Ray that nothing goes on without; children of the driver's process."""


def main() -> int:
    """Run the cluster; returns the exit code."""
    line = sys.stdin.readline()
    if not line:
        return 0
    orders = ClusterOrders(**json.loads(line))
    told = threading.Event()
    with open_cluster(
        load_settings(),
        orders.database_url,
        orders.redis_url,
        ray_dashboard_port=orders.ray_dashboard_port,
        blocked_ports=frozenset(orders.blocked_ports),
    ) as dashboard_url:
        start_copying(orders.database_url)
        threading.Thread(target=_listen, args=(told,), name="orders", daemon=True).start()
        heads = [child for child in psutil.Process().children() if child.name() in HEADS]
        with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as ready:
            ready.write(dashboard_url)
        _watch(heads, told)
    return 0


def _listen(told: threading.Event) -> None:
    sys.stdin.read()
    told.set()


def _watch(heads: Sequence[psutil.Process], told: threading.Event) -> None:
    """Wait until told to stop; when Ray is broken, end this process at once."""
    while not told.wait(LOOK_SECONDS):
        for head in heads:
            if not _lives(head):
                sys.stderr.write(f"Ray's process {head.pid} has ended: the cluster is broken.\n")
                sys.stderr.flush()
                # Whatever is left of Ray would wait for it.
                os._exit(EXIT_BROKEN)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    sys.exit(main())
