"""The steps that an instruction describes, read by the parser of whole descriptions.

They are read as what follows the step before them, so that “it” and “the summary” mean what that
one makes; their names are then made to fit among those that the workflow has.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.editing.chain import Document
from compiler.editing.descriptions import read_description
from compiler.editing.operations import RenameStep, apply
from compiler.editing.reading import reads
from compiler.english.draft import Question
from compiler.english.own_agents import NONE, Own
from compiler.english.parser import Parsed, parse
from compiler.english.ready_agents import base_of
from compiler.specification import Node, Specification
from compiler.text import to_document

_WHICH_SERVICE = "Which URL of the service "
_MANNER = re.compile(r"us(?:e|es|ing)(?: (?!to\b)\S+)+", re.IGNORECASE)
"""How a step is done, such as `use French`, and not a step."""


@dataclass(frozen=True, slots=True)
class NewSteps:
    """What became of the words for new steps."""

    nodes: tuple[Document, ...]
    edges: tuple[Document, ...]
    inputs: Mapping[str, Any]
    questions: tuple[Question, ...]


def read_steps(
    words: str,
    specification: Specification,
    before: Node | None,
    answers: Mapping[str, str],
    when: str = "",
    instead_of: str = "",
    own: Own = NONE,
) -> NewSteps:
    """Read what new steps do.

    Args:
        words: Such as `summarize it with gpt-4 and email the summary to me`.
        specification: The workflow that they come into.
        before: The step that they follow; None: none.
        answers: Answers by question id, from an earlier reading.
        when: The condition under which they are done, which is tested already.
        instead_of: The step in the place of which they come, whose result nobody makes then.
        own: The organization's agents that the words may name.

    Returns:
        The steps, with names that are free; without any when the words name no step.
    """
    if _MANNER.fullmatch(words):
        return NewSteps((), (), {}, ())
    sentence = words[:1].upper() + words[1:]
    held = _held(f"If {when}, {words}", before, answers, own) if when and before else None
    parsed, known = held or _in_place(sentence, before, answers, own)
    made = parsed.specification
    if made is None or not _only_steps(parsed):
        return NewSteps((), (), {}, () if made else parsed.questions)
    old_keys = {node.key for node in made.nodes if node.id in known}
    taken = {node.id for node in specification.nodes} | {node.key for node in specification.nodes}
    for node in made.nodes:
        if node.id not in known and node.id in taken | known:
            made = apply(made, [RenameStep(node.id, _free(node.id, taken | known))])
    document = to_document(made)
    nodes = [node for node in document["nodes"] if node["id"] not in known]
    for node in nodes:
        if node.get("output_key") in taken:
            key = _free(node["output_key"], taken)
            nodes = [_with_key(one, node["output_key"], key, own=node["id"]) for one in nodes]
    if before is not None:
        for key in old_keys:
            nodes = [_with_key(one, key, before.key, own="") for one in nodes]
    edges = [
        edge
        for edge in document.get("edges", [])
        if edge["from"] not in known and edge["to"] not in known
    ]
    if before is not None and before.description:
        nodes = [_with_own_reading(node, before, specification, answers, own) for node in nodes]
    nodes, inputs = _known_inputs(nodes, made, specification, instead_of)
    # Questions keep the names that the parser gave, by which answers are found again.
    questions = [one for one in parsed.questions if one.field.split(".")[0] not in known]
    return NewSteps(tuple(nodes), tuple(edges), inputs, tuple(questions))


_A_SERVICE = re.compile(
    r"\b(?:apis?|services?|endpoints?|servers?|systems?|backends?|gateways?|apps?|platforms?|tools?"
    r"|portals?|hooks?|webhooks?)\b|https?://|\{",
    re.IGNORECASE,
)
_A_NAME = re.compile(r"(?<=\w )[A-Z]\w")
_PRONOUN = re.compile(r"\w+ (?:it|them|this|that)\b", re.IGNORECASE)
_PART_OF = re.compile(
    r"\b(?:to|in|into|of) (?:the |its )?(?:e-?mail|mail|message|report|summary|subject|text)\b",
    re.IGNORECASE,
)


def of_no_service(words: str, made: NewSteps, specification: Specification) -> bool:
    """Whether a step calls a service that nothing names: the words may be no step at all.

    “Add a comment” may be of the service that the other steps call; “reject it” says too little.
    """
    asked = any(one.text.startswith(_WHICH_SERVICE) for one in made.questions)
    if not asked or _A_SERVICE.search(words) or _A_NAME.search(words):
        return False
    known = any(base_of(node.agent) == "api" for node in specification.nodes)
    return not known or bool(_PRONOUN.match(words) or _PART_OF.search(words))


def _only_steps(parsed: Parsed) -> bool:
    """Whether words say steps alone: no start of a workflow, and nothing without a meaning."""
    trigger = parsed.specification.trigger if parsed.specification else None
    starts = trigger is not None and trigger.kind != "manual"
    return not starts and not any(one.id.startswith("part.") for one in parsed.questions)


_MEANT = re.compile(
    r"\b(?:it|them|this|that|these|those|the (?:results?|outputs?|text))\b", re.IGNORECASE
)
_STAND_IN = "Compute the result"
"""What a step is taken to say that does not say what it does, when words mean its result."""


def _in_place(
    sentence: str, before: Node | None, answers: Mapping[str, str], own: Own
) -> tuple[Parsed, frozenset[str]]:
    """Parse the words after those of the step before; its nodes are known already."""
    said = []
    if before is not None and before.agent != "router":
        said = [before.description] if before.description else []
        if _MEANT.search(sentence):
            said.append(_STAND_IN)
    for words in said:
        first = _parse(words, answers, own).specification
        if first is None or len(first.nodes) != 1:
            continue
        both = _parse(f"{words}. Then {_then(sentence)}", answers, own)
        made, known = both.specification, first.nodes[0].id
        if made is not None and made.nodes[0].id == known and len(made.nodes) > 1:
            return both, frozenset({known})
    return _parse(sentence, answers, own), frozenset()


def _held(
    sentence: str, before: Node, answers: Mapping[str, str], own: Own
) -> tuple[Parsed, frozenset[str]] | None:
    """Parse the words behind their condition; what tests it is known already."""
    if not before.description:
        return None
    both = _parse(f"{before.description}. {sentence}", answers, own)
    nodes = both.specification.nodes if both.specification else ()
    routers = [place for place, node in enumerate(nodes) if node.agent == "router"]
    if len(routers) != 1 or not 0 < routers[0] <= 1 or len(nodes) != routers[0] + 2:
        return None
    return both, frozenset(node.id for node in nodes[: routers[0] + 1])


def _parse(text: str, answers: Mapping[str, str], own: Own) -> Parsed:
    return parse(text, None, answers, own) if answers else read_description(text, own)


def _then(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _free(wanted: str, taken: set[str] | frozenset[str]) -> str:
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"


def _with_key(node: Document, old: str, new: str, *, own: str) -> Document:
    """Return a node that reads another key, or writes it if it is the node that made the old."""
    if old == new:
        return node
    text = json.dumps(node["parameters"]) if "parameters" in node else "{}"
    text = re.sub(rf"\{{{re.escape(old)}(?=[.\[}}])", f"{{{new}", text)
    changed = {**node, "parameters": json.loads(text)}
    if "input_keys" in node:
        changed["input_keys"] = [re.sub(rf"^{re.escape(old)}\b", new, key)
                                 for key in node["input_keys"]]  # fmt: skip
    if node["id"] == own:
        changed["output_key"] = new
    return changed


def _with_own_reading(
    node: Document,
    before: Node,
    specification: Specification,
    answers: Mapping[str, str],
    own: Own,
) -> Document:
    """Read what the step before reads, where its words alone would have asked for an input."""
    alone = _parse(before.description, answers, own).specification
    names = alone.state_schema.input.get("properties", {}) if alone else {}
    known = specification.state_schema.input.get("properties", {})
    whole = "{input}" in json.dumps(before.parameters)
    keys = [one.key for one in specification.nodes
            if one.key in before.input_keys or reads(before.parameters, one.key)]  # fmt: skip
    if not whole and len(keys) != 1 and (keys or before.agent == "email"):
        return node
    read = "input" if whole else keys[0] if keys else before.key
    for name in names:
        if name not in known:
            node = _with_key(node, f"input.{name}", read, own="")
    return node


def _known_inputs(
    nodes: list[Document], made: Specification, specification: Specification, instead_of: str
) -> tuple[list[Document], dict[str, Any]]:
    """Read results of earlier steps where the words alone would have asked for an input."""
    schema = made.state_schema.input
    keys = {node.key for node in specification.nodes if node.id != instead_of}
    inputs = dict(schema.get("properties", {}))
    for name in list(inputs):
        if name in keys:
            nodes = [_with_key(one, f"input.{name}", name, own="") for one in nodes]
    used = json.dumps(nodes)
    inputs = {
        name: inputs[name] for name in inputs if re.search(rf"\binput\.{name}\b", used) is not None
    }
    if not inputs:
        return nodes, {}
    required = [name for name in schema.get("required", ()) if name in inputs]
    return nodes, {"properties": inputs, **({"required": required} if required else {})}


def inputs_read(nodes: Sequence[Document], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inputs that steps read in the end, of those that their words asked for."""
    used = json.dumps(nodes)
    properties = {name: schema for name, schema in inputs.get("properties", {}).items()
                  if re.search(rf"\binput\.{name}\b", used)}  # fmt: skip
    required = [name for name in inputs.get("required", ()) if name in properties]
    return {"properties": properties, "required": required} if properties else {}
