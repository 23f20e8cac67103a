"""The database agent on MongoDB's wire protocol."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from agents.egress import EgressRefused
from agents.errors import AgentError
from tests.agents.conftest import Run
from tests.agents.leaving import drivers_sockets
from tests.agents.mongo_server import MongoServer, open_mongo_server

pytestmark = pytest.mark.requirement("FR-3.9")

__all__ = ["drivers_sockets"]


@pytest.fixture
async def mongo() -> AsyncIterator[MongoServer]:
    """The stand-in, which keeps what it was sent."""
    async with open_mongo_server() as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The address of the stand-in, or of the real server that `--mongodb` names."""
    found = request.config.getoption("--mongodb")
    return str(found or request.getfixturevalue("mongo").url)


@pytest.fixture
def name() -> str:
    """A collection of the test's own."""
    return f"c{uuid4().hex}"


class Ask:
    """Runs commands."""

    def __init__(self, run: Run, url: str) -> None:
        self._run = run
        self._url = url

    async def __call__(self, query: Any, *params: Any, **more: Any) -> Any:
        """Return a command's output."""
        parameters = {"database": "mongodb", "connection_string": self._url, "query": query}
        result = await self._run("database", {**parameters, "params": params, **more})
        return result.output


@pytest.fixture
def ask(run: Run, url: str) -> Ask:
    """Run a command: `ask` is called with it, its values and further parameters."""
    return Ask(run, url)


async def test_documents_go_in_and_out(ask: Ask, name: str) -> None:
    """Documents are inserted, found, counted, changed and deleted, values bound by place."""
    documents = [{"n": 1, "tag": "a"}, {"n": 2, "tag": "b"}, {"n": 3, "tag": "b"}]
    insert = {"insert": name, "documents": "$1"}
    assert await ask(insert, documents, read_only=False) == {"rows": [], "row_count": 3}
    found = await ask({"find": name, "filter": {"n": {"$gt": "$1"}}, "sort": {"n": 1}}, 1)
    assert [row["n"] for row in found["rows"]] == [2, 3]
    assert isinstance(found["rows"][0]["_id"], str)
    assert (await ask({"count": name, "query": {"tag": "b"}}))["rows"] == [{"count": 2}]
    pipeline = [{"$match": {"tag": "$1"}}]
    assert (await ask({"aggregate": name, "pipeline": pipeline}, "a"))["row_count"] == 1
    update = {"update": name, "updates": [{"q": {"n": 1}, "u": {"$set": {"tag": "z"}}}]}
    assert (await ask(update, read_only=False))["row_count"] == 1
    modify = {"findAndModify": name, "query": {"n": 2}, "update": {"$set": {"tag": "y"}}}
    assert (await ask(modify, read_only=False))["rows"][0]["tag"] == "b"
    delete = {"delete": name, "deletes": [{"q": {"tag": "z"}, "limit": 0}]}
    assert (await ask(delete, read_only=False))["row_count"] == 1
    assert (await ask(f'{{"count": "{name}"}}'))["rows"] == [{"count": 2}]


async def test_distinct_values_are_rows(ask: Ask, name: str) -> None:
    """Each value of a field is a row."""
    documents = [{"tag": "a"}, {"tag": "b"}, {"tag": "b"}]
    await ask({"insert": name, "documents": documents}, read_only=False)
    assert (await ask({"distinct": name, "key": "tag"}))["rows"] == ["a", "b"]


async def test_ids_and_moments_are_written_as_json_does(ask: Ask, name: str) -> None:
    """`$oid` and `$date` stand for values that JSON has not, also among the params."""
    moment, key = {"$date": "2025-01-02T03:04:05Z"}, {"$oid": "0123456789abcdef01234567"}
    document = {"_id": key, "at": "$1"}
    await ask({"insert": name, "documents": [document]}, moment, read_only=False)
    [row] = (await ask({"find": name, "filter": {"_id": "$1"}}, key))["rows"]
    assert row["_id"] == "0123456789abcdef01234567"
    assert row["at"].startswith("2025-01-02T03:04:05")


async def test_rows_are_limited_over_batches(run: Run, url: str, ask: Ask, name: str) -> None:
    """A list is read batch after batch, and cut where the node says."""
    documents = [{"_id": number} for number in range(1200)]
    await ask({"insert": name, "documents": documents}, read_only=False)
    assert (await ask({"find": name}))["row_count"] == 1200
    parameters = {"database": "mongodb", "connection_string": url, "query": {"find": name}}
    result = await run("database", {**parameters, "max_rows": 700})
    assert result.output["row_count"] == 700
    assert result.metadata["truncated"] is True


async def test_failed_write_is_told(ask: Ask, name: str) -> None:
    """A document that is there already is a final error."""
    insert = {"insert": name, "documents": [{"_id": 1}]}
    await ask(insert, read_only=False)
    with pytest.raises(AgentError, match="refuses to write") as caught:
        await ask(insert, read_only=False)
    assert not caught.value.retryable


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"insert": "c", "documents": [{}]}, "the node only reads"),
        ({"delete": "c", "deletes": []}, "the node only reads"),
        ({"aggregate": "c", "pipeline": [{"$out": "d"}]}, "the node only reads"),
        ({"aggregate": "c", "pipeline": [{"$facet": {"a": [{"$merge": "d"}]}}]}, "only reads"),
    ],
)
async def test_writing_is_asked_for(
    ask: Ask, mongo: MongoServer, query: dict[str, Any], words: str
) -> None:
    """What writes, wherever it stands in a command, needs `read_only: false`."""
    with pytest.raises(AgentError, match=words):
        await ask(query)
    assert mongo.commands == []


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("query", "params"),
    [
        ({"find": "c", "filter": {"$where": "sleep(1)"}}, ()),
        ({"find": "c", "filter": {"$expr": {"$function": {"body": "x"}}}}, ()),
        ({"aggregate": "c", "pipeline": [{"$group": {"_id": {"$accumulator": {}}}}]}, ()),
        ({"mapReduce": "c", "map": "x"}, ()),
        ({"dropDatabase": 1}, ()),
        ({"eval": "x"}, ()),
        ({"find": "c", "$db": "admin"}, ()),
        ({"find": "c", "filter": {"password": "$1"}}, ({"$ne": None},)),
        ({"find": "c", "filter": {"a": "$1"}}, ([{"b": {"$gt": ""}}],)),
        ({"find": "c", "filter": {"a": "$2"}}, (1,)),
        ({"find": "c"}, (1,)),
        ("{not json", ()),
        ("[]", ()),
    ],
)
async def test_code_and_operators_are_refused(
    ask: Ask, mongo: MongoServer, query: Any, params: tuple[Any, ...]
) -> None:
    """Code, administration and values that are operators are never sent, whatever is allowed."""
    with pytest.raises(AgentError) as caught:
        await ask(query, *params, read_only=False)
    assert not caught.value.retryable
    assert mongo.commands == []


async def test_time_is_bounded_on_the_server(run: Run, mongo: MongoServer) -> None:
    """Reading carries the node's timeout to the server."""
    await Ask(run, mongo.url)({"find": "c"}, timeout=2)
    assert mongo.commands[-1]["maxTimeMS"] == 2000


@pytest.mark.requirement("NFR-4.5")
async def test_write_goes_to_the_primary_that_is_checked(run: Run, mongo: MongoServer) -> None:
    """A secondary's word where the primary is leads there, unless agents may not reach it."""
    insert = {"insert": "c", "documents": [{"_id": 1}]}
    parameters = {"database": "mongodb", "query": insert, "read_only": False}
    async with open_mongo_server() as secondary:
        secondary.primary = f"127.0.0.1:{mongo.port}"
        await run("database", {**parameters, "connection_string": secondary.url})
        assert (len(mongo.commands), secondary.commands) == (1, [])
    async with open_mongo_server() as secondary:
        secondary.primary = "10.0.0.5:27017"
        with pytest.raises(EgressRefused):
            await run("database", {**parameters, "connection_string": secondary.url})
        read = {**parameters, "query": {"find": "c"}}
        await run("database", {**read, "connection_string": secondary.url})


async def test_other_hosts_are_tried(run: Run, mongo: MongoServer, dead_port: int) -> None:
    """Of several hosts the first that answers is asked."""
    url = f"mongodb://127.0.0.1:{dead_port},127.0.0.1:{mongo.port}/test?replicaSet=rs"
    parameters = {"database": "mongodb", "connection_string": url, "query": {"find": "c"}}
    assert (await run("database", parameters)).output == {"rows": [], "row_count": 0}


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "url",
    [
        "mongodb://u:p@h/db?tlsCAFile=/etc/shadow",
        "mongodb://u:p@h/db?authMechanism=GSSAPI",
        "mongodb:///tmp/mongodb.sock",
        "mongodb://h:x/db",
    ],
)
async def test_odd_connection_strings_are_refused(run: Run, url: str) -> None:
    """Files, sockets and lookups cannot be smuggled in, and no password is shown."""
    parameters = {"database": "mongodb", "connection_string": url, "query": {"find": "c"}}
    with pytest.raises(AgentError, match="connection string cannot be used") as caught:
        await run("database", parameters)
    assert "u:p@" not in str(caught.value)


async def test_server_that_is_down_is_retried(run: Run, dead_port: int) -> None:
    """A refused connection may work later."""
    url = f"mongodb://127.0.0.1:{dead_port}/db"
    parameters = {"database": "mongodb", "connection_string": url, "query": {"find": "c"}}
    with pytest.raises(AgentError, match="does not answer") as caught:
        await run("database", {**parameters, "timeout": 1})
    assert caught.value.retryable
