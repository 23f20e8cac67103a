"""Values that JSON or Postgres cannot hold: each has its answer, and the journal goes on."""

import json
import math
from typing import Any
from uuid import UUID

import pytest

from store.artifacts import ArtifactReader, PostgresArtifacts
from store.decisions import decide_approval
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from tests.actors.workflows import wait
from tests.factories import Account
from tests.faults.conftest import Begin, Crew
from tests.faults.specifications import ask, mapped, posts, row, says

MEBIBYTE = 2**20
DEEP = 2000
ODD: dict[str, tuple[Any, Any]] = {
    "nul": ("a\u0000b", "a\ufffdb"),
    "surrogate": ("a\ud800b", "a\ufffdb"),
    "nan": (math.nan, None),
    "infinity": (-math.inf, None),
    "huge integer": (10**40, str(10**40)),
    "nul as key": ({"a\u0000": 1}, {"a\ufffd": 1}),
    "surrogate as key": ({"\udfff": 1}, {"\ufffd": 1}),
    "nan as key": ({math.nan: 1}, {"nan": 1}),
    "the tag of a checkpoint": ({"$weft": "send", "node": "x"}, {"$weft": "send", "node": "x"}),
    "bytes": (b"\xff\x00", "/wA="),
    "nothing": (None, None),
}  # fmt: skip
"""What is given, and what is kept of it."""
BODIES: dict[str, bytes] = {
    "nul": b'{"v": "a\\u0000b"}',
    "surrogate": b'{"v": "a\\ud800b"}',
    "not a number": b'{"v": NaN}',
    "huge integer": b'{"v": 1' + b"0" * 400 + b"}",
    "huge number": b'{"v": 1e999}',
    "deep": b"[" * DEEP + b"]" * DEEP,
    "rather deep": b"[" * 190 + b"]" * 190,
    "deep enough to wrap": b"[" * 245 + b"]" * 245,
    "not utf-8": b'{"v": "\xff\xfe"}',
    "no json": b"{",
    "2 MB": json.dumps({"v": "x" * 2 * MEBIBYTE}).encode(),
    "nul as key": b'{"a\\u0000": 1}',
    "tag": b'{"$weft": "interrupt", "id": 1}',
}


async def _ends(crew: Crew, *ids: UUID) -> dict[UUID, Any]:
    """Wait until executions have ended; a failure must say what is wrong."""
    await crew.check(within_seconds=60)
    rows = await crew.database.fetch("SELECT * FROM workflow_executions WHERE id = ANY($1)", ids)
    for found in rows:
        assert found["status"] in ("completed", "failed")
        if found["status"] == "failed":
            assert len(found["error_message"]) > 20
            assert "Traceback" not in found["error_message"]
    return {found["id"]: found for found in rows}


async def _output(pool: Pool, end: Any) -> Any:
    """Return an execution's output with what it refers to."""
    reader = ArtifactReader(PostgresArtifacts(pool), end["tenant_id"], end["id"])
    return await reader.recorded(loads(end["output_data"]))


@pytest.mark.requirement("FR-2.6")
async def test_answers_of_the_outside_world(begin: Begin, crew: Crew, api_pool: Pool) -> None:
    """Whatever a service answers: kept, or a clear failure; nobody beside it is held up."""
    owner = await crew.executor()
    ids = {}
    for number, (name, body) in enumerate(BODIES.items()):
        node = posts(f"n{number}", crew.effects.url, output_key="got")
        crew.effects.answers[node["id"]] = body
        [ids[name]] = await begin(row([node, says("kept", {"v": "{got.body}"})]), owner)
    neighbours = await begin(row([posts("a", crew.effects.url), says("z")]), owner, count=10)
    ends = await _ends(crew, *ids.values(), *neighbours)
    assert {ends[id]["status"] for id in neighbours} == {"completed"}
    failed = {name for name, id in ids.items() if ends[id]["status"] == "failed"}
    assert failed == {"deep enough to wrap"}
    kept = {
        name: (await _output(api_pool, ends[id]))["kept"][0]["v"]
        for name, id in ids.items()
        if name not in failed
    }
    assert kept["nul"] == {"v": "a\ufffdb"}
    assert kept["nul as key"] == {"a\ufffd": 1}
    assert kept["tag"] == {"$weft": "interrupt", "id": 1}
    assert kept["no json"] == "{"
    assert kept["2 MB"] == {"v": "x" * 2 * MEBIBYTE}
    assert owner.code is None


async def test_inputs_and_items(begin: Begin, crew: Crew) -> None:
    """Given as input, and run over as the items of a list: the same is kept at every place."""
    owner = await crew.executor()
    each = {**says("each", {"v": "{item}"}), "pattern": "map", "input_keys": ["input.odd"]}
    document = row([says("a", "{input.odd}"), each, posts("c", crew.effects.url)])
    ids = await begin(document, owner, input={"odd": [given for given, _ in ODD.values()]})
    document = row([mapped("each", crew.effects.url, "input.odd", 3)])
    ids += await begin(document, owner, input={"odd": [given for given, _ in ODD.values()]})
    ends = await _ends(crew, *ids)
    assert {end["status"] for end in ends.values()} == {"completed"}
    expected = [kept for _, kept in ODD.values()]
    assert loads(ends[ids[0]]["input_data"])["odd"] == expected
    logged = await crew.database.fetch(
        "SELECT output_data FROM execution_node_logs WHERE execution_id = $1 "
        "AND node_id IN ('a', 'each')", ids[0],
    )  # fmt: skip
    assert [loads(one["output_data"]) for one in logged] == [
        expected, [[{"v": kept}] for kept in expected]
    ]  # fmt: skip


@pytest.mark.parametrize("megabytes", [4, pytest.param(20, marks=pytest.mark.faults)])
async def test_large_results(megabytes: int, begin: Begin, crew: Crew, api_pool: Pool) -> None:
    """Megabytes go through every record of a node, and the neighbours complete beside them."""
    owner = await crew.executor()
    text = "x" * megabytes * MEBIBYTE
    document = row([says("a", {"v": "{input.text}"}), says("b", {"v": "{a}"})])
    [large] = await begin(document, owner, input={"text": text})
    neighbours = await begin(row([says("a"), says("z")]), owner, count=10)
    ends = await _ends(crew, large, *neighbours)
    assert {end["status"] for end in ends.values()} == {"completed"}
    assert await _output(api_pool, ends[large]) == {"b": [{"v": [{"v": text}]}]}
    assert owner.code is None


@pytest.mark.requirement("FR-2.7")
async def test_answers_of_people(
    begin: Begin, crew: Crew, api_pool: Pool, live: LiveView, account: Account
) -> None:
    """What a person answers is kept as far as it can be, and what follows can name it."""
    owner = await crew.executor()
    document = row([ask("ok"), says("b", {"v": "{ok.value}"})])
    ids = await begin(document, owner, count=len(ODD))
    await crew.until("waiting", *ids)
    questions = await crew.database.fetch("SELECT id, execution_id FROM execution_approvals")
    asked = {question["execution_id"]: question["id"] for question in questions}
    for id, (given, _) in zip(ids, ODD.values(), strict=True):
        assert await decide_approval(
            api_pool, live, account.tenant_id, id, asked[id], decision="a\u0000", value=given,
            comment="c\ud800", decided_by="d\u0000", owner_id=owner.id,
        )  # fmt: skip
    ends = await _ends(crew, *ids)
    for id, (name, (_, kept)) in zip(ids, ODD.items(), strict=True):
        assert loads(ends[id]["output_data"]) == {"b": [{"v": kept}]}, name


@pytest.mark.parametrize("text", [
    "a\u0000b", "a\ud800b", pytest.param("x" * 3 * MEBIBYTE, marks=pytest.mark.faults),
], ids=["nul", "surrogate", "long"])  # fmt: skip
async def test_text_where_no_value_is_expected(text: str, begin: Begin, crew: Crew) -> None:
    """In a question, in the name of an event, in an address: clean, or a clear failure."""
    owner = await crew.executor()
    told = {"text": text, "url": f"{crew.effects.url}/{text[:5]}"}
    ids = [
        *await begin(row([ask("ok", message="{input.text}")]), owner, input=told),
        *await begin(row([wait("w", event="{input.text}", seconds=3600)]), owner, input=told),
    ]
    node = posts("a", crew.effects.url)
    node["parameters"]["url"] = "{input.url}"
    bad = await begin(row([node]), owner, input=told)
    neighbours = await begin(row([says("a")]), owner, count=5)
    ends = await _ends(crew, *bad, *neighbours)
    assert {ends[id]["status"] for id in neighbours} == {"completed"}
    for id in ids:
        assert await crew.status(id) in ("waiting", "failed")
    assert owner.code is None
