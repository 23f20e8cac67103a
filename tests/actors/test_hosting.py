"""Chunks whose worker dies: tried again, and at last a failure of their items."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import ray

from actors import hosting
from actors.fanout import Chunk, ItemResult
from actors.hosting import CHUNK_ATTEMPTS, Host
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services
from compiler.specification import Node
from tests.actors.workflows import does

RESULT = ItemResult(0, 1, "x", None, 0, 0, 0.0)
CRASH = ray.exceptions.WorkerCrashedError()


@pytest.fixture
def host(services: Services, registry: Registry) -> Host:
    """A host whose pool and journal nobody uses."""
    nothing: Any = None
    return Host(nothing, nothing, registry, services, {})


@pytest.fixture
def chunk() -> Chunk:
    """One item."""
    node = Node.model_validate(does("each")).model_dump(mode="json")
    return Chunk(node, 0, ["x"], {}, {}, "t", "w", "e")


def _answer(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[str]:
    """Let the tasks end with these results or errors, in turn; return their names as they start."""
    names: list[str] = []
    waiting = list(answers)

    def remote(_payload: bytes, _settings: Any) -> asyncio.Future[bytes]:
        future = asyncio.get_running_loop().create_future()
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(orjson.dumps(answer))
        return future

    def options(name: str) -> Any:
        names.append(name)
        return SimpleNamespace(remote=remote)

    monkeypatch.setattr(hosting, "run_chunk", SimpleNamespace(options=options))
    return names


@pytest.mark.requirement("CARD.1")
async def test_chunk_of_a_dead_worker_is_tried_again(
    host: Host, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second worker's results count, under the same readable name."""
    names = _answer(monkeypatch, CRASH, [RESULT])
    assert await host.fan_out("map W [0:1]", chunk) == [RESULT]
    assert names == ["map W [0:1]"] * 2


async def test_worker_that_always_dies_is_a_failure(
    host: Host, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last attempt it is an error of the items, not of the execution's owner."""
    _answer(monkeypatch, *[CRASH] * CHUNK_ATTEMPTS)
    with pytest.raises(AgentError, match=f"died {CHUNK_ATTEMPTS} times"):
        await host.fan_out("map", chunk)


async def test_worker_that_cannot_start_is_a_failure(
    host: Host, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker raises itself would be raised again, so it is not tried again."""
    names = _answer(monkeypatch, ray.exceptions.RuntimeEnvSetupError("no room"))
    with pytest.raises(AgentError, match="no room"):
        await host.fan_out("map", chunk)
    assert len(names) == 1
