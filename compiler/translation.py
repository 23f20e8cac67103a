"""What the models found wrong, in the product's words: path, rule, message, remedy."""

from collections.abc import Callable
from typing import Any

from pydantic_core import ErrorDetails

from compiler.errors import Problem, dotted
from compiler.schema import fields_at
from compiler.suggestions import did_you_mean
from compiler.values import Path

MAX_PROBLEMS = 200

_EXPECTED = (
    ("string_", "a text", "Put it in quotes."),
    ("int_", "a whole number", "Write a whole number."),
    ("float_", "a number", "Write a number."),
    ("finite_number", "a finite number", "Write a finite number."),
    ("bool_", "true or false", "Write true or false."),
    ("tuple_", "a list", "Write a list: one `- ` line for each element."),
    ("list_", "a list", "Write a list: one `- ` line for each element."),
    ("dict_", "an object", "Write fields and values: `name: value`."),
    ("model_", "an object", "Write fields and values: `name: value`."),
    ("datetime_", "a date with a time", "Write it as 2025-10-08T10:00:00Z."),
)
_NAME_REMEDY = "Use letters, digits and underscores, and begin with a letter: `extract_skills`."


def translate(errors: list[ErrorDetails], document: Any) -> list[Problem]:
    """Turn the models' errors into problems.

    Args:
        errors: What `ValidationError.errors()` gave.
        document: What was validated; the paths follow its own spelling.
    """
    errors = [error for error in errors if not _follows_from_others(error, errors)]
    problems = [_problem(error, document) for error in errors[:MAX_PROBLEMS]]
    if len(errors) > MAX_PROBLEMS:
        message = f"There are {len(errors) - MAX_PROBLEMS} more problems like these."
        problems.append(Problem("", "too_many_problems", message, "Mend the ones above first."))
    return problems


def _follows_from_others(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list is only too short because its elements, which are wrong, do not count."""
    path = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in errors
    )


def _problem(error: ErrorDetails, document: Any) -> Problem:
    path: Path = tuple(error["loc"])
    rule, message, remedy = _said(error, path)
    return Problem(dotted(_as_written(path, document)), rule, message, remedy)


def _as_written(path: Path, document: Any) -> Path:
    """Undo the moves that the models make for short forms, so that the path is the author's."""
    if path[:1] == ("metadata",) and isinstance(document, dict) and "metadata" not in document:
        return path[1:]
    if path[:1] != ("nodes",) or len(path) < 3:
        return path
    try:
        node = document["nodes"][path[1]]
    except (KeyError, IndexError, TypeError):
        return path
    if path[2] in node:
        return path
    if path[2] == "batch_size":
        return (*path[:2], "parameters", *path[2:])
    short = {"input_keys": "input", "output_key": "output"}.get(str(path[2]), "")
    return (*path[:2], short, *path[3:]) if short in node else path


def _said(error: ErrorDetails, path: Path) -> tuple[str, str, str]:
    """Return rule, message and remedy of one error."""
    kind = error["type"]
    name = str(path[-1]) if path else "specification"
    if kind in _SAYERS:
        return _SAYERS[kind](error, path, name)
    for prefix, expected, remedy in _EXPECTED:
        if kind.startswith(prefix):
            return (
                "wrong_type",
                f"`{name}` must be {expected}, not {_shown(error['input'])}.",
                remedy,
            )
    message = error["msg"][:1].lower() + error["msg"][1:]
    return "invalid_value", f"`{name}`: {message}.", "Change the value."


def _missing(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    return "missing_field", f"The field `{name}` is missing.", f"Add `{name}`."


def _unknown(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    known = [field for field in fields_at(path[:-1]) if field != name]
    remedy = f"Remove it. {did_you_mean(name, known)}".strip()
    return "unknown_field", f"The field `{name}` is not known here.", remedy


def _literal(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    expected = str(error.get("ctx", {}).get("expected", ""))
    message = f"`{name}` cannot be {_shown(error['input'])}."
    return "invalid_value", message, f"Write one of: {expected.replace(chr(39), '`')}."


def _pattern(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    message = f"`{name}` cannot be {_shown(error['input'])}."
    if name in ("id", "output_key", "output"):
        return "invalid_name", message, _NAME_REMEDY
    remedies = {
        "version": "Write three numbers: 1.0.0.",
        "frequency": "Write `every_node`, `on_failure` or `every_5_nodes`.",
    }
    return "invalid_value", message, remedies.get(name, "Change the value.")


def _bound(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    context = error.get("ctx", {})
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    bound = next(f"{words[key]} {context[key]:g}" for key in words if key in context)
    message = f"`{name}` must be {bound}, not {_shown(error['input'])}."
    return "out_of_range", message, f"Write a number that is {bound}."


def _length(error: ErrorDetails, path: Path, name: str) -> tuple[str, str, str]:
    context = error.get("ctx", {})
    bound = "at least" if "min_length" in context else "at most"
    limit = context.get("min_length", context.get("max_length"))
    what = "characters" if error["type"].startswith("string") else "elements"
    message = f"`{name}` must have {bound} {limit} {what if limit != 1 else what[:-1]}."
    return "out_of_range", message, "Make it longer." if bound == "at least" else "Make it shorter."


_SAYERS: dict[str, Callable[[ErrorDetails, Path, str], tuple[str, str, str]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _length,
    "string_too_long": _length,
    "too_short": _length,
    "too_long": _length,
    "greater_than": _bound,
    "greater_than_equal": _bound,
    "less_than": _bound,
    "less_than_equal": _bound,
}


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value!s:.80}`"
