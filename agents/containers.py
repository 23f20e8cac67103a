"""Programs in containers of a Docker or Podman engine, each for one call, shut off from all else.

A container has no network but a door to its hosts, if it has any (see `agents.container_network`),
no writable files but a small /tmp, no privileges and an unprivileged user; its memory, processors,
processes, output and time are bounded. Images are never fetched: the operator decides which ones
there are. A container outlives its call only when this process is killed meanwhile; the next
process that opens the engine removes it.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
import requests
import structlog
from docker.models.containers import Container
from docker.types import LogConfig, Ulimit

from agents.container_network import ENVIRONMENT, Door
from agents.container_parameters import ContainerParameters
from agents.container_talk import Talk
from agents.errors import AgentError

log = structlog.get_logger(__name__)

CONTAINERS_AT_ONCE = 4
"""Containers of one process that run at the same time."""
MAX_OUTPUT_BYTES = 8 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 300
_PROCESSES = 128
_PROCESSES_OF_ALL = 4096
"""The kernel counts `nproc` for a user, not for a container, and all containers have one user."""
LIMITS = [
    Ulimit(name=name, soft=most, hard=most)
    for name, most in (("nofile", 1024), ("nproc", _PROCESSES_OF_ALL), ("core", 0))
]
"""Said for each container: an engine may not be allowed to set its own defaults."""
_ENGINE_SECONDS = 30.0
_GRACE_SECONDS = 60
"""How long after its own bound a container counts as left behind."""
_NOBODY = "65534:65534"
_REMOVALS, _AGAIN_SECONDS = 5, 0.2
"""How often a container's removal is tried, and the pause between."""
_LABEL = "weft.ends_at"
_HEAD = struct.Struct(">BxxxL")
"""How the engine marks each piece of output: stream and length; see Docker's Engine API, attach."""
_STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True)
class Contained:
    """A program to run once."""

    place: ContainerParameters
    seconds: float
    """The bound of its time."""
    label: str
    """Whose it is, for people who look at the engine."""
    door: Door | None = None
    """Its way to hosts; None: there is none."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program left."""

    output: bytes
    seconds: float


Running = asyncio.Future[Ended]


class Containers:
    """The engine; get one from `open_containers`."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        # Of its own: a thread waits for each container, and others need the loop's.
        self._threads = ThreadPoolExecutor(CONTAINERS_AT_ONCE, "container")

    async def run(self, program: Contained, data: bytes) -> Ended:
        """Run a program to its end, with some input.

        Raises:
            AgentError: It fails or passes a limit, or its image is not there (final); the engine
                does not answer (retryable).
        """
        async with self._running(program) as (talk, running):
            talk.send(data)
            talk.send(b"")
            return await asyncio.shield(running)

    @asynccontextmanager
    async def talking(self, program: Contained) -> AsyncIterator[Talk]:
        """Run a program that is spoken with, until the context ends.

        Raises:
            AgentError: See `run`, when the program ended first.
        """
        async with self._running(program) as (talk, running):
            try:
                yield talk
            except Exception as error:
                if not talk.over:
                    raise
                await asyncio.shield(running)
                raise AgentError(f"The container {program.place.image} ended.") from error

    @asynccontextmanager
    async def _running(self, program: Contained) -> AsyncIterator[tuple[Talk, Running]]:
        talk = Talk()
        running = asyncio.get_running_loop().run_in_executor(
            self._threads, self._run, program, talk
        )
        try:
            yield talk, running
        finally:
            # What began the container ends it: nothing of a cancelled attempt goes on.
            talk.stop.set()
            with suppress(AgentError):
                await asyncio.shield(running)

    def close(self) -> None:
        """Close the connection; what runs is no longer waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _run(self, program: Contained, talk: Talk) -> Ended:
        began = time.monotonic()
        image = program.place.image
        with _explained(image), closing(talk):
            container = self._create(program)
            try:
                output, errors, fault = _exchange(container, program, talk)
                if fault is None:
                    fault = _fault(container, errors)
                if fault is not None:
                    raise AgentError(f"The container {image} {fault}.")
                return Ended(output, round(time.monotonic() - began, 3))
            finally:
                _remove(container)

    def _create(self, program: Contained) -> Container:
        place = program.place
        return self._client.containers.create(
            place.image,
            list(place.command) if place.command is not None else None,
            environment=dict(ENVIRONMENT) if program.door else None,
            stdin_open=True,
            user=_NOBODY,
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": "size=64m,mode=1777"},  # noqa: S108 - the container's own
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=place.memory_mb * 1024 * 1024,
            memswap_limit=place.memory_mb * 1024 * 1024,
            nano_cpus=int(place.cpus * 1e9),
            pids_limit=_PROCESSES,
            ulimits=LIMITS,
            log_config=LogConfig(type="none"),
            labels={"weft": program.label, _LABEL: str(int(time.time() + program.seconds))},
        )

    def remove_old(self) -> None:
        """Remove the containers of processes that were killed."""
        for container in self._client.containers.list(all=True, filters={"label": _LABEL}):
            with suppress(docker.errors.NotFound, ValueError):
                if int(container.labels[_LABEL]) + _GRACE_SECONDS < time.time():
                    log.warning("containers.left_behind", container=container.name)
                    _remove(container)


@asynccontextmanager
async def open_containers(url: str | None) -> AsyncIterator[Containers]:
    """Open the engine at an address such as `unix:///var/run/docker.sock`.

    Raises:
        AgentError: The operator named none (final), or it does not answer (retryable).
    """
    if url is None:
        raise AgentError(
            "No container engine is configured.",
            remedy="Let the operator set WEFT_CONTAINERS_URL to the address of a Docker or Podman "
            "engine.",
        )
    with _explained(""):
        await asyncio.to_thread(knock, url)
        client = docker.DockerClient(base_url=url, timeout=int(_ENGINE_SECONDS))
        try:
            containers = Containers(client)
            await asyncio.to_thread(containers.remove_old)
        except BaseException:
            client.close()
            raise
    try:
        yield containers
    finally:
        containers.close()


def engine_version(url: str) -> str:
    """Return the version of an engine.

    Raises:
        AgentError: It does not answer.
    """
    with _explained(""):
        knock(url)
        client = docker.DockerClient(base_url=url, timeout=int(_ENGINE_SECONDS))
        try:
            return str(client.version()["Version"])
        finally:
            client.close()


def knock(url: str) -> None:
    """Connect to an engine's socket once: the client leaves those open that it cannot connect.

    Raises:
        OSError: Nobody listens there.
    """
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ENGINE_SECONDS)
            connection.connect(url.removeprefix("unix://"))


@contextmanager
def _explained(image: str) -> Iterator[None]:
    """Say in our words what the engine says."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise AgentError(
            f"The container engine has no image {image}.",
            remedy=f"Let the operator fetch it there: docker pull {image}.",
        ) from error
    except docker.errors.APIError as error:
        shown = str(error.explanation or error)[:_SHOWN_CHARACTERS]
        server = error.is_server_error() and not image
        raise AgentError(f"The container engine refuses {image}: {shown}", retryable=server) from (
            error
        )
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise AgentError("The container engine does not answer.", retryable=True) from error


def _exchange(
    container: Container, program: Contained, talk: Talk
) -> tuple[bytes, bytes, str | None]:
    """Give a program its input and take its output; the fault is one of passing a limit."""
    attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    connection: socket.socket = getattr(attached, "_sock", attached)
    connection.settimeout(0.2)
    try:
        container.start()
        if program.door is not None:
            # Before the input: whoever reads that first finds the door open.
            _open_door(container, program.door)
        threading.Thread(target=_write, args=(connection, talk), daemon=True).start()
        return _read(connection, time.monotonic() + program.seconds, program, talk)
    finally:
        talk.close()
        # The client keeps the answer that was turned into this connection, so that it stays open.
        if (answer := getattr(attached, "_response", None)) is not None:
            answer.close()
        attached.close()
        connection.close()


def _open_door(container: Container, door: Door) -> None:
    container.reload()
    state: dict[str, Any] = container.attrs["State"]
    if state.get("Pid"):
        door.open(int(state["Pid"]), str(container.id))


def _write(connection: socket.socket, talk: Talk) -> None:
    # A program need not read what it is given: then its end closes the connection.
    with suppress(OSError):
        while data := talk.next_input():
            view = memoryview(data)
            while view:
                with suppress(TimeoutError):
                    view = view[connection.send(view) :]
        connection.shutdown(socket.SHUT_WR)


def _read(
    connection: socket.socket, until: float, program: Contained, talk: Talk
) -> tuple[bytes, bytes, str | None]:
    output, errors, pending = bytearray(), bytearray(), bytearray()
    while True:
        if time.monotonic() > until:
            return b"", bytes(errors), f"took longer than {program.seconds:g} s"
        if talk.stop.is_set():
            return b"", bytes(errors), "was cancelled"
        try:
            received = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            received = b""
        if not received:
            return bytes(output), bytes(errors), None
        pending += received
        for stream, piece in _pieces(pending):
            if stream == _STANDARD_ERROR:
                errors += piece
            else:
                output += piece
                talk.hear(piece)
        del errors[:-_MAX_ERROR_BYTES]
        if len(output) > MAX_OUTPUT_BYTES:
            return b"", bytes(errors), f"wrote more than {MAX_OUTPUT_BYTES} bytes"


def _pieces(pending: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the whole pieces off the front of what was received."""
    while len(pending) >= _HEAD.size:
        stream, length = _HEAD.unpack_from(pending)
        end = _HEAD.size + min(length, MAX_OUTPUT_BYTES + 1)
        if len(pending) < end:
            return
        yield stream, bytes(pending[_HEAD.size : end])
        del pending[:end]


def _fault(container: Container, errors: bytes) -> str | None:
    """Say how a program failed that has ended by itself; None: it did not."""
    code = container.wait(timeout=_ENGINE_SECONDS)["StatusCode"]
    if code == 0:
        return None
    container.reload()
    state: dict[str, Any] = container.attrs.get("State", {})
    if state.get("OOMKilled"):
        return "used more memory than it may"
    shown = errors[-_SHOWN_CHARACTERS:].decode(errors="replace").strip()
    return f"ended with status {code}: {shown}" if shown else f"ended with status {code}"


def _remove(container: Container) -> None:
    for left in reversed(range(_REMOVALS)):
        try:
            container.remove(force=True)
        except docker.errors.NotFound:
            pass
        except (docker.errors.DockerException, requests.RequestException) as error:
            # Podman refuses while the program happens to end by itself.
            if left:
                time.sleep(_AGAIN_SECONDS)
                continue
            log.warning("containers.not_removed", container=container.name, error=str(error))
        return
