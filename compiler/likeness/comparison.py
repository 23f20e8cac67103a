"""Whether two descriptions ask for the same workflow, and which value stands for which.

The words must be the same but for order, empty words and synonyms (`compiler.likeness.wording`),
and the offline parser must read the same graph from both, but for the values: where a number
decides how many branches there are, or where two names change places, the graphs differ. A text of
which the offline parser makes nothing is like no other one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from compiler.english.parser import parse
from compiler.inflection import item_names
from compiler.likeness.revaluing import FREE_TEXT
from compiler.likeness.wording import Likeness, Value, Wording, read_wording, words_in
from compiler.specification import Specification
from compiler.text import to_document
from compiler.topology import layout

_MOST_PAIRINGS = 24
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def compare(older: str, newer: str) -> Likeness | None:
    """Return how two descriptions are alike; None when they may mean different workflows."""
    old, new = read_wording(older), read_wording(newer)
    if old.key != new.key:
        return None
    graphs = [_graph(text) for text in (older, newer)]
    if graphs[0] is None or graphs[1] is None:
        return None
    found = []
    for mapping in _pairings(old, new):
        fields: set[str] = set()
        if _alike(graphs[0], graphs[1], _Pairs(mapping, fields)):
            found.append(Likeness(mapping, _counted(old), frozenset(fields)))
    return found[0] if len(found) == 1 else None


def _counted(wording: Wording) -> dict[Value, frozenset[str]]:
    """Return the words that follow each number."""
    numbers = iter(value for value in wording.values if value.kind == "number")
    counted: dict[Value, frozenset[str]] = {}
    for place, word in enumerate(wording.words):
        if word == "<number>":
            number = next(numbers)
            after = frozenset(wording.words[place + 1 : place + 3])
            counted[number] = counted.get(number, frozenset()) | after
    return counted


def _pairings(old: Wording, new: Wording) -> Iterator[dict[Value, Value]]:
    """Give each way in which the values may stand for each other, kind by kind, once."""
    kinds = dict.fromkeys(value.kind for value in old.values)
    sides = []
    for kind in kinds:
        olds = [value for value in old.values if value.kind == kind]
        news = [value for value in new.values if value.kind == kind]
        sides.append([list(zip(olds, order, strict=True)) for order in permutations(news)]
                     if len(olds) <= 4 else [list(zip(olds, news, strict=True))])  # fmt: skip
    given: list[dict[Value, Value]] = []
    for ways in product(*sides):
        mapping: dict[Value, Value] = {}
        pairs = [pair for way in ways for pair in way]
        if all(mapping.setdefault(before, after) == after for before, after in pairs) and (
            mapping not in given
        ):
            given.append(mapping)
            yield mapping
        if len(given) > _MOST_PAIRINGS:
            return


@dataclass(frozen=True, slots=True)
class _Graph:
    """What the offline parser reads, with names that do not depend on the words."""

    nodes: tuple[dict[str, Any], ...]
    edges: frozenset[tuple[str, str, str]]
    rest: dict[str, Any]


def _graph(text: str) -> _Graph | None:
    specification = parse(text).specification
    if specification is None:
        return None
    rename = _renaming(specification)
    document = rename(to_document(specification))
    order = {name: at for at, name in enumerate(_order(specification))}
    nodes = sorted(document.pop("nodes"), key=lambda node: order[node["id"]])
    edges = frozenset(
        (edge["from"], edge["to"], str(edge.get("condition", "")))
        for edge in document.pop("edges", [])
    )
    document.pop("metadata", None)
    return _Graph(tuple(nodes), edges, document)


def _order(specification: Specification) -> list[str]:
    return [f"node{at}" for at, _ in enumerate(n for level in layout(specification) for n in level)]


def _renaming(specification: Specification) -> Any:
    """Return a function that gives the nodes and their outputs names by their place."""
    names: dict[str, str] = {}
    nodes = {node.id: node for node in specification.nodes}
    for at, name in enumerate(name for level in layout(specification) for name in level):
        key = nodes[name].key
        names[name] = f"node{at}"
        names.setdefault(key, f"output{at}")
        for item in item_names(key):
            names.setdefault(item, f"item{at}")
    pattern = re.compile(rf"(?<![\w'/.@#-])({'|'.join(map(re.escape, names))})(?![\w@])")
    inside = re.compile(r"\{[^{}]*\}")

    def renamed(value: Any, field: str = "") -> Any:
        if isinstance(value, dict):
            return {key: renamed(entry, key) for key, entry in value.items()}
        if isinstance(value, list):
            return [renamed(entry, field) for entry in value]
        if not isinstance(value, str):
            return value
        if field in FREE_TEXT:
            return inside.sub(lambda part: pattern.sub(lambda m: names[m[1]], part[0]), value)
        return pattern.sub(lambda match: names[match[1]], value)

    return renamed


@dataclass(frozen=True, slots=True)
class _Pairs:
    mapping: Mapping[Value, Value]
    fields: set[str]

    def numbers(self, old: float, new: float) -> bool:
        return any(
            before.number == old and after.number == new for before, after in self.mapping.items()
        )

    def texts(self, text: str) -> str:
        """Return a text with the new values, but for numbers."""
        values = {
            before.text: after.text
            for before, after in self.mapping.items()
            if before.kind not in ("number", "schedule")
        }
        if not values:
            return text
        longest_first = sorted(values, key=len, reverse=True)
        joined = "|".join(map(re.escape, longest_first))
        return re.sub(rf"(?<!\w)({joined})(?!\w)", lambda match: values[match[1]], text)


def _alike(old: _Graph, new: _Graph, pairs: _Pairs) -> bool:
    if len(old.nodes) != len(new.nodes) or not _same(old.rest, new.rest, "", pairs):
        return False
    if not all(map(lambda a, b: _same(a, b, "", pairs), old.nodes, new.nodes)):
        return False
    ends = {edge[:2]: edge[2] for edge in new.edges}
    return len(old.edges) == len(new.edges) and all(
        edge[:2] in ends and _same(edge[2], ends[edge[:2]], "description", pairs)
        for edge in old.edges
    )


def _same(old: Any, new: Any, field: str, pairs: _Pairs) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(
            _same(entry, new[key], key, pairs) for key, entry in old.items()
        )
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(lambda a, b: _same(a, b, field, pairs), old, new))
    if isinstance(old, str) and isinstance(new, str):
        return _same_text(old, new, field, pairs)
    if isinstance(old, bool) or isinstance(new, bool) or old is None or new is None:
        return bool(old == new)
    if isinstance(old, int | float) and isinstance(new, int | float):
        if pairs.numbers(old, new):
            pairs.fields.add(field)
            return True
        return old == new
    return False


def _same_text(old: str, new: str, field: str, pairs: _Pairs) -> bool:
    old = pairs.texts(old)
    if old == new:
        return True
    if field == "cron":
        return any(
            before.text.startswith(f"{old} ") and after.text.startswith(f"{new} ")
            for before, after in pairs.mapping.items()
            if before.kind == "schedule"
        )
    numbers = [[float(found) for found in _NUMBER.findall(text)] for text in (old, new)]
    if field in FREE_TEXT:
        # One may say once more what the other one says elsewhere; neither may say something else.
        said = [words_in(text.replace("_", " ")) for text in (old, new)]
        return said[0] <= said[1] or said[1] <= said[0]
    if _NUMBER.sub("0", old) != _NUMBER.sub("0", new):
        return False
    pairs.fields.add(field)
    return all(a == b or pairs.numbers(a, b) for a, b in zip(*numbers, strict=True))
