"""The repeated elements of a page: reviews, products, rows, found by what the page says of them.

In order of trust: schema.org microdata, names (class, id, data-*) that say the noun, and the
repeated sibling structure that holds most of the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.markup import node_text
from compiler.inflection import singular

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_CHROME = frozenset({"nav", "header", "footer", "aside", "select", "head", "form", "button"})
_LEAVES = frozenset({"script", "style", "option", "br", "hr", "link", "meta", "img", "svg"})
_MIN_REPEATS = 3
_MIN_CHARACTERS = 15
_VALUE_ATTRIBUTES = ("content", "datetime", "value")
_LINK_ATTRIBUTES = ("href", "src")

Signature = tuple[str, str]
"""A tag and its class attribute: elements that are alike have it in common."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the elements of one kind look like; learned on the first page, used on the next."""

    microdata_type: str = ""
    signatures: frozenset[Signature] = frozenset()


def find_items(
    document: LexborHTMLParser,
    noun: str | None,
    known: Pattern | None = None,
    *,
    guess: bool = True,
) -> tuple[list[LexborNode], Pattern | None]:
    """Return the elements of a kind and their pattern.

    Args:
        document: The page.
        noun: A plural such as `reviews`; None: whatever repeats.
        known: The pattern of a page before, tried first.
        guess: Take what merely repeats when nothing says the noun.
    """
    if known is not None and (again := _matching(document, known)):
        return again, known
    name = singular(noun.strip().split()[-1].lower()) if noun and noun.strip() else None
    for search in (_microdata, _named):
        found, pattern = search(document, name)
        if found:
            return found, pattern
    return _siblings(document) if guess else ([], None)


def item_value(node: LexborNode) -> Any:
    """Return an element as an object of its microdata, or as text when it has none."""
    fields = dict(_fields(node))
    return fields if fields else node_text(node, "\n")


def _matching(document: LexborHTMLParser, pattern: Pattern) -> list[LexborNode]:
    if pattern.microdata_type:
        scopes = document.css("[itemscope][itemtype]")
        return [node for node in scopes if _type_of(node) == pattern.microdata_type]
    return [node for node in _elements(document) if _signature(node) in pattern.signatures]


def _microdata(
    document: LexborHTMLParser, name: str | None
) -> tuple[list[LexborNode], Pattern | None]:
    scopes = document.css("[itemscope][itemtype]")
    if name is None:
        kinds = Counter(_type_of(node) for node in scopes if "itemprop" not in node.attributes)
        wanted = next((kind for kind, count in kinds.most_common(1) if count >= _MIN_REPEATS), "")
    else:
        kinds = Counter(_type_of(node) for node in scopes)
        wanted = next((kind for kind in kinds if kind.lower() == name), "") or next(
            (kind for kind in kinds if _tokens(kind)[-1:] == [name]), ""
        )
    found = [node for node in scopes if wanted and _type_of(node) == wanted]
    return found, Pattern(microdata_type=wanted)


def _type_of(node: LexborNode) -> str:
    return re.split(r"[/#]", (node.attributes.get("itemtype") or "").rstrip("/"))[-1]


def _fields(node: LexborNode) -> Iterator[tuple[str, Any]]:
    """Yield the properties of an element; those of a nested rating or person stand beside them."""
    for child in node.iter():
        name = child.attributes.get("itemprop")
        nested = "itemscope" in child.attributes
        if name and nested:
            inner = dict(_fields(child))
            if not inner:
                yield name, node_text(child)
            elif list(inner) == ["name"]:
                yield name, inner["name"]
            else:
                yield from inner.items()
            continue
        if name:
            yield name, _value(child)
        if not nested:
            yield from _fields(child)


def _value(node: LexborNode) -> str:
    attributes = node.attributes
    for name in _VALUE_ATTRIBUTES:
        if value := attributes.get(name):
            return value
    text = node_text(node)
    if not text:
        return next((v for name in _LINK_ATTRIBUTES if (v := attributes.get(name))), "")
    return text


def _named(document: LexborHTMLParser, name: str | None) -> tuple[list[LexborNode], Pattern | None]:
    """Return the outermost alike elements whose names say the noun."""
    if name is None:
        return [], None
    groups: dict[Signature, list[LexborNode]] = {}
    for node in _elements(document):
        if name in _names(node) and node_text(node):
            groups.setdefault(_signature(node), []).append(node)
    repeated = {sign: nodes for sign, nodes in groups.items() if len(nodes) > 1}
    if not repeated:
        exact = {s: nodes for s, nodes in groups.items() if name in s[1].lower().split()}
        repeated = exact
    inner = {id_ for nodes in repeated.values() for node in nodes for id_ in _inside(node)}
    outer = {
        sign: kept
        for sign, nodes in repeated.items()
        if (kept := [node for node in nodes if node.mem_id not in inner])
    }
    if not outer:
        return [], None
    best = max(outer, key=lambda sign: sum(len(node_text(node)) for node in outer[sign]))
    # `review`, `review featured`, `review verified`: variants beside each other are one kind.
    kin = {sign for sign in outer if sign[0] == best[0] and _kin(sign[1], best[1], name)}
    return [node for node in _elements(document) if _signature(node) in kin], Pattern(
        signatures=frozenset(kin)
    )


def _kin(one: str, other: str, name: str) -> bool:
    """Whether two class attributes share a class that says the noun."""
    shared = set(one.split()) & set(other.split())
    return one == other or any(name in _tokens(word) for word in shared)


def _inside(node: LexborNode) -> Iterator[int]:
    for child in node.traverse():
        if child.mem_id != node.mem_id:
            yield child.mem_id


def _siblings(document: LexborHTMLParser) -> tuple[list[LexborNode], Pattern | None]:
    """Return the repeated siblings that hold the most text, outside the page's furniture."""
    best: list[LexborNode] = []
    best_size = 0
    for parent in _elements(document):
        groups: dict[Signature, list[LexborNode]] = {}
        for child in parent.iter():
            if child.tag not in _LEAVES and child.tag not in _CHROME:
                groups.setdefault(_signature(child), []).append(child)
        for nodes in groups.values():
            size = sum(len(node_text(node)) for node in nodes) if len(nodes) >= _MIN_REPEATS else 0
            # A wrapper deeper down may hold the same text; the outermost one was seen first.
            if size > best_size and size >= _MIN_CHARACTERS * len(nodes):
                best, best_size = nodes, size
    if not best:
        return [], None
    return best, Pattern(signatures=frozenset({_signature(best[0])}))


def _elements(document: LexborHTMLParser) -> Iterable[LexborNode]:
    """All elements of the body, outside navigation and the like, in order."""
    body = document.body
    return _below(body) if body is not None else ()


def _below(node: LexborNode) -> Iterator[LexborNode]:
    yield node
    for child in node.iter():
        if child.tag not in _CHROME and child.tag not in _LEAVES:
            yield from _below(child)


def _signature(node: LexborNode) -> Signature:
    return node.tag or "", " ".join(sorted((node.attributes.get("class") or "").split()))


def _names(node: LexborNode) -> set[str]:
    """The words in an element's class, id and data-* names and values."""
    attributes = node.attributes
    texts = [attributes.get("class") or "", attributes.get("id") or ""]
    texts += [f"{key[5:]} {value or ''}" for key, value in attributes.items() if key[:5] == "data-"]
    return {word for text in texts for word in _tokens(text)}


def _tokens(text: str) -> list[str]:
    return [part.lower() for part in _PART.findall(text)]
