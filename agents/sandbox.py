"""User-written Python, run in worker processes of pydantic-monty, never in ours.

A worker has no files, network, clock of its own or modules beyond a few pure ones; every run gets
a fresh session with bounds on time, memory, recursion, input and output.
"""

import ast
import asyncio
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic_monty import AsyncMonty, CollectString, Frame, MontyCrashedError, MontyError

from agents.errors import AgentError
from agents.jail import open_worker_program

EXPRESSION_SECONDS = 1.0
MAX_SOURCE_CHARACTERS = 50_000
_MAX_PRINTED_BYTES = 100_000
_MAX_RECURSION = 200
_MAX_DEPTH = 100
_MAX_RESULT_BYTES = 32 * 1024 * 1024
_PART_BYTES = 8
_NEST_BYTES = 64
"""What a list or object counts: about what it takes in memory."""
_MAX_INTEGER_BITS = 14_000
"""The longest integer that Python writes as text without being told to (4300 digits)."""
_NAME = re.compile(r"[^\W\d]\w*")
_FUNCTION = "_weft_script"
_FIELD = "_weft_field"
_PRELUDE = f"""
def {_FIELD}(value, name):
    if isinstance(value, dict):
        if name in value:
            return value[name]
        raise KeyError(name)
    return getattr(value, name)
"""


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
        self._pool: AsyncMonty | None = None

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(self._stack.enter_context, open_worker_program())
        self._pool = await self._stack.enter_async_context(
            AsyncMonty(
                binary_path=program,
                min_processes=1,
                max_processes=self._limits.processes,
                checkout_timeout=60.0,
                request_timeout=self._limits.seconds + 5.0,
                max_checkouts_per_worker=1000,
            )
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()
        self._pool = None

    async def evaluate(
        self,
        source: str,
        variables: Mapping[str, Any],
        *,
        seconds: float = EXPRESSION_SECONDS,
    ) -> Any:
        """Return the value of one expression; `a.b` reads the key `b` of an object `a`.

        Raises:
            AgentError: It is not an expression, fails, or takes too long; always final.
        """
        seconds = min(seconds, self._limits.seconds)
        code = f"{_PRELUDE}\n({_with_fields(source)})"
        return await self._feed(code, source, 0, variables, seconds)

    async def run(self, script: str, variables: Mapping[str, Any]) -> Any:
        """Return what a script's `return` gives, or else the value of its last expression.

        Raises:
            AgentError: The script is not valid, fails, or passes a limit; always final.
        """
        tree = parse_script(script)
        if not any(isinstance(node, ast.Return) for node in _own_nodes(tree)):
            return await self._feed(script, script, 0, variables, self._limits.seconds)
        inside = _lines_inside_text(tree)
        lines = (
            line if number in inside else f" {line}"
            for number, line in enumerate(script.split("\n"), start=1)
        )
        code = f"def {_FUNCTION}():\n{chr(10).join(lines)}\n{_FUNCTION}()"
        return await self._feed(code, script, 1, variables, self._limits.seconds)

    async def _feed(
        self, code: str, source: str, added: int, variables: Mapping[str, Any], seconds: float
    ) -> Any:
        if self._pool is None:
            raise RuntimeError("The sandbox is not open.")
        printed = CollectString(_MAX_PRINTED_BYTES)
        mentioned = set(_NAME.findall(source))
        inputs = {name: value for name, value in variables.items() if name in mentioned}
        try:
            async with self._pool.checkout(
                script_name="script.py",
                limits={
                    "max_feed_duration_secs": seconds,
                    "max_memory": self._limits.memory_bytes,
                    "max_recursion_depth": _MAX_RECURSION,
                    "max_suspensions": 100,
                },
                os_policy={"sleep": "zero"},
            ) as session:
                value = await session.feed_run(code, inputs=inputs, print_callback=printed)
        except MontyError as error:
            raise _failure(error, source, added) from error
        except TimeoutError as error:
            raise AgentError("All script workers are busy.", retryable=True) from error
        return to_json(value)


def to_json(value: Any) -> Any:
    """Return a script's value as JSON: tuples and sets become lists, dates become text.

    Raises:
        AgentError: Part of it has no form in JSON, or its text would be too large.
    """
    return _JsonWriter().convert(value, 0)


class _JsonWriter:
    """Converts one value, counting about how large it grows.

    A small value may hold the same part many times over, and in JSON each of them is written out:
    forty lists that hold their predecessor twice are a million million.
    """

    def __init__(self) -> None:
        self._left = _MAX_RESULT_BYTES

    def convert(self, value: Any, depth: int) -> Any:
        """Return the JSON form of a part that stands so deep."""
        self._count(_PART_BYTES + (len(value) if isinstance(value, str) else 0))
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if depth > _MAX_DEPTH:
            raise AgentError("The script's result is nested too deeply.")
        self._count(_NEST_BYTES)
        if isinstance(value, Mapping):
            return {self._key(key): self.convert(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.convert(item, depth + 1) for item in value]
        if hasattr(value, "isoformat"):
            return value.isoformat()
        raise AgentError(
            f"The script returned a {type(value).__name__}, which is not JSON.",
            remedy="Return numbers, text, lists and dictionaries.",
        )

    def _key(self, key: Any) -> str:
        if isinstance(key, int):
            self._integer(key)
        is_plain = isinstance(key, int | float) or key is None
        text = json.dumps(key) if is_plain else str(key)
        self._count(len(text))
        return text

    def _integer(self, value: int) -> int:
        if value.bit_length() > _MAX_INTEGER_BITS:
            raise AgentError(
                "The script returned an integer of more than 4200 digits.",
                remedy="Return it shortened, or as a float.",
            )
        self._count(value.bit_length() // 3)
        return value

    def _count(self, size_bytes: int) -> None:
        self._left -= size_bytes
        if self._left < 0:
            raise AgentError(
                f"The script's result is larger than {_MAX_RESULT_BYTES} bytes.",
                remedy="Return less.",
            )


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


def _with_fields(source: str) -> str:
    """Rewrite `a.b` into a look-up that reads objects (dictionaries) by key."""
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
