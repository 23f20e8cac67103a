"""From text to plain values: YAML 1.2 and JSON, with the line of every field.

Owns the syntax only; what the fields mean is the models' business. Values are those of JSON, so
dates stay text. The events come from libyaml: the pure Python parsers need seconds for a text of
1 MiB, and would hold up every other request for as long.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from compiler.errors import Problem, SpecificationError, dotted
from compiler.values import MAX_DEPTH, MAX_VALUES, Path

MAX_TEXT_BYTES = 1_048_576

_NULL = re.compile(r"|~|null|Null|NULL")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")
_STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)


@dataclass(slots=True)
class TextValue:
    """What a text says, before it is checked against the models."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """The line of each field, counted from 1."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with the text although it can be read: duplicate keys, foreign tags."""


def read_text(text: str) -> TextValue:
    """Read YAML or JSON.

    Raises:
        SpecificationError: The text is no YAML, is too large, or nests too deeply.
    """
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise _unreadable(
            "text_too_large",
            f"The text has more than {MAX_TEXT_BYTES} bytes.",
            "Move data out of the specification into the execution's input.",
        )
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        read = _read_json(text.lstrip("\ufeff"))
        if read is not None:
            return read
    return _read_yaml(text)


def lines_of(text: str) -> dict[Path, int]:
    """Return the line of each field; empty when the text is no YAML, as some JSON is not."""
    try:
        return _read_yaml(text).lines
    except SpecificationError:
        return {}


def _unreadable(
    rule: str, message: str, remedy: str, line: int | None = None
) -> SpecificationError:
    return SpecificationError([Problem("", rule, message, remedy, line)])


def _read_json(text: str) -> TextValue | None:
    """Read JSON; None when it is none, so that YAML's parser can say what is wrong and where."""
    repeated = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        repeated = repeated or len(dict(items)) < len(items)
        return dict(items)

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    return None if repeated else TextValue(value)


def _read_yaml(text: str) -> TextValue:
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise _unreadable(
            "yaml_syntax",
            f"The text is not valid YAML: {error.problem or error.context}.",
            "Check the indentation, the quotes and the colons around this line.",
            line,
        ) from error
    except yaml.reader.ReaderError as error:
        raise _unreadable(
            "yaml_syntax",
            f"The text holds a character that YAML does not allow, at position {error.position}.",
            'Remove it, or write it as an escape inside double quotes, such as "\\u0007".',
        ) from error
    return builder.result


@dataclass(slots=True)
class _Frame:
    """One mapping or sequence that is being read."""

    container: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    values_before: int
    key: str | None = None


class _Builder:
    """Builds values from libyaml's events without recursion."""

    def __init__(self) -> None:
        self.result = TextValue()
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                frame = self._frames.pop()
                if frame.anchor:
                    size = self._values - frame.values_before
                    self._anchors[frame.anchor] = (frame.container, size)
            case yaml.AliasEvent():
                self._alias(event)

    def _start_document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _unreadable(
                "several_documents",
                "The text holds more than one YAML document.",
                "Keep one workflow in one text: remove the `---` and what follows it.",
                _line(event),
            )

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._check_tag(event)
        container: dict[str, Any] | list[Any]
        container = {} if isinstance(event, yaml.MappingStartEvent) else []
        before = self._values
        path = self._place(container, event)
        if len(self._frames) >= MAX_DEPTH:
            raise _too_deep(_line(event))
        self._frames.append(_Frame(container, path, event.anchor, before))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        if self._frames and self._awaits_key():
            self._key(event)
            return
        path = self._place(_scalar_value(event), event)
        if event.anchor:
            self._anchors[event.anchor] = (self._value_at_end(), 1)
        if event.implicit[0] and _NOT_FINITE.fullmatch(event.value):
            self._report(
                path,
                event,
                "not_finite",
                f"`{event.value}` is no number that JSON can hold.",
                "Write a finite number, or put it in quotes to make it text.",
            )

    def _awaits_key(self) -> bool:
        frame = self._frames[-1]
        return isinstance(frame.container, dict) and frame.key is None

    def _key(self, event: yaml.ScalarEvent) -> None:
        frame = self._frames[-1]
        key = event.value
        path = (*frame.path, key)
        if key == "<<" and event.implicit[0]:
            self._report(
                path, event, "merge_key", "YAML 1.2 has no merge keys.", "Write the fields out."
            )
        if key in frame.container:
            self._report(
                path,
                event,
                "duplicate_key",
                f"The field `{key}` stands here twice.",
                "Keep one of the two.",
            )
        frame.key = key
        self.result.lines[path] = _line(event)

    def _place(self, value: Any, event: yaml.Event) -> Path:
        """Put a value where it belongs and return its path."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise _unreadable(
                "text_too_large",
                f"The text stands for more than {MAX_VALUES} values once its aliases are followed.",
                "Use fewer aliases, or move data into the execution's input.",
                _line(event),
            )
        if not self._frames:
            self.result.value = value
            self.result.lines[()] = _line(event)
            return ()
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            path = (*frame.path, len(frame.container))
            frame.container.append(value)
            self.result.lines[path] = _line(event)
            return path
        if frame.key is None:
            raise _unreadable(
                "complex_key",
                "A list or an object cannot be the name of a field.",
                "Quote the name if it begins with a brace or a bracket.",
                _line(event),
            )
        path = (*frame.path, frame.key)
        frame.container[frame.key] = value
        frame.key = None
        return path

    def _value_at_end(self) -> Any:
        if not self._frames:
            return self.result.value
        container = self._frames[-1].container
        return container[-1] if isinstance(container, list) else next(reversed(container.values()))

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _unreadable(
                "unknown_alias",
                f"The alias `*{event.anchor}` names nothing that ends before it.",
                f"Mark the value with `&{event.anchor}` further up, or write it out.",
                _line(event),
            )
        value, size = self._anchors[event.anchor]
        if self._frames and self._awaits_key() and isinstance(value, str):
            self._frames[-1].key = value
            return
        self._values += size - 1
        self._place(value, event)

    def _check_tag(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _STANDARD_TAGS and tag != "!":
            self._report(
                self._frames[-1].path if self._frames else (),
                event,
                "foreign_tag",
                f"The tag `{tag}` means nothing here.",
                "Remove it and write the value itself.",
            )

    def _report(self, path: Path, event: yaml.Event, rule: str, message: str, remedy: str) -> None:
        problem = Problem(dotted(path), rule, message, remedy, _line(event))
        self.result.problems.append(problem)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return int(mark.line) + 1 if mark else 1


def _too_deep(line: int | None) -> SpecificationError:
    return _unreadable(
        "too_deep",
        f"The text nests more than {MAX_DEPTH} levels.",
        "Flatten it.",
        line,
    )


def _scalar_value(event: yaml.ScalarEvent) -> Any:
    text = event.value
    plain = event.implicit[0] or (event.tag in _STANDARD_TAGS and not event.tag.endswith(":str"))
    return _plain_value(text) if plain else text


def reads_as_text(text: str) -> bool:
    """Whether this text stands for itself when it is written without quotes."""
    return isinstance(_plain_value(text), str)


def _plain_value(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int | float:
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    # Longer ones are refused later; int() itself refuses thousands of digits with a ValueError.
    return int(text) if len(text) <= 40 else math.copysign(math.inf, -1 if text[0] == "-" else 1)
