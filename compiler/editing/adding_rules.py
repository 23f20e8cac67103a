"""Instructions that add steps: before, after, between, beside others, at an end."""

import re

from compiler.editing.additions import (
    about_inputs,
    added,
    as_read_by,
    beginning,
    described,
    is_noun_of_a_step,
    only_before,
)
from compiler.editing.chain import CannotEdit, last_steps
from compiler.editing.finding import find_steps, root, stem, words_of
from compiler.editing.operations import AddBeside, AddSteps, Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.reading import with_part
from compiler.editing.ways import speaks_of_an_answer
from compiler.editing.wording import TO_RUN
from compiler.english.lexicon import lexicon
from compiler.english.schedule import find_schedule
from compiler.specification import Node
from compiler.text import to_document

_HOW = re.compile(r" (?:to|as|in|into|with|using|via|by|on|from|for) ")
_JUDGED = re.compile(r"Decide whether (?:it|this|that)\b", re.IGNORECASE)
"""A decision of a model on something that no word says."""
_UNDER = re.compile(r"(?:if|when|unless) .+ (?:before|after) .+", re.IGNORECASE)
"""A condition and a place at once: what stands there may read what only one way makes."""
_MORE = re.compile(
    r"\b(?:also|too|as well|add|insert|include|additionally|then|afterwards|and finally)\b"
    r"|^another\b",
    re.IGNORECASE,
)
"""What says that a step comes to those that are there."""
_MAKING = ("llm", "data_processing", "web_scraping", "aggregator")
"""Agents whose result is all that they do."""
_OF_EDITS = ("change", "replace", "rename", "modify", "swap", "switch", "use", "set", "make",
             "undo", "only", "just", "always", "put", "raise", "lower", "increase", "decrease",
             "reduce", "give", "move", "cancel",
             "limit", "allow", "let", "have", "process", "no", "fix", "correct", "adjust", "alter",
             "tweak", "repair", "improve")  # fmt: skip
"""Words with which an instruction begins that changes what is there."""
_MACHINERY = re.compile(
    r"\b(?:steps?|nodes?|retry|retries|attempts?|time-?outs?|schedules?|triggers?|webhooks?"
    r"|branch(?:es)?|conditions?|thresholds?|temperature|prompts?|subject|recipients?"
    r"|concurrency|batch(?:es)?|at a time|at once|in parallel|workflow|instead|only|just|source"
    r"|faster|slower|better|first$)\b",
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
    if beginning(match["what"]) is None and not is_noun_of_a_step(match["what"]):
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
    steps = as_read_by(
        reader, described(reader, match["what"], only_before(reader, beside)), beside
    )
    if len(steps.nodes) != 1:
        return None
    reader.questions.extend([*steps.questions, *about_inputs(reader, match["what"], steps)])
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
        if beginning(match["what"]) is None and not is_noun_of_a_step(match["what"]):
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
    if (
        changes_what_is_there(words)
        or find_schedule(words)
        or _UNDER.fullmatch(words)
        or speaks_of_an_answer(words)
    ):
        return None
    more = _MORE.search(words) is not None
    if not more and (former := _done_already(reader, words)) is not None:
        reader.ask(
            "instruction",
            f"`{former.id}` does that already. Does it change, or is this one more step?",
            (f"change {former.id} to {words}", f"also {words}"),
        )
    made = _add_at_the_end(reader, match)
    if not made or not isinstance(made[0], AddSteps):
        return made
    if any(_JUDGED.match(node.get("description", "")) for node in made[0].nodes):
        return None
    lost = _would_be_lost(reader, made[0])
    if not lost and (more or _reads_anew(reader, words)):
        return made
    if reader.answers.get("place", "").startswith("after "):
        return made
    reader.questions.clear()
    places = [f"before {node.id}" for node in reader.specification.body]
    why = f"At the end nothing reads what “{words}” makes" if lost else (
        f"“{words}” sounds like one more step")  # fmt: skip
    said = f"{why}. Where does it come? If it changes a step that is there, name that step."
    answer = reader.ask("place", said, [*reversed(places), "at the end"])
    if not answer.startswith("before "):
        return made
    return added(reader, words, None, reader.step(answer.removeprefix("before ")))


def _reads_anew(reader: Reader, words: str) -> bool:
    """Whether words get something that nothing which is there speaks of: “list all the issues”."""
    verb = beginning(words) if re.match(r"\w+ (?:all|the|an?|every|each)\b", words) else None
    named = find_steps(words.partition(" ")[2], reader.specification, least=0.3).node_ids
    return verb is not None and lexicon().roles.get(verb.action) == "source" and not named


def _done_already(reader: Reader, words: str) -> Node | None:
    """Return the step that does what words say, to the same thing."""
    verb = beginning(words)
    if verb is None:
        return None
    thing = set(words_of(_HOW.split(words, maxsplit=1)[0].partition(" ")[2]))
    elsewhere = "@" in words or lexicon().product_pattern.search(words) is not None
    for node in reader.specification.body:
        known = lexicon().verbs.get(node.description.split(" ", 1)[0].lower())
        same = known is not None and root(verb.base) == root(known.base)
        mails = node.agent == "email" and verb.action in ("email", "send") and not elsewhere
        if (same or mails) and thing <= set(words_of(f"{node.description} {node.id} {node.key}")):
            return node
    return None


def _would_be_lost(reader: Reader, addition: AddSteps) -> bool:
    """Whether a step that only makes something would come after what is sent or written."""
    sources = {edge["from"] for edge in addition.edges}
    last = [node for node in addition.nodes if node["id"] not in sources]
    if (
        any(node["agent"] not in (*_MAKING, "human_loop") for node in last)
        or addition.after is None
    ):
        return False
    former = reader.specification.node(addition.after)
    return former.agent in ("email", "database") or former.parameters.get("method") == "POST"


def changes_what_is_there(words: str) -> bool:
    """Whether words speak of what a workflow consists of, and so describe no step of it."""
    first = words.split(" ", 1)[0].lower()
    of_a_step = re.sub(r"^add (?:an?|another|one more) (?:step|node|task)", "", words, flags=re.I)
    return (
        stem(first) in {stem(word) for word in _OF_EDITS}
        or re.match(rf"{TO_RUN} (?:it|this)\b", words, re.IGNORECASE) is not None
        or _MACHINERY.search(of_a_step) is not None
    )


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
