"""The cluster of a platform: Ray, the supervisor with its executors, Ray Serve."""

import base64
import contextlib
import hashlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import ray
from ray import serve as ray_serve

from actors.config import ExecutorConfig, SupervisorConfig
from actors.names import NAMESPACE
from actors.supervisor import start_supervisor
from agents.settings import AgentSettings
from serve.api_config import ApiConfig
from serve.deployments import application
from serve.embedded import make_private, socket_folder
from serve.platform import private_token
from serve.settings import Settings, secrets_from_environment

OBJECT_STORE_BYTES = 256 * 1024 * 1024
"""Chunks and their results are small; Ray's own default would take a third of the memory."""
READY_SECONDS = 120


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
    with _ray(settings, ray_dashboard_port) as dashboard_url:
        executor = ExecutorConfig(
            database_url=database_url,
            redis_url=redis_url,
            lease_seconds=settings.lease_seconds,
            agents=agent_settings(settings, blocked_ports | {ray_dashboard_port}),
            secrets=secrets_from_environment(),
            log_level=settings.log_level,
        )
        supervisor = start_supervisor(
            SupervisorConfig(settings.executors, executor, key, settings.retention_days)
        )
        started: ray.ObjectRef[int] = supervisor.ready.remote()
        _start_serve(settings, database_url, redis_url, key)
        ray.get(started, timeout=READY_SECONDS)
        try:
            yield dashboard_url
        finally:
            if settings.ray_address is not None:
                # A cluster of our own ends as a whole, which is faster.
                ray_serve.shutdown()
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(supervisor.stop.remote(), timeout=15)


def platform_key(settings: Settings) -> bytes:
    """Return the 32 bytes that the platform's signatures are derived from."""
    if settings.secret_key is not None:
        return hashlib.sha256(settings.secret_key.get_secret_value().encode("utf-8")).digest()
    return bytes.fromhex(private_token(settings.home / "key"))


@contextlib.contextmanager
def _ray(settings: Settings, dashboard_port: int) -> Iterator[str]:
    if settings.ray_address is not None:
        ray.init(address=settings.ray_address, namespace=NAMESPACE, log_to_driver=False)
        try:
            yield "see the cluster's own dashboard"
        finally:
            ray.shutdown()
        return
    folder = socket_folder(settings.home).with_name(_ray_folder(settings.home))
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


def _ray_folder(home: Path) -> str:
    """Name Ray's folder as short as can be: its sockets' paths have 107 bytes at most."""
    digest = hashlib.sha256(str(home.resolve()).encode("utf-8")).digest()[:5]
    return "wr" + base64.b32encode(digest).decode("ascii").lower()


def _start_serve(settings: Settings, database_url: str, redis_url: str, key: bytes) -> None:
    config = ApiConfig(
        database_url=database_url,
        redis_url=redis_url,
        base_url=settings.base_url,
        lease_seconds=settings.lease_seconds,
        webhook_key=key,
        secret_names=tuple(sorted(secrets_from_environment())),
        smtp_configured=settings.smtp_url is not None,
    )
    ray_serve.start(
        proxy_location="HeadOnly", http_options={"host": settings.host, "port": settings.port}
    )
    ray_serve.run(application(config, settings.api_replicas), name="weft", route_prefix="/")


def agent_settings(settings: Settings, blocked_ports: frozenset[int]) -> AgentSettings:
    """Return the agents' settings of a platform."""
    return AgentSettings(
        allow_loopback=settings.allow_loopback,
        blocked_ports=blocked_ports | {settings.port},
        openai_api_key=settings.openai_api_key,
        anthropic_api_key=settings.anthropic_api_key,
        openai_base_url=settings.openai_base_url,
        default_model=settings.default_model,
        smtp_url=settings.smtp_url,
        email_sender=settings.email_sender,
        default_database_url=settings.agent_database_url,
        chromium_path=settings.chromium_path,
    )
