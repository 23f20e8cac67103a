"""Instructions that put one thing in the place of another: a value, a product, a whole step."""

import re
from collections.abc import Iterator
from typing import Any

from compiler.editing.finding import root, words_of
from compiler.editing.new_steps import read_steps
from compiler.editing.operations import Operation, ReplaceStep, SetField
from compiler.editing.reader import EXAMPLES, Open, Reader, opens_with_a_verb, said_of_a_step
from compiler.editing.step_rules import Rule
from compiler.editing.value_rules import value_of
from compiler.english.lexicon import lexicon
from compiler.specification import Node

_LITERAL = re.compile(r"[\"'“`].+[\"'”`]|\S*[\d@/]\S*")
_MODEL = re.compile(
    r"(?:gpt|claude|gemini|llama|mistral|qwen|deepseek|o\d)[\w.:/-]*", re.IGNORECASE
)
_SENT = re.compile(r"\b(?:e-?mail|mail|message|notification|alert|sms|post)\b", re.IGNORECASE)
_FIELDS = ("model", "subject", "prompt", "temperature", "url", "body", "time", "schedule",
           "timeout", "recipient", "recipients", "condition", "name", "query")  # fmt: skip
"""Words that end a field of a step, so that what they stand in is no step."""
_IN_A_PRODUCT = re.compile(r" (?:in|to|on|with|using|via|from|by) [A-Z][\w. ]*$")
_ALL_OF_A_VERB = re.compile(
    r"(?:all )?(?:of )?(?:the )?(?P<verb>\w+) (?:skills|steps|actions|nodes|tasks|calls)",
    re.IGNORECASE,
)


def _instead(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    groups = match.groupdict()
    old, new = (groups.get("old") or "").strip(), groups["new"].strip()
    where = (groups.get("what") or "").strip()
    ids = [reader.step(where)] if where else []
    if not old:
        return _use(reader, ids, new)
    return _values(reader, ids, old, new) or _steps(reader, ids, old, new)


def _use(reader: Reader, ids: list[str], new: str) -> list[Operation] | None:
    """Let one step use another model, or another product."""
    if not ids:
        return None
    node = reader.specification.node(ids[0])
    if node.agent == "llm" and _MODEL.fullmatch(str(value_of(new))):
        return [SetField(node.id, ("parameters", "model"), _cased(value_of(new), "gpt"))]
    if not lexicon().product_pattern.search(new):
        return None
    return [_replacement(reader, node, _with_product(node, "", new))]


def _values(reader: Reader, ids: list[str], old: str, new: str) -> list[Operation]:
    """Return the edits of all parameters that are, or as literals contain, the old value."""
    nodes = [node for node in reader.specification.nodes if not ids or node.id in ids]
    wanted = str(value_of(old))
    literal = _LITERAL.fullmatch(old) is not None
    places = [
        (node.id, path, text)
        for node in nodes
        for path, text in _texts(node.parameters, ("parameters",))
        if _same(text, wanted) or (literal and wanted.lower() in text.lower())
    ]
    return [SetField(id, path, _put(text, wanted, value_of(new))) for id, path, text in places]


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(item, (*path, str(place)))
    elif isinstance(value, str):
        yield path, value


def _same(one: str, other: str) -> bool:
    return re.sub(r"[\s_-]+", "-", one.lower()) == re.sub(r"[\s_-]+", "-", other.lower())


def _put(text: str, old: str, new: Any) -> Any:
    if _same(text, old):
        return _cased(new, text)
    return re.sub(re.escape(old), lambda _: str(new), text, flags=re.IGNORECASE)


def _cased(new: Any, old: str) -> Any:
    """Write a name such as GPT-4 the way that the former one was written: gpt-3.5."""
    if isinstance(new, str) and _MODEL.fullmatch(new) and old == old.lower():
        return new.lower()
    return new


def _steps(reader: Reader, ids: list[str], old: str, new: str) -> list[Operation] | None:
    verbs = _ALL_OF_A_VERB.fullmatch(old), _ALL_OF_A_VERB.fullmatch(new)
    if verbs[0] and verbs[1] and old.lower().startswith("all"):
        return _all_of_a_verb(reader, verbs[0]["verb"], verbs[1]["verb"])
    bare_new = said_of_a_step(new)
    if re.split(r"[\s']+", old.lower())[-1] in _FIELDS:
        return None
    product = old[:1].isupper() or lexicon().product_pattern.search(old)
    named = (
        []
        if not product
        else [
            node
            for node in reader.specification.body
            if re.search(rf"(?<!\w){re.escape(old)}(?!\w)", node.description, re.IGNORECASE)
            and (not ids or node.id in ids)
        ]
    )
    if named and not opens_with_a_verb(bare_new) and not opens_with_a_verb(said_of_a_step(old)):
        return [_replacement(reader, node, _with_product(node, old, bare_new)) for node in named]
    node = reader.specification.node(ids[0] if ids else reader.step(old))
    if opens_with_a_verb(bare_new):
        return [_replacement(reader, node, bare_new)]
    if not _SENT.search(bare_new):
        return None
    return [_replacement(reader, node, f"send {bare_new}")]


def _all_of_a_verb(reader: Reader, old: str, new: str) -> list[Operation]:
    edits: list[Operation] = []
    for node in reader.specification.body:
        first, _, rest = node.description.partition(" ")
        if rest and root(first) == root(old):
            edits.append(_replacement(reader, node, f"{new} {rest}"))
    return edits


def _with_product(node: Node, old: str, new: str) -> str:
    """Return what a step is said to do, with another product."""
    said = node.description or node.id.replace("_", " ")
    if old:
        return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, said, flags=re.IGNORECASE)
    return f"{_IN_A_PRODUCT.sub('', said)} in {new}"


def _elsewhere(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “open the ticket in Zendesk instead”: the step that does so, but somewhere else."""
    words = match["new"]
    node = reader.specification.node(reader.step(_IN_A_PRODUCT.sub("", words)))
    return [_replacement(reader, node, words)]


def _replacement(reader: Reader, node: Node, words: str) -> ReplaceStep:
    """Return the edit that lets a step do what words say; an id that still fits stays.

    Raises:
        Open: The words say no single step.
    """
    sources = [edge.source for edge in reader.specification.edges if edge.target == node.id]
    before = reader.specification.node(sources[0]) if len(sources) == 1 else None
    steps = read_steps(words, reader.specification, before, reader.answers)
    if len(steps.nodes) != 1:
        reader.questions.extend(steps.questions)
        reader.ask(
            "instruction",
            f"I do not see which one step “{words}” is, in the place of `{node.id}`.",
            EXAMPLES,
        )
        raise Open
    reader.questions.extend(steps.questions)
    gone = set(words_of(node.description)) - set(words_of(words))
    new = dict(steps.nodes[0])
    if not gone.intersection(words_of(node.id)):
        new["id"] = node.id
    return ReplaceStep(node.id, new, steps.inputs)


_IN_STEP = (
    r"(?: (?:in|for|of) (?P<what>(?:the )?(?:step|node) .+|the (?:\w+) step|\w+_\w+|all steps))?"
)
_CHANGE = r"(?:change|update|modify|edit|set|make|let|have|switch|get)"

RULES: tuple[Rule, ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (rf"{_CHANGE} (?P<what>.+?),? (?:to |so that it )?(?:use|uses|using) (?P<new>.+?)"
         r"(?: instead of (?P<old>.+?)| instead| rather than (?P<old2>.+))?", _instead),
        (r"(?P<what>.+?) (?:should|must|shall|has to|needs to) use (?P<new>.+?)"
         r"(?: instead of (?P<old>.+?)| instead)?", _instead),
        (r"(?:in|for|at) (?P<what>(?:the )?(?:step|node) [\w ]+?|the [\w ]+ step),? "
         r"(?:use|replace .+ with) (?P<new>.+?)(?: instead of (?P<old>.+?)| instead)?", _instead),
        (rf"use (?P<new>.+?) (?:instead of|rather than|in place of) (?P<old>.+?){_IN_STEP}",
         _instead),
        (r"use (?P<new>.+?) (?:in|for) (?P<what>.+?)(?: instead)?", _instead),
        (rf"(?:replace|substitute|exchange|swap) (?:the )?(?P<old>.+?) (?:with|by|for) "
         rf"(?P<new>.+?){_IN_STEP}", _instead),
        (rf"(?:switch|change|go) (?:from )?(?P<old>.+?) to (?P<new>.+?){_IN_STEP}", _instead),
        (r"instead of (?P<old>.+?)(?:,(?: just)?| just) (?P<new>.+)", _instead),
        (r"(?P<new>.+?) (?:instead of|rather than|in place of) (?P<old>.+)", _instead),
        (r"(?P<new>.+?),? instead", _elsewhere),
    )
)  # fmt: skip
