"""Scripts and expressions run in the sandbox, within limits, and never in our process."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.errors import AgentError
from agents.sandbox import Sandbox, SandboxLimits
from agents.script_values import to_json


@pytest.fixture(scope="module")
def limits() -> SandboxLimits:
    """Limits that a test meets quickly."""
    return SandboxLimits(seconds=0.5, memory_bytes=16 * 1024 * 1024, processes=1)


@pytest.fixture
async def sandbox(limits: SandboxLimits) -> AsyncIterator[Sandbox]:
    """An open sandbox."""
    async with Sandbox(limits) as opened:
        yield opened


@pytest.mark.requirement("NFR-4.5", "FR-3.5")
@pytest.mark.parametrize(
    ("source", "variables", "value"),
    [
        ("state['score'] > 0.8", {"state": {"score": 0.9}}, True),
        ("status.status_code != 200", {"status": {"status_code": 500}}, True),
        ("order.items[0].price * 2", {"order": {"items": [{"price": 4}]}}, 8),
        ("[r.stars for r in rows if r.stars > 3]", {"rows": [{"stars": 5}, {"stars": 1}]}, [5]),
        ("name.upper().startswith('A')", {"name": "anna"}, True),
        ("reviews.get('count', 0)", {"reviews": {}}, 0),
        ("a > 1\n  and a < 9  # between", {"a": 5}, True),
    ],
)
async def test_expression_has_its_value(
    sandbox: Sandbox, source: str, variables: dict[str, Any], value: object
) -> None:
    """An expression reads objects by key or by dot, and its value is JSON."""
    assert await sandbox.evaluate(source, variables) == value


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("# high ones\nreturn [i for i in data if i['score'] > 0.5]", [{"score": 1}]),
        ("total = sum(i['score'] for i in data)\ntotal", 1),
        ("if data:\n    return 'some'\nreturn 'none'", "some"),
        ("return '''a\nb'''", "a\nb"),
        ("def first(rows):\n    return rows[0]\nreturn first(data)", {"score": 1}),
        (
            "import json, re\nreturn re.sub('1', '2', json.dumps(data))",
            '[{"score": 2}, {"score": 0}]',
        ),
        ("return {'pair': (1, 2), 'set': {3}}", {"pair": [1, 2], "set": [3]}),
    ],
)
async def test_script_returns(sandbox: Sandbox, script: str, value: object) -> None:
    """A script's `return`, or else its last expression, is the result."""
    assert await sandbox.run(script, {"data": [{"score": 1}, {"score": 0}]}) == value


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "script",
    [
        "import os\nreturn os.environ",
        "import subprocess",
        "import socket",
        "return open('/etc/passwd').read()",
        "return __import__('os')",
        "return ().__class__.__base__.__subclasses__()",
    ],
)
async def test_script_cannot_reach_out(sandbox: Sandbox, script: str) -> None:
    """Files, processes, sockets and the interpreter's insides are out of reach."""
    with pytest.raises(AgentError) as caught:
        await sandbox.run(script, {})
    assert not caught.value.retryable


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("while True:\n    pass", "took too long"),
        ("return 'a' * 10**9", "MemoryError"),
        ("def f():\n    return f()\nreturn f()", "RecursionError"),
        ("for i in range(10**6):\n    print('x' * 1000)\nreturn 1", "MemoryError"),
        ("return '" + "x" * 60_000 + "'", "longer than"),
        ("return " + "-" * 40_000 + "1", "too complex|failed"),
    ],
    ids=["time", "memory", "recursion", "output", "length", "depth"],
)
async def test_script_is_bounded(sandbox: Sandbox, script: str, words: str) -> None:
    """Time, memory, recursion, output and length have limits, and the error says which."""
    with pytest.raises(AgentError, match=words) as caught:
        await sandbox.run(script, {})
    assert not caught.value.retryable
    assert await sandbox.evaluate("abs(-2)", {}) == 2


@pytest.mark.requirement("FR-7.5")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("x = 1\nreturn x / 0", "ZeroDivisionError: division by zero at line 2: `return x / 0`"),
        ("def f(r):\n    return r['nope']\nreturn f({})", "KeyError: 'nope' at line 2"),
        ("x = = 1", "not valid Python: invalid syntax at line 1: `x = = 1`"),
    ],
)
async def test_error_names_the_line(sandbox: Sandbox, script: str, message: str) -> None:
    """A failing script is told by its own line numbers."""
    with pytest.raises(AgentError) as caught:
        await sandbox.run(script, {})
    assert message in str(caught.value)


@pytest.mark.parametrize("operators", [500, 5_000, 20_000])
async def test_deep_expression_is_answered(sandbox: Sandbox, operators: int) -> None:
    """An expression nested to exhaust a stack has a value or a final error."""
    source = "1" + "+1" * operators
    for work in (sandbox.evaluate(source, {}), sandbox.run(f"return {source}", {})):
        try:
            assert await work == operators + 1
        except AgentError as error:
            assert not error.retryable
    assert await sandbox.evaluate("abs(-2)", {}) == 2


async def test_expression_must_be_one(sandbox: Sandbox) -> None:
    """A statement in the place of an expression is refused with an example."""
    with pytest.raises(AgentError, match="is not an expression"):
        await sandbox.evaluate("x = 1", {})


def test_deep_values_are_refused() -> None:
    """A value nested without end is not followed."""
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    with pytest.raises(AgentError, match="nested too deeply"):
        to_json(value)


def test_shared_parts_count_as_often_as_they_are_written() -> None:
    """A value that is small only in memory is refused without writing it out."""
    value: Any = {}
    for _ in range(50):
        value = {"a": value, "b": value}
    with pytest.raises(AgentError, match="larger than 33554432 bytes"):
        to_json(value, pausing=True)
    key = ("k" * 10**6, 1)
    with pytest.raises(AgentError, match="larger than"):
        to_json([{key: 1}] * 100)
