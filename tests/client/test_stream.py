"""Streams over a real WebSocket: order, reconnection, ends and refusals."""

import threading

import pytest
from weft import AsyncClient, Client, Unreachable, WeftError
from weft.connection import Connection
from weft.retries import Retries
from weft.stream import Subscription, iterate

from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import UPTIME, UPTIME_LEVELS


@pytest.mark.requirement("FR-2.8", "API.10")
def test_a_stream_starts_with_what_was_recorded_and_ends_with_the_execution(
    api: FakeApi, client: Client, workflow_id: str
) -> None:
    """All events come in order, pings do not, and the terminal one is the last."""
    execution_id = api.world.start(workflow_id)
    api.world.run_to_the_end(execution_id)
    events = list(client.stream(execution_id))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "workflow_started"
    assert events[-1]["type"] == "workflow_completed"


@pytest.mark.requirement("FR-2.8", "USER.17")
def test_a_cut_stream_goes_on_without_a_gap(api: FakeApi, client: Client, workflow_id: str) -> None:
    """After each cut the client asks for what follows the last event it saw."""
    execution_id = api.world.start(workflow_id)
    api.world.run_to_the_end(execution_id)
    api.cut_after = 4
    numbers = [event["seq"] for event in client.stream(execution_id)]
    assert numbers == list(range(1, 16))
    assert [url.partition("after=")[2] for url in api.streams] == ["0", "4", "8", "12"]


def test_events_arrive_as_they_happen(api: FakeApi, client: Client, workflow_id: str) -> None:
    """An event that is recorded while the stream is open comes at once."""
    execution_id = api.world.start(workflow_id)
    stream = client.stream(execution_id)
    assert next(stream)["type"] == "workflow_started"
    api.world.start_node(execution_id, "scrape_reviews")
    assert next(stream)["node_id"] == "scrape_reviews"
    api.world.finish(execution_id, "cancelled")
    assert [event["type"] for event in stream] == ["workflow_cancelled"]


def test_a_stream_survives_a_restart_of_the_platform() -> None:
    """When the platform comes back at the same address the stream goes on."""
    api = FakeApi()
    with api.serving():
        port = int(api.base_url.rsplit(":", 1)[1])
        execution_id = api.world.start(api.world.add_workflow(UPTIME, UPTIME_LEVELS))
        client = Client(api.base_url, TOKEN)
        stream = client.stream(execution_id)
        assert next(stream)["seq"] == 1
    with api.serving(port):
        api.world.finish(execution_id, "completed")
        assert [event["seq"] for event in stream] == [2]
    client.close()


def test_a_stream_gives_up_on_a_platform_that_is_gone() -> None:
    """After the last attempt it says so, and that the execution goes on."""
    connection = Connection("http://127.0.0.1:1", None)
    retries = Retries(attempts=3, initial_seconds=0.01)
    with pytest.raises(Unreachable, match="execution goes on"):
        list(iterate(Subscription(connection, "exec_1", retries=retries)))


def test_refusals_are_raised_at_once(api: FakeApi, client: Client) -> None:
    """A stream of no execution, or without a token, is not tried again."""
    with pytest.raises(WeftError, match="no such execution") as missing:
        list(client.stream("exec_none"))
    assert missing.value.status == 404
    with Client(api.base_url, "wrong") as stranger, pytest.raises(WeftError) as unknown:
        list(stranger.stream("exec_none"))
    assert unknown.value.status == 401
    assert len(api.streams) == 1


def test_an_ingress_that_refuses_the_handshake_is_told(api: FakeApi) -> None:
    """A handshake answered with a status below 500 is an error with that status."""
    api.refuse_handshakes = True
    with Client(api.base_url, TOKEN) as client, pytest.raises(WeftError) as refused:
        list(client.stream("exec_1"))
    assert refused.value.status == 403


def test_waiting_ends_at_its_timeout(api: FakeApi, client: Client, workflow_id: str) -> None:
    """An execution that does not end in time raises TimeoutError and goes on."""
    execution_id = api.world.start(workflow_id)
    with pytest.raises(TimeoutError):
        client.wait(execution_id, timeout=0.2)
    assert client.execution(execution_id)["status"] == "running"


def test_waiting_returns_as_the_execution_ends(
    api: FakeApi, client: Client, workflow_id: str
) -> None:
    """A wait that began before the end returns the end."""
    execution_id = api.world.start(workflow_id)
    results: list[str] = []
    waiter = threading.Thread(
        target=lambda: results.append(client.wait(execution_id, timeout=30)["status"])
    )
    waiter.start()
    api.world.finish(execution_id, "failed", error={"node_id": "x", "message": "no"})
    waiter.join(30)
    assert results == ["failed"]


def test_all_executions_are_streamed(api: FakeApi, client: Client, workflow_id: str) -> None:
    """The tenant's stream carries the events of each execution."""
    seen: list[str] = []
    connected = threading.Event()

    def watch() -> None:
        for event in client.stream_all():
            seen.append(event["execution_id"])
            connected.set()
            if len(set(seen)) == 2:
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    first = api.world.start(workflow_id)
    while not connected.wait(0.05):
        api.world.emit(first, "node_progress")
    second = api.world.start(workflow_id)
    watcher.join(30)
    assert set(seen) == {first, second}


async def test_the_async_client_does_the_same(api: FakeApi) -> None:
    """Create, start, stream over cuts and wait work asynchronously."""
    api.world.on_start = api.world.run_to_the_end
    api.cut_after = 5
    async with AsyncClient(api.base_url, TOKEN) as client:
        workflow = await client.create("Scrape the reviews")
        execution = await client.execute(workflow["workflow_id"])
        events = [event async for event in client.stream(execution["execution_id"])]
        assert [event["seq"] for event in events] == list(range(1, 16))
        finished = await client.wait(execution["execution_id"])
        assert finished["status"] == "completed"
        with pytest.raises(WeftError):
            await client.get("wf_none")
