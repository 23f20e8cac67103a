"""The platform's process: embedded services, then the cluster, which is started again if it ends.

Everything is opened as a context, so that stopping closes it in reverse, and a last sweep ends
whatever process is still left. Run as `python -m serve.main`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

from agents.jail import missing_jail
from serve.cluster_process import Cluster, ClusterOrders
from serve.embedded import EmbeddedError, embedded_postgres, embedded_redis
from serve.haproxy import haproxy_environment
from serve.platform import (
    PlatformError,
    Running,
    check_port,
    free_ports,
    only_one,
    prepare_home,
    state_path,
)
from serve.processes import MARKER, end_processes, new_mark, own_mark, platform_id, start_reaper
from serve.settings import Settings, SettingsError, child_environment, export, load_settings
from store.accounts import create_account, token_is_known
from store.errors import StoreError
from store.migrate import migrate

EXIT_NOT_STARTED = 1


def main() -> int:
    """Run the platform until SIGTERM or SIGINT; returns the exit code."""
    begun = time.monotonic()
    try:
        settings = load_settings()
        prepare_home(settings.home)
        with only_one(settings.home):
            _run(settings, begun)
    except (PlatformError, EmbeddedError, StoreError, SettingsError) as error:
        _say(f"Weft did not start: {error}")
        return EXIT_NOT_STARTED
    return 0


def _on_signal(action: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: action())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _run(settings: Settings, begun: float) -> None:
    stop = threading.Event()
    _on_signal(lambda: sys.exit(EXIT_NOT_STARTED))
    platform = platform_id(settings.home)
    mark = own_mark()
    if mark is None:
        # Started by hand. The system shows the environment a process began with, so begin again.
        environment = child_environment(**{MARKER: new_mark(platform)})
        os.execve(sys.executable, [sys.executable, "-m", "serve.main"], environment)  # noqa: S606
    if left := end_processes(platform):
        _say(f"Ended {left} processes that an earlier platform had left.")
    check_port(settings)
    reaper = start_reaper(mark)
    try:
        with contextlib.ExitStack() as stack:
            state, cluster, orders = _open(settings, mark, stack)
            _on_signal(stop.set)
            _say(f"Weft is ready at {state.url} after {time.monotonic() - begun:.1f} s.")
            _say(f"Ray dashboard: {state.ray_dashboard_url}")
            if settings.allow_loopback:
                _say("Agents may reach this machine's own addresses; WEFT_ALLOW_LOOPBACK=0: not.")
            if why := missing_jail():
                _say(f"Scripts run without walls around the interpreter: {why}.")
            cluster.keep(orders, stop)
            _say("Stopping …")
            state_path(settings.home).unlink(missing_ok=True)
    finally:
        state_path(settings.home).unlink(missing_ok=True)
        end_processes(platform, grace_seconds=1)
        reaper.kill()
        reaper.wait()
    _say("Stopped.")


def _open(
    settings: Settings, mark: str, stack: contextlib.ExitStack
) -> tuple[Running, Cluster, ClusterOrders]:
    ports = free_ports(5)
    haproxy, variables = haproxy_environment(settings.home, ports[:4])
    stack.callback(shutil.rmtree, haproxy, ignore_errors=True)
    export(variables)
    export(ray_variables(settings))
    with contextlib.ExitStack() as starting:
        # Importing Ray takes seconds of CPU; meanwhile the databases come up.
        cluster = Cluster(mark, _say)
        starting.callback(cluster.close)
        database_url, redis_url = _open_services(settings, stack)
        ran = asyncio.run(migrate(database_url))
        if ran:
            _say(f"The database is at this version's schema ({ran} migrations ran).")
        _keep_token(settings, database_url)
        orders = ClusterOrders(database_url, redis_url, ports[4], ports)
        ray_dashboard_url = cluster.open(orders)
        # It ends before the databases do.
        stack.push(starting.pop_all())
    state = Running(settings.base_url, os.getpid(), ray_dashboard_url)
    state_path(settings.home).write_text(json.dumps(asdict(state)), encoding="utf-8")
    return state, cluster, orders


def _open_services(settings: Settings, stack: contextlib.ExitStack) -> tuple[str, str]:
    environment = child_environment()
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None:
        database_url = stack.enter_context(embedded_postgres(settings.home, environment))
        _say("PostgreSQL: embedded.")
    if redis_url is None:
        redis_url = stack.enter_context(embedded_redis(settings.home, environment))
        _say("Redis: embedded.")
    return database_url, redis_url


def _keep_token(settings: Settings, database_url: str) -> None:
    """Create the first account of a new database; its token is printed once and kept."""
    path = settings.home / "token"
    if path.exists() and asyncio.run(token_is_known(database_url, path.read_text().strip())):
        return
    token = asyncio.run(create_account(database_url, "My organization", "me@localhost", "Me"))
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token)
    _say(f"Your token, shown this once and kept in {path}: {token}")


def ray_variables(settings: Settings) -> dict[str, str]:
    """Return what Ray reads from the environment when it is imported."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(settings.home / "ray-token"),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray's default lets any other program of the machine go first.
        "RAY_worker_niceness": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # Idle chunk workers stay warm for the next map.
        "RAY_idle_worker_killing_time_threshold_ms": "60000",
        # Serve's controller looks round ten times a second, for 4 % of a core: replicas are few
        # and rarely die.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.3",
    }


if __name__ == "__main__":
    sys.exit(main())
