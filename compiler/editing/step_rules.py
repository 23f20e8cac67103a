"""Instructions about whole steps: remove, move, rename, add."""

import re
from collections.abc import Callable

from compiler.editing.finding import Found, find_steps, root
from compiler.editing.new_steps import NewSteps, read_steps
from compiler.editing.operations import (
    AddSteps,
    CannotEdit,
    MoveStep,
    Operation,
    RemoveStep,
    RenameStep,
    last_steps,
)
from compiler.editing.reader import Reader, opens_with_a_verb, said_of_a_step
from compiler.english.schedule import find_schedule
from compiler.specification import Node
from compiler.text import to_document

Rule = tuple[re.Pattern[str], Callable[[Reader, re.Match[str]], list[Operation] | None]]

_REMOVES = (
    r"remove|delete|drop|skip|omit|cut|erase|get rid of|take out|take away|leave out|no longer"
    r"|(?:we |i )?(?:do not|don'?t) (?:need|want|have)(?: to)?|we no longer (?:need|want)(?: to)?"
    r"|do not|don'?t|not|never|stop"
)


def _remove(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    words = re.split(r",\s*(?:just|only|but)\b", match["what"])[0].strip()
    if condition := re.fullmatch(r"(?:do )?(?:anything|something) (?:if|when) (?P<when>.+)", words):
        return _remove_a_way(reader, condition["when"])
    if re.search(r"\b(?:if|when|unless)\b|@", words) or find_schedule(words):
        return None
    if every := re.fullmatch(
        r"(?:everything|all(?: of)?(?: the)?(?: other)? steps?|every(?: other)? step)"
        r"(?P<loop> in(?:side)? the loop)?(?: (?:except|but|apart from)(?: for)?(?P<kept> .+))?"
        r"(?: (?P<side>after|before) (?P<mark>.+))?",
        words,
        re.IGNORECASE,
    ):
        return _remove_all_but(reader, every)
    return [RemoveStep(id) for id in reader.steps(words, least=_SURE)]


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


def _remove_a_way(reader: Reader, when: str) -> list[Operation] | None:
    """Take out what a choice does when its condition holds, up to where its ways meet."""
    router = router_about(reader, when)
    if router is None or not {"if_true", "if_false"} <= router.parameters.keys():
        return None
    yes, no = (_reached(reader, str(router.parameters[way])) for way in ("if_true", "if_false"))
    return [RemoveStep(id) for id in yes if id not in no]


def router_about(reader: Reader, words: str) -> Node | None:
    """Return the only choice whose condition says the same words, or None."""
    routers = [node.id for node in reader.specification.nodes
               if node.agent == "router" and "condition" in node.parameters]  # fmt: skip
    found = find_steps(words, reader.specification, routers) if routers else Found(())
    return reader.specification.node(found.one) if found.one in routers else None


def _reached(reader: Reader, start: str) -> list[str]:
    reached = [start]
    for id in reached:
        reached += [edge.target for edge in reader.specification.edges
                    if edge.source == id and edge.target not in reached]  # fmt: skip
    return reached


def _move(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    found = find_steps(match["what"], reader.specification)
    if found.one is None and not match["verb"].lower().startswith("move"):
        return None
    moved = found.one or reader.step(match["what"])
    mark = reader.step(match["mark"])
    before = match["side"].lower() in ("before", "ahead of", "in front of", "above")
    return [MoveStep(moved, before=mark) if before else MoveStep(moved, after=mark)]


def _move_to_an_end(reader: Reader, match: re.Match[str]) -> list[Operation]:
    moved = reader.step(match["what"])
    if match["end"].lower() in ("end", "bottom", "last"):
        ends = [id for id in last_steps(to_document(reader.specification)) if id != moved]
        if not ends:
            raise CannotEdit(f"`{moved}` is the last step already.")
        return [MoveStep(moved, after=ends[-1])]
    return [MoveStep(moved, before=_first_step(reader, moved))]


def _first_step(reader: Reader, other_than: str = "") -> str:
    """Return the step that nothing leads to."""
    edges = reader.specification.edges
    targets = {edge.target for edge in edges if edge.source != other_than}
    for node in reader.specification.body:
        if node.id not in targets and node.id != other_than:
            return node.id
    raise CannotEdit("There is no other first step.")


def _swap(reader: Reader, match: re.Match[str]) -> list[Operation]:
    one, other = reader.step(match["one"]), reader.step(match["other"])
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


def _rename(reader: Reader, match: re.Match[str]) -> list[Operation]:
    new = re.sub(r"[^A-Za-z0-9_]+", "_", match["new"].strip(" `'\"“”")).strip("_")
    if not re.match(r"[A-Za-z_]", new):
        reader.ask("name", f"“{match['new']}” is no name for a step. How is it called?", ())
    return [RenameStep(reader.step(match["what"]), new)]


def _between(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    after, before = reader.step(match["one"]), reader.step(match["other"])
    ids = [node.id for node in reader.specification.body]
    if ids.index(after) > ids.index(before):
        after, before = before, after
    return added(reader, match["what"], after, None)


def _add_beside(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    side = match["side"].lower()
    mark = reader.step(match["mark"])
    if side in ("before", "ahead of"):
        return added(reader, match["what"], None, mark)
    # What is done along with a step is done as often as that one.
    each = side.endswith(" with") or side in ("besides", "in addition to")
    return added(reader, match["what"], mark, None, each=each or _each(match["mark"]))


def _each(words: str) -> bool:
    return re.search(r"\b(?:every|each)\b", words, re.IGNORECASE) is not None


def _add_at_the_start(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    return added(reader, match["what"], None, _first_step(reader))


def _add_at_the_end(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    ends = last_steps(to_document(reader.specification))
    if len(ends) > 1:
        answer = reader.ask(
            "place", f"After which step does “{match['what']}” come?",
            [f"after {end}" for end in ends],
        )  # fmt: skip
        ends = [reader.step(answer.removeprefix("after "))]
    return added(reader, match["what"], ends[0] if ends else None, None)


def added(
    reader: Reader, words: str, after: str | None, before: str | None, *, each: bool = False
) -> list[Operation] | None:
    """Return the edit that adds what words describe; None: they describe no step.

    Args:
        reader: The instruction's.
        words: Such as `add a step that translates it`.
        after: The step that it follows.
        before: The step that follows it.
        each: Whether it runs for each item when the step beside it does.
    """
    stripped = re.sub(
        r"^(?:(?:also|then|please|finally|next|and|insert|include) )+",
        "",
        words.strip(),
        flags=re.I,
    )
    without_add = said_of_a_step(re.sub(r"^add (?:also )?", "", stripped, flags=re.I))
    if opens_with_a_verb(without_add) or _NOMINAL.match(without_add):
        stripped = without_add
    place = after or _only_before(reader, before)
    source = reader.specification.node(place) if place else None
    steps = read_steps(stripped, reader.specification, source, reader.answers)
    if not steps.nodes:
        return None
    reader.questions.extend(steps.questions)
    return [_addition(reader, steps, after, before, each=each)]


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


def _plain(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read a sentence that only says what to do as a step at the end."""
    first = match["what"].split(" ", 1)[0].lower()
    if root(first) in {root(word) for word in _OF_EDITS} or find_schedule(match["what"]):
        return None
    return _add_at_the_end(reader, match)


_SURE = 0.7
"""Which share of the words must fit a step that goes."""
_NOMINAL = re.compile(
    r"(?:(?:a|an|the) )?(?:\w+ )?(?:translation|summary|summarization|classification|analysis"
    r"|extraction|scoring|approval|sentiment analysis)\b",
    re.IGNORECASE,
)
"""Nouns that stand for a step of their own, not for a thing that something is added to."""

_OF_EDITS = ("change", "replace", "rename", "modify", "swap", "switch", "use", "set", "make")

_SIDE = r"(?P<side>after|before|behind|ahead of|in front of|following|below|above)"
_ADD = r"(?P<what>(?:(?:also|then) )*(?:add|insert|include|put) .+?)"

RULES: tuple[Rule, ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (rf"(?:{_REMOVES}) (?P<what>.+)", _remove),
        (r"(?:rename|call) (?P<what>.+?) (?:to|as|into) (?P<new>.+)", _rename),
        (r"call (?P<what>(?:the )?(?:step|node) \d+|the \w+ step) (?P<new>.+)", _rename),
        (r"(?P<verb>move|put|run|do|perform) (?P<what>.+?) (?:to )?(?:right |just |directly )?"
         rf"{_SIDE} (?P<mark>.+)", _move),
        (r"(?:move|put) (?P<what>.+?) (?:to|at) the (?:very )?"
         r"(?P<end>end|start|beginning|top|bottom)", _move_to_an_end),
        (r"(?:swap|switch|exchange)(?: the order of)? (?P<one>.+?) (?:and|with) (?P<other>.+)",
         _swap),
        (rf"{_ADD} between (?P<one>.+?) and (?P<other>.+)", _between),
        (r"(?:right |directly )?(?P<side>after|before|following) (?P<mark>[^,]+), (?P<what>.+)",
         _add_beside),
        (r"(?P<what>.+?) (?:right |directly |immediately )?(?P<side>after|before|following) "
         r"(?P<mark>.+)", _add_beside),
        (r"(?P<what>.+?) (?P<side>along with|together with|besides|in addition to) (?P<mark>.+)",
         _add_beside),
        (r"(?:at the (?:very )?(?:start|beginning)|first),? (?P<what>.+)", _add_at_the_start),
        (r"(?P<what>.+?),? at the (?:very )?(?:start|beginning)", _add_at_the_start),
        (r"(?:at the (?:very )?end|finally),? (?P<what>.+)", _add_at_the_end),
        (r"(?P<what>.+?),? at the (?:very )?end", _add_at_the_end),
        (r"(?P<what>.+)", _plain),
    )
)  # fmt: skip
