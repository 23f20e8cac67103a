"""Instructions about the ways of a choice: less, more, another thing on one, no choice any more."""

import re
from dataclasses import replace

from compiler.editing.adding_rules import changes_what_is_there
from compiler.editing.additions import added, beginning
from compiler.editing.conditions import before
from compiler.editing.finding import find_steps, words_of
from compiler.editing.operations import (
    AddSteps,
    MoveStep,
    Operation,
    RemoveStep,
    SetField,
    SwapWays,
)
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.replacement import replacement
from compiler.editing.ways import (
    Way,
    approval_meant,
    approved_meant,
    ends_after,
    last_on,
    steps_on,
    way_meant,
    ways,
)
from compiler.editing.wording import ADDRESS, TO_REMOVE
from compiler.english.lexicon import lexicon


def _nothing(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Take out what a choice does on a way, up to where its ways meet."""
    way = way_meant(reader, match["when"])
    if way is None:
        return None
    return [RemoveStep(id) for id in reversed(steps_on(reader.specification, way))]


def _not_on_a_way(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “don't log when it is up”: a step goes that is done on that way alone."""
    way = way_meant(reader, match["when"])
    if way is None:
        return None
    own = steps_on(reader.specification, way)
    found = find_steps(match["what"], reader.specification, own) if own else None
    return [RemoveStep(found.one)] if found and found.one in own else None


def _not_for(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “don't email low tickets”: the words that a way is named by stand beside the object."""
    first, _, rest = match["what"].partition(" ")
    way = way_meant(reader, rest) if rest else None
    own = steps_on(reader.specification, way) if way else []
    found = find_steps(first, reader.specification, own) if own else None
    return [RemoveStep(found.one)] if found and found.one in own else None


def _on_a_way(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Add a step to a way of a choice, or to what follows when a person says no."""
    what = re.sub(
        r"^(?:also|then|please) | (?:too|as well|also)$", "", match["what"].strip(), flags=re.I
    )
    if changes_what_is_there(what) and " instead of " not in what:
        return None
    way = way_meant(reader, match["when"])
    swapped = re.fullmatch(r"(?P<new>.+?),? (?:instead of|rather than) (?P<old>.+)", what, re.I)
    if way is not None and swapped:
        own = steps_on(reader.specification, way)
        node = reader.node(swapped["old"], own)
        return [replacement(reader, node, swapped["new"])] if node.id in own else None
    if way is not None and (placed := _PLACED.fullmatch(what)):
        own = steps_on(reader.specification, way)
        mark = reader.step(placed["mark"], own)
        first = placed["side"].lower() == "before"
        return added(reader, placed["what"], None if first else mark, mark if first else None)
    if way is not None:
        last = last_on(reader.specification, way)
        tested = before(reader, way.router)
        source = tested.id if tested else None
        return added(reader, what, last, None, source=source, when=match["when"]) if last else None
    failing = _FAILS.fullmatch(match["when"])
    if failing:
        return _on_failure(reader, failing["what"], what, match["when"])
    if (approved := approved_meant(reader, match["when"])) is not None:
        end = ends_after(reader.specification, approved.id)
        return added(reader, what, end[0], None) if len(end) == 1 else None
    asking = approval_meant(reader, match["when"])
    if asking is None or not begins_with_a_verb(what):
        return None
    condition = f"not {asking.key}.approved"
    if any(edge.source == asking.id and edge.condition == condition
           for edge in reader.specification.edges):  # fmt: skip
        return None
    made = added(reader, what, asking.id, None, when=match["when"])
    if not made or not isinstance(made[0], AddSteps):
        return None
    return [AddSteps(made[0].nodes, made[0].edges, asking.id, None, condition, made[0].inputs)]


def _also_on_a_way(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “high tickets should also be emailed to …” as what is done on their way."""
    verb = lexicon().participles.get(match["done"].lower())
    way = way_meant(reader, match["when"])
    last = last_on(reader.specification, way) if way else None
    if verb is None or way is None or last is None:
        return None
    tested = before(reader, way.router)
    what = f"{verb.base} it {match['rest']}"
    source = tested.id if tested else None
    return added(reader, what, last, None, source=source, when=match["when"])


def _on_failure(reader: Reader, words: str, what: str, when: str) -> list[Operation] | None:
    """Add what is done when a step fails for good; of the whole workflow somebody is told."""
    if _WHOLE.fullmatch(words):
        channel = reader.ask(
            "notification_channel",
            "Who is told when an execution fails? An address, or a URL that is called.",
            ("mailto:ops@example.com", "https://example.com/hook", "slack:https://…"),
        )
        channel = f"mailto:{channel}" if re.fullmatch(ADDRESS, channel) else channel
        path = ("settings", "error_handling")
        return [SetField(None, (*path, "notify_on_failure"), True),
                SetField(None, (*path, "notification_channel"), channel)]  # fmt: skip
    failed = reader.step(words, least=0.7)
    made = added(reader, what, failed, None, when=when)
    if not made or not isinstance(made[0], AddSteps):
        return None
    return [replace(made[0], on_failure=True)]


def _go_on(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    failing = _FAILS.fullmatch(match["when"])
    if failing is None:
        return None
    how = "stop" if match["verb"].lower().startswith("stop") else "continue"
    if _WHOLE.fullmatch(failing["what"]):
        return [SetField(None, ("settings", "error_handling", "on_failure"), how)]
    return [SetField(reader.step(failing["what"]), ("on_failure",), how)]


_PLACED = re.compile(r"(?P<what>.+?) (?P<side>before|after) (?P<mark>.+)", re.IGNORECASE)
_WHOLE = re.compile(r"it|this|the workflow|something|anything|a step|any step", re.IGNORECASE)
_FAILS = re.compile(
    r"(?P<what>.+?) (?:fails|failed|breaks|crashes|goes wrong|does not work|doesn't work"
    r"|has an error|errors)(?: out| for good)?",
    re.IGNORECASE,
)


def _swap(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    routers = [one.router for one in ways(reader.specification) if one.name == "if_false"]
    if not routers:
        return None
    return [SwapWays(reader.one_of("swap", "The ways of which choice change places?", routers))]


def _no_choice(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Ask which way of a choice stays when the choice itself goes."""
    routers = list(dict.fromkeys(one.router for one in ways(reader.specification)))
    if not routers:
        return None
    chosen = reader.one_of("choice", "Which choice is meant?", routers)
    left = list(ways(reader.specification, [chosen]))
    answer = reader.ask(
        f"way.{chosen}",
        f"`{chosen}` chooses between {len(left)} ways. Which one stays?",
        [f"always {one.first}" for one in left],
    )
    first = answer.removeprefix("always ").strip(" `")
    kept = next((one for one in left if one.first == first), None)
    return _kept(reader, kept) if kept else None


def _always(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “always alert”: the way with that step is taken whatever holds."""
    found = find_steps(match["what"], reader.specification, least=0.7).one
    on = [one for one in ways(reader.specification) if found == one.first]
    return _asked_always(reader, on[0]) if len(on) == 1 else None


def _asked_always(reader: Reader, way: Way) -> list[Operation]:
    """Ask whether what is always done from now on is all that is done."""
    alone, first = f"only {way.first}, always", f"{way.first} always, and the choice after it"
    answer = reader.ask(
        f"way.{way.router}", f"When `{way.first}` is always done, what becomes of the other steps "
        f"of `{way.router}`?", (alone, first),
    )  # fmt: skip
    if answer == first:
        return [MoveStep(way.first, before=way.router)]
    return _kept(reader, way)


def _kept(reader: Reader, way: Way) -> list[Operation]:
    others = [one for one in ways(reader.specification, [way.router]) if one != way]
    gone = [id for other in others for id in reversed(steps_on(reader.specification, other))]
    return [*(RemoveStep(id) for id in gone), RemoveStep(way.router)]


def begins_with_a_verb(words: str) -> bool:
    """Whether words tell what to do."""
    return beginning(words) is not None and bool(words_of(words))


_NOT = r"(?:do not|don't|never|no longer|stop|skip|omit)"
_WAY = r"(?:branch|way|path|case|part|route|arm)"
_NOTHING = r"(?:do nothing|(?:do not|don't) do anything|nothing happens|ignore it|skip it|nothing)"
_WHEN = r"(?:if|when|whenever|in case)"

RULES: tuple[Rule, ...] = rules(
    (rf"(?:{TO_REMOVE}|skip) (?:the )?{_WAY} (?:for |of |where |in which |if |when )+(?P<when>.+)",
     _nothing),
    (rf"(?:{TO_REMOVE}|skip) (?:the )?(?P<when>[\w ]+?)[- ]{_WAY}", _nothing),
    (rf"{_WHEN} (?P<when>.+?),? (?:then )?(?:please )?{_NOTHING}", _nothing),
    (rf"{_NOTHING} {_WHEN} (?P<when>.+)", _nothing),
    (r"(?:do not|don'?t|not|never) do (?:anything|something) (?:if|when) (?P<when>.+)", _nothing),
    (rf"(?P<when>otherwise|else),? {_NOTHING}", _nothing),
    (rf"{_NOT} (?P<what>.+?) {_WHEN} (?P<when>.+)", _not_on_a_way),
    (rf"{_WHEN} (?P<when>[^,]+),? {_NOT} (?P<what>.+)", _not_on_a_way),
    (rf"{_NOT} (?P<what>.+)", _not_for),
    (r"(?P<when>.+?) (?:should|must|shall|need) (?:not|no longer|never) be (?P<what>\w+)",
     _not_on_a_way),
    (rf"(?:swap|switch|exchange|flip|turn|reverse|invert) (?:around )?(?:the )?(?:two |both )?"
     rf"(?:{_WAY}(?:e?s)|condition|ways)(?: around| over)?", _swap),
    (rf"{TO_REMOVE} (?:the |that |this )?(?:condition|choice|branching|router|decision|check of the"
     r" condition|if)(?: step| node)?", _no_choice),
    (r"always (?P<what>.+)", _always),
    (r"(?P<what>.+?) (?:always|in (?:any|either|every) case|unconditionally|regardless)", _always),
    (r"(?P<when>[\w' -]+?) (?:should|must|shall|need to|are to|is to) (?:also |additionally )be "
     r"(?P<done>\w+ed) (?P<rest>.+)", _also_on_a_way),
    (rf"(?P<verb>(?:continue|go on|keep going|carry on|ignore it|stop)(?: anyway)?)(?:,? even)? "
     rf"{_WHEN} (?P<when>.+)", _go_on),
    (rf"{_WHEN} (?P<when>[^,]+), (?P<verb>(?:just )?(?:continue|go on|keep going|carry on|stop))"
     r"(?: anyway)?", _go_on),
    (rf"{_WHEN} (?P<when>[^,]+), (?:then )?(?P<what>.+)", _on_a_way),
    (rf"{_WHEN} (?P<when>(?:it|this) (?:is|gets|becomes) [\w-]+) (?P<what>(?:also|then) .+)",
     _on_a_way),
    (rf"(?P<what>.+?) {_WHEN} (?P<when>.+)", _on_a_way),
    (r"(?:for|on|in case of) (?P<when>[^,]+), (?:then )?(?P<what>.+)", _on_a_way),
    (r"(?P<what>.+?) for (?P<when>.+)", _on_a_way),
)  # fmt: skip
