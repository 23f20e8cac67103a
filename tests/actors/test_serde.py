"""Checkpoint values: what goes in comes out, and data is never read as a tag."""

import random
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from langgraph.types import Interrupt, Send

from actors.serde import TAG, StoredValue, dump, load
from store.postgres import Pool

KEPT: list[Any] = [
    None, True, 0, -1, 2**63, 1.5, "text", "", [], {}, [[{}]], {"a": {"b": [1, None]}},
    (), (1, (2, "x")), {1, 2}, {(1, 2)}, {frozenset({1}), frozenset({2})}, frozenset({"a"}),
    b"\x00\xff", Send("node", {"start": 0, "stop": 3}), [Send("n", (1, b"x"))],
    Interrupt(value={"message": "ok?"}, id="i1"), StoredValue("task", 10, 2),
    {TAG: "set", "value": [1]}, {TAG: {TAG: "send"}}, {TAG: "object", "value": {TAG: 1}},
    {"deep": [{TAG: "stored", "task": "t", "count": 1, "failed": 0}]}, [{TAG: None}],
]  # fmt: skip


@pytest.mark.parametrize("value", KEPT, ids=repr)
def test_value_is_read_as_it_was_written(value: Any) -> None:
    """JSON values, tuples, sets, bytes and LangGraph's own keep value and type."""
    found = load(dump(value))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x00\ud800", "a\ufffd\ufffd"),
        (float("nan"), None),
        (2**70, str(2**70)),
        ({1: "a"}, {"1": "a"}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_what_json_cannot_hold_has_its_defined_answer(value: Any, expected: Any) -> None:
    """The answers are those of every other value that is stored."""
    assert load(dump(value)) == expected


def test_error_is_kept_as_its_text() -> None:
    """An exception comes back as one that says the same, never by importing its class."""
    found = load(dump(ValueError("wrong")))
    assert type(found) is RuntimeError
    assert str(found) == "ValueError: wrong"


def test_unknown_tag_is_refused() -> None:
    """A text that this version cannot have written is not guessed at."""
    with pytest.raises(KeyError):
        load(f'{{"{TAG}": "later"}}')


async def test_random_values_pass_through_postgres(engine_pool: Pool) -> None:
    """Nested at random, with the tag's key among the user's, values come back from jsonb."""
    chance = random.Random(7)  # noqa: S311 - the same values each time
    values = [_random(chance, 4) for _ in range(300)]
    rows = await engine_pool.fetch("SELECT t::jsonb AS v FROM unnest($1::text[]) AS t",
                                   [dump(value) for value in values])  # fmt: skip
    assert [load(row["v"]) for row in rows] == values


def _random(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(9 if depth else 4)
    if kind < 4:
        return chance.choice([None, False, chance.randrange(-9, 9), f"t{chance.random()}", TAG])
    inside = [_random(chance, depth - 1) for _ in range(chance.randrange(4))]
    match kind:
        case 4:
            return inside
        case 5:
            return tuple(inside)
        case 6:
            return {1, "a", ("b", 2)}
        case 7:
            return Send("node", inside)
    names = ["a", TAG, "value", "node"]
    return {names[place]: value for place, value in enumerate(inside)}


def test_text_is_plain_json() -> None:
    """Ordinary values need no reader of ours."""
    value = {"rows": [{"n": 1, "text": "Zürich"}], "ok": True}
    assert orjson.loads(dump(value)) == value
