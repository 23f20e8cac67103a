"""Instructions about one field of a step: a parameter, its timeout, its retries, its pace."""

import re
from collections.abc import Iterator
from typing import Any

from compiler.editing.finding import find_steps, words_of
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules, slug
from compiler.editing.thresholds import bounded, threshold, with_threshold
from compiler.editing.value_rules import reads_url
from compiler.editing.wording import COUNT, DURATION, NUMBER, TO_SET, cased, number_of, value_of
from compiler.specification import Node

_NODE_FIELDS = {
    "attempts": ("retry", "max_attempts"),
    "retries": ("retry", "max_attempts"),
    "max attempts": ("retry", "max_attempts"),
    "batch size": ("batch_size",),
    "concurrency": ("item_concurrency",),
    "item concurrency": ("item_concurrency",),
    "description": ("description",),
}
_OF_MAPS = ("batch_size", "item_concurrency")
_TIMES = ("timeout", "time limit", "time out", "deadline")
_ALSO_CALLED = {"recipient": "to", "recipients": "to", "address": "to", "title": "subject",
                "link": "url", "website": "url", "source": "url", "temp": "temperature",
                "maximum tokens": "max_tokens", "tokens": "max_tokens", "system prompt": "system",
                "system message": "system"}  # fmt: skip
_OF_AGENT = {
    "llm": ("model", "temperature", "max_tokens", "system"),
    "email": ("subject",),
    "aggregator": ("title", "format"),
}
"""Parameters that a step of an agent may have though it has none yet."""
_BOUNDS = ("limit", "threshold", "cutoff", "cut-off", "bound", "amount", "maximum", "minimum",
           "bar", "ceiling", "floor", "cap")  # fmt: skip
Path = tuple[str, ...]
Place = tuple[str, Path]


def _field(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    name = re.sub(r"[\s_-]+", " ", match["field"].strip(" `'\"").lower())
    words = match["what"]
    before, _, last = name.rpartition(" ")
    alone = name in _NODE_FIELDS or bool(_places(reader, None, name))
    if not words and before and not alone and _places(reader, None, last):
        # “The email subject”: the step stands before its field.
        words, name = before, last
    node = reader.node(words) if words else None
    places = _places(reader, node, name)
    if old := match.groupdict().get("old"):
        places = [place for place in places if _value(reader, place) == value_of(old)]
    if not places:
        return None
    text = f"The {name} of which step is meant?"
    chosen = reader.one_of(
        f"step.{slug(name)}", text, list(dict.fromkeys(id for id, _ in places))
    )  # fmt: skip
    return [_set(reader, next(place for place in places if place[0] == chosen), match["value"])]


def _by(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “increase the limit by 50”."""
    name = re.sub(r"[\s_-]+", " ", match["field"].lower())
    before, _, last = name.rpartition(" ")
    node = reader.node(before) if before and last not in _NODE_FIELDS else None
    places = _places(reader, node, last if node else name)
    by, more = value_of(match["n"]), match["how"].lower() in ("increase", "raise", "bump", "extend")
    old = _value(reader, places[0]) if len(places) == 1 else None
    if not _is_number(old) or not _is_number(by):
        return None
    new = old + by if more else old - by
    return [_set(reader, places[0], str(new))] if new > 0 else None


def _places(reader: Reader, node: Node | None, name: str) -> list[Place]:
    """Return where a field of that name is, or may be if it is nowhere."""
    nodes = [node] if node else list(reader.specification.body)
    if name in _TIMES:
        return [(one.id, _timeout(one)) for one in nodes]
    if name in _NODE_FIELDS:
        path = _NODE_FIELDS[name]
        return [(one.id, path) for one in nodes if one.pattern == "map" or path[0] not in _OF_MAPS]
    key = name.replace(" ", "_")
    if not any(True for one in nodes for _ in _named(one.parameters, key)):
        key = _ALSO_CALLED.get(name, key)
    if key in ("condition", "if_true", "if_false", "routes"):
        return []
    found = [(one.id, path) for one in nodes for path in _named(one.parameters, key)]
    literal = [place for place in found
               if node or reads_url(reader.specification.node(place[0]))]  # fmt: skip
    if key == "url":
        # Neither one that is looked up at run time is meant, nor that of a service.
        found = literal
    if name in _BOUNDS:
        found += [(id, ("parameters", "condition")) for id in bounded(nodes)]
    if name in _BOUNDS and node and not found:
        # “The approval limit” is that of the choice which leads to the approval.
        edges = reader.specification.edges
        leading = [edge.source for edge in edges if edge.target == node.id]
        leading += [edge.target for edge in edges if edge.source == node.id]
        found = [(id, ("parameters", "condition"))
                 for id in bounded(map(reader.specification.node, leading))]  # fmt: skip
    if not found:
        found = [(one.id, ("parameters", key)) for one in nodes
                 if key in _OF_AGENT.get(one.agent, ())]  # fmt: skip
    return found


def _named(value: Any, key: str, path: Path = ("parameters",)) -> Iterator[Path]:
    """Yield where a name stands in parameters; a schema's names are none of them."""
    if not isinstance(value, dict):
        return
    if key in value:
        yield (*path, key)
    for name, item in value.items():
        if name not in (key, "json_schema"):
            yield from _named(item, key, (*path, name))


def _timeout(node: Node) -> Path:
    """Return where a step says how long it may take: a person's answer has a time of its own."""
    own = node.agent == "human_loop" or "timeout" in node.parameters
    return ("parameters", "timeout") if own else ("timeout",)


def _value(reader: Reader, place: Place) -> Any:
    node = reader.specification.node(place[0])
    if place[1][-1] == "condition":
        return threshold(node)
    value: Any = node.model_dump()
    for part in place[1]:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _set(reader: Reader, place: Place, said: str) -> SetField:
    id, path = place
    new, old = value_of(said), _value(reader, place)
    if isinstance(old, str) or path in (("description",), ("parameters", "subject")):
        # What is a text stays one, also when it looks like a number.
        new = cased(new, str(old)) if isinstance(new, str) else said.strip()
    elif (path[-1] in _NUMBERS or isinstance(old, int | float)) and not _is_number(new):
        text = f"“{said}” is no number. Which one is it, for `{path[-1]}` of `{id}`?"
        new = value_of(reader.ask(f"{id}.{path[-1]}", text, ()))
    if path[-1] == "condition":
        new = with_threshold(reader.specification.node(id), new)
    return SetField(id, path, new)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _given(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “give step 1 a timeout of 2 minutes”, or a duration that a step may take."""
    groups = match.groupdict()
    node = reader.node(groups["what"])
    if groups.get("field"):
        name = re.sub(r"[\s_-]+", " ", groups["field"].lower())
        places = _places(reader, node, name)
        return [_set(reader, places[0], groups["value"])] if places else None
    return [SetField(node.id, _timeout(node), value_of(groups["value"]))]


def _takes(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “allow the check 5 minutes”: of whom a person waits for, or what a step may take."""
    people = [node.id for node in reader.specification.body if node.agent == "human_loop"
              and set(words_of(match["what"])) & set(words_of(_all_texts(node)))]  # fmt: skip
    if len(people) == 1:
        return [SetField(people[0], ("parameters", "timeout"), value_of(match["value"]))]
    node = reader.node(match["what"])
    return [SetField(node.id, _timeout(node), value_of(match["value"]))]


def _answered_by_time(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read what the answer of a person is when none comes in time."""
    asking = [node.id for node in reader.specification.body if node.agent == "human_loop"]
    if not asking:
        return None
    id = reader.one_of("approval", "Which of the questions to a person is meant?", asking)
    return [SetField(id, ("parameters", "timeout"), value_of(match["value"])),
            SetField(id, ("parameters", "on_timeout"), match["answer"].lower())]  # fmt: skip


def _all_texts(node: Node) -> str:
    return f"{node.id} {node.description} {node.parameters.get('message', '')}"


def _retry(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    node = reader.node(match["what"])
    said = match.groupdict().get("n")
    count = number_of(said) if said else None
    if count is None:
        answer = reader.ask(
            f"retry.{node.id}",
            f"`{node.id}` is tried {node.retry.max_attempts} times at most. How often should it "
            "be?", ("5", "10"),
        )  # fmt: skip
        count = number_of(answer.split(" ")[0])
    return [SetField(node.id, ("retry", "max_attempts"), count)] if count else None


def _at_once(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read how many items a map takes at once, or in one chunk."""
    maps = [node.id for node in reader.specification.body if node.pattern == "map"]
    count = number_of(match["n"])
    if not maps or count is None:
        return None
    found = find_steps(match.groupdict().get("what") or "", reader.specification, maps)
    if len(found.node_ids) == 1 and len(maps) > 1:
        maps = list(found.node_ids)
    field = "batch_size" if match.groupdict().get("batch") else "item_concurrency"
    return [SetField(reader.one_of("map", "Which of the steps for each item is meant?", maps),
                     (field,), count)]  # fmt: skip


_NUMBERS = ("timeout", "max_attempts", "batch_size", "item_concurrency", "temperature",
            "max_tokens", "condition")  # fmt: skip
_OF_STEP = r"(?: (?:of|for|in|on) (?P<what>(?:(?! to ).)+?))?"
_FROM = r"(?: from (?P<old>[^ ]+(?: \w+)?))?"
_FIELDS = r"(?:time ?(?:out|limit)|deadline|batch size|temperature|max(?:imum)? tokens|concurrency)"
_GIVE = r"(?:give|allow|grant)"
_UNANSWERED = (
    r"(?:if|when|after)? ?(?:nobody|no ?one|there is no|no"
    r"|(?:the|my|our) [\w ]+? (?:doesn't|does not)|they don't|without an?) ?(?:answers?"
    r"|approves?|responds?|reacts?|decides?|replies|reply|response|reaction|decision)"
    r"(?: within| in| after| for)"
)
_RETRY = r"(?:retry|try|attempt|repeat)"

RULES: tuple[Rule, ...] = rules(
    (rf"{_GIVE} (?P<what>.+?) an? (?P<field>{_FIELDS}) of (?P<value>.+)", _given),
    (rf"{_GIVE} (?P<what>.+?) (?:up to |at most )?(?P<value>{DURATION})"
     r"(?: (?:to|for) .+| of time)?", _takes),
    (rf"(?P<what>.+?) (?:may|can|should|must|has to|is to) (?:only )?(?:take|last|run|give up|time"
     r" ?out|abort|stop|fail|wait|expire)(?: trying| waiting)? (?:at most |up to |after |no "
     rf"(?:longer|more) than |for )+(?P<value>{DURATION})", _takes),
    (rf"(?:make|let|have) (?P<what>.+?) (?:time ?out|expire) after (?P<value>{DURATION})", _takes),
    (rf"{_UNANSWERED} (?P<value>{DURATION}),? (?:then )?(?:auto(?:matically)?[- ]?)?"
     r"(?P<answer>approve|reject|cancel)(?: (?:it|that|this|the request))?(?: automatically)?",
     _answered_by_time),
    (r"(?:auto(?:matically)?[- ]?)?(?P<answer>approve|reject|cancel)(?: (?:it|that|this|the"
     rf" request))?(?: automatically)? {_UNANSWERED} (?P<value>{DURATION})", _answered_by_time),
    (rf"auto(?:matically)?[- ](?P<answer>approve|reject|cancel)(?: it)? after "
     rf"(?P<value>{DURATION})", _answered_by_time),
    (rf"(?P<answer>approve|reject|cancel) (?:it )?automatically (?:if|when|after) (?:(?:nobody|no"
     rf" ?one) (?:answers|responds|reacts) (?:within|for|in|after) )?(?P<value>{DURATION})",
     _answered_by_time),
    (rf"(?:time ?out|stop|abort|cancel|give up on) (?P<what>.+?) after (?P<value>{DURATION})",
     _takes),
    (rf"{_RETRY} (?P<what>.+?) (?:up to |at most )?(?P<n>{COUNT})(?: times)?", _retry),
    (rf"(?P<what>.+?) (?:should|must|shall|is to) be (?:retried|tried|attempted|repeated)"
     rf" (?:up to |at most )?(?P<n>{COUNT}) times", _retry),
    (rf"(?:set|add|use) an? (?P<field>{_FIELDS}) of (?P<value>.+?) (?:for|on|to|in) (?P<what>.+)",
     _given),
    (rf"(?:add|allow|give|use|set) (?P<n>{COUNT}) (?:retries|attempts) (?:to|for|on) (?P<what>.+)",
     _retry),
    (rf"{_GIVE} (?P<what>.+?) (?P<n>{COUNT}) (?:retries|attempts|tries)", _retry),
    (r"(?:add|use) (?:an? |some |more )?(?:retry|retries|retrying) (?:to|for|on) (?P<what>.+)",
     _retry),
    (rf"(?:only |just )?\w+ (?:only |at most )?(?P<n>{COUNT}) (?P<what>[\w ]+?) (?:at a time|at"
     r" once|in parallel|concurrently|simultaneously|at the same time)(?: only)?", _at_once),
    (rf"(?:use|in|process|work|run|take)(?: .*?)? ?(?P<batch>batches) of (?P<n>{COUNT})"
     r"(?: (?P<what>.+))?", _at_once),
    (r"(?P<how>increase|raise|bump|extend|reduce|lower|decrease|cut|shorten) (?:the )?"
     rf"(?P<field>[\w -]+?) by (?P<n>{DURATION}|{NUMBER})", _by),
    (rf"(?:limit|set|cap|restrict|reduce) (?:the )?(?:parallel(?:ism| processing| runs?)"
     rf"|concurrency) (?:to|at) (?P<n>{COUNT}|\d+)(?P<what> [\w ]+)?", _at_once),
    (rf"(?:process|do|take|run|handle) (?:only |at most )?(?P<n>{COUNT}) at (?:a time|once)",
     _at_once),
    (rf"{TO_SET} (?:the )?(?P<field>[\w -]+?){_OF_STEP}{_FROM} (?:to|=|at) (?P<value>.+)", _field),
    (rf"{TO_SET} (?P<what>step \d+|.+?)'s (?P<field>[\w -]+?){_FROM} (?:to|=) (?P<value>.+)",
     _field),
    (r"(?P<what>.+?)'s (?P<field>[\w -]+?) (?:should|must) be (?P<value>.+)", _field),
    (rf"(?P<what>.+?) (?:has|gets) (?P<value>{DURATION}) (?:to|for) .+", _takes),
    (r"(?P<what>.+?) should (?:be|have the) (?P<field>title)d? (?P<value>.+)", _field),
    (r"(?:limit|cap|restrict) (?P<what>.+?) to (?:at most )?(?P<value>[\d,]+) (?P<field>tokens)",
     _field),
    (rf"{_RETRY} (?P<what>.+?) (?:up to |at most )?(?P<n>{COUNT}) times before giving up", _retry),
    (r"(?:the )?(?P<what>(?!))?(?P<field>\w+)(?::| should be| must be) (?P<value>.+)", _field),
    (r"(?:the )?(?P<what>(?!))?(?P<field>[\w -]+?)(?::| (?:should|must|needs to|has to|ought to)"
     r" (?:be|say|read)) (?P<value>[\"“'].+[\"”']|\S+)", _field),
)  # fmt: skip
