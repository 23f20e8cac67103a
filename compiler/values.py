"""Which values a specification and an execution's input may hold: those of JSON, within bounds."""

import math
import re
from collections.abc import Mapping
from typing import Any

from compiler.errors import Problem, dotted

MAX_DEPTH = 64
MAX_VALUES = 100_000

Path = tuple[str | int, ...]

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


def value_problems(value: Any) -> list[Problem]:
    """Return what in a value JSON and the database could not hold.

    Those are: numbers that are not finite or need more than 64 bits, NUL and lone surrogates in
    texts, keys that are no text, nesting beyond 64 levels, more than 100,000 values.
    """
    problems: list[Problem] = []
    waiting: list[tuple[Path, Any]] = [((), value)]
    seen = 0
    while waiting:
        path, current = waiting.pop()
        seen += 1
        if len(path) > MAX_DEPTH or seen > MAX_VALUES:
            rule = "too_deep" if len(path) > MAX_DEPTH else "text_too_large"
            problems.append(
                Problem(
                    dotted(path[:8]),
                    rule,
                    f"A specification has at most {MAX_DEPTH} levels and {MAX_VALUES} values.",
                    "Flatten it, or move data into the execution's input.",
                )
            )
            break
        problem = _scalar_problem(path, current)
        if problem:
            problems.append(problem)
        elif isinstance(current, Mapping):
            problems.extend(p for p in (_key_problem(path, k) for k in current) if p)
            waiting.extend(((*path, str(key)), item) for key, item in current.items())
        elif isinstance(current, list | tuple):
            waiting.extend(((*path, index), item) for index, item in enumerate(current))
    return problems


def _key_problem(path: Path, key: Any) -> Problem | None:
    if isinstance(key, str):
        return _scalar_problem(path, key)
    message = f"The name of a field is no text here, but {key!r:.100}."
    return Problem(dotted(path), "wrong_type", message, "Put it in quotes.")


def _scalar_problem(path: Path, value: Any) -> Problem | None:
    if isinstance(value, str):
        if not _UNUSABLE.search(value):
            return None
        message = "This text holds a NUL character or half of a surrogate pair."
        return Problem(dotted(path), "unusable_character", message, "Remove that character.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63:
            return None
        message = "This number is not finite or needs more than 64 bits."
        return Problem(dotted(path), "unusable_number", message, "Write a smaller one, or text.")
    if value is None or isinstance(value, bool | Mapping | list | tuple):
        return None
    message = f"A value of type {type(value).__name__} has no place in JSON."
    return Problem(dotted(path), "wrong_type", message, "Use text, numbers, lists and objects.")
