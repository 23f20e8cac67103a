"""What the offline parser reads of two descriptions, and whether it is the same but for values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from compiler.english.parser import parse
from compiler.inflection import item_names
from compiler.likeness.spelling import Spelling
from compiler.likeness.wording import Value, words_in
from compiler.specification import Specification
from compiler.text import to_document
from compiler.topology import layout

FREE_TEXT = frozenset(
    {"description", "prompt", "system", "message", "subject", "body", "text", "title", "question",
     "name", "instructions"}
)  # fmt: skip
"""Fields that hold words for people and models, where a number stands among words."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
FACTORS = (1.0, 60.0, 3600.0, 86_400.0, 604_800.0)
"""How many seconds a unit of time has; 1 for what is only counted."""
_LONGEST_LABEL = 38
"""A longer label of a way is cut, so it says nothing."""
_REFERENCE = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Graph:
    """A specification whose names do not depend on the words."""

    nodes: tuple[dict[str, Any], ...]
    edges: Mapping[tuple[str, str], str]
    """By source and target: the label of the way."""
    rest: dict[str, Any]


@dataclass(slots=True)
class Numbers:
    """Where the numbers of a specification come from.

    Attributes:
        given: Fields that hold a number of the description, with the factor by which they do: days
            are seconds there.
        fixed: Fields and numbers that do not follow the description.
    """

    given: set[tuple[str, float]] = field(default_factory=set)
    fixed: set[tuple[str, float]] = field(default_factory=set)


@lru_cache(maxsize=64)
def read_graph(text: str) -> Graph | None:
    """Return what the offline parser reads; None: nothing."""
    specification = parse(text).specification
    if specification is None:
        return None
    order = [name for level in layout(specification) for name in level]
    document = _Renaming(specification, order).value(to_document(specification), "")
    nodes = {node["id"]: node for node in document.pop("nodes")}
    edges = {
        (edge["from"], edge["to"]): str(edge.get("condition", ""))
        for edge in document.pop("edges", [])
    }
    document.pop("metadata", None)
    return Graph(tuple(nodes[f"node{at}"] for at, _ in enumerate(order)), edges, document)


class _Renaming:
    """Gives nodes and what they write names by their place."""

    def __init__(self, specification: Specification, order: list[str]) -> None:
        keys = {node.id: node.key for node in specification.nodes}
        names: dict[str, str] = {}
        for at, node in enumerate(order):
            names[node] = f"node{at}"
            names.setdefault(keys[node], f"output{at}")
            for item in item_names(keys[node]):
                names.setdefault(item, f"item{at}")
        self._names = names
        joined = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        self._pattern = re.compile(rf"(?<![\w'/.@#-])({joined})(?![\w@])")

    def value(self, value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {key: self.value(entry, key) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.value(entry, field) for entry in value]
        if not isinstance(value, str):
            return value
        if field in FREE_TEXT:
            return _REFERENCE.sub(lambda part: self._renamed(part[0]), value)
        return self._renamed(value)

    def _renamed(self, text: str) -> str:
        return self._pattern.sub(lambda match: self._names[match[1]], text)


def same_graph(old: Graph, new: Graph, mapping: Mapping[Value, Value]) -> Numbers | None:
    """Compare two graphs.

    Args:
        old: What was read of the older description.
        new: What was read of the newer one.
        mapping: The values of the older one, and what the newer one has in their place.

    Returns:
        Where their numbers come from; None when the graphs differ.
    """
    comparing = _Comparing(mapping)
    same = (
        len(old.nodes) == len(new.nodes)
        and old.edges.keys() == new.edges.keys()
        and comparing.same(old.rest, new.rest, "")
        and all(comparing.same(a, b, "") for a, b in zip(old.nodes, new.nodes, strict=True))
        and all(comparing.labels(label, new.edges[ends]) for ends, label in old.edges.items())
    )
    return comparing.numbers if same else None


class _Comparing:
    def __init__(self, mapping: Mapping[Value, Value]) -> None:
        self.numbers = Numbers()
        self._mapping = mapping
        self._spelling = Spelling(mapping)

    def same(self, old: Any, new: Any, field: str) -> bool:
        if isinstance(old, dict) and isinstance(new, dict):
            entries = {self._spelling.respelled(key): entry for key, entry in old.items()}
            return entries.keys() == new.keys() and all(
                self.same(entry, new[key], key) for key, entry in entries.items()
            )
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(
                self.same(a, b, field) for a, b in zip(old, new, strict=True)
            )
        if isinstance(old, str) and isinstance(new, str):
            return self._texts(old, new, field)
        if isinstance(old, int | float) and isinstance(new, int | float):
            return self._same_numbers(float(old), float(new), field)
        return bool(old == new)

    def labels(self, old: str, new: str) -> bool:
        """Whether two ways are named alike; a name that was cut says nothing."""
        cut = min(len(old), len(new)) >= _LONGEST_LABEL
        return cut or self._texts(old, new, "description")

    def _texts(self, old: str, new: str, field: str) -> bool:
        old = self._spelling.respelled(old)
        if old == new or (field == "cron" and self._schedules(old, new)):
            return True
        if field in FREE_TEXT:
            # One may say once more what the other says elsewhere; neither may say something else.
            said = [words_in(text.replace("_", " ")) for text in (old, new)]
            return said[0] <= said[1] or said[1] <= said[0]
        if _NUMBER.sub("0", old) != _NUMBER.sub("0", new):
            return False
        numbers = [map(float, _NUMBER.findall(text)) for text in (old, new)]
        return all(self._same_numbers(a, b, field) for a, b in zip(*numbers, strict=True))

    def _schedules(self, old: str, new: str) -> bool:
        return any(
            before.text.startswith(f"{old} ") and after.text.startswith(f"{new} ")
            for before, after in self._mapping.items()
            if before.kind == "schedule"
        )

    def _same_numbers(self, old: float, new: float, field: str) -> bool:
        for before, after in self._mapping.items():
            if before.number is None or after.number is None:
                continue
            for factor in FACTORS:
                if before.number * factor == old and after.number * factor == new:
                    self.numbers.given.add((field, factor))
                    return True
        self.numbers.fixed.add((field, old))
        return old == new
