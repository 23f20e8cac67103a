"""A program of its own: listens inside of a container's network and hands the socket back.

`agents.container_network` runs it by its path, with the standard library alone. A process that
enters another network must not stay in it by mistake, and only one without threads may enter the
users of an engine without privileges; this one ends when it has done it.
"""

import ctypes
import errno
import os
import socket
import sys
from pathlib import Path

_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000
_WAITING = 64
GONE = 3
"""The exit status when the container has ended."""


def main(process: str, container: str, port: str, back: str) -> None:
    """Listen on a port of the network of a container's process, and send the socket on.

    Everything is read through one open folder, so that a number that has passed on to another
    process meanwhile leads nowhere.
    """
    try:
        place = os.open(f"/proc/{process}", os.O_RDONLY | os.O_DIRECTORY)
        network = os.open("ns/net", os.O_RDONLY, dir_fd=place)
        with os.fdopen(os.open("mountinfo", os.O_RDONLY, dir_fd=place), encoding="utf-8") as mounts:
            is_the_container = container in mounts.read()
    except (FileNotFoundError, ProcessLookupError):
        sys.exit(GONE)
    if not is_the_container:
        sys.exit(f"process {process} of this machine is not the container's")
    if os.path.samestat(os.fstat(network), Path("/proc/self/ns/net").stat()):
        sys.exit("the container has no network of its own")
    _enter(place, network)
    with (
        socket.create_server(("127.0.0.1", int(port)), backlog=_WAITING) as listening,
        socket.socket(fileno=int(back)) as connection,
    ):
        socket.send_fds(connection, [b"+"], [listening.fileno()])


def _enter(place: int, network: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(network, _NEW_NETWORK) == 0:
        return
    if ctypes.get_errno() == errno.EPERM:
        # An engine without privileges: this user rules over the users of the container.
        users = os.open("ns/user", os.O_RDONLY, dir_fd=place)
        if not (library.setns(users, _NEW_USER) or library.setns(network, _NEW_NETWORK)):
            return
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.strerror}")
