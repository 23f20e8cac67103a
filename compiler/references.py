"""References in braces: `{input.a.b}`, `{state.k}`, `{k}`, `{item}`, `{secrets.x}`.

Owns their syntax, where they stand in a value, and their resolution against a scope. It does not
know which names exist where: the checks do. A resolved value is never looked at again, so text
that came from outside can hold braces without being taken for a reference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_SEGMENT = r"\.[A-Za-z0-9_\-]+|\[-?\d{1,9}\]|\['[^'\[\]{}]{1,200}'\]|\[\"[^\"\[\]{}]{1,200}\"\]"
_PATH = re.compile(rf"[A-Za-z_][A-Za-z0-9_]*(?:{_SEGMENT})*")
_PART = re.compile(_SEGMENT)
_INDEX = re.compile(r"0|[1-9]\d{0,8}")

Segment = str | int


@dataclass(frozen=True, slots=True)
class Reference:
    """One path into the scope: a root name and the keys and indexes below it."""

    root: str
    path: tuple[Segment, ...] = ()
    source: str = field(default="", compare=False)
    """How it is written, without braces."""

    def __str__(self) -> str:
        return self.source or self.root + "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path
        )

    @property
    def key(self) -> str:
        """The name it begins with, `state.` left out: `k` for both `{k.a}` and `{state.k.a}`."""
        if self.root == "state" and self.path and isinstance(self.path[0], str):
            return self.path[0]
        return self.root

    @property
    def below(self) -> tuple[Segment, ...]:
        """The path below `key`."""
        return self.path[1:] if self.key != self.root else self.path


class UnresolvedReference(Exception):
    """A reference names something that the scope does not hold at run time.

    Attributes:
        path: The reference as written, without braces.
        available: The names that stand where the missing one was looked for.
    """

    def __init__(self, path: str, available: tuple[str, ...]) -> None:
        self.path = path
        self.available = available
        if path.startswith("secrets."):
            name = path.removeprefix("secrets.")
            then = (
                f"Run `weft secrets set {name} --host HOST`. Or, for all organizations: Set "
                f"WEFT_SECRET_{name.upper()} where the platform runs, and start it again."
            )
        else:
            then = f"There is: {', '.join(available[:20]) or 'nothing'}."
        super().__init__(f"{{{path}}} has no value here. {then}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text taken apart: literal text and references, in order."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def whole(self) -> Reference | None:
        """The reference that is the whole text, whose value keeps its type; else None."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return self.parts[0]
        return None


def parse_reference(text: str) -> Reference | None:
    """Return the reference that a path such as `a[0].b` says; None if it does not read as one."""
    match = _PATH.fullmatch(text)
    return _reference(match.group()) if match else None


def _reference(source: str) -> Reference:
    root = re.split(r"[.\[]", source, maxsplit=1)[0]
    path = tuple(_segment(part) for part in _PART.findall(source, len(root)))
    return Reference(root, path, source)


def _segment(part: str) -> Segment:
    if part.startswith("."):
        name = part[1:]
        return int(name) if _INDEX.fullmatch(name) else name
    inside = part[1:-1]
    return inside[1:-1] if inside[0] in "'\"" else int(inside)


@lru_cache(maxsize=2048)
def parse_template(text: str) -> Template:
    """Take a text apart, once.

    A double brace whose partner is a double brace stands for the brace itself. A brace that
    begins no reference is text, so JSON and CSS in a prompt need no escapes.
    """
    escapes = _escaped_braces(text)
    parts: list[str | Reference] = []
    literal: list[str] = []
    position = 0
    while position < len(text):
        brace = _next_brace(text, position)
        literal.append(text[position:brace])
        position = brace
        if brace == len(text):
            break
        if brace in escapes:
            literal.append(text[brace])
            position = brace + 2
            continue
        reference = _reference_at(text, brace)
        if reference is None:
            literal.append(text[brace])
            position = brace + 1
            continue
        _flush(parts, literal)
        parts.append(_reference(reference))
        position = brace + len(reference) + 2
    _flush(parts, literal)
    return Template(tuple(parts))


def _flush(parts: list[str | Reference], literal: list[str]) -> None:
    text = "".join(literal)
    literal.clear()
    if text:
        parts.append(text)


def _next_brace(text: str, start: int) -> int:
    found = [at for at in (text.find("{", start), text.find("}", start)) if at >= 0]
    return min(found, default=len(text))


def _reference_at(text: str, brace: int) -> str | None:
    if text[brace] != "{":
        return None
    match = _PATH.match(text, brace + 1)
    return match.group() if match and text.startswith("}", match.end()) else None


def _escaped_braces(text: str) -> frozenset[int]:
    """Find the double braces that have a partner.

    A lone `}}` closes two JSON objects, and must stay two braces; only a `{{`, which no JSON
    holds, makes its own closing `}}` an escape.
    """
    if "{{" not in text:
        return frozenset()
    escapes: set[int] = set()
    open_braces: list[tuple[int, bool]] = []
    position = _next_brace(text, 0)
    while position < len(text):
        width = 1
        reference = None
        if text.startswith("{{", position):
            width = 2
            open_braces.append((position, True))
        elif text[position] == "{":
            reference = _reference_at(text, position)
            if reference is not None:
                width = len(reference) + 2
            else:
                open_braces.append((position, False))
        elif open_braces and not open_braces[-1][1]:
            open_braces.pop()
        elif open_braces and text.startswith("}}", position):
            width = 2
            escapes.update((open_braces.pop()[0], position))
        position = _next_brace(text, position + width)
    return frozenset(escapes)


def resolve(
    template: Any,
    scope: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    *,
    skip: frozenset[str] = frozenset(),
) -> Any:
    """Return the value with every reference in its texts replaced, in one pass.

    A text that is one reference becomes the value itself, with its type; inside a longer text a
    string is inserted as it is and anything else as compact JSON. Keys of objects are not touched.

    Args:
        template: Any JSON value.
        scope: Values by root name. `{state.k}` looks under `state` if there is such a name, else
            at the root.
        secrets: Values of `{secrets.x}`; None leaves those references as they are written, which
            is for showing only: resolving such a result again would let text that came from
            outside name a secret.
        skip: Places that hold code, such as `script` or `routes[].when`: returned unchanged.

    Raises:
        UnresolvedReference: The scope does not hold what a reference names.
    """
    return _resolve(template, _Scope(scope, secrets), "", skip)


def resolve_twice(
    template: Any,
    scope: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    skip: frozenset[str] = frozenset(),
) -> tuple[Any, Any]:
    """Return a value resolved for showing, as `resolve` without secrets does, and with them.

    Both are the same object when no secret is named.
    """
    shown_scope = _Scope(scope, None)
    shown = _resolve(template, shown_scope, "", skip)
    if not shown_scope.names_secrets:
        return shown, shown
    return shown, _resolve(template, _Scope(scope, secrets), "", skip)


@dataclass(slots=True)
class _Scope:
    values: Mapping[str, Any]
    secrets: Mapping[str, str] | None
    names_secrets: bool = False
    """Whether a secret has been named so far."""

    def text(self, text: str) -> Any:
        if "{" not in text:
            return text
        template = parse_template(text)
        if template.whole is not None:
            return self.value(template.whole)
        return "".join(
            part if isinstance(part, str) else rendered(self.value(part)) for part in template.parts
        )

    def value(self, reference: Reference) -> Any:
        if reference.root != "secrets":
            return lookup(reference, self.values)
        self.names_secrets = True
        if self.secrets is None:
            return f"{{{reference}}}"
        return lookup(reference, {"secrets": self.secrets})


_NUMBERS = (bool, int, float)


def _resolve(value: Any, scope: _Scope, place: str, skip: frozenset[str]) -> Any:
    if skip and place in skip:
        return value
    if isinstance(value, str):
        return scope.text(value)
    if value is None or isinstance(value, _NUMBERS):
        return value
    if isinstance(value, Mapping):
        return {
            key: _resolve(item, scope, f"{place}.{key}" if place else str(key), skip)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_resolve(item, scope, f"{place}[]", skip) for item in value]
    return value


def rendered(value: Any) -> str:
    """Return a value as it stands inside a longer text: JSON, if it is no text itself."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lookup(reference: Reference, scope: Mapping[str, Any]) -> Any:
    """Return what one reference names.

    Raises:
        UnresolvedReference: There is no such name, key or index.
    """
    if reference.root == "state" and "state" not in scope:
        current: Any = scope
    elif reference.root in scope:
        current = scope[reference.root]
    else:
        raise UnresolvedReference(str(reference), tuple(scope))
    for part in reference.path:
        current = _step(current, part, reference)
    return current


def _step(value: Any, part: Segment, reference: Reference) -> Any:
    if isinstance(value, Mapping):
        for key in (part, str(part)):
            if key in value:
                return value[key]
        raise UnresolvedReference(str(reference), tuple(str(key) for key in value))
    if isinstance(value, list | tuple):
        if isinstance(part, int) and -len(value) <= part < len(value):
            return value[part]
        raise UnresolvedReference(str(reference), (f"a list of {len(value)}",))
    raise UnresolvedReference(str(reference), (f"a value of type {_type_name(value)}",))


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value), type(value).__name__)


def references_in(value: Any, skip: frozenset[str] = frozenset()) -> list[tuple[str, Reference]]:
    """Return every reference in a value's texts with its place.

    Args:
        value: Any JSON value, usually a node's parameters.
        skip: Places that hold code, such as `script` or `routes[].when`.

    Returns:
        Pairs of a dotted place (`body.items[0]`) and the reference, in the value's order.
    """
    return [
        (place, reference)
        for place, text in texts_in(value, skip)
        for reference in parse_template(text).references
    ]


def texts_in(value: Any, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Yield every text in a value with its dotted place, in order, except under `skip`."""
    waiting: list[tuple[str, str, Any]] = [("", "", value)]
    while waiting:
        place, pattern, current = waiting.pop()
        if pattern in skip:
            continue
        if isinstance(current, str):
            yield place, current
        elif isinstance(current, Mapping):
            dot = "." if place else ""
            below = [(f"{place}{dot}{k}", f"{pattern}{dot}{k}", v) for k, v in current.items()]
            waiting.extend(reversed(below))
        elif isinstance(current, list | tuple):
            listed = [(f"{place}[{i}]", f"{pattern}[]", v) for i, v in enumerate(current)]
            waiting.extend(reversed(listed))
