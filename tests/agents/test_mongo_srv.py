"""`mongodb+srv://`: hosts and options from DNS, each host checked, TLS unless it is refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents import mongo_srv
from agents.agent import AgentResult
from agents.bound import BoundSecret, SecretRefused, holding
from agents.egress import EgressRefused
from agents.errors import AgentError
from tests.agents.conftest import Run
from tests.agents.dns_server import NameServer, open_name_server
from tests.agents.leaving import drivers_sockets
from tests.agents.mongo_server import MongoServer, open_mongo_server
from tests.certificates import make_authority

pytestmark = pytest.mark.requirement("FR-3.9", "NFR-4.5")

__all__ = ["drivers_sockets"]

NAME = "cluster.example.test"
SRV = (f"_mongodb._tcp.{NAME}", "SRV")
TXT = (NAME, "TXT")


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NameServer]:
    """The name server, which stands in the place of the machine's own."""
    async with open_name_server() as server:
        monkeypatch.setattr(mongo_srv, "resolver", server.resolver)
        yield server


@pytest.fixture
async def mongo() -> AsyncIterator[MongoServer]:
    """A server without TLS."""
    async with open_mongo_server() as server:
        yield server


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where hosts of the test's domain are; the system's resolver knows none of them."""
    known: dict[str, str] = {}
    resolve = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: Any, host: Any, port: Any, **options: Any) -> Any:
        return await resolve(self, known.get(host, host), port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


async def find(run: Run, url: str, **more: Any) -> AgentResult:
    """Read a collection."""
    parameters = {"database": "mongodb", "connection_string": url, "query": {"find": "c"}}
    return await run("database", {**parameters, **more})


async def test_hosts_come_from_the_records(
    run: Run, names: NameServer, mongo: MongoServer, addresses: dict[str, str], dead_port: int
) -> None:
    """Those that do not answer are passed by; options may be given in the TXT record."""
    names.records[SRV] = [f"0 5 {dead_port} a.example.test.", f"0 5 {mongo.port} b.example.test."]
    names.records[TXT] = ['"replicaSet=rs&" "authSource=users"']
    addresses |= {"a.example.test": "127.0.0.1", "b.example.test": "127.0.0.1"}
    result = await find(run, f"mongodb+srv://{NAME}/test?tls=false")
    assert result.output == {"rows": [], "row_count": 0}
    assert names.asked == [SRV, TXT]
    with pytest.raises(AgentError, match="MongoDB answers"):
        await find(run, f"mongodb+srv://u:p@{NAME}/test?tls=false")
    assert mongo.commands[-1]["$db"] == "users"
    with pytest.raises(AgentError, match="MongoDB answers"):
        await find(run, f"mongodb+srv://u:p@{NAME}/test?tls=false&authSource=own")
    assert mongo.commands[-1]["$db"] == "own"


@pytest.mark.parametrize(("shown", "proven"), [("a.example.test", True), ("evil.test", False)])
async def test_tls_is_on_and_proves_the_hosts_name(
    run: Run, names: NameServer, addresses: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, shown: str, proven: bool,
) -> None:  # fmt: skip
    """Without a word about TLS the connection has it, and a wrong certificate is told nothing."""
    authority = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with open_mongo_server(authority.server_context(shown)) as mongo:
        names.records[SRV] = [f"0 5 {mongo.port} a.example.test."]
        addresses["a.example.test"] = "127.0.0.1"
        if proven:
            await find(run, f"mongodb+srv://{NAME}/test")
        else:
            with pytest.raises(AgentError, match="certificate verify failed"):
                await find(run, f"mongodb+srv://{NAME}/test")
        assert bool(mongo.commands) == proven


async def test_without_tls_nothing_is_said_in_clear(
    run: Run, names: NameServer, mongo: MongoServer, addresses: dict[str, str]
) -> None:
    """A server that speaks no TLS is no server."""
    names.records[SRV] = [f"0 5 {mongo.port} a.example.test."]
    addresses["a.example.test"] = "127.0.0.1"
    with pytest.raises(AgentError, match="MongoDB does not answer"):
        await find(run, f"mongodb+srv://{NAME}/test")
    assert mongo.commands == []


@pytest.mark.parametrize("address", ["10.0.0.5", "169.254.169.254"])
async def test_each_host_is_checked(
    run: Run, names: NameServer, addresses: dict[str, str], address: str
) -> None:
    """A record that leads inside is refused like a host that is named."""
    names.records[SRV] = ["0 5 27017 a.example.test."]
    addresses["a.example.test"] = address
    with pytest.raises(EgressRefused):
        await find(run, f"mongodb+srv://{NAME}/test?tls=false")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (NAME, "a.evil.test."),
        (NAME, "example.test.evil.test."),
        (NAME, "aexample.test."),
        ("example.test", "example.test."),
        ("example.test", "a.other.test."),
    ],
)
async def test_servers_stay_in_their_domain(
    run: Run, names: NameServer, name: str, target: str
) -> None:
    """Whoever answers for a name cannot lead its users elsewhere."""
    names.records[f"_mongodb._tcp.{name}", "SRV"] = [f"0 5 27017 {target}"]
    with pytest.raises(AgentError, match="which is not in its domain") as caught:
        await find(run, f"mongodb+srv://u:secret@{name}/test")
    assert not caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (['"tls=false"'], "says `tls`"),
        (['"authSource=a&ssl=false"'], "says `ssl`"),
        (['"authSource="'], "says `authSource`"),
        (['"x"'], "says `x`"),
        (['"authSource=a"', '"replicaSet=b"'], "2 TXT records"),
        (['"loadBalanced=true&replicaSet=b"'], "no replica set"),
    ],
)
async def test_a_txt_record_says_little(
    run: Run, names: NameServer, mongo: MongoServer, records: list[str], words: str
) -> None:
    """It cannot weaken the connection, nor contradict itself."""
    names.records[SRV] = [f"0 5 {mongo.port} a.example.test."]
    names.records[TXT] = records
    with pytest.raises(AgentError, match=words):
        await find(run, f"mongodb+srv://{NAME}/test?tls=false")
    assert mongo.commands == []


async def test_a_load_balancer_is_told_so(
    run: Run, names: NameServer, addresses: dict[str, str]
) -> None:
    """The driver says that it expects one, and the server answers as one."""
    async with open_mongo_server() as mongo:
        mongo.balanced = True
        names.records[SRV] = [f"0 5 {mongo.port} a.example.test."]
        names.records[TXT] = ['"loadBalanced=true"']
        addresses["a.example.test"] = "127.0.0.1"
        url = f"mongodb+srv://{NAME}/test?tls=false"
        insert = {"insert": "c", "documents": [{"_id": 1}]}
        await find(run, url, query=insert, read_only=False)
        assert (await find(run, url)).output["rows"] == [{"_id": 1}]


@pytest.mark.parametrize("raw", [None, b"", b"\0", b"x" * 600])
async def test_name_servers_that_do_not_answer_are_tried_again(
    run: Run, names: NameServer, monkeypatch: pytest.MonkeyPatch, raw: bytes | None
) -> None:
    """No records, no answer, and no message of DNS: a clear error, another attempt may help."""
    monkeypatch.setattr(mongo_srv, "_SECONDS", 0.5)
    names.raw = raw
    with pytest.raises(AgentError, match=f"servers of {NAME} could not be found") as caught:
        await find(run, f"mongodb+srv://{NAME}/test")
    assert caught.value.retryable


async def test_a_secret_is_bound_to_name_and_hosts(
    run: Run, names: NameServer, addresses: dict[str, str]
) -> None:
    """A name that the secret is not meant for is not even asked for."""
    names.records[SRV] = ["0 5 27017 a.example.test."]
    addresses["a.example.test"] = "127.0.0.1"
    url = f"mongodb+srv://u:p@{NAME}/test"
    for hosts, asked in ((("other.test",), []), ((NAME,), [SRV, TXT])):
        with holding((BoundSecret("url", hosts),)), pytest.raises(SecretRefused):
            await find(run, url)
        assert names.asked == asked


@pytest.mark.parametrize(
    "url",
    [f"mongodb+srv://{NAME}:27017/test", f"mongodb+srv://{NAME},b.example.test/test",
     "mongodb+srv://127.0.0.1/test", "mongodb+srv://[::1]/test", "mongodb+srv://localhost/test",
     f"mongodb+srv://{NAME}/test?srvServiceName=x", "mongodb+srv:///test"],
)  # fmt: skip
async def test_odd_names_are_refused(run: Run, names: NameServer, url: str) -> None:
    """One name, no port, no address, and no option that is not known."""
    with pytest.raises(AgentError, match="connection string cannot be used"):
        await find(run, url)
    assert names.asked == []
