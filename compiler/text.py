"""Specifications as text: reading, writing, hashing.

Reading reports every problem at once with path and line. Writing is the inverse of reading and
leaves defaults out. The hash is of the content: ids, times and the version do not change it.
"""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from compiler.errors import Problem, SpecificationError, dotted
from compiler.specification import Metadata, Specification
from compiler.translation import translate
from compiler.values import Path, value_problems
from compiler.yaml_text import TextValue, lines_of, read_text, reads_as_text

_VISIBLE = r" -~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_PLAIN = re.compile(rf"[{_VISIBLE}]*")
_BLOCK = re.compile(rf"(?!.* \n)[{_VISIBLE}][{_VISIBLE}\n]*\n[{_VISIBLE}\n]*", re.DOTALL)
_NOT_CONTENT = ("id", "version", "created_by", "created_at", "updated_at")


def load(text: str) -> Specification:
    """Read a specification from YAML 1.2 or JSON.

    Raises:
        SpecificationError: With every problem: syntax, unknown fields, wrong types.
    """
    read = read_text(text)
    try:
        return _validated(read)
    except SpecificationError as error:
        # JSON is read without lines, since only a wrong one needs them.
        lines = read.lines or lines_of(text)
        raise SpecificationError(_located(error.problems, lines)) from error


def load_document(document: Any) -> Specification:
    """Read a specification from a JSON object.

    Raises:
        SpecificationError: With every problem: unknown fields, wrong types, no object at all.
    """
    return _validated(TextValue(document))


def _validated(text: TextValue) -> Specification:
    if text.value is None:
        message = "There is no specification: the text is empty."
        remedy = "Write at least `nodes` with one node."
        raise SpecificationError([*text.problems, Problem("", "empty", message, remedy)])
    problems = [*text.problems, *value_problems(text.value)]
    try:
        specification = Specification.model_validate(text.value)
    except ValidationError as error:
        problems += translate(error.errors(include_url=False), text.value)
        raise SpecificationError(problems) from error
    if problems:
        raise SpecificationError(problems)
    return specification


def locate(problems: list[Problem], text: str) -> list[Problem]:
    """Return the problems with the lines of their paths in a text.

    Args:
        problems: As `check` gives them; those that have a line keep it.
        text: The YAML or JSON that was loaded.
    """
    return _located(problems, lines_of(text))


def _located(problems: list[Problem], lines: Mapping[Path, int]) -> list[Problem]:
    by_path = {dotted(path): line for path, line in lines.items()}
    return [
        problem if problem.line else replace(problem, line=_line(problem.path, by_path))
        for problem in problems
    ]


def _line(path: str, by_path: Mapping[str, int]) -> int | None:
    """Return the line of a path, or of the nearest field around it that the text has."""
    while path and path not in by_path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return by_path.get(path)


def to_document(specification: Specification) -> dict[str, Any]:
    """Return the specification as a JSON object with the format's names; defaults are left out.

    The name and the pattern always stand, so that a reader need not know their defaults.
    """
    dumped = specification.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    metadata = dumped.pop("metadata", {})
    document = {
        "metadata": {
            name: metadata.get(name, specification.metadata.name)
            for name in Metadata.model_fields
            if name == "name" or name in metadata
        },
        "pattern": specification.pattern,
        **dumped,
    }
    return dict(_whole_numbers(document, verbatim=("parameters", "state_schema")))


def dump(specification: Specification) -> str:
    """Write a specification as YAML that `load` reads back as the same specification."""
    yaml = YAML()
    yaml.width = 2**31 - 1
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(styled(to_document(specification)), stream)
    return stream.getvalue()


def styled(value: Any) -> Any:
    """Mark texts of several lines as block strings, and odd ones as quoted strings."""
    if isinstance(value, dict):
        return {_quoted(key): styled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [styled(item) for item in value]
    if not isinstance(value, str):
        return value
    if value[:1] != " " and _BLOCK.fullmatch(value):
        return LiteralScalarString(value)
    return _quoted(value)


def _quoted(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and reads_as_text(text)
    return text if plain else DoubleQuotedScalarString(text)


def specification_hash(specification: Specification) -> str:
    """Return the SHA-256 of the specification's content in canonical JSON, in hexadecimal.

    The same content has the same hash: ids, times and the version in `metadata`, the order of
    an object's fields, fields that say the default, and 1.0 for 1 make no difference.
    """
    document = to_document(specification)
    metadata = document["metadata"]
    document["metadata"] = {k: v for k, v in metadata.items() if k not in _NOT_CONTENT}
    canonical = json.dumps(_whole_numbers(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _whole_numbers(value: Any, verbatim: tuple[str, ...] = ()) -> Any:
    """Write 120.0 as 120, except below the fields that are an author's own JSON."""
    if isinstance(value, dict):
        return {
            key: item if key in verbatim else _whole_numbers(item, verbatim)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_whole_numbers(item, verbatim) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
