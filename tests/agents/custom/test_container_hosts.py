"""Containers that may reach hosts: these and no others, through the guard, on a real engine."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agents import container_network
from agents.bound import SecretRefused, confined, reaching
from agents.container_network import entering_fault, open_door
from agents.egress import Egress
from agents.errors import AgentError
from agents.services import Services, open_services
from agents.settings import AgentSettings
from serve.doctor import check_containers
from serve.settings import Settings
from tests.agents.custom.engine import container, containers_of
from tests.agents.custom.making import run_custom
from tests.agents.website import Asked, Reply, Site, json_reply, open_site
from tests.eventually import eventually

HERE = ["127.0.0.1"]
FETCH = "read x; exec curl -s"
MOST_BYTES = 100_000


def internet_sockets() -> int:
    """Return how many sockets of this process are of the network, whichever namespace it is in."""
    found = 0
    for entry in list(Path("/proc/self/fd").iterdir()):
        if entry.is_socket():
            with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as one:
                found += one.family in (socket.AF_INET, socket.AF_INET6)
    return found


@pytest.fixture
async def inner() -> AsyncIterator[Site]:
    """A site on a port of the platform's own."""
    async with open_site() as opened:
        yield opened


@pytest.fixture
async def reaching_out(engine: str, inner: Site) -> AsyncIterator[Services]:
    """What agents share, with the engine; loopback is reachable, but for the inner site."""
    settings = AgentSettings(
        containers_url=engine,
        allow_loopback=True,
        blocked_ports=frozenset({inner.port}),
        max_response_bytes=MOST_BYTES,
    )
    async with open_services(settings) as opened:
        yield opened


async def told(services: Services, command: str, **changes: Any) -> Any:
    """Run a shell's command in a container, and return the text that it writes."""
    quoted = f'x=$(exec 2>&1; {command}); echo "\\"${{x//[^ -!#-~]/ }}\\""'
    shell = ["/bin/bash", "-c", quoted]
    result = await run_custom(services, container(**{"command": shell, **changes}), {"n": 1})
    return result.output


@pytest.mark.requirement("FR-3.10", "NFR-4.5")
@pytest.mark.parametrize("way", ["", "--proxytunnel"])
async def test_a_container_reaches_its_hosts(
    reaching_out: Services, site: Site, engine: str, way: str
) -> None:
    """An ordinary program finds its way there, as a request or by a tunnel."""
    site.replies["/score"] = json_reply({"score": 7})
    command = f"{FETCH} {way} -d @- {site.url('/score')} <<< $x"
    document = container(hosts=HERE, command=["/bin/bash", "-c", command])
    result = await run_custom(reaching_out, document, {"n": 42})
    assert result.output == {"score": 7}
    assert [asked.json for asked in site.asked] == [{"n": 42}]
    assert containers_of(engine) == []


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("host", "words", "status"),
    [
        ("localhost:{site}", "may go to", 403),
        ("127.0.0.1:{inner}", "belongs to the platform itself", 403),
        ("169.254.169.254", "metadata", 403),
        ("[::ffff:169.254.169.254]", "metadata", 403),
        ("10.0.0.1", "private", 403),
        ("nowhere.invalid", "not found", 502),
    ],
)
@pytest.mark.parametrize("way", ["", "--proxytunnel"])
async def test_a_container_reaches_nothing_else(
    reaching_out: Services, site: Site, inner: Site, host: str, words: str, status: int, way: str
) -> None:
    """What is no host of it, or no address that anybody may reach, is refused and not called."""
    hosts = [*HERE, "169.254.169.254", "::ffff:169.254.169.254", "10.0.0.1", "nowhere.invalid"]
    address = host.format(site=site.port, inner=inner.port)
    answer = await told(reaching_out, f"read x; curl -sv {way} http://{address}/", hosts=hosts)
    assert f"HTTP/1.1 {status}" in answer
    assert words in answer or way  # curl does not show what a proxy says to a tunnel.
    assert site.asked == inner.asked == []


async def test_a_redirect_is_a_request_of_its_own(reaching_out: Services, site: Site) -> None:
    """A host that the container may reach does not lead it to another."""
    site.replies["/"] = Reply(status=302, headers={"Location": site.url("/there", "localhost")})
    answer = await told(reaching_out, f"read x; curl -sL {site.url()}", hosts=HERE)
    assert "may go to 127.0.0.1" in answer
    assert site.paths() == ["/"]


@pytest.mark.requirement("NFR-4.5")
async def test_a_container_has_no_other_way_out(reaching_out: Services, site: Site) -> None:
    """It sees its own loopback alone: no address, name or datagram leaves it past the proxy."""
    ways = (
        f"read x; ls /sys/class/net; echo x >/dev/tcp/127.0.0.1/{site.port}; "
        "echo x >/dev/udp/8.8.8.8/53; echo x >/dev/tcp/93.184.215.14/80; "
        "echo x >/dev/tcp/example.com/80"
    )
    answer = await told(reaching_out, ways, hosts=HERE)
    assert answer.startswith("lo ")
    assert answer.count("refused") == 2  # Each is told twice.
    assert answer.count("unreachable") == 4
    assert "resolution" in answer
    assert site.connections == 0


async def test_without_hosts_there_is_no_way_out(reaching_out: Services) -> None:
    """Nothing listens in the network of a container that names no hosts."""
    answer = await told(reaching_out, "echo $http_proxy; echo x >/dev/tcp/127.0.0.1/3128")
    assert "refused" in answer
    assert "http" not in answer


async def test_the_organizations_list_and_a_tools_hosts_hold(
    reaching_out: Services, site: Site
) -> None:
    """A container reaches what it names as far as whoever runs it may reach that."""
    command = f"read x; curl -s {site.url()}"
    with reaching(["elsewhere.example"]):
        assert "weft egress show" in await told(reaching_out, command, hosts=HERE)
    with confined(["elsewhere.example"]):
        assert "may go to elsewhere" in await told(reaching_out, command, hosts=HERE)
    assert site.asked == []


async def test_a_secret_is_not_given_to_a_container_with_other_hosts(
    reaching_out: Services, site: Site, engine: str
) -> None:
    """The program could send it there, so it is not even started."""
    document = container("cat", hosts=[*HERE, "localhost"])
    with pytest.raises(SecretRefused, match="localhost"):
        await run_custom(reaching_out, document, {"n": 1}, secrets={"key": "s3cret"})
    document = container(f"{FETCH} {site.url()}", hosts=HERE)
    site.replies["/"] = json_reply({"ok": True})
    result = await run_custom(reaching_out, document, {"n": 1}, secrets={"key": "s3cret"})
    assert result.output == {"ok": True}


async def test_containers_at_the_same_time_have_ways_of_their_own(
    reaching_out: Services, site: Site
) -> None:
    """Each of two that run side by side reaches its own hosts, and is refused the other's."""
    both = asyncio.Event()

    async def met(asked: Asked) -> Reply:
        if len(site.asked) == 2:
            both.set()
        await both.wait()
        return Reply("hello")

    site.replies["/"] = met
    here, there = site.url("/"), site.url("/", "localhost")
    one = f"read x; curl -s {here}; curl -s {there}"
    other = f"read x; curl -s {there}; curl -s {here}"
    first, second = await asyncio.gather(
        told(reaching_out, one, hosts=HERE), told(reaching_out, other, hosts=["localhost"])
    )
    assert first.startswith("hello") and "may go to 127.0.0.1" in first
    assert second.startswith("hello") and "may go to localhost" in second
    assert len(site.asked) == 2


FLOOD = """
read x
for ((i = 0; i < 5000; i++)); do { exec 3<>/dev/tcp/127.0.0.1/3128; } || break; done
"""
MANY = """
read x
for ((i = 0; i < 60; i++)); do exec {socket}<>/dev/tcp/127.0.0.1/3128; done
read y <&$socket; echo cut $?
"""


@pytest.mark.requirement("NFR-4.5")
async def test_a_flood_of_connections_is_cut_off(
    reaching_out: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many connections nothing listens any more."""
    monkeypatch.setattr(container_network, "MOST_CONNECTIONS", 100)
    said = await told(reaching_out, FLOOD, hosts=HERE)
    # Those that still waited to be taken are cut off.
    assert "refused" in said or "reset" in said


async def test_one_connection_too_many_at_once_is_cut_off(reaching_out: Services) -> None:
    """What holds all connections open that it may have gets no further one."""
    assert "cut 1" in await told(reaching_out, MANY, hosts=HERE)


async def test_an_endless_answer_is_cut_off(reaching_out: Services, site: Site) -> None:
    """An answer has the bound that it has for every agent."""
    site.replies["/"] = Reply("x" * 10 * MOST_BYTES)
    command = f"read x; x=$(curl -s {site.url()}); echo ${{#x}}"
    assert int(await told(reaching_out, command, hosts=HERE)) <= MOST_BYTES


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("command", ["curl -s {}", "exec 3<>/dev/tcp/127.0.0.1/3128; read y <&3"])
async def test_nothing_is_left_of_a_container_that_is_killed(
    reaching_out: Services, site: Site, engine: str, command: str
) -> None:
    """Its time is over amidst a request: its connections, tasks and files end with it."""
    site.replies["/"] = Reply(hang=True)
    tasks, sockets = len(asyncio.all_tasks()), internet_sockets()
    shell = ["/bin/bash", "-c", f"read x; {command.format(site.url())}"]
    document = container(hosts=HERE, command=shell, timeout_seconds=1.5)
    with pytest.raises(AgentError, match="took longer"):
        await run_custom(reaching_out, document, {"n": 1})
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    await eventually(lambda: internet_sockets() <= sockets)
    assert containers_of(engine) == []


async def test_a_program_that_ends_at_once_needs_no_way_out(
    reaching_out: Services, engine: str
) -> None:
    """A container that ends before its door is open, without reading its input, has ended well."""
    result = await run_custom(reaching_out, container("echo 5", hosts=HERE), {"n": 1})
    assert result.output == 5
    assert containers_of(engine) == []


def test_the_doctor_says_that_containers_reach_hosts(engine: str, tmp_path: Path) -> None:
    """Where they do, as here."""
    found = check_containers(Settings(home=tmp_path, containers_url=engine))
    assert (found.state, "may reach hosts" in found.detail) == ("ok", True)


@pytest.mark.parametrize(
    ("url", "words"),
    [("tcp://10.0.0.1:2375", "not on this machine"), ("unix:///nowhere/docker.sock", "")],
)
def test_an_engine_elsewhere_is_told(url: str, words: str) -> None:
    """Whether containers can be entered shows before one is started, where it can."""
    assert words in entering_fault(url)
    assert bool(words) == bool(entering_fault(url))


async def test_an_engine_elsewhere_gives_no_door() -> None:
    """The error says what is wrong and what to do."""
    with pytest.raises(AgentError, match=r"not on this machine.*CAP_SYS_ADMIN") as raised:
        async with open_door(Egress(), "tcp://10.0.0.1:2375", HERE):
            pass
    assert not raised.value.retryable


async def test_a_process_that_is_not_the_containers_is_not_entered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A number that means another process here, or none any more, leads nowhere."""
    monkeypatch.setattr(container_network, "entering_fault", lambda url: "")
    ended = await asyncio.create_subprocess_exec("/bin/true")
    await ended.wait()
    async with open_door(Egress(), "unix:///x", HERE) as door:
        assert door is not None
        with pytest.raises(AgentError, match="not the container's"):
            await asyncio.to_thread(door.open, os.getpid(), "f" * 64)
        with pytest.raises(AgentError, match="no network of its own"):
            await asyncio.to_thread(door.open, os.getpid(), "proc")
        assert not await asyncio.to_thread(door.open, ended.pid, "f" * 64)
