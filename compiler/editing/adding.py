"""Instructions that add steps: before, after, between, beside others, at an end."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compiler.editing.chain import CannotEdit, Document, last_steps
from compiler.editing.conditions import asked_condition, says
from compiler.editing.finding import root, words_of
from compiler.editing.new_steps import NewSteps, read_steps
from compiler.editing.operations import AddBeside, AddSteps, Operation, SetField
from compiler.editing.reader import Reader, Rule, rules, said_of_a_step
from compiler.editing.reading import read_instead, reads, with_part
from compiler.editing.wording import ADDRESS, DURATION, TO_RUN
from compiler.english.lexicon import Verb, lexicon
from compiler.english.schedule import find_schedule
from compiler.specification import Node
from compiler.text import to_document

_NEW_VERSION = ("translate", "summarize", "filter", "sort", "dedupe", "transform")
_HOW = re.compile(r" (?:to|as|in|into|with|using|via|by|on|from|for) ")
_MORE = re.compile(r"\b(?:also|too|as well|add|insert|another|additionally)\b", re.IGNORECASE)
_MAKING = ("llm", "data_processing", "web_scraping", "aggregator")
"""Agents whose result is all that they do."""
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
_SOMEBODY_AT = re.compile(
    rf"\b(?P<verb>email|mail|notify|alert|write to) (?:the|my|our) [\w ]+? (?:at |\()?"
    rf"(?P<to>{ADDRESS})\)?",
    re.IGNORECASE,
)
"""A person with an address: the address says who it is."""
_OF_EDITS = ("change", "replace", "rename", "modify", "swap", "switch", "use", "set", "make",
             "undo", "only", "just", "always", "put", "raise", "lower", "increase", "decrease",
             "reduce", "give", "limit", "allow", "let", "have", "process", "no")  # fmt: skip
"""Words with which an instruction begins that changes what is there."""
_MACHINERY = re.compile(
    r"\b(?:steps?|nodes?|retry|retries|attempts?|time-?outs?|schedules?|triggers?|webhooks?"
    r"|branch(?:es)?|conditions?|thresholds?|temperature|prompts?|subject|recipients?|concurrency"
    r"|batch(?:es)?|at a time|at once|in parallel|workflow|instead|faster|slower|better)\b",
    re.IGNORECASE,
)
"""What a workflow consists of: who speaks of it changes it, and describes no step of it."""


def _between(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    after, before = reader.step(match["one"]), reader.step(match["other"])
    ids = [node.id for node in reader.specification.body]
    if ids.index(after) > ids.index(before):
        after, before = before, after
    what = match["what"] if not match["that"] else f"{match['what']} {match['that']}"
    return added(reader, what, after, None)


def _add_beside(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    if beginning(match["what"]) is None and not _NOMINAL.match(_bare(match["what"])):
        return None
    side = match["side"].lower()
    mark = reader.step(match["mark"])
    if side in ("before", "ahead of", "in front of"):
        return added(reader, match["what"], None, mark)
    # What is done along with a step is done as often as that one.
    each = side.endswith(" with") or side in ("besides", "in addition to")
    return added(reader, match["what"], mark, None, each=each or _each(match["mark"]))


def _each(words: str) -> bool:
    return re.search(r"\b(?:every|each)\b", words, re.IGNORECASE) is not None


def _in_parallel(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Add a step that runs at the same time as another, and meets it where that one leads."""
    if beginning(match["what"]) is None or changes_what_is_there(match["what"]):
        return None
    if match.groupdict().get("mark"):
        beside = reader.step(match["mark"])
    else:
        starts = _starts(reader)
        if len(starts) < 2:
            return None
        beside = starts[-1]
    steps = _described(reader, match["what"], _only_before(reader, beside))
    if len(steps.nodes) != 1:
        return None
    reader.questions.extend(steps.questions)
    edits: list[Operation] = [AddBeside(steps.nodes[0], beside, steps.inputs)]
    new = Node.model_validate(steps.nodes[0])
    key = reader.specification.node(beside).key
    for edge in reader.specification.edges:
        if edge.source == beside:
            edits += with_part(reader.specification.node(edge.target), key, new)
    if reader.specification.pattern == "sequential":
        edits.append(SetField(None, ("pattern",), "map_reduce"))
    return edits


def _starts(reader: Reader) -> list[str]:
    targets = {edge.target for edge in reader.specification.edges}
    return [node.id for node in reader.specification.body if node.id not in targets]


def first_step(reader: Reader, other_than: str = "") -> str:
    """Return the step that nothing leads to."""
    edges = reader.specification.edges
    targets = {edge.target for edge in edges if edge.source != other_than}
    for node in reader.specification.body:
        if node.id not in targets and node.id != other_than:
            return node.id
    raise CannotEdit("There is no other first step.")


def _as_a_number(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Add what becomes step 3: before the step that is so far."""
    ids = [node.id for node in reader.specification.body]
    place = int(match["n"]) - 1
    if not 0 <= place <= len(ids):
        return None
    before = ids[place] if place < len(ids) else None
    return added(reader, match["what"], None if before else ids[-1], before)


def _add_at_the_start(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    return added(reader, match["what"], None, first_step(reader))


def _add_at_the_end(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    ends = last_steps(to_document(reader.specification))
    if len(ends) > 1:
        if beginning(match["what"]) is None and not _NOMINAL.match(_bare(match["what"])):
            return None
        answer = reader.ask(
            "place", f"After which step does “{match['what']}” come?",
            [f"after {end}" for end in ends],
        )  # fmt: skip
        ends = [reader.step(answer.removeprefix("after "))]
    return added(reader, match["what"], ends[0] if ends else None, None)


def _plain(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read a sentence that only says what to do as a step at the end."""
    words = match["what"]
    if changes_what_is_there(words) or find_schedule(words):
        return None
    if not _MORE.search(words) and (former := _done_already(reader, words)) is not None:
        reader.ask(
            "instruction",
            f"`{former.id}` does that already. Does it change, or is this one more step?",
            (f"change {former.id} to {words}", f"also {words}"),
        )
    made = _add_at_the_end(reader, match)
    if not made or not isinstance(made[0], AddSteps) or not _would_be_lost(reader, made[0]):
        return made
    reader.questions.clear()
    places = [f"before {node.id}" for node in reader.specification.body]
    answer = reader.ask(
        "place", f"At the end nothing reads what “{words}” makes. Where does it come?",
        [*reversed(places), "at the end"],
    )  # fmt: skip
    if not answer.startswith("before "):
        return made
    return added(reader, words, None, reader.step(answer.removeprefix("before ")))


def _done_already(reader: Reader, words: str) -> Node | None:
    """Return the step that does what words say, to the same thing."""
    verb = beginning(words)
    thing = set(words_of(_HOW.split(words, maxsplit=1)[0].partition(" ")[2]))
    for node in reader.specification.body:
        known = lexicon().verbs.get(node.description.split(" ", 1)[0].lower())
        if verb is None or known is None or root(verb.base) != root(known.base):
            continue
        if thing <= set(words_of(f"{node.description} {node.id} {node.key}")):
            return node
    return None


def _would_be_lost(reader: Reader, addition: AddSteps) -> bool:
    """Whether a step that only makes something would come after what is sent or written."""
    sources = {edge["from"] for edge in addition.edges}
    last = [node for node in addition.nodes if node["id"] not in sources]
    if any(node["agent"] not in _MAKING for node in last) or addition.after is None:
        return False
    former = reader.specification.node(addition.after)
    return former.agent in ("email", "database") or former.parameters.get("method") == "POST"


def changes_what_is_there(words: str) -> bool:
    """Whether words speak of what a workflow consists of, and so describe no step of it."""
    first = words.split(" ", 1)[0].lower()
    of_a_step = re.sub(r"^add (?:an?|another|one more) (?:step|node|task)", "", words)
    return (
        root(first) in {root(word) for word in _OF_EDITS}
        or re.match(rf"{TO_RUN} (?:it|this)\b", words, re.IGNORECASE) is not None
        or _MACHINERY.search(of_a_step) is not None
    )


def _bare(words: str) -> str:
    stripped = re.sub(
        r"^(?:(?:also|then|please|finally|next|and|insert|include|add|put) )+", "",
        words.strip(), flags=re.IGNORECASE,
    )  # fmt: skip
    return said_of_a_step(stripped)


def _tells_what_to_do(words: str) -> bool:
    under = re.fullmatch(r"(?:if|when|for each|for every) [^,]+, (?:then )?(.+)", words, re.I)
    said = under[1] if under else words
    return beginning(said) is not None or _NOMINAL.match(_bare(said)) is not None


def beginning(words: str) -> Verb | None:
    """Return the verb with which words tell what to do; None: they do not."""
    plain = re.sub(r"^(?:(?:also|then|please|finally|next|and) )+", "", words.strip(), flags=re.I)
    for said in (plain, _bare(words)):
        first, _, rest = said.partition(" ")
        verb = lexicon().verbs.get(first.lower())
        # “Thanks for …” is no command; in “a step that thanks …” the verb has that form.
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
    place = source or after or _only_before(reader, before)
    steps = _described(reader, words, place, when)
    if not steps.nodes:
        return None
    _ask_about_inputs(reader, words, steps)
    reader.questions.extend(steps.questions)
    steps = replace(steps, nodes=tuple(_tested(reader, node) for node in steps.nodes))
    addition = _addition(reader, steps, after, before, each=each)
    return [addition, *_passed_on(reader, addition)]


def _ask_about_inputs(reader: Reader, words: str, steps: NewSteps) -> None:
    """Ask what something is that no step makes, before it becomes an input of the workflow.

    Raises:
        Open: It has not been said yet.
    """
    asked = {question.text for question in steps.questions}
    products = {lexicon().products[name.lower()].key
                for name in lexicon().product_pattern.findall(words)}  # fmt: skip
    for name, schema in steps.inputs.get("properties", {}).items():
        tested = any(f"input.{name}" in str(node.get("parameters", {}).get("condition"))
                     for node in steps.nodes)  # fmt: skip
        of_a_product = name.endswith("url") or any(name.startswith(one) for one in products)
        if not tested and not of_a_product and schema.get("description") not in asked:
            noun = name.replace("_", " ")
            reader.ask(
                f"input.{name}",
                f"No step before “{words}” makes the {noun}. Is it an input of the workflow?",
                ("an input",),
            )


def _tested(reader: Reader, node: Document) -> Document:
    """Return a node; of a choice whose expression does not say its words another is asked for."""
    words = re.sub(r"^if ", "", node.get("description", ""), flags=re.IGNORECASE)
    condition = str(node.get("parameters", {}).get("condition", ""))
    if node["agent"] != "router" or "input." not in condition or says(reader, words, condition):
        return node
    parameters = {**node["parameters"], "condition": asked_condition(reader, words)}
    return {**node, "parameters": parameters, "input_keys": []}


def _described(reader: Reader, words: str, place: str | None, when: str = "") -> NewSteps:
    words = _SOMEBODY_AT.sub(r"\g<verb> \g<to>", words)
    stripped = _ADDING.sub("", _DELAY.sub(_waiting, words.strip()))
    without_add = said_of_a_step(re.sub(r"^add (?:also )?", "", stripped, flags=re.I))
    if opens_with_a_verb(without_add) or _NOMINAL.match(without_add):
        stripped = without_add
    source = reader.specification.node(place) if place else None
    return read_steps(stripped, reader.specification, source, reader.answers, when)


def _waiting(match: re.Match[str]) -> str:
    long = match["long"] or "{short} {unit}s".format(**match.groupdict())
    return f"wait {long}"


def opens_with_a_verb(words: str) -> bool:
    """Whether words say what to do, and not only with what."""
    first = words.split(" ", 1)[0].lower()
    verb = lexicon().verbs.get(first)
    return verb is not None and " " in words.strip()


def _only_before(reader: Reader, before: str | None) -> str | None:
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
    verb = lexicon().verbs.get(new.description.split(" ", 1)[0].lower())
    versions = new.agent == "data_processing" or (
        new.agent == "llm"
        and verb is not None
        and (verb.action in _NEW_VERSION or verb.base in _REWRITES)
    )
    if not versions:
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


def merged_inputs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that either asks for."""
    if not one or not other:
        return dict(one or other)
    return {
        "properties": {**one["properties"], **other["properties"]},
        "required": [*one.get("required", ()), *other.get("required", ())],
    }


_SIDE = r"(?P<side>after|before|behind|ahead of|in front of|following)"
_ADD = r"(?P<what>(?:(?:also|then) )*(?:add|insert|include|put) .+?)"
_EXACTLY = r"(?:right |directly |immediately |just )?"
_TOGETHER = r"(?:in parallel (?:with|to)|at the same time as|simultaneously with|concurrently with)"

RULES: tuple[Rule, ...] = rules(
    (rf"{_ADD} between (?P<one>.+?) and (?P<other>.+?)"
     r"(?: (?P<that>(?:that|which|to) .+))?", _between),
    (rf"(?P<what>.+?) {_TOGETHER} (?P<mark>.+)", _in_parallel),
    (rf"{_TOGETHER} (?P<mark>[^,]+), (?P<what>.+)", _in_parallel),
    (r"(?P<what>.+?) (?:in parallel|at the same time)", _in_parallel),
    (rf"{_EXACTLY}(?P<side>after|before|following) (?P<mark>[^,]+), (?P<what>.+)", _add_beside),
    (r"(?P<side>before|after) (?P<mark>(?:the )?\w+ (?:is|are|goes|gets) ?\w*)"
     r" (?:please )?(?P<what>(?:let|have|ask|also) .+)", _add_beside),
    (rf"(?P<what>.+?) {_EXACTLY}{_SIDE} (?P<mark>.+)", _add_beside),
    (r"(?P<what>.+?) (?P<side>along with|together with|besides|in addition to) (?P<mark>.+)",
     _add_beside),
    (r"(?P<what>.+?) as (?:the )?(?:new )?(?:step|node) (?:number )?(?P<n>\d+)", _as_a_number),
    (r"(?:add|insert) (?:a )?(?:step|node) (?:number )?(?P<n>\d+)(?::|,| that| which| to)"
     r" (?P<what>.+)", _as_a_number),
    (r"(?:at the (?:very )?(?:start|beginning)|first),? (?P<what>.+)", _add_at_the_start),
    (r"(?P<what>.+?),? at the (?:very )?(?:start|beginning)", _add_at_the_start),
    (r"(?:at the (?:very )?end|finally),? (?P<what>.+)", _add_at_the_end),
    (r"(?P<what>.+?),? at the (?:very )?end", _add_at_the_end),
    (r"(?P<what>.+)", _plain),
)  # fmt: skip
