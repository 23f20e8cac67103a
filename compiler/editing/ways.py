"""Which way of a choice words mean, and which steps stand on it alone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler.editing.finding import Found, find_steps, words_of
from compiler.editing.reader import Reader
from compiler.english.opposites import opposite
from compiler.specification import Node, Specification

_NAMES = ("if_true", "if_false")
_OTHERWISE = re.compile(r"(?:otherwise|else|the other way|in all other cases)", re.IGNORECASE)
_REJECTED = re.compile(
    r"(?:reject|declin|den(?:y|ie)|refus|disapprov|turns? (?:it )?down|not? .*approv|n't approv"
    r"|says? no\b)",
    re.IGNORECASE,
)
_APPROVED = re.compile(
    r"\b(?:approv(?:ed?|es|al is given)|accept(?:ed|s)|agree[ds]?|says yes)\b", re.IGNORECASE
)
_FILLING = re.compile(
    r"^(?:(?:if|when|whenever|for|in case|that|of|the|it's|its|it|this|they|is|are|an?|case|way"
    r"|branch|path)\b ?)+",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a choice."""

    router: str
    name: str
    """The router's parameter: `if_true` or `if_false`."""
    first: str
    """The step that it leads to; itself a choice, perhaps."""


def ways_of(node: Node) -> list[Way]:
    """Return the ways of a choice that lead somewhere."""
    if node.agent != "router" or "condition" not in node.parameters:
        return []
    return [Way(node.id, name, str(node.parameters[name]))
            for name in _NAMES if name in node.parameters]  # fmt: skip


def way_meant(reader: Reader, when: str) -> Way | None:
    """Return the only way that is taken when words hold; None: none or several."""
    bare = _FILLING.sub("", when.strip(" ,."))
    routers = [node for node in reader.specification.nodes if ways_of(node)]
    found: list[Way] = []
    for router in routers:
        about = _FILLING.sub("", router.description.strip(" ,."))
        for way in ways_of(router):
            holds = way.name == "if_true"
            if _OTHERWISE.fullmatch(bare):
                named = not holds and reader.specification.node(way.first).agent != "router"
            elif _alike(bare, about, reader.specification):
                named = holds
            else:
                named = not holds and opposite(f"it is {bare}", f"it is {about}")
            if named:
                found.append(way)
    return found[0] if len(found) == 1 else _left_over(reader.specification, bare)


def _alike(one: str, other: str, specification: Specification) -> bool:
    """Whether two conditions say the same; the thing that they speak of may be left out."""
    first, second = set(words_of(one)), set(words_of(other))
    event = specification.trigger.event if specification.trigger else ""
    known = {word for node in specification.nodes for word in words_of(f"{node.id} {node.key}")}
    known.update(words_of(event or ""))
    bare = second - known
    return bool(first) and (first == second or (bool(bare) and first - known == bare))


def _left_over(specification: Specification, words: str) -> Way | None:
    """Return the last way of choices between labels, when words are the label that none names."""
    for node in specification.nodes:
        labels = [str(label).lower() for label in node.parameters.get("labels") or ()]
        tests = [router for router in specification.nodes
                 if ways_of(router) and node.key in router.input_keys]  # fmt: skip
        conditions = " ".join(str(router.parameters["condition"]) for router in tests)
        rest = [label for label in labels if f"'{label}'" not in conditions]
        said = [label for label in labels if re.search(rf"\b{re.escape(label)}\b", words.lower())]
        ids = {router.id for router in tests}
        last = [way for router in tests for way in ways_of(router)
                if way.name == "if_false" and way.first not in ids]  # fmt: skip
        if len(rest) == len(last) == 1 and rest == said:
            return last[0]
    return None


def steps_on(specification: Specification, way: Way) -> list[str]:
    """Return the steps that are reached by this way alone, in the order of the edges."""
    others = {id for other in ways_of(specification.node(way.router)) if other.name != way.name
              for id in reached(specification, other.first)}  # fmt: skip
    return [id for id in reached(specification, way.first) if id not in others]


def reached(specification: Specification, start: str) -> list[str]:
    """Return a step and all that come after it."""
    found = [start]
    for id in found:
        found += [edge.target for edge in specification.edges
                  if edge.source == id and edge.target not in found]  # fmt: skip
    return found


def last_on(specification: Specification, way: Way) -> str | None:
    """Return the only step with which a way ends, or meets the others; None: there are several."""
    own = steps_on(specification, way)
    inside = {edge.source for edge in specification.edges if edge.target in own}
    ends = [id for id in own if id not in inside]
    return ends[0] if len(ends) == 1 else None


def router_about(reader: Reader, words: str) -> Node | None:
    """Return the only choice whose condition says the same words, or None."""
    routers = [node.id for node in reader.specification.nodes
               if node.agent == "router" and "condition" in node.parameters]  # fmt: skip
    found = find_steps(words, reader.specification, routers) if routers else Found(())
    return reader.specification.node(found.one) if found.one in routers else None


def approval_meant(reader: Reader, words: str) -> Node | None:
    """Return the only question to a person, when words say that the answer is no."""
    asking = [node for node in reader.specification.body if node.agent == "human_loop"]
    return asking[0] if len(asking) == 1 and _REJECTED.search(words) else None


def speaks_of_an_answer(words: str) -> bool:
    """Whether words are said of when somebody has approved something, or has not."""
    when = re.search(r"\b(?:if|when|once|unless)\b(.+)", words, re.IGNORECASE)
    return when is not None and bool(_REJECTED.search(when[1]) or _APPROVED.search(when[1]))


def approved_meant(reader: Reader, words: str) -> Node | None:
    """Return the only question to a person, when words say that the answer is yes."""
    asking = [node for node in reader.specification.body if node.agent == "human_loop"]
    said = _APPROVED.search(words) and not _REJECTED.search(words)
    return asking[0] if len(asking) == 1 and said else None


def ends_after(specification: Specification, node_id: str) -> list[str]:
    """Return the last steps that come after a step."""
    sources = {edge.source for edge in specification.edges}
    return [id for id in reached(specification, node_id) if id not in sources]


def ways(specification: Specification, routers: Sequence[str] = ()) -> Iterator[Way]:
    """Yield the ways of all choices, or of some."""
    for node in specification.nodes:
        if not routers or node.id in routers:
            yield from ways_of(node)
