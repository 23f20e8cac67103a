"""The comparison with other engines: its loads, its bookkeeping and its sums."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from agents.registry import builtin_registry
from benchmarks.peers.cpu import cpu_seconds
from benchmarks.peers.http_load import Endpoint, Installation, _wrk
from benchmarks.peers.load import Load, _spend
from benchmarks.peers.measured import Measured, summarize, table
from benchmarks.peers.weft import specification
from benchmarks.peers.works import WORKS, Work
from compiler.check import check
from compiler.specification import Specification


def measured(peer: str, per_second: float, cpu_ms: float, work: str = "sequence") -> Measured:
    """A load of which only rate and CPU time matter."""
    return Measured(peer, work, 100, 500, per_second, 1.0, 2.0, 3.0, cpu_ms)


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that was half as fast in one round changes the rates, not the ratio."""
    rounds = [
        [measured("weft", 400, 2), measured("other", 100, 10)],
        [measured("weft", 200, 4), measured("other", 50, 20)],
        [measured("weft", 360, 2), measured("other", 120, 8)],
    ]
    weft, other = summarize(rounds)
    assert (weft.weft_rate_ratio, weft.per_second, weft.executions) == (1.0, 360, 1500)
    assert (other.weft_rate_ratio, other.weft_cpu_ratio) == (4.0, 0.2)


def test_load_that_only_the_other_engine_has_gets_no_ratio() -> None:
    """There is nothing to compare with, and the table says so."""
    (other,) = summarize([[measured("other", 100, 10)]])
    assert (other.weft_rate_ratio, other.weft_cpu_ratio) == (None, None)
    assert table([other]).splitlines()[-1].split()[-2:] == ["-", "-"]


def test_engines_under_one_load_stand_together() -> None:
    """The order is that of the loads, then that of the engines in a round."""
    one_round = [
        measured(peer, 1, 1, work) for peer in ("weft", "other") for work in ("sequence", "map")
    ]
    order = [(one.work, one.peer) for one in summarize([one_round])]
    assert order == [
        ("sequence", "weft"), ("sequence", "other"), ("map", "weft"), ("map", "other"),
    ]  # fmt: skip


async def test_closed_loop_keeps_so_many_in_flight() -> None:
    """All executions are done, never more than the load's concurrency at once."""
    running, most, done = 0, 0, 0

    async def execute() -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done += 1

    latencies = await _spend(execute, Load(concurrency=7, executions=40))
    assert (done, most, len(latencies)) == (40, 7, 40)


async def test_execution_that_fails_ends_the_load() -> None:
    """A wrong answer is no figure."""

    async def execute() -> None:
        raise AssertionError("wrong answer")

    with pytest.raises(ExceptionGroup):
        await _spend(execute, Load(1, 1))


PARENT = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
print("ended", flush=True)
sys.stdin.read()
"""


def test_cpu_time_of_a_child_that_has_ended_counts() -> None:
    """A worker that ended between two looks is not lost."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin and parent.stdout
        assert parent.stdout.readline() == b"ended\n"
        child_seconds = psutil.Process(parent.pid).cpu_times().children_user
        assert child_seconds > 0
        assert cpu_seconds([parent.pid]) >= child_seconds
        parent.stdin.close()


def test_process_that_is_gone_counts_nothing() -> None:
    """Its number leads nowhere."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert cpu_seconds([process.pid]) == 0


@pytest.mark.parametrize("work", WORKS)
def test_work_is_a_sound_specification(work: Work) -> None:
    """What Weft is measured with passes its own check."""
    document = specification(work)
    assert check(Specification.model_validate(document), builtin_registry().signatures()) == []


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A server that answers every request with `{"value": 3}`."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = b'{"value": 3}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Installation(f"http://127.0.0.1:{server.server_port}", list, ())
        server.shutdown()
        thread.join()


needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@needs_wrk
def test_wrk_tells_what_it_measured(installation: Installation) -> None:
    """Requests were made, and all had the answer that was asked for."""
    told = _wrk(installation, Endpoint("any", "/any", {}, 200, '"value": 3', (1,)), 2, 1)
    assert told["requests"] > 0
    assert (told["wrong"], told["failed"]) == (0, 0)


@needs_wrk
def test_wrong_answer_through_http_ends_the_comparison(installation: Installation) -> None:
    """The error shows the answer."""
    with pytest.raises(AssertionError, match=r'200 \{"value": 3\}'):
        _wrk(installation, Endpoint("any", "/any", {}, 200, '"value": 4', (1,)), 2, 1)
