"""What is evaluated without the sandbox is what the sandbox gives, or is left to it."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

import agents.sandbox
from agents.errors import AgentError
from agents.plain import NotPlain, plain_value
from agents.sandbox import Sandbox, SandboxLimits
from agents.script_values import to_json

EXPRESSIONS = 3000
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 255, 2**53, 2**53 + 1, -(2**63), 10**30, 0.0, -0.0, 0.5, 1.0,
    2.0, 1e308, 9007199254740992.0, "", "a", "ab", "b", "A", "1", "0", "ä", "é", "\U0001f600",
    "\uffff", "a b", "score", [], {}, [1], ["a"], ["a", "b", 1, None, 2.0], [[], {}], {"a": 1},
    {"score": 0.9, "": 2, "b": {"a": [0]}}, "x" * 300, [True, 0], float("inf"),
)  # fmt: skip
NAMES = ("state", "item", "len", "x", "missing")
SUMS = ("+", "-", "*", "/", "//", "%")
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not")
KEYS = ("'a'", "'score'", "''", "0", "-1", "1", "7", "True", "item", "'b'", "0.0")
ODD = (
    "1 + 1", "-x", "not x", "abs(1)", "state.score", "state.b.a", "item.upper()", "[1, 2]", "(1,)",
    "{'a'}", "{'a': 1}", "1 if x else 2", "f'{x}'", "len(x)", "len(state)", "len('ab')", "-True",
    "state.get('score')", "state.get('no', 2)", "item.get('a', x)", "state.get(x)", "-(2.0)",
    "-1.5", "-0.0", "1e400", "...", "b'a'", "x[0:1]", "lambda: 1", "[i for i in x]", "'a' 'b'",
    "'\\ud800'", "'\\x00'", "2 ** 2", "state['b']['a'][0]", "1_000", "1j", "x := 1",
)  # fmt: skip


class Writer:
    """Writes expressions and values by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's

    def variables(self) -> dict[str, Any]:
        """Return some variables."""
        names = NAMES[:2] if self.random.random() < 0.7 else NAMES[:4]
        found = {name: self.random.choice(VALUES) for name in names}
        if self.random.random() < 0.5:
            found["state"] = {"score": self.random.choice(VALUES), "a": self.random.choice(VALUES)}
        return found

    def expression(self, depth: int = 0) -> str:
        """Return an expression."""
        chance = self.random.random()
        if depth > 3 or chance < 0.2:
            return self._leaf()
        below = self.expression(depth + 1)
        if chance < 0.3:
            return f"({below})[{self.random.choice(KEYS)}]"
        if chance < 0.4:
            return f"(not {below})"
        other = self.expression(depth + 1)
        if chance < 0.55:
            joint = self.random.choice(("and", "or"))
            return f"({below} {joint} {other})"
        if chance < 0.6:
            return f"({below} {self.random.choice(SUMS)} {other})"
        if chance < 0.65:
            return f"({below} in [{other}, {self._leaf()}])"
        if chance < 0.7:
            return f"({below} < {other} <= {self._leaf()})"
        return f"({below} {self.random.choice(OPERATORS)} {other})"

    def _leaf(self) -> str:
        chance = self.random.random()
        if chance < 0.2:
            return self.random.choice(("state['score']", "state['a']", "state.score"))
        if chance < 0.5:
            return self.random.choice(NAMES)
        if chance < 0.6:
            return self.random.choice(ODD)
        return repr(self.random.choice(VALUES[:34]))


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A sandbox that evaluates everything by itself."""

    def nothing_is_plain(source: str, variables: dict[str, Any]) -> Any:
        raise NotPlain

    monkeypatch.setattr(agents.sandbox, "plain_value", nothing_is_plain)
    async with Sandbox(SandboxLimits()) as opened:
        yield opened


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_plain_value_is_the_sandboxes(sandbox: Sandbox, seed: int) -> None:
    """Of expressions by chance each gives the same value here and there, or none here."""
    writer = Writer(seed)
    plain = 0
    for _ in range(EXPRESSIONS):
        source, variables = writer.expression(), writer.variables()
        try:
            found = json.dumps(to_json(plain_value(source, variables)))
        except NotPlain:
            continue
        plain += 1
        try:
            told = json.dumps(await sandbox.evaluate(source, variables))
        except AgentError as error:
            told = str(error)
        assert found == told, f"{source} with {variables}"
    assert plain > EXPRESSIONS / 10
