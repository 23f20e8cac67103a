"""User-written Python, run in worker processes of pydantic-monty, never in ours.

A worker has no files, network, clock of its own or modules beyond a few pure ones; every run gets
a fresh session with bounds on time, memory, recursion, input and output.
"""

import ast
import asyncio
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self
from uuid import UUID

from pydantic_monty import Frame, MontyCrashedError, MontyError

from agents.errors import AgentError
from agents.jail import open_worker_program
from agents.lanes import Lanes, Script
from agents.plain import NotPlain, plain_value
from agents.script_values import TooLarge, to_json

EXPRESSION_SECONDS = 1.0
MAX_SOURCE_CHARACTERS = 50_000
_QUICK_RESULT_BYTES = 64 * 1024
"""What is converted without leaving the event loop: a millisecond or two."""
_REMEMBERED_CHARACTERS = 500
"""A longer expression is rewritten each time: what is remembered is bounded."""
_NAME = re.compile(r"[^\W\d]\w*")
_NOBODY = UUID(int=0)
_FUNCTION = "_weft_script"
_FIELD = "_weft_field"
PRELUDE = f"""
def {_FIELD}(value, name):
    if isinstance(value, dict):
        if name in value:
            return value[name]
        raise KeyError(name)
    return getattr(value, name)
"""
"""What stands before the text of `with_fields`."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Bounds of one run."""

    seconds: float = 10.0
    memory_bytes: int = 128 * 1024 * 1024
    processes: int = 2


class Sandbox:
    """A pool of warm workers, opened once for a process: `async with Sandbox(limits)`."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._limits = limits
        self._stack = AsyncExitStack()
        self._lanes: Lanes | None = None

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(self._stack.enter_context, open_worker_program())
        lanes = Lanes(program, self._limits.processes, self._limits.seconds)
        self._lanes = await self._stack.enter_async_context(lanes)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()
        self._lanes = None

    async def evaluate(
        self,
        source: str,
        variables: Mapping[str, Any],
        *,
        seconds: float = EXPRESSION_SECONDS,
        whose: UUID = _NOBODY,
    ) -> Any:
        """Return the value of one expression; `a.b` reads the key `b` of an object `a`.

        One that is plain is evaluated here (see `agents.plain`).

        Args:
            source: The expression.
            variables: What it may name.
            seconds: Its bound.
            whose: The organization whose turn it takes.

        Raises:
            AgentError: It is not an expression, fails, or takes too long; always final.
        """
        try:
            return to_json(plain_value(source, variables))
        except NotPlain:
            pass
        seconds = min(seconds, self._limits.seconds)
        code = f"{PRELUDE}\n({with_fields(source)})"
        return await self._value(source, 0, self._made(code, source, variables, seconds, whose))

    async def run(self, script: str, variables: Mapping[str, Any], *, whose: UUID = _NOBODY) -> Any:
        """Return what a script's `return` gives, or else the value of its last expression.

        Args:
            script: The script.
            variables: What it may name.
            whose: The organization whose turn it takes.

        Raises:
            AgentError: The script is not valid, fails, or passes a limit; always final.
        """
        tree = parse_script(script)
        seconds = self._limits.seconds
        if not any(isinstance(node, ast.Return) for node in _own_nodes(tree)):
            return await self._value(
                script, 0, self._made(script, script, variables, seconds, whose)
            )
        inside = _lines_inside_text(tree)
        lines = (
            line if number in inside else f" {line}"
            for number, line in enumerate(script.split("\n"), start=1)
        )
        code = f"def {_FUNCTION}():\n{chr(10).join(lines)}\n{_FUNCTION}()"
        return await self._value(script, 1, self._made(code, script, variables, seconds, whose))

    def _made(
        self, code: str, source: str, variables: Mapping[str, Any], seconds: float, whose: UUID
    ) -> Script:
        """Make what a worker is given; of the variables those that the source mentions."""
        mentioned = set(_NAME.findall(source))
        inputs = {name: value for name, value in variables.items() if name in mentioned}
        return Script(code, inputs, seconds, self._limits.memory_bytes, whose)

    async def _value(self, source: str, added: int, script: Script) -> Any:
        if self._lanes is None:
            raise RuntimeError("The sandbox is not open.")
        try:
            value = await self._lanes.run(script)
        except MontyError as error:
            raise _failure(error, source, added) from error
        except TimeoutError as error:
            raise AgentError("All script workers are busy.", retryable=True) from error
        try:
            return to_json(value, _QUICK_RESULT_BYTES)
        except TooLarge:
            # Seconds of work: nobody else is to wait for it.
            return await asyncio.to_thread(to_json, value, pausing=True)


def _parse(source: str, mode: Literal["exec", "eval"]) -> ast.AST:
    """Parse without a word about odd escapes; the text is only read, never run here."""
    if len(source) > MAX_SOURCE_CHARACTERS:
        raise AgentError(
            f"The script is longer than {MAX_SOURCE_CHARACTERS} characters.", remedy="Shorten it."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source, mode=mode)
    except (ValueError, RecursionError, MemoryError) as error:
        raise AgentError("The script is too complex to read.", remedy="Simplify it.") from error


def parse_script(script: str) -> ast.AST:
    """Read a script without running it.

    Raises:
        AgentError: It is no Python, or too long; says where.
    """
    try:
        return _parse(script, "exec")
    except SyntaxError as error:
        line = (error.text or "").strip()[:200]
        raise AgentError(
            f"The script is not valid Python: {error.msg} at line {error.lineno}: `{line}`.",
            remedy="Scripts are written in Python.",
        ) from error


def _own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes outside the functions and classes that the script defines."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _lines_inside_text(tree: ast.AST) -> set[int]:
    """Lines that begin within a text literal, where indentation would change the text."""
    return {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }


def with_fields(source: str) -> str:
    """Rewrite `a.b` into a look-up that reads objects (dictionaries) by key; needs `PRELUDE`.

    Raises:
        AgentError: It is no expression.
    """
    short = len(source) <= _REMEMBERED_CHARACTERS
    return _remembered(source) if short else _rewritten(source)


@lru_cache(maxsize=2048)
def _remembered(source: str) -> str:
    return _rewritten(source)


def _rewritten(source: str) -> str:
    try:
        tree = _parse(f"(\n{source}\n)", "eval")
        return ast.unparse(ast.fix_missing_locations(_FieldReader().visit(tree)))
    except SyntaxError as error:
        raise AgentError(
            f"`{source.strip()[:200]}` is not an expression: {error.msg}.",
            remedy="Write a Python expression such as `item['score'] > 0.5`.",
        ) from error
    except RecursionError as error:
        raise AgentError("The expression is too complex.", remedy="Simplify it.") from error


class _FieldReader(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Turn a read of a field into a call of the prelude's reader."""
        value = self.visit(node.value)
        name = ast.Constant(node.attr)
        return ast.Call(func=ast.Name(_FIELD, ast.Load()), args=[value, name], keywords=[])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave the method of a method call as it is, but look into its object and arguments."""
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        else:
            node.func = self.visit(node.func)
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node


def _failure(error: MontyError, source: str, added: int) -> AgentError:
    if isinstance(error, MontyCrashedError):
        return AgentError(
            "The script ended its worker process, by memory or by time.",
            remedy="Let it work on less data.",
        )
    if "time limit" in str(error):
        return AgentError(f"The script took too long: {error}.", remedy="Let it do less.")
    return AgentError(f"The script failed with {_reason(error)}{_place(error, source, added)}.")


def _reason(error: MontyError) -> str:
    inner = error.exception()
    if isinstance(inner, KeyError):
        return f"KeyError: {inner}"
    text = str(error).strip().rstrip(".")
    name = type(inner).__name__
    return text if text.startswith(name) else f"{name}: {text}"


def _place(error: MontyError, source: str, added: int) -> str:
    traceback: list[Frame] = getattr(error, "traceback", list)()
    lines = source.split("\n")
    if added == 0 and len(lines) == 1:
        return f" in `{source.strip()[:200]}`"
    for frame in reversed(traceback):
        number = frame.line - added
        if 1 <= number <= len(lines):
            return f" at line {number}: `{lines[number - 1].strip()[:200]}`"
    return ""
