"""Chunks as tasks of a real Ray: what they tell while they run, and what a death repeats."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import psutil
import pytest

from actors import fanout
from actors.fanout import BATCH_BYTES, Chunk, Gathering, ItemResult
from actors.hosting import CHUNK_DEATHS, DIED, Host
from actors.secrets import Secrets
from agents.registry import builtin_registry
from agents.services import Services
from compiler.specification import Node
from store.json_values import loads
from tests.acceptance.recorder import Recorder
from tests.eventually import eventually
from tests.local_ray import local_ray

pytestmark = pytest.mark.timeout(120)
NAME = f"map Shop exec_{os.getpid()} each[0:4]"
"""Of this run's chunks alone: their worker is looked for among all processes of the machine."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of this module's own."""
    with local_ray():
        yield


@pytest.fixture
def host(cluster: None, services: Services) -> Host:
    """A host whose pool and journal nobody uses."""
    nothing: Any = None
    return Host(nothing, nothing, builtin_registry(), services, Secrets())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Where items call."""
    opened = Recorder()
    opened.start()
    yield opened
    opened.stop()


def _calls(url: str, count: int, **fields: Any) -> Chunk:
    """Items that call a server, each at its own path."""
    node = Node.model_validate(
        {"id": "each", "agent": "api", "pattern": "map", "input_keys": ["rows"],
         "parameters": {"url": url + "/{item}"}, "item_concurrency": 1, **fields}
    )  # fmt: skip
    some = str(UUID(int=1))
    items = list(range(count))
    return Chunk(node.model_dump(mode="json"), items, items, {}, {}, {}, some, some, some)


async def _all(telling: AsyncIterator[list[ItemResult]]) -> list[list[ItemResult]]:
    return [batch async for batch in telling]


def _worker(name: str) -> psutil.Process | None:
    """The process that runs the task of this name, as it shows itself."""
    for process in psutil.process_iter(["cmdline"]):
        if any(name in part for part in process.info["cmdline"] or ()):
            return process
    return None


async def _kill(when: Callable[[], bool]) -> None:
    await eventually(when, 60)
    worker = _worker(NAME)
    assert worker is not None
    worker.kill()
    worker.wait(30)


def test_chunks_need_no_graphs() -> None:
    """A worker process is started while a map waits for it: what only executors need stays out."""
    code = (
        "import sys, actors.fanout\n"
        "print({'langgraph', 'langchain_core', 'networkx'} & set(sys.modules))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)  # noqa: S603
    assert loaded.strip() == "set()"


@pytest.mark.requirement("CARD.1")
async def test_chunk_answers_every_item(host: Host, recorder: Recorder) -> None:
    """Each result is JSON text, under the item's place in the list."""
    told = await _all(host.fan_out(NAME, _calls(recorder.url, 4, item_concurrency=4)))
    results = [result for batch in told for result in batch]
    paths = {result.map_index: loads(result.output_json)["body"]["path"] for result in results}
    assert paths == {n: f"/{n}" for n in range(4)}


async def test_results_that_are_there_are_told_at_once() -> None:
    """A chunk that ends within the first time box is one message; after a large one comes a cut."""
    told: list[list[int]] = []
    gathering = Gathering(lambda results: told.append([result.map_index for result in results]))
    for result in (_result(0), _result(1), _result(2, "x" * (BATCH_BYTES + 1)), _result(3)):
        gathering.add(result)
    assert told == [[0, 1, 2]]
    gathering.hand_over()
    assert told == [[0, 1, 2], [3]]


@pytest.mark.requirement("FR-2.8")
@pytest.mark.parametrize("waits", [True, False])
async def test_results_gather_for_a_while_only(
    waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told when it is over, by items that wait and by items that never do."""
    monkeypatch.setattr(fanout, "BATCH_SECONDS", 0.05 if waits else 0.0)
    told: list[list[ItemResult]] = []
    Gathering(told.append).add(_result(0))
    if waits:
        await eventually(lambda: told)
    assert told == [[_result(0)]]


def _result(map_index: int, output_json: str = "null") -> ItemResult:
    return ItemResult(map_index, 1, output_json, None)


@pytest.mark.requirement("FR-2.8")
async def test_slow_chunk_tells_what_has_ended(host: Host, recorder: Recorder) -> None:
    """The first results are there while the last item is still held."""
    chunk = _calls(recorder.url, 3)
    async with aclosing(host.fan_out(NAME, chunk)) as telling:
        recorder.hold(2)
        told = [result.map_index for result in await anext(telling)]
        while told != [0, 1]:
            told += [result.map_index for result in await anext(telling)]
        recorder.held.set()
        assert [result.map_index for result in await anext(telling)] == [2]


@pytest.mark.requirement("CARD.1", "FIRST.4")
async def test_death_of_a_worker_repeats_what_had_not_ended(host: Host, recorder: Recorder) -> None:
    """Results that were told before are not asked for again; the others come from another."""
    recorder.hold(2)
    running = asyncio.ensure_future(_all(host.fan_out(NAME, _calls(recorder.url, 4))))
    await _kill(lambda: len(recorder.calls) == 3)
    recorder.held.set()
    told = await running
    assert sorted(r.map_index for batch in told for r in batch) == [0, 1, 2, 3]
    hits = Counter(recorder.paths())
    assert hits["/0"] <= 2 and hits["/2"] == 2 and hits["/3"] == 1


async def test_item_that_kills_its_worker_fails_alone(host: Host, recorder: Recorder) -> None:
    """After two deaths items run one by one: the one to blame fails, the others go on."""
    recorder.hold(0)
    running = asyncio.ensure_future(_all(host.fan_out(NAME, _calls(recorder.url, 2))))
    for death in range(1, CHUNK_DEATHS + 2):
        await _kill(lambda death=death: len(recorder.calls) == death)  # type: ignore[misc]
    recorder.held.set()
    blamed, other = [result for batch in await running for result in batch]
    assert (blamed.map_index, blamed.error) == (0, DIED)
    assert (other.map_index, other.error) == (1, None)
    assert recorder.paths() == ["/0"] * (CHUNK_DEATHS + 1) + ["/1"]


@pytest.mark.requirement("FR-2.9")
async def test_chunk_that_is_cancelled_begins_nothing_more(host: Host, recorder: Recorder) -> None:
    """When the cancelled call has returned, the items that were left are never called."""
    recorder.delay_seconds = 0.02
    running = asyncio.ensure_future(_all(host.fan_out(NAME, _calls(recorder.url, 500))))
    await eventually(lambda: len(recorder.calls) >= 3, 60)
    running.cancel()
    await asyncio.wait([running])
    reached = len(recorder.calls)
    # Another chunk of as many calls passes meanwhile: time enough for a late one.
    await _all(host.fan_out("map other", _calls(recorder.url + "/other", 10)))
    assert len(recorder.calls) == reached + 10
    assert reached < 400
