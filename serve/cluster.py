"""The cluster of a platform: Ray, the supervisor with its executors, Ray Serve."""

import contextlib
import hashlib
import logging
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import ray
from ray import serve as ray_serve
from ray.actor import ActorHandle
from ray.serve.schema import LoggingConfig

from actors.config import ExecutorConfig, SupervisorConfig
from actors.names import NAMESPACE
from actors.supervisor import start_supervisor
from agents.settings import AgentSettings
from serve.agent_settings import (
    agent_settings,
    planner_settings,
    reader_settings,
    service_ports,
)
from serve.api_config import ApiConfig
from serve.deployments import application
from serve.embedded import make_private, ray_folder
from serve.keys import key_place
from serve.parser import ParserConfig
from serve.platform import private_token
from serve.settings import Settings, secrets_from_environment
from store.queue import Bounds

OBJECT_STORE_BYTES = 256 * 1024 * 1024
"""Chunks and their results are small; Ray's own default would take a third of the memory."""
READY_SECONDS = 120
STOP_SECONDS = 15
"""How long executors may take to stop, beside what their nodes are given."""
ASK_SECONDS = 2.0
"""How long the supervisor may stand still after its process has died."""


@contextlib.contextmanager
def open_cluster(
    settings: Settings,
    database_url: str,
    redis_url: str,
    *,
    ray_dashboard_port: int,
    blocked_ports: frozenset[int],
) -> Iterator[str]:
    """Run the cluster for as long as the context lasts.

    Args:
        settings: The platform's settings.
        database_url: The database of this platform, migrated.
        redis_url: Its live view.
        ray_dashboard_port: A free port on loopback.
        blocked_ports: Ports that agents must not reach, beside the API's.

    Yields:
        The Ray dashboard's address.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    key = platform_key(settings)
    blocked = blocked_ports | {ray_dashboard_port} | service_ports(settings)
    with open_ray(settings, ray_dashboard_port) as dashboard_url:
        executor = ExecutorConfig(
            database_url=database_url,
            redis_url=redis_url,
            lease_seconds=settings.lease_seconds,
            agents=agent_settings(settings, blocked, redis_url),
            secrets=secrets_from_environment(),
            log_level=settings.log_level,
            bounds=_bounds(settings),
            drain_seconds=settings.drain_seconds,
            secrets_keys=key_place(settings),
        )
        supervisor = start_supervisor(
            SupervisorConfig(
                settings.executors, executor, key, settings.executors_max, settings.dedicated_max,
                settings.retention_days,
            )
        )  # fmt: skip
        started: ray.ObjectRef[int] = supervisor.ready.remote()
        _start_serve(settings, database_url, redis_url, key, reader_settings(settings, blocked))
        ray.get(started, timeout=READY_SECONDS)
        stopped = threading.Event()
        threading.Thread(
            target=_keep_started, args=(supervisor, stopped), name="supervisor", daemon=True
        ).start()
        try:
            yield dashboard_url
        finally:
            stopped.set()
            if settings.ray_address is not None:
                # A cluster of our own ends as a whole, which is faster.
                ray_serve.shutdown()
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(supervisor.stop.remote(), timeout=settings.drain_seconds + STOP_SECONDS)


def _keep_started(supervisor: ActorHandle[Any], stopped: threading.Event) -> None:
    """Ask for it again and again: one that Ray has started again does nothing until it is asked."""
    while not stopped.wait(ASK_SECONDS):
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(supervisor.ready.remote(), timeout=READY_SECONDS)


def platform_key(settings: Settings) -> bytes:
    """Return the 32 bytes that the platform's signatures are derived from."""
    if settings.secret_key is not None:
        return hashlib.sha256(settings.secret_key.get_secret_value().encode("utf-8")).digest()
    return bytes.fromhex(private_token(settings.home / "key"))


@contextlib.contextmanager
def open_ray(settings: Settings, dashboard_port: int) -> Iterator[str]:
    """Run Ray, or join the cluster that the settings name; yields where its dashboard is."""
    if settings.ray_address is not None:
        ray.init(address=settings.ray_address, namespace=NAMESPACE, log_to_driver=False)
        try:
            yield "see the cluster's own dashboard"
        finally:
            ray.shutdown()
        return
    folder = ray_folder(settings.home)
    # Sessions of earlier starts, with their logs; nothing of them runs any more.
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    ray.init(
        address="local",
        namespace=NAMESPACE,
        include_dashboard=True,
        dashboard_host="127.0.0.1",
        dashboard_port=dashboard_port,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
        configure_logging=False,
        _temp_dir=str(folder),
    )
    try:
        yield f"http://127.0.0.1:{dashboard_port}"
    finally:
        ray.shutdown()


def _start_serve(
    settings: Settings, database_url: str, redis_url: str, key: bytes, readers: AgentSettings
) -> None:
    config = ApiConfig(
        database_url=database_url,
        redis_url=redis_url,
        base_url=settings.base_url,
        lease_seconds=settings.lease_seconds,
        webhook_key=key,
        secret_names=tuple(sorted(secrets_from_environment())),
        smtp_configured=settings.smtp_url is not None,
        secrets_keys=key_place(settings),
        allowed_hosts=settings.allowed_hosts,
        allow_loopback=settings.allow_loopback,
        bounds=_bounds(settings),
    )
    ray_serve.start(
        proxy_location="HeadOnly",
        http_options={"host": settings.host, "port": settings.port},
        # Requests are counted and timed by `serve/metrics.py`; a line for each, even one that no
        # handler takes, costs as much as a tenth of it.
        logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False),
    )
    parser = ParserConfig(planner_settings(settings), readers, redis_url, settings.log_level)
    served = application(config, parser, settings.api_replicas)
    ray_serve.run(served, name="weft", route_prefix="/")


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.executor_capacity, tenant_most=settings.tenant_executions)
