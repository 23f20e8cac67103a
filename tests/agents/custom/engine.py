"""A container engine for tests: the machine's own or Podman's, with an image of a few tools."""

import io
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests

from agents.containers import LIMITS, knock
from tests.agents.custom.making import definition

IMAGE = "weft.test/shell-and-curl:latest"
_PROGRAMS = ("/bin/sh", "/bin/bash", "/bin/cat", "/bin/sleep", "/bin/echo", "/bin/dd", "/bin/ls",
             "/usr/bin/id", "/usr/bin/curl")  # fmt: skip
_SOCKET = Path("/var/run/docker.sock")


@contextmanager
def container_engine() -> Iterator[str]:
    """Give the address of an engine that has the image.

    Raises:
        RuntimeError: There is none that runs containers; says why.
    """
    if _SOCKET.is_socket():
        address = f"unix://{_SOCKET}"
        _provide(address)
        yield address
        return
    podman = shutil.which("podman")
    if podman is None:
        raise RuntimeError("neither a Docker engine nor Podman is on this machine")
    folder = Path(tempfile.mkdtemp(prefix="weft-podman-"))
    address = f"unix://{folder}/podman.sock"
    runtime = ["--runtime", "runc"] if shutil.which("runc") else []
    service = subprocess.Popen(  # noqa: S603 - our own words
        [podman, *runtime, "system", "service", "--time=0", address],
        stderr=subprocess.DEVNULL,
        # What it starts leaves files where it stands.
        cwd=folder,
    )
    try:
        _wait_for(address)
        _provide(address)
        yield address
    finally:
        service.terminate()
        service.wait()
        shutil.rmtree(folder)


def container(*command: str, **changes: Any) -> dict[str, Any]:
    """Return the definition of a container that runs a shell's command."""
    parameters = {"n": {"type": "integer"}}
    implementation = {"type": "docker_container", "image": IMAGE, "timeout_seconds": 20,
                      "command": ["/bin/sh", "-c", *command], **changes}  # fmt: skip
    return definition(implementation, parameters)


def containers_of(address: str) -> list[str]:
    """Return the names of the engine's containers that agents started."""
    client = docker.DockerClient(base_url=address, timeout=20)
    try:
        found = client.containers.list(all=True, filters={"label": "weft"})
        return [one.name for one in found]
    finally:
        client.close()


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            knock(address)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"Podman's service does not answer: {error}") from error


def _provide(address: str) -> None:
    """Make the image, and see whether the engine may run anything on this machine."""
    client = docker.DockerClient(base_url=address, timeout=60)
    try:
        repository, tag = IMAGE.split(":")
        client.api.import_image_from_data(_layer(), repository=repository, tag=tag)
        client.containers.run(
            IMAGE, ["/bin/echo"], network_mode="none", remove=True, ulimits=LIMITS
        )
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise RuntimeError(f"the engine runs no containers here: {error}") from error
    finally:
        client.close()


def _layer() -> bytes:
    """Return the programs of this machine, with the libraries that they load, as an archive."""
    files = set()
    for program in _PROGRAMS:
        files.add(program)
        told = subprocess.run(  # noqa: S603 - our own words
            [shutil.which("ldd") or "/usr/bin/ldd", program],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        files.update(word for word in told.split() if word.startswith("/"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
        for name in sorted(files):
            with suppress(FileNotFoundError):
                archive.add(name, arcname=name.lstrip("/"))
    return packed.getvalue()
