"""CPU of an idle platform, above that of an empty Ray Serve with HAProxy and two empty actors.

Both run side by side on this machine, and the CPU time of all their processes is read before and
after the same minute. The platform has PostgreSQL, Redis, its API, parser, supervisor, executors.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import psutil

from benchmarks.figures import write
from serve.haproxy import haproxy_environment
from serve.main import ray_variables
from serve.platform import free_ports, prepare_home, start_background, stop_platform
from serve.processes import MARKER, end_processes, new_mark, platform_id, platform_processes
from serve.settings import child_environment, export, load_settings

SETTLE_SECONDS = 60
MEASURE_SECONDS = 60
READY = "ready"
SERVE_DEFAULTS = {"RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.1"}
"""What the platform sets otherwise."""
ROOT = Path(__file__).parent.parent


def run_empty() -> None:
    """Be the empty one: Ray, Ray Serve with HAProxy and one replica, two actors; until told."""
    settings = load_settings()
    prepare_home(settings.home)
    ports = free_ports(5)
    _, variables = haproxy_environment(settings.home, ports[:4])
    export(variables)
    export(ray_variables(settings) | SERVE_DEFAULTS)
    # Ray reads its variables when it is imported.
    ray, ray_serve = import_module("ray"), import_module("ray.serve")
    cluster = import_module("serve.cluster")

    class Nothing:
        async def __call__(self) -> str:
            return "nothing"

    with cluster.open_ray(settings, ports[4]):
        ray_serve.start(
            proxy_location="HeadOnly", http_options={"host": settings.host, "port": settings.port}
        )
        deployment = ray_serve.deployment(ray_actor_options={"num_cpus": 0})(Nothing)
        ray_serve.run(deployment.bind(), route_prefix="/")
        actors = [ray.remote(Nothing).options(num_cpus=0).remote() for _ in range(2)]
        ray.get([actor.__call__.remote() for actor in actors])
        print(READY, flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def empty_one(home: Path) -> Iterator[None]:
    """Run the empty one beside this process."""
    environment = child_environment(
        **{MARKER: new_mark(platform_id(home)), "WEFT_HOME": str(home),
           "WEFT_PORT": str(free_ports(1)[0])}
    )  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.idle", "--empty"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert any(line.strip() == READY for line in process.stdout)
            yield
        finally:
            process.stdin.close()
            process.wait(60)
            end_processes(platform_id(home))


def cpu_seconds(home: Path) -> dict[tuple[int, str], float]:
    """Return what each process of a platform has used so far, by its number and name."""
    found: dict[tuple[int, str], float] = {}
    marked = platform_processes(platform_id(home))
    for process in {*marked, *_descendants(marked)}:
        with contextlib.suppress(psutil.NoSuchProcess):
            name = re.sub(r"[\d/].*", "", " ".join(process.cmdline())[:60]) or process.name()
            found[process.pid, name.strip()] = sum(process.cpu_times()[:2])
    return found


def _descendants(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    """Yield what processes have started: PostgreSQL's hide their environment and so their mark."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from process.children(recursive=True)


def used(
    before: dict[tuple[int, str], float], after: dict[tuple[int, str], float]
) -> dict[str, float]:
    """Return the CPU seconds between two readings by the processes' names."""
    names: dict[str, float] = {}
    for key, seconds in after.items():
        names[key[1]] = names.get(key[1], 0.0) + seconds - before.get(key, 0.0)
    return names


def percent(names: dict[str, float]) -> dict[str, float]:
    """Return shares of a core in percent, the largest first, what is next to nothing left out."""
    shares = {
        name: round(100 * s / MEASURE_SECONDS, 2)
        for name, s in sorted(names.items(), key=lambda one: -one[1])
    }
    return {name: share for name, share in shares.items() if share >= 0.05}


def main() -> None:
    """Start both, let them settle, measure, write, stop."""
    folder = Path(tempfile.mkdtemp(prefix="weft-idle-"))
    homes = folder / "platform", folder / "empty"
    os.environ |= {"WEFT_HOME": str(homes[0]), "WEFT_PORT": str(free_ports(1)[0])}
    try:
        start_background(load_settings())
        with empty_one(homes[1]):
            time.sleep(SETTLE_SECONDS)
            before = [cpu_seconds(home) for home in homes]
            time.sleep(MEASURE_SECONDS)
            after = [cpu_seconds(home) for home in homes]
    finally:
        stop_platform(homes[0])
        shutil.rmtree(folder, ignore_errors=True)
    platform, empty = (used(*pair) for pair in zip(before, after, strict=True))
    figures = {
        "measured_seconds": MEASURE_SECONDS,
        "platform_percent_of_a_core": round(100 * sum(platform.values()) / MEASURE_SECONDS, 2),
        "empty_percent_of_a_core": round(100 * sum(empty.values()) / MEASURE_SECONDS, 2),
        "above_percent_of_a_core": round(
            100 * (sum(platform.values()) - sum(empty.values())) / MEASURE_SECONDS, 2
        ),
        "platform": percent(platform),
        "empty": percent(empty),
    }
    claim = "an idle platform uses little more CPU than an empty Ray Serve with two empty actors"
    print(write("idle", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    if "--empty" in sys.argv:
        run_empty()
    else:
        main()
