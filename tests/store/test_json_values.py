"""Values that JSON or Postgres refuses, and their defined answers."""

import dataclasses
import enum
import math
import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from store.json_values import canonical, clean_text, dumps, jsonable, loads
from tests.factories import Connect


class _Colour(enum.Enum):
    RED = "red"


class _Model(BaseModel):
    when: date


@dataclasses.dataclass
class _Pair:
    left: Any
    right: Any


CASES = [
    ("a\x00b", "a\ufffdb"),
    ("a\ud800b", "a\ufffdb"),
    ("\U0001f600", "\U0001f600"),
    ({"k\x00": 1}, {"k\ufffd": 1}),
    ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    (math.nan, None),
    (-math.inf, None),
    (2**63, 2**63),
    (2**64, str(2**64)),
    (-(2**63) - 1, str(-(2**63) - 1)),
    (True, True),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(1, 2), "01:02:00"),
    (Decimal("1.5"), 1.5),
    (Decimal("NaN"), None),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (b"\x00\xff", "AP8="),
    (_Colour.RED, "red"),
    (_Model(when=date(2026, 1, 2)), {"when": "2026-01-02"}),
    (_Pair({1}, (2,)), {"left": [1], "right": [2]}),
    ({3}, [3]),
    (range(2), "range(0, 2)"),
]


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_answer_is_defined(value: Any, expected: Any) -> None:
    """Each kind of value has one JSON form."""
    assert jsonable(value) == expected


async def test_postgres_holds_and_returns_every_case(shared: Connect) -> None:
    """A jsonb column takes what `dumps` makes and gives it back unchanged."""
    connection = await shared("weft_owner")
    text = await connection.fetchval("SELECT $1::jsonb", dumps([value for value, _ in CASES]))
    assert loads(text) == [expected for _, expected in CASES]


async def test_random_values_pass_through_postgres(shared: Connect) -> None:
    """Whatever is nested how, what comes back equals what was meant."""
    connection = await shared("weft_owner")
    chance = random.Random(20261122)  # noqa: S311 - the same values each time
    for _ in range(100):
        value = _random_value(chance, 4)
        back = loads(await connection.fetchval("SELECT $1::jsonb", dumps(value)))
        assert back == jsonable(value)


def _random_value(chance: random.Random, depth: int) -> Any:
    if depth and chance.random() < 0.6:
        count = chance.randrange(4)
        if chance.random() < 0.5:
            return [_random_value(chance, depth - 1) for _ in range(count)]
        return {_random_text(chance): _random_value(chance, depth - 1) for _ in range(count)}
    return chance.choice(
        [
            None, True, math.nan, 1e300, 5e-324, -0.0, 2**70, -(2**63), 10.0**16,
            chance.uniform(-1e9, 1e9), chance.randrange(2**64), _random_text(chance),
        ]
    )  # fmt: skip


def _random_text(chance: random.Random) -> str:
    codes = (chance.choice([0, 34, 92, 0xD800, 0xDFFF, 0x10FFFF, chance.randrange(0x3000)])
             for _ in range(chance.randrange(8)))  # fmt: skip
    return "".join(map(chr, codes))


def test_clean_text_leaves_ordinary_text() -> None:
    """Only what columns refuse is replaced."""
    assert clean_text("Zürich\n\t\u2028 \U0001f600") == "Zürich\n\t\u2028 \U0001f600"


def test_canonical_text_knows_no_order() -> None:
    """Equal objects have equal text."""
    assert canonical({"a": 1, "b": [2]}) == canonical({"b": [2], "a": 1})


def test_sql_null_is_none() -> None:
    """A column without a value reads as None."""
    assert loads(None) is None
