"""Another step in the place of one, which keeps what the new words do not say anew.

What the former words gave, what stands in the step, and what the new words give are compared: a
parameter that the words give both times was not spoken of, so what stands there stays.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from compiler.editing.chain import Document
from compiler.editing.conditions import before
from compiler.editing.finding import words_of
from compiler.editing.new_steps import inputs_read, of_no_service, read_steps
from compiler.editing.operations import ReplaceStep
from compiler.editing.reader import EXAMPLES, Open, Reader
from compiler.editing.reading import reads
from compiler.editing.wording import left_out
from compiler.english.draft import Question
from compiler.english.lexicon import lexicon
from compiler.english.ready_agents import base_of
from compiler.specification import Node

_STAYS_UNSAID = ("url", "items", "limit", "to", "cc", "bcc", "subject", "model", "temperature",
                 "max_tokens", "timeout", "labels", "approvers", "on_timeout")  # fmt: skip
"""Parameters that stay when the new words do not speak of them."""
_OF_THE_WORDS = ("id", "agent", "description", "parameters", "input_keys", "output_key")


def replacement(reader: Reader, node: Node, words: str) -> ReplaceStep:
    """Return the edit that lets a step do what words say; an id that still fits stays.

    Raises:
        Open: The words say no single step.
    """
    source = _read_by(reader, node) or before(reader, node.id)
    said = read_steps(
        words, reader.specification, source, reader.answers, instead_of=node.id, own=reader.own
    )
    lacks = left_out(words, [node.get("parameters") for node in said.nodes])
    if len(said.nodes) != 1 or lacks or of_no_service(words, said, reader.specification):
        reader.questions.extend(said.questions)
        reader.ask(
            "instruction",
            f"I do not see which one step “{words}” is, in the place of `{node.id}`.",
            EXAMPLES,
        )
        raise Open
    new, questions = dict(said.nodes[0]), list(said.questions)
    former = read_steps(
        node.description, reader.specification, source, {}, instead_of=node.id, own=reader.own
    )
    if len(former.nodes) == 1 and former.nodes[0]["agent"] == new["agent"] == node.agent:
        anew = {one.field.rpartition(".")[2] for one in said.questions if one.required}
        new = _merged(former.nodes[0], node, new, words, anew)
        asked = {question.text.replace(node.description, "") for question in former.questions}
        questions = [one for one in questions if one.text.replace(words, "") not in asked]
    new = _reading_as(reader, node, new, words)
    _asked_of_what_compares(reader, node, new)
    new = _for_each(node, new)
    new, questions = _with_message(node, new, questions)
    reader.questions.extend(questions)
    gone = set(words_of(node.description)) - set(words_of(words))
    other = new["agent"] != node.agent and not set(words_of(node.id)) <= set(words_of(words))
    if not other and not gone.intersection(words_of(node.id)):
        new["id"] = node.id
    return ReplaceStep(node.id, new, inputs_read((new,), said.inputs))


def _reading_as(reader: Reader, node: Node, new: Document, words: str) -> Document:
    """Let a step that reads the whole input read it still; what else is unknown is asked."""
    held = json.dumps(new)
    known = reader.specification.state_schema.input.get("properties", {})
    names = {name for name in re.findall(r"\{input\.(\w+)", held) if name not in known}
    if "text" in names and "{input}" in json.dumps(node.parameters):
        new = json.loads(held.replace("{input.text}", "{input}"))
    elif "text" in names:
        reader.questions.extend(reader.about_inputs(words, ["text"]))
    return new


def _asked_of_what_compares(reader: Reader, node: Node, new: Document) -> None:
    """Ask when a choice tests a figure that the new step does not make.

    Raises:
        Open: Nobody has said what becomes of the choice.
    """
    was, now = (one.get("json_schema") for one in (node.parameters, new.get("parameters", {})))
    tests = [one.id for one in reader.specification.nodes
             if one.agent == "router" and node.key in one.input_keys]  # fmt: skip
    if was and was != now and tests:
        reader.ask(
            f"keep.{node.id}",
            f"`{tests[0]}` tests what `{node.id}` makes so far. Does it test the new result "
            "the same way?", ("yes",),
        )  # fmt: skip


def _read_by(reader: Reader, node: Node) -> Node | None:
    """Return the step whose result a step reads, which “it” is whatever stands between them."""
    read = [
        one
        for one in reader.specification.body
        if one.id != node.id and (one.key in node.input_keys or reads(node.parameters, one.key))
    ]
    return read[-1] if read else None


def _merged(former: Document, node: Node, new: Document, words: str, anew: set[str]) -> Document:
    """Return the new step with what the new words do not say anew."""
    was: Mapping[str, Any] = former.get("parameters", {})
    now: dict[str, Any] = dict(new.get("parameters", {}))
    elsewhere = base_of(node.agent) in ("api", "database") and (
        _products(node.description) != _products(words)
    )
    for name, value in node.parameters.items():
        if name in now:
            asked = _is_input(now[name]) and not _is_input(was.get(name)) and name not in anew
            stays = now[name] == was.get(name) or (asked and not elsewhere)
        else:
            unsaid = name in _STAYS_UNSAID or name not in was
            stays = unsaid and not elsewhere
        if stays:
            now[name] = value
    kept = {name: value for name, value in node.model_dump(exclude_defaults=True).items()
            if name not in _OF_THE_WORDS}  # fmt: skip
    return {**kept, **new, "parameters": now}


def _for_each(node: Node, new: Document) -> Document:
    """Let a step that runs for each item read the item, also when the words do not say “each”."""
    if node.pattern != "map" or new.get("pattern") or not node.input_keys:
        return new
    items = re.escape(node.input_keys[0].split(".")[0])
    text = re.sub(rf"\{{{items}(?:[.\[][^}}]*)?\}}", "{item}", json.dumps(new["parameters"]))
    return {**new, "pattern": "map", "input_keys": list(node.input_keys),
            "parameters": json.loads(text)}  # fmt: skip


def _products(text: str) -> set[str]:
    found = lexicon().product_pattern.findall(text)
    return {lexicon().products[name.lower()].key for name in found}


def _is_input(value: Any) -> bool:
    """Whether a value is only asked for."""
    return isinstance(value, str) and re.fullmatch(r"\{input\.\w+\}", value) is not None


def _with_message(
    node: Node, new: Document, questions: list[Question]
) -> tuple[Document, list[Question]]:
    """Let a message that goes another way say what it said, when the words do not say what."""
    text = _message(node.parameters)
    asks = [one for one in questions if one.field.endswith((".text", ".body", ".message"))]
    if text is None or not asks:
        return new, questions
    parameters = dict(new.get("parameters", {}))
    body = parameters.get("body")
    parameters["body"] = {**body, "text": text} if isinstance(body, dict) else text
    keys = list(node.input_keys) or None
    return (
        {**new, "parameters": parameters, **({"input_keys": keys} if keys else {})},
        [one for one in questions if one not in asks],
    )


def _message(parameters: Mapping[str, Any]) -> str | None:
    body = parameters.get("body")
    text = body.get("text") if isinstance(body, dict) else body
    return text if isinstance(text, str) else None
