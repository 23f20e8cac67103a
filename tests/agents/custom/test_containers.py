"""Container agents on a real engine, where one runs: shut off, bounded, and gone afterwards."""

import asyncio
from typing import Any

import psutil
import pytest

from agents.errors import AgentError
from agents.services import Services, open_services
from agents.settings import AgentSettings
from tests.agents.custom.engine import IMAGE, container, containers_of
from tests.agents.custom.making import run_custom
from tests.eventually import eventually


def sleepers() -> int:
    """Return how many programs of containers sleep on this machine."""
    return sum(process.name() == "sleep" for process in psutil.process_iter(["name"]))


@pytest.mark.requirement("FR-3.10", "NFR-4.5")
async def test_a_container_reads_and_writes_json(contained: Services, engine: str) -> None:
    """What it gets on its input comes back, and nothing of it is left in the engine."""
    result = await run_custom(contained, container("cat"), {"n": 42})
    assert result.output == {"n": 42}
    assert result.metadata["image"] == IMAGE
    assert containers_of(engine) == []


RIGHTS = 'while read a b; do case $a in CapEff:) echo "\\"$b\\"";; esac; done < /proc/self/status'


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ('echo "\\"$(ls /sys/class/net)\\""', "lo"),
        ("id -u", 65534),
        (RIGHTS, "0000000000000000"),
        ("echo 5 > /tmp/mine && cat /tmp/mine", 5),
    ],
    ids=["network", "user", "rights", "own files"],
)
async def test_a_container_is_shut_off(contained: Services, command: str, output: Any) -> None:
    """It has no network but its own loopback, no rights, and a place for files of its own."""
    assert (await run_custom(contained, container(command), {})).output == output


@pytest.mark.requirement("NFR-4.5")
async def test_a_container_writes_no_files_of_its_image(contained: Services) -> None:
    """What it writes outside of /tmp fails."""
    with pytest.raises(AgentError, match="Read-only file system"):
        await run_custom(contained, container("echo x > /here"), {})


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("command", "changes", "words"),
    [
        ("sleep 60", {"timeout_seconds": 0.5}, "took longer than 0.5 s"),
        ("while :; do echo 0123456789012345678901234567890123456789; done", {}, "bytes"),
        ("dd if=/dev/zero of=/dev/null bs=200M count=1", {"memory_mb": 32}, "memory|status"),
        ("f() { f | f & }; f; sleep 1; exit 3", {}, "status"),
        ("echo oops >&2; exit 7", {}, "ended with status 7: oops"),
        ("echo not json", {}, "wrote no JSON"),
        ("exec /bin/missing", {}, "status 127"),
    ],
    ids=["time", "output", "memory", "processes", "status", "no json", "no program"],
)
async def test_a_container_is_bounded(
    contained: Services, engine: str, command: str, changes: dict[str, Any], words: str
) -> None:
    """Each limit ends it for good with its reason, and it is gone."""
    with pytest.raises(AgentError, match=words) as raised:
        await run_custom(contained, container(command, **changes), {})
    assert not raised.value.retryable
    assert containers_of(engine) == []


@pytest.mark.requirement("NFR-4.5")
async def test_a_container_full_of_processes_leaves_some_to_others(contained: Services) -> None:
    """The bound is each container's own, though all have the same user."""
    full = "i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done; wait"
    hogs = [asyncio.create_task(run_custom(contained, container(full), {})) for _ in range(2)]
    await eventually(lambda: sleepers() >= 200, seconds=30)
    assert (await run_custom(contained, container("cat"), {"n": 1})).output == {"n": 1}
    for hog in hogs:
        hog.cancel()
    await asyncio.gather(*hogs, return_exceptions=True)


async def test_a_cancelled_attempt_leaves_no_container(contained: Services, engine: str) -> None:
    """Whoever gives the attempt up ends the container as well."""
    running = asyncio.create_task(run_custom(contained, container("sleep 60"), {}))
    await eventually(lambda: containers_of(engine))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert containers_of(engine) == []


async def test_an_image_that_is_not_there_is_not_fetched(contained: Services) -> None:
    """The operator decides which images there are."""
    with pytest.raises(AgentError, match="has no image") as raised:
        await run_custom(contained, container("cat", image="weft.test/nothing:1"), {})
    assert not raised.value.retryable


async def test_without_an_engine_a_container_does_not_run(services: Services) -> None:
    """The error names what the operator sets."""
    with pytest.raises(AgentError, match="WEFT_CONTAINERS_URL") as raised:
        await run_custom(services, container("cat"), {})
    assert not raised.value.retryable


async def test_an_engine_that_is_away_may_be_back_later() -> None:
    """Nobody answers at the address: another attempt may help."""
    settings = AgentSettings(containers_url="unix:///nowhere/docker.sock")
    async with open_services(settings) as opened:
        with pytest.raises(AgentError, match="does not answer") as raised:
            await run_custom(opened, container("cat"), {})
    assert raised.value.retryable
