"""Finding Chromium, and running it so that several processes of this machine can use it.

Playwright's own server drives it over a pipe and listens on a socket in a folder that only this
user can open. A port would have no lock: whoever asks it for `/json` is told the path that is meant
to be its password.
"""

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable, get_driver_env

from agents.errors import AgentError

HOW_TO_GET_ONE = (
    "Install one with `apt-get install chromium` or `playwright install chromium`, "
    "or set mode to http."
)
_SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
)
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_NOBODY = 1
"""A port that nobody listens on."""
_PATH = "/chromium"
# Ends when its input does, which is when the process that holds the other end is gone; not before
# Chromium's folder is removed, and that of its socket when nobody is left to do it.
_SERVER = """
let given = "", server;
const parent = process.ppid;
process.on("exit", () => {
  if (process.ppid !== parent)
    require("fs").rmSync(process.argv[2], {recursive: true, force: true});
});
const end = () => {
  process.stdin.destroy();
  setTimeout(() => process.exit(), 8000).unref();
};
process.stdin.setEncoding("utf8");
process.stdin.on("data", async (piece) => {
  given += piece;
  if (!given.endsWith("\\n")) return;
  try {
    const {chromium} = require(process.argv[1]);
    const options = JSON.parse(given);
    options.executablePath ??= chromium.executablePath();
    server = await chromium.launchServer(options);
    server.on("close", end);
    console.log("{}");
  } catch (error) {
    console.log(JSON.stringify({error: String(error.message)}));
    end();
  }
});
process.stdin.on("end", () => server ? server.close().catch(end) : process.exit());
"""


def find_chromium(explicit: str | None, playwright_path: str = "") -> str | None:
    """Return the browser to start: the configured one, the system's, or Playwright's own.

    Raises:
        AgentError: The configured one does not exist.
    """
    if explicit:
        if Path(explicit).is_file():
            return explicit
        raise AgentError(f"There is no browser at {explicit}.", remedy=HOW_TO_GET_ONE)
    for name in _SYSTEM_NAMES:
        if path := shutil.which(name):
            return path
    return playwright_path if playwright_path and Path(playwright_path).is_file() else None


class Chromium:
    """A running Chromium; it ends with the process that started it, however that ends."""

    def __init__(self, process: asyncio.subprocess.Process, endpoint: str) -> None:
        self._process = process
        self.endpoint = endpoint
        """Where Playwright's clients on this machine connect to."""

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def wait(self, seconds: float) -> None:
        """Wait until it has ended, or the time is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)

    async def close(self) -> None:
        """End it and wait for its end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self.wait(_STOP_SECONDS)
        if self.runs:
            self._process.kill()
            await self._process.wait()


async def start_chromium(executable: str | None, socket: Path) -> Chromium:
    """Start Chromium behind a socket.

    Args:
        executable: Its path; None: Playwright's own.
        socket: Where to listen; its folder is this user's alone.

    Raises:
        AgentError: It does not start (retryable).
    """
    # Chromium refuses its own sandbox as root, and some containers lack what it needs.
    attempts = (False,) if os.geteuid() == 0 else (True, False)
    reason = ""
    for sandbox in attempts:
        options: dict[str, Any] = {
            "port": str(socket),
            "wsPath": _PATH,
            "chromiumSandbox": sandbox,
            "args": list(_FLAGS),
            "timeout": _START_SECONDS * 1000,
            # What belongs to no context gets nowhere.
            "proxy": {"server": f"http://127.0.0.1:{_NOBODY}", "bypass": "<-loopback>"},
        }
        if executable is not None:
            options["executablePath"] = executable
        process = await _start_server(socket.parent)
        chromium = Chromium(process, f"ws+unix://{socket}:{_PATH}")
        try:
            reason = await _started(process, options)
            if not reason:
                return chromium
        except BaseException:
            await chromium.close()
            raise
        await chromium.close()
    raise AgentError(
        f"Chromium at {executable or 'its usual place'} does not start: {reason}",
        retryable=True,
        remedy=HOW_TO_GET_ONE,
    )


async def _start_server(folder: Path) -> asyncio.subprocess.Process:
    node, client = compute_driver_executable()
    return await asyncio.create_subprocess_exec(
        node, "-e", _SERVER, str(Path(client).parent), str(folder),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=get_driver_env(),
        # Ctrl-C is for the platform, which ends what it started.
        start_new_session=True,
    )  # fmt: skip


async def _started(process: asyncio.subprocess.Process, options: dict[str, Any]) -> str:
    """Hand a server its options and wait until it listens; return why it does not, or nothing."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the server has pipes")
    process.stdin.write(json.dumps(options).encode() + b"\n")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS + _STOP_SECONDS)
    except TimeoutError:
        return "it does not answer"
    answer = json.loads(line) if line else {"error": "its server ended"}
    return str(answer.get("error", "")).strip().split("\n")[0]
