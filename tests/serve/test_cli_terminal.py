"""The commands as processes: in a real terminal, and interrupted."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS

ROOT = Path(__file__).resolve().parents[2]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command in a pseudo-terminal, with what it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self.shown = ""
        self._descriptor = descriptor

    def wait_for(self, text: str, within_seconds: float = 40) -> None:
        """Read until a text is shown."""
        self._read_until(lambda: text in self.shown, within_seconds, f"{text!r} was not shown")

    def wait_for_the_end(self, within_seconds: float = 40) -> int:
        """Read until the command has ended and return its exit code."""
        self._read_until(
            lambda: self.process.poll() is not None, within_seconds, "the command did not end"
        )
        return int(self.process.wait())

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._descriptor, f"{text}\n".encode())

    def _read_until(self, done: Callable[[], bool], within_seconds: float, complaint: str) -> None:
        deadline = time.monotonic() + within_seconds
        while True:
            ended = self.process.poll() is not None
            if select.select([self._descriptor], [], [], 0.05)[0]:
                try:
                    self.shown += _ESCAPES.sub("", os.read(self._descriptor, 65536).decode())
                except OSError:
                    pass
                else:
                    continue
            if done():
                return
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{complaint}; the terminal shows:\n{self.shown}")


@contextmanager
def terminal(api: FakeApi, home: Path, *arguments: str) -> Iterator[Terminal]:
    """Run a command in a pseudo-terminal."""
    controller, follower = pty.openpty()
    environment = {
        **os.environ,
        "WEFT_URL": api.base_url,
        "WEFT_TOKEN": TOKEN,
        "WEFT_HOME": str(home),
        "COLUMNS": "120",
        "TERM": "xterm-256color",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "serve.cli", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(follower)
    try:
        yield Terminal(process, controller)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform."""
    with FakeApi().serving() as api:
        yield api


@pytest.mark.requirement("USER.23", "FR-2.8")
def test_run_in_a_terminal(api: FakeApi, tmp_path: Path) -> None:
    """It asks, shows the graph, then live progress with the items of a map, then the output."""
    with terminal(api, tmp_path, "run", "Email the summary to me?") as shell:
        shell.wait_for("To whom should the summary be mailed?")
        shell.wait_for("answer")
        shell.type("1")
        shell.wait_for("llm, each item")
        shell.wait_for("· pending")
        execution_id = next(iter(api.world.executions))
        api.world.start_node(execution_id, "map_sentiment")
        api.world.progress(execution_id, "map_sentiment", count=40, completed=17, failed=1)
        shell.wait_for("18/40 1 failed")
        api.world.ask(execution_id, "approve_report")
        shell.wait_for("Send this report?")
        api.world.decide(execution_id, {"decision": "approve"})
        api.world.run_to_the_end(execution_id)
        assert shell.wait_for_the_end() == 0
        assert "34 of 40 like it" in shell.shown


@pytest.mark.requirement("USER.23")
def test_an_interrupt_leaves_the_execution_running(api: FakeApi, tmp_path: Path) -> None:
    """Ctrl-C ends the watching only, and says how to go on."""
    execution_id = api.world.start(api.world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    with terminal(api, tmp_path, "watch", execution_id) as shell:
        shell.wait_for("scrape_reviews")
        shell.process.send_signal(signal.SIGINT)
        assert shell.wait_for_the_end() == 130
    assert f"weft watch {execution_id}" in shell.shown
    assert "Traceback" not in shell.shown
    assert api.world.executions[execution_id]["status"] == "running"
    assert api.calls("POST", "/cancel") == []
