"""New steps in a place of the chain, made of the words that describe them."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compiler.editing.chain import Document
from compiler.editing.conditions import asked_condition, condition_of, says
from compiler.editing.finding import words_of
from compiler.editing.new_steps import NewSteps, inputs_read, of_no_service, read_steps
from compiler.editing.operations import AddSteps, Operation
from compiler.editing.reader import Reader, said_of_a_step
from compiler.editing.reading import read_instead, reads
from compiler.editing.wording import ADDRESS, DURATION, left_out
from compiler.english.draft import Question
from compiler.english.lexicon import Verb, lexicon
from compiler.specification import Node

_NEW_VERSION = ("translate", "summarize", "filter", "sort", "dedupe", "transform")
_REWRITES = ("rewrite", "rephrase", "proofread", "improve", "polish", "edit", "paraphrase",
             "refine", "reword", "tailor", "adapt", "personalize", "enhance", "format")  # fmt: skip
"""Verbs whose result stands in the place of what they are done to."""
_NOMINAL = re.compile(
    r"(?:(?:a|an|the) )?(?:\w+ )?(?:translation|summary|summarization|classification|analysis"
    r"|extraction|scoring|approval|sentiment analysis)\b",
    re.IGNORECASE,
)
"""Nouns that stand for a step of their own, not for a thing that something is added to."""
_ADDING = re.compile(
    r"^(?:(?:also|then|please|finally|next|and|insert|include) )+|,? (?:too|as well|also)$",
    re.IGNORECASE,
)
_DELAY = re.compile(
    rf"^(?:(?:add|insert|include) )?(?:an? )?(?:(?:delay|pause|wait|break) of"
    rf" (?P<long>{DURATION})|(?P<short>\d+)[ -](?P<unit>second|minute|hour|day)s? "
    r"(?:delay|pause|wait|break))",
    re.IGNORECASE,
)
_SOMEBODY_DOES = re.compile(
    r"^(?:have|get|let) (?P<who>(?:(?:my|the|our|an?) )?[\w ]+?) (?:to )?"
    r"(?P<verb>approve|review|confirm|sign off)\b",
    re.IGNORECASE,
)
_SOMEBODY_AT = re.compile(
    rf"\b(?P<verb>email|mail|notify|alert|write to) (?:the|my|our) [\w ]+? (?:at |\()?"
    rf"(?P<to>{ADDRESS})\)?",
    re.IGNORECASE,
)
"""A person with an address: the address says who it is."""


_THING = re.compile(
    r"\w+ the ([\w -]+?)(?: (?:to|in|into|on|as|at|by|too|also|via)\b|$)", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"“'`].+[\"”'`]")
_PEOPLE = re.compile(
    r"\b(?:approv\w+|confirm\w*|review\w*|sign(?:s|ed)?[ -]?off|ok|okay|go-ahead|answer|reply"
    r"|decision|says?|agrees?|manager|boss|me|team|editor|human|person|somebody|someone|legal|lead|c[ef]o)\b",
    re.IGNORECASE,
)


def _bare(words: str) -> str:
    stripped = re.sub(
        r"^(?:(?:also|then|please|finally|next|and|insert|include|add|put) )+", "",
        words.strip(), flags=re.IGNORECASE,
    )  # fmt: skip
    return said_of_a_step(stripped)


def is_noun_of_a_step(words: str) -> bool:
    """Whether words are a noun that stands for a step of its own: a translation to French."""
    return _NOMINAL.match(_bare(words)) is not None


def _tells_what_to_do(words: str) -> bool:
    under = re.fullmatch(r"(?:if|when|for each|for every) [^,]+, (?:then )?(.+)", words, re.I)
    said = under[1] if under else words
    return beginning(said) is not None or is_noun_of_a_step(said)


def _as_command(words: str) -> str:
    """Return “let it wait a day” and “have my boss approve it” as commands."""
    words = re.sub(r"^(?:let|make|have) it (?=wait\b)", "", words.strip(), flags=re.IGNORECASE)
    return _SOMEBODY_DOES.sub(r"ask \g<who> to \g<verb>", words)


def beginning(words: str) -> Verb | None:
    """Return the verb with which words tell what to do; None: they do not."""
    words = _as_command(words)
    plain = re.sub(r"^(?:(?:also|then|please|finally|next|and) )+", "", words.strip(), flags=re.I)
    for said in (plain, _bare(words)):
        first, _, rest = said.partition(" ")
        verb = lexicon().verbs.get(first.lower())
        # “Thanks for …” is no command; in “a step that thanks …” the verb has that form.
        if first.lower() == "let":
            continue
        if verb and rest.strip() and (verb.base == first.lower() or said != plain):
            return verb
    return None


def added(
    reader: Reader,
    words: str,
    after: str | None,
    before: str | None,
    *,
    each: bool = False,
    source: str | None = None,
    when: str = "",
) -> list[Operation] | None:
    """Return the edits that add what words describe; None: they describe no step.

    Args:
        reader: The instruction's.
        words: Such as `add a step that translates it`.
        after: The step that it follows.
        before: The step that follows it.
        each: Whether it runs for each item when the step beside it does.
        source: The step whose result “it” is; None: the one before.
        when: The condition of the way on which it stands.
    """
    if not _tells_what_to_do(words):
        return None
    place = source or after or only_before(reader, before)
    steps = described(reader, words, place, when)
    if not steps.nodes or left_out(words, [node.get("parameters") for node in steps.nodes]):
        return None
    if of_no_service(words, steps, reader.specification) or _says_nothing(words, steps):
        return None
    if _unknown_thing(reader, words, steps):
        return None
    nodes = tuple(_tested(reader, node) for node in steps.nodes)
    steps = replace(steps, nodes=nodes, inputs=inputs_read(nodes, steps.inputs))
    reader.questions.extend([*steps.questions, *about_inputs(reader, words, steps)])
    addition = _addition(reader, steps, after, before, each=each)
    return [addition, *_passed_on(reader, addition)]


def _says_nothing(words: str, steps: NewSteps) -> bool:
    """Whether a step sends but the words that name what is sent, or asks a person nobody named."""
    for node in steps.nodes:
        body = node.get("parameters", {}).get("body")
        if node["agent"] == "email" and isinstance(body, str) and not _QUOTED.search(words):
            said = re.sub(r"^the |[.!]$", "", body, flags=re.IGNORECASE).lower()
            if "{" not in body and said in words.lower():
                return True
        prompt = str(node.get("parameters", {}).get("prompt", ""))
        if re.search(r"\b(?:the|an?) (?:the|an?)\b", prompt, re.IGNORECASE):
            return True
        if node["agent"] == "human_loop" and re.match(r"wait\b", words, re.IGNORECASE):
            return _PEOPLE.search(words) is None
    return False


def _unknown_thing(reader: Reader, words: str, steps: NewSteps) -> bool:
    """Whether words send or keep a thing, such as “the average”, that nothing speaks of."""
    verb, named = beginning(words), _THING.match(_bare(words))
    sends = any(node["agent"] in ("database", "email") for node in steps.nodes)
    if verb is None or verb.action == "notify" or named is None or not sends:
        return False
    if _SOMEBODY_AT.search(words):
        return False
    said = words_of(named[1])
    specification = reader.specification
    known = set(words_of(" ".join(
        f"{node.id} {node.key} {node.description} {node.parameters}" for node in specification.nodes
    )))  # fmt: skip
    known.update(words_of(f"{specification.trigger} {specification.state_schema.input}"))
    known.update(words_of(specification.metadata.name), words_of(" ".join(lexicon().generic)))
    asked = bool(steps.inputs.get("properties"))
    return bool(said) and not asked and not known.intersection(said)


def as_read_by(reader: Reader, steps: NewSteps, beside: str) -> NewSteps:
    """Return steps that read the input which the one beside them reads, and no other for “it”."""
    known = reader.specification.state_schema.input.get("properties", {})
    said = str(reader.specification.node(beside).parameters)
    read = [name for name in known if f"{{input.{name}}}" in said]
    asked = [name for name in steps.inputs.get("properties", {}) if name not in known]
    if len(read) != 1 or asked != ["text"]:
        return steps
    held = json.dumps(steps.nodes).replace("{input.text}", f"{{input.{read[0]}}}")
    return replace(steps, nodes=tuple(json.loads(held)), inputs={})


def about_inputs(reader: Reader, words: str, steps: NewSteps) -> list[Question]:
    """Return the questions what something is that no step makes, and that nobody has told yet."""
    asked = {question.text for question in steps.questions}
    products = {lexicon().products[name.lower()].key
                for name in lexicon().product_pattern.findall(words)}  # fmt: skip
    unknown = [name for name, schema in steps.inputs.get("properties", {}).items()
               if schema.get("description") not in asked
               and not any(name.startswith(one) for one in products)]  # fmt: skip
    return reader.about_inputs(words, unknown)


def _tested(reader: Reader, node: Document) -> Document:
    """Return a node; a choice tests what a step makes, and asks when it does not say its words."""
    words = re.sub(r"^if ", "", node.get("description", ""), flags=re.IGNORECASE)
    condition = str(node.get("parameters", {}).get("condition", ""))
    names = re.findall(r"\binput\.(\w+)", condition)
    if node["agent"] != "router" or not names:
        return node
    made = [one for one in reader.specification.body if one.key == names[0]]
    read = condition_of(reader, words, made[0]) if made else None
    if read is not None:
        condition = read
    elif not says(reader, words, condition):
        condition = asked_condition(reader, words)
    return {**node, "parameters": {**node["parameters"], "condition": condition}, "input_keys": []}


def described(reader: Reader, words: str, place: str | None, when: str = "") -> NewSteps:
    """Return the steps that words describe, read as what follows a place."""
    words = _as_command(words)
    words = _SOMEBODY_AT.sub(r"\g<verb> \g<to>", words)
    stripped = _ADDING.sub("", _DELAY.sub(_waiting, words.strip()))
    without_add = said_of_a_step(re.sub(r"^(?:add|put) (?:also )?", "", stripped, flags=re.I))
    if opens_with_a_verb(without_add) or _NOMINAL.match(without_add):
        stripped = without_add
    source = reader.specification.node(place) if place else None
    return read_steps(stripped, reader.specification, source, reader.answers, when, own=reader.own)


def _waiting(match: re.Match[str]) -> str:
    long = match["long"] or "{short} {unit}s".format(**match.groupdict())
    return f"wait {long}"


def opens_with_a_verb(words: str) -> bool:
    """Whether words say what to do, and not only with what."""
    first = words.split(" ", 1)[0].lower()
    verb = lexicon().verbs.get(first)
    return verb is not None and " " in words.strip()


def only_before(reader: Reader, before: str | None) -> str | None:
    """Return the only step that leads to one; None: there are several, or none."""
    sources = [edge.source for edge in reader.specification.edges if edge.target == before]
    return sources[0] if len(sources) == 1 else None


def _addition(
    reader: Reader, steps: NewSteps, after: str | None, before: str | None, *, each: bool
) -> AddSteps:
    """Return the addition; between two steps of one loop, it is one of the loop's as well."""
    nodes = [dict(node) for node in steps.nodes]
    specification = reader.specification
    around = [id for id in (after, before) if id]
    if after:
        around += [edge.target for edge in specification.edges if edge.source == after]
    maps = [specification.node(id) for id in around if specification.node(id).pattern == "map"]
    lists = {node.input_keys[:1] for node in maps}
    if maps and len(lists) == 1 and (each or len(maps) == len(around) > 1) and len(nodes) == 1:
        nodes[0] = {**nodes[0], "pattern": "map", "input_keys": list(maps[0].input_keys[:1])}
    return AddSteps(tuple(nodes), steps.edges, after, before, inputs=steps.inputs)


def _passed_on(reader: Reader, addition: AddSteps) -> list[Operation]:
    """Let the step after a new version of a result, such as a translation, read that one."""
    if len(addition.nodes) != 1:
        return []
    new = Node.model_validate(addition.nodes[0])
    if not _makes_a_version(new):
        return []
    keys = {node.key for node in reader.specification.nodes}
    read = [key for key in keys if reads(new.parameters, key) or key in new.input_keys]
    following = [addition.before] if addition.before else [
        edge.target for edge in reader.specification.edges if edge.source == addition.after
    ]  # fmt: skip
    if len(read) != 1:
        return []
    return [edit for id in following if id
            for edit in read_instead(reader.specification.node(id), read[0], new.key)]  # fmt: skip


def _makes_a_version(new: Node) -> bool:
    """Whether what a step makes stands in the place of what it reads."""
    verb = lexicon().verbs.get(new.description.split(" ", 1)[0].lower())
    nouns: dict[str, str] = lexicon().names("nominal")
    actions = {nouns.get(word) for word in new.description.lower().split()[:3]}
    rewrites = verb is not None and (verb.action in _NEW_VERSION or verb.base in _REWRITES)
    named = verb is None and bool(actions.intersection(_NEW_VERSION))
    return new.agent == "data_processing" or (new.agent == "llm" and (rewrites or named))


def merged_inputs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that either asks for."""
    if not one or not other:
        return dict(one or other)
    return {
        "properties": {**one["properties"], **other["properties"]},
        "required": [*one.get("required", ()), *other.get("required", ())],
    }
