"""XPath without a browser: paths and conditions of XPath 1.0, over a parsed page, within a bound.

Left out are variables, arithmetic, namespaces, and functions that few pages need; who writes one
is told to let the browser evaluate it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.xpath_axes import Attribute, Root, World, XNode

MOST_CHARACTERS = 2_000
MOST_LEVELS = 30
_WORD = re.compile(
    r"""\s*(//|::|\.\.|!=|<=|>=|[/.@()\[\],|=<>*]|"[^"]*"|'[^']*'|\d+(?:\.\d+)?"""
    r"""|[A-Za-z_][\w-]*)"""
)

Value = list[XNode] | str | float | bool


@dataclass(frozen=True, slots=True)
class Here:
    """Where an expression is evaluated."""

    world: World
    node: XNode
    position: int = 1
    size: int = 1


Expression = Callable[[Here], Value]
Test = Callable[[XNode], bool]
Predicates = tuple[Expression, ...]


class NotUnderstood(ValueError):
    """What is written is no XPath, or none that is understood without a browser."""


@lru_cache(maxsize=256)
def compiled(text: str) -> Expression:
    """Read an expression.

    Raises:
        NotUnderstood: It is none, or needs the browser.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotUnderstood(f"an XPath has at most {MOST_CHARACTERS} characters")
    return _Reader(text).whole()


def evaluated(
    expression: Expression,
    document: LexborHTMLParser,
    world: World,
    start: LexborNode | None = None,
) -> list[XNode] | list[str | float | bool]:
    """Return what an expression finds from a node, or the value that it has.

    Raises:
        AgentError: It looks at too much.
    """  # fmt: skip
    value = expression(Here(world, start if start is not None else Root()))
    return value if isinstance(value, list) else [value]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._words = self._split(text)
        self._at = 0
        self._level = 0

    def _split(self, text: str) -> list[str]:
        words, at, text = [], 0, text.rstrip()
        while at < len(text):
            match = _WORD.match(text, at)
            if match is None:
                raise self._wrong()
            words.append(match[1])
            at = match.end()
        return words

    def whole(self) -> Expression:
        found = self._either()
        if self._at < len(self._words):
            raise self._wrong()
        return found

    def _wrong(self) -> NotUnderstood:
        return NotUnderstood(
            f"`{self._text[:200]}` is no XPath that is understood without a browser"
        )

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._words[at] if at < len(self._words) else ""

    def _take(self, *wanted: str) -> str:
        word = self._peek()
        if not word or (wanted and word not in wanted):
            raise self._wrong()
        self._at += 1
        return word

    def _took(self, *wanted: str) -> str:
        return self._take() if self._peek() in wanted else ""

    def _either(self) -> Expression:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise self._wrong()
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        self._level -= 1
        if len(parts) == 1:
            return parts[0]
        return lambda here: any(_truth(part(here)) for part in parts)

    def _both(self) -> Expression:
        parts = [self._compared()]
        while self._took("and"):
            parts.append(self._compared())
        if len(parts) == 1:
            return parts[0]
        return lambda here: all(_truth(part(here)) for part in parts)

    def _compared(self) -> Expression:
        left = self._union()
        sign = self._took("=", "!=", "<", "<=", ">", ">=")
        if not sign:
            return left
        right = self._union()
        return lambda here: _compare(here.world, sign, left(here), right(here))

    def _union(self) -> Expression:
        parts = [self._path()]
        while self._took("|"):
            parts.append(self._path())
        if len(parts) == 1:
            return parts[0]
        return lambda here: here.world.ordered([n for p in parts for n in _nodes(p(here))])

    def _path(self) -> Expression:
        word = self._peek()
        if word[:1] in "\"'" and word:
            text = self._take()[1:-1]
            return lambda _here: text
        if word[:1].isdigit():
            number = float(self._take())
            return lambda _here: number
        if word == "(":
            self._take()
            inner = self._either()
            self._take(")")
            return self._steps(self._filtered(inner))
        if self._peek(1) == "(" and word in _FUNCTIONS:
            return self._call()
        if self._took("/"):
            start: Expression = lambda _here: [Root()]  # noqa: E731
            return self._steps(start, begins=self._peek() not in ("", "]", ")", "|", ","))
        if self._took("//"):
            return self._steps(lambda here: _below(here.world, [Root()]), begins=True)
        return self._steps(lambda here: [here.node], begins=True)

    def _filtered(self, inner: Expression) -> Expression:
        """A path in brackets with conditions: they count over all that it finds."""
        predicates = self._predicates()
        return lambda here: (
            _kept(here.world, _nodes(inner(here)), predicates) if predicates else (inner(here))
        )

    def _steps(self, start: Expression, *, begins: bool = False) -> Expression:
        found = self._step(start) if begins else start
        while sign := self._took("/", "//"):
            if sign == "//":
                found = _all_below(found)
            found = self._step(found)
        return found

    def _step(self, start: Expression) -> Expression:
        axis, test = self._axis()
        predicates = self._predicates()

        def walk(here: Here) -> Value:
            world, found = here.world, list[XNode]()
            starts = _nodes(start(here))
            for node in starts:
                reached = [one for one in _reached(world, axis, node) if test(one)]
                found += _kept(world, reached, predicates)
            return world.ordered(found) if len(starts) > 1 or axis in _BACKWARDS else found

        return walk

    def _axis(self) -> tuple[str, Test]:
        if self._took("."):
            return "self", _any
        if self._took(".."):
            return "parent", _any
        if self._took("@"):
            return "attribute", self._named()
        if self._peek(1) == "::":
            axis = self._take(*_AXES)
            self._take("::")
            return axis, self._named() if axis == "attribute" else self._node_test()
        return "child", self._node_test()

    def _named(self) -> Test:
        name = self._take().lower()
        if name == "*":
            return _any
        if not _is_name(name):
            raise self._wrong()
        return lambda node: isinstance(node, Attribute) and node.name == name

    def _node_test(self) -> Test:
        name = self._take().lower()
        if name in ("text", "node") and self._took("("):
            self._take(")")
            return _is_text if name == "text" else _any
        if name == "*":
            return _is_element
        if not _is_name(name):
            raise self._wrong()
        return lambda node: isinstance(node, LexborNode) and node.tag == name

    def _predicates(self) -> Predicates:
        found = []
        while self._took("["):
            found.append(self._either())
            self._take("]")
        return tuple(found)

    def _call(self) -> Expression:
        name = self._take()
        self._take("(")
        arguments: list[Expression] = []
        while not self._took(")"):
            if arguments:
                self._take(",")
            arguments.append(self._either())
        least, most, function = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise self._wrong()
        return lambda here: function(here, *(argument(here) for argument in arguments))


def _is_name(word: str) -> bool:
    return word[:1].isalpha() or word[:1] == "_"


def _any(_node: XNode) -> bool:
    return True


def _is_element(node: XNode) -> bool:
    return isinstance(node, LexborNode) and bool(node.is_element_node)


def _is_text(node: XNode) -> bool:
    return isinstance(node, LexborNode) and bool(node.is_text_node)


_AXES = (
    "child", "attribute", "self", "parent", "descendant", "descendant-or-self", "ancestor",
    "ancestor-or-self", "following-sibling", "preceding-sibling",
)  # fmt: skip
_BACKWARDS = ("ancestor", "ancestor-or-self", "preceding-sibling")


def _reached(world: World, axis: str, node: XNode) -> Iterator[XNode]:
    if axis in ("self", "descendant-or-self", "ancestor-or-self"):
        yield node
    match axis:
        case "child":
            yield from world.children(node)
        case "attribute":
            yield from world.attributes(node)
        case "parent":
            yield from [one for one, _ in zip(world.parents(node), range(1), strict=False)]
        case "descendant" | "descendant-or-self":
            yield from world.descendants(node)
        case "ancestor" | "ancestor-or-self":
            yield from world.parents(node)
        case "following-sibling" | "preceding-sibling":
            yield from world.siblings(node, after=axis.startswith("following"))


def _all_below(start: Expression) -> Expression:
    return lambda here: _below(here.world, _nodes(start(here)))


def _below(world: World, nodes: list[XNode]) -> list[XNode]:
    found = [one for node in nodes for one in (node, *world.descendants(node))]
    return world.ordered(found) if len(nodes) > 1 else found


def _kept(world: World, nodes: list[XNode], predicates: Predicates) -> list[XNode]:
    for predicate in predicates:
        size, kept = len(nodes), []
        for position, node in enumerate(nodes, 1):
            world.look()
            value = predicate(Here(world, node, position, size))
            is_there = value == position if _is_number(value) else _truth(value)
            if is_there:
                kept.append(node)
        nodes = kept
    return nodes


def _is_number(value: Value) -> bool:
    return isinstance(value, float) and not isinstance(value, bool)


def _nodes(value: Value) -> list[XNode]:
    if not isinstance(value, list):
        raise NotUnderstood("a path begins at elements, not at a value")
    return value


def _truth(value: Value) -> bool:
    return bool(value)


def _string(here: Here, value: Value) -> str:
    if isinstance(value, list):
        return here.world.text(value[0]) if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else str(value)
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _compare(world: World, sign: str, left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return _related(sign, float(_truth(left)), float(_truth(right)))
    lefts, rights = _atoms(world, left), _atoms(world, right)
    world.look(len(lefts) * len(rights))
    return any(_pair(sign, one, other) for one in lefts for other in rights)


def _atoms(world: World, value: Value) -> list[str | float]:
    if isinstance(value, list):
        return [world.text(node) for node in value]
    return [value]


def _pair(sign: str, one: str | float, other: str | float) -> bool:
    if sign in ("=", "!=") and isinstance(one, str) and isinstance(other, str):
        return (one == other) == (sign == "=")
    numbers = [_number(value) if isinstance(value, str) else value for value in (one, other)]
    return _related(sign, numbers[0], numbers[1])


def _related(sign: str, one: float, other: float) -> bool:
    signs: dict[str, bool] = {
        "=": one == other, "!=": one != other, "<": one < other,
        "<=": one <= other, ">": one > other, ">=": one >= other,
    }  # fmt: skip
    return signs[sign]


def _own(here: Here, values: tuple[Value, ...]) -> str:
    return _string(here, values[0] if values else [here.node])


_Function = Callable[..., Value]
_FUNCTIONS: dict[str, tuple[int, int, _Function]] = {
    "last": (0, 0, lambda here: float(here.size)),
    "position": (0, 0, lambda here: float(here.position)),
    "count": (1, 1, lambda _here, nodes: float(len(_nodes(nodes)))),
    "not": (1, 1, lambda _here, value: not _truth(value)),
    "contains": (2, 2, lambda here, a, b: _string(here, b) in _string(here, a)),
    "starts-with": (2, 2, lambda here, a, b: _string(here, a).startswith(_string(here, b))),
    "normalize-space": (0, 1, lambda here, *v: " ".join(_own(here, v).split())),
    "string": (0, 1, lambda here, *v: _own(here, v)),
    "string-length": (0, 1, lambda here, *v: float(len(_own(here, v)))),
}
