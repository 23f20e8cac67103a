"""The one way out of a container that may reach hosts: a proxy that listens inside of its network.

A container has no network but a loopback of its own. There this process listens, and what connects
is served by the forward proxy out here, which resolves, checks and connects as for everything else.
So the engine's network and its rules have no part in what is reached.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from agents import enter_network
from agents.bound import SecretRefused, confined, covered, held
from agents.egress import Egress
from agents.errors import AgentError
from agents.proxy import Proxy

PORT: Final = 3128
"""Where the proxy listens, inside."""
MOST_CONNECTIONS_AT_ONCE = 32
MOST_CONNECTIONS = 1000
"""Connections of one container in all: then nothing listens any more."""
ENVIRONMENT: Final = {
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{PORT}"
    ),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
}
"""What tells programs of the proxy; an image's own exceptions do not hold."""
_ENTER_SECONDS = 10.0
_CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_SYS_PTRACE": 19}
ENTER_REMEDY: Final = (
    "Run the engine on the executors' machine, as their own user or with executors that have "
    "CAP_SYS_ADMIN and CAP_SYS_PTRACE; agents without `hosts` need none of it."
)


class Door:
    """A container's way out; get one from `open_door`."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()

    def open(self, process: int, container_id: str) -> bool:
        """Listen inside of a container; called in a thread.

        Returns:
            Whether it does: not when the container has ended.

        Raises:
            AgentError: Its network cannot be entered.
        """
        listening = _listen(process, container_id)
        if listening is None:
            return False
        begun = asyncio.run_coroutine_threadsafe(self._proxy.listen(listening), self._loop)
        begun.result(_ENTER_SECONDS)
        return True


@asynccontextmanager
async def open_door(
    egress: Egress, url: str | None, hosts: Sequence[str]
) -> AsyncIterator[Door | None]:
    """Give a way to some hosts, as far as the running attempt may reach them; without hosts none.

    Args:
        egress: What may be connected to.
        url: The engine's address.
        hosts: Those that the container may reach.

    Raises:
        SecretRefused: The attempt holds a secret that is not meant for one of the hosts; the
            program could send it there.
        AgentError: Containers of this engine cannot be entered from here.
    """
    if not hosts:
        yield None
        return
    for secret in held():
        for host in hosts:
            if not covered(host, secret.hosts):
                raise SecretRefused(secret, host)
    if fault := entering_fault(url or ""):
        raise AgentError(f"Containers cannot reach hosts here: {fault}.", remedy=ENTER_REMEDY)
    with confined(hosts):
        proxy = Proxy(egress, MOST_CONNECTIONS_AT_ONCE, MOST_CONNECTIONS)
    async with proxy:
        yield Door(proxy)


def entering_fault(url: str) -> str:
    """Say why the networks of an engine's containers cannot be entered; empty: they can."""
    if not url.startswith("unix://"):
        return "the engine is not on this machine"
    if not sys.platform.startswith("linux"):
        return "this machine is no Linux"
    told = Path("/proc/self/status").read_text(encoding="utf-8")
    rights = int(told.partition("CapEff:")[2].split()[0], 16)
    missing = [name for name, bit in _CAPABILITIES.items() if not rights >> bit & 1]
    try:
        owner = Path(url.removeprefix("unix://")).stat().st_uid
    except OSError:
        return ""  # Nobody answers there, which shows by itself.
    us = os.getuid()
    if missing and (us == 0 or owner != us):
        return f"the executors lack {' and '.join(missing)}"
    return ""


def _listen(process: int, container_id: str) -> socket.socket | None:
    """Return a socket that listens inside of a container; None: it has ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        words = [str(process), container_id, str(PORT), str(theirs.fileno())]
        program = enter_network.__file__
        try:
            ran = subprocess.run(  # noqa: S603 - our own words
                [sys.executable, "-I", "-S", program, *words],
                pass_fds=[theirs.fileno()], env={}, cwd="/", timeout=_ENTER_SECONDS,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise AgentError(
                "The container's network was not entered in time.", retryable=True
            ) from error
        if ran.returncode == enter_network.GONE:
            return None
        if ran.returncode:
            raise AgentError(
                f"The container's network cannot be entered: {ran.stderr.strip()[-200:]}.",
                remedy=ENTER_REMEDY,
            )
        _, [descriptor, *_], _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
    return socket.socket(fileno=descriptor)
