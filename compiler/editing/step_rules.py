"""Instructions about whole steps that are there: remove, move, swap, rename."""

import re

from compiler.editing.adding_rules import first_step
from compiler.editing.chain import CannotEdit, last_steps
from compiler.editing.finding import covers, find_steps, words_of
from compiler.editing.operations import MoveStep, Operation, RemoveStep, RenameStep
from compiler.editing.reader import Reader, Rule, rules, slug
from compiler.editing.value_rules import is_value, without_value
from compiler.editing.wording import COUNT, number_of
from compiler.english.schedule import find_schedule
from compiler.text import to_document

_REMOVES = (
    r"remove|delete|drop|skip|omit|cut|erase|get rid of|take out|take away|leave out|no longer"
    r"|disable|turn off|switch off|cancel"
    r"|(?:we |i )?(?:do not|don'?t) (?:need|want|have)(?: to)?|we no longer (?:need|want)(?: to)?"
    r"|do not|don'?t|not|never|stop"
)


_OLD_DATA = re.compile(
    r"\b(?:old|older|former|past|previous|outdated|stale|obsolete) (?:\w+ )?\w+s$", re.IGNORECASE
)
"""What a workflow has made, and no step of it."""


def _remove(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    words = re.split(r",\s*(?:just|only|but)\b", match["what"])[0].strip()
    if re.search(r"\b(?:if|when|unless)\b|@", words) or find_schedule(words):
        return None
    if _OLD_DATA.search(words):
        return None
    if every := re.fullmatch(
        r"(?:everything|all(?: of)?(?: the)?(?: other)? steps?|every(?: other)? step)"
        r"(?P<loop> in(?:side)? the loop)?(?: (?:except|but|apart from)(?: for)?(?P<kept> .+))?"
        r"(?: (?P<side>after|before) (?P<mark>.+))?",
        words,
        re.IGNORECASE,
    ):
        return _remove_all_but(reader, every)
    if several := re.fullmatch(rf"(?:the )?(?P<end>last|first) (?P<n>{COUNT}) steps?", words, re.I):
        ids = [node.id for node in reader.specification.body]
        count = number_of(several["n"]) or 0
        ends = ids[-count:] if several["end"].lower() == "last" else ids[:count]
        return [RemoveStep(id) for id in reversed(ends)] if 0 < count < len(ids) else None
    if is_value(words) and (fewer := without_value(reader, words)):
        return fewer
    ids = reader.all_or_one(words, least=_SURE)
    if len(ids) == 1 and _says_more(reader, words, ids[0]):
        reader.ask(
            f"step.{slug(words)}",
            f"“{words}” says more than `{ids[0]}` does. Does that whole step go?",
            (ids[0],),
        )
    return [RemoveStep(id) for id in ids]


def _says_more(reader: Reader, words: str, id: str) -> bool:
    """Whether words name something that is nowhere in a step, so that a part of it may be meant."""
    listed = re.search(r",| and ", words) is not None
    # “From the bucket” says where it is, when another step is about the bucket.
    words, _, source = words.partition(" from ")
    elsewhere = any(covers(node, source) for node in reader.specification.body)
    words = words if elsewhere else f"{words} {source}"
    return not listed and words_of(words) != () and not covers(reader.specification.node(id), words)


def _remove_all_but(reader: Reader, match: re.Match[str]) -> list[Operation]:
    ids = [node.id for node in reader.specification.body
           if not match["loop"] or node.pattern == "map"]  # fmt: skip
    if match["mark"]:
        step = reader.step(match["mark"], ids)
        if step not in ids:
            raise CannotEdit(f"`{step}` is not in the loop.")
        mark = ids.index(step)
        ids = ids[mark + 1 :] if match["side"].lower() == "after" else ids[:mark]
    kept = reader.step(match["kept"].strip(), ids) if match["kept"] else None
    if kept is None and not match["mark"]:
        return []
    # The last first: a choice goes once nothing is left to choose.
    return [RemoveStep(id) for id in reversed(ids) if id != kept]


def _move(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    if re.match(r"(?:an?|another|one more) ", match["what"], re.IGNORECASE):
        return None
    found = find_steps(match["what"], reader.specification)
    if not match["verb"].lower().startswith("move") and (
        found.one is None or not _said_only(reader, match["what"], found.one)
    ):
        return None
    moved = found.one or reader.step(match["what"])
    mark = reader.step(match["mark"])
    before = match["side"].lower() in ("before", "ahead of", "in front of", "above")
    return [MoveStep(moved, before=mark) if before else MoveStep(moved, after=mark)]


def _said_only(reader: Reader, words: str, id: str) -> bool:
    """Whether words say no more than a step does that is there."""
    node = reader.specification.node(id)
    known = words_of(f"{id} {node.description} {node.agent} {node.output_key or ''}")
    return bool(words_of(words)) and all(word in known for word in words_of(words))


def _move_to_an_end(reader: Reader, match: re.Match[str]) -> list[Operation]:
    moved = reader.step(match["what"])
    if match["end"].lower() in ("end", "bottom", "last"):
        ends = [id for id in last_steps(to_document(reader.specification)) if id != moved]
        if not ends:
            raise CannotEdit(f"`{moved}` is the last step already.")
        return [MoveStep(moved, after=ends[-1])]
    return [MoveStep(moved, before=first_step(reader, moved))]


def _comes_at_an_end(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “publish it at the end” as a move, when it says no more than a step that is there."""
    found = find_steps(match["what"], reader.specification).one
    if found is None or not _said_only(reader, match["what"], found):
        return None
    return _move_to_an_end(reader, match)


def _swap(reader: Reader, match: re.Match[str]) -> list[Operation]:
    one, other = _pair(reader, match["one"], match["other"])
    ids = [node.id for node in reader.specification.body]
    first, second = sorted((one, other), key=ids.index)
    if not any(edge.source == first and edge.target == second
               for edge in reader.specification.edges):  # fmt: skip
        reader.ask(
            "swap",
            f"`{first}` and `{second}` do not follow each other. Say where each one goes.",
            (f"move {first} after {second}", f"move {second} before {first}"),
        )
    return [MoveStep(first, after=second)]


def _pair(reader: Reader, one: str, other: str) -> tuple[str, str]:
    """Return two steps; in “steps 2 and 3” the word stands once."""
    numbers = re.fullmatch(r"(?:the )?(steps?|nodes?) (\d+)", one, re.IGNORECASE)
    if numbers and other.isdigit():
        one, other = f"step {numbers[2]}", f"step {other}"
    return reader.step(one), reader.step(other)


def _without(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “publish without asking the editor”: the one step stays, the other goes."""
    kept = find_steps(match["rest"], reader.specification, least=_SURE).one
    gone = find_steps(match["what"], reader.specification, least=_SURE).one
    return [RemoveStep(gone)] if kept and gone and kept != gone else None


def _rename(reader: Reader, match: re.Match[str]) -> list[Operation]:
    new = re.sub(r"[^A-Za-z0-9_]+", "_", match["new"].strip(" `'\"“”")).strip("_")
    if not re.match(r"[A-Za-z_]", new):
        reader.ask("name", f"“{match['new']}” is no name for a step. How is it called?", ())
    return [RenameStep(reader.step(match["what"]), new)]


_SURE = 0.7
"""Which share of the words must fit a step that goes."""
_SIDE = r"(?P<side>after|before|behind|ahead of|in front of|following|below|above)"
_NOT_NEEDED = r"(?:is|are) (?:not|no longer) (?:needed|required|necessary)|(?:isn't|aren't) needed"

RULES: tuple[Rule, ...] = rules(
    (rf"(?:{_REMOVES}) (?P<what>.+)", _remove),
    (rf"(?P<what>.+?) (?:{_NOT_NEEDED})", _remove),
    (r"(?:nobody|no ?one) (?:has|needs) to (?P<what>.+)", _remove),
    (r"no (?P<what>.+?)(?: (?:is |are )?(?:needed|required|necessary))?", _remove),
    (r"(?P<rest>.+?) without (?P<what>.+)", _without),
    (r"(?:rename|call) (?P<what>.+?) (?:to|as|into) (?P<new>.+)", _rename),
    (r"(?:call|name) (?P<what>(?:the )?(?:step|node) \d+|the \w+ step) (?P<new>.+)", _rename),
    (r"(?:call|name) (?P<what>.+?) (?P<new>[a-z]\w*_\w+|[\"'“`].+[\"'”`])", _rename),
    (r"(?P<verb>move|put|run|do|perform) (?P<what>.+?) (?:to )?(?:right |just |directly )?"
     rf"{_SIDE} (?P<mark>.+)", _move),
    (rf"(?P<verb>)(?P<what>.+?) {_SIDE} (?P<mark>.+)", _move),
    (r"(?:move|put) (?P<what>.+?) (?:to|at) the (?:very )?"
     r"(?P<end>end|start|beginning|top|bottom)", _move_to_an_end),
    (r"(?:move|put|do|run) (?P<what>.+?) (?P<end>first|last)", _move_to_an_end),
    (r"(?P<what>.+?),? (?:at the (?:very )?)(?P<end>end|start|beginning)", _comes_at_an_end),
    (r"(?:swap|switch|exchange)(?: the order of)? (?P<one>.+?) (?:and|with) (?P<other>.+)",
     _swap),
)  # fmt: skip
