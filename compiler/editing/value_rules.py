"""Instructions about what steps are told: schedule, recipients, parameters, conditions."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from compiler.editing.finding import find_steps
from compiler.editing.operations import AddSteps, Operation, SetField
from compiler.editing.reader import Reader, slug
from compiler.editing.step_rules import Rule, added, router_about
from compiler.english.parser import parse
from compiler.english.schedule import find_schedule
from compiler.specification import Node, Trigger

ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\{(?:input|user|secrets)\.\w+\}"
_ADDRESSES = rf"(?:{ADDRESS})(?:(?:,| and|, and) (?:{ADDRESS}))*"
_UNITS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "m": 60, "hour": 3600, "h": 3600,
          "day": 86_400}  # fmt: skip
_NODE_FIELDS = {
    "timeout": ("timeout",),
    "time limit": ("timeout",),
    "attempts": ("retry", "max_attempts"),
    "retries": ("retry", "max_attempts"),
    "max attempts": ("retry", "max_attempts"),
    "batch size": ("batch_size",),
    "description": ("description",),
}
_ALSO_CALLED = {"recipient": "to", "recipients": "to", "address": "to", "title": "subject"}


def _unschedule(reader: Reader, _: re.Match[str]) -> list[Operation]:
    return [SetField(None, ("trigger",), None)]


def _schedule(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    schedule = find_schedule(match["when"])
    if schedule is None:
        return None
    cron = schedule.cron
    if cron is None:
        again = find_schedule(
            reader.ask("trigger.cron", "When should the workflow run?",
                       ("every day at 9", "every Monday at 9", "every hour"))
        )  # fmt: skip
        schedule, cron = (again, again.cron) if again else (schedule, None)
    if cron is None:
        return None
    old = reader.specification.trigger
    zone = schedule.timezone
    if old is not None and zone == "UTC":
        zone = old.timezone
    trigger = Trigger(kind="schedule", cron=cron, timezone=zone)
    document = trigger.model_dump(exclude_defaults=True)
    return [SetField(None, ("trigger",), document)]


def _recipient(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    given = re.findall(ADDRESS, match["to"])
    groups = match.groupdict()
    said = match[0].lower()
    target = _mail_step(reader, groups.get("what") or "")
    if target is None:
        return None
    field = "cc" if re.match(r"cc\b", said) else "bcc" if re.match(r"bcc\b", said) else "to"
    former = _as_list(target.parameters.get(field))
    adds = re.search(r"^(?:also|additionally|add|b?cc)\b|\b(?:also|as well|too)$", said) is not None
    if not adds and not groups.get("instead") and not groups.get("set"):
        answer = reader.ask(
            "recipient",
            f"Should {' and '.join(given)} get the mail of `{target.id}` instead of "
            f"{' and '.join(former) or 'nobody'}, or as well?",
            ("instead", "as well"),
        )
        adds = "instead" not in answer.lower()
    wanted = list(dict.fromkeys([*former, *given])) if adds else given
    keeps_text = isinstance(target.parameters.get(field), str) or field not in target.parameters
    value: Any = ", ".join(wanted) if keeps_text else wanted
    return [SetField(target.id, ("parameters", field), value)]


def _as_list(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value] if value else []
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]


def _mail_step(reader: Reader, words: str) -> Node | None:
    mails = [node.id for node in reader.specification.nodes if "to" in node.parameters
             and node.agent == "email"]  # fmt: skip
    if not mails:
        return None
    if len(mails) == 1:
        return reader.specification.node(mails[0])
    found = find_steps(words, reader.specification, mails) if words else None
    if found is None or found.one not in mails:
        answer = reader.ask(
            f"mail.{slug(words)}", "Which of the mails is meant?", mails
        )  # fmt: skip
        return reader.specification.node(reader.step(answer, mails))
    return reader.specification.node(found.one)


def _field(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    name = re.sub(r"[\s-]+", " ", match["field"].strip(" `'\"").lower())
    words = match["what"]
    before, _, last = name.rpartition(" ")
    if not words and before and name not in _NODE_FIELDS and _has(reader, last):
        # “The email subject”: the step stands before its field.
        words, name = before, last
    nodes = list(reader.specification.nodes)
    if words:
        nodes = [reader.specification.node(reader.step(words))]
    key = _ALSO_CALLED.get(name, name.replace(" ", "_"))
    if name in _NODE_FIELDS:
        path = _NODE_FIELDS[name]
    else:
        path = ("parameters", key)
        with_key = [node for node in nodes if key in node.parameters]
        if not words:
            nodes = with_key
        if not nodes or (not with_key and name not in ("model", "temperature", "subject")):
            return None
    ids = [node.id for node in nodes]
    if len(ids) > 1:
        answer = reader.ask(
            f"step.{slug(name)}", f"The {name} of which step is meant?", ids
        )  # fmt: skip
        ids = [reader.step(answer)]
    return [SetField(ids[0], path, value_of(match["value"]))]


def _has(reader: Reader, name: str) -> bool:
    key = _ALSO_CALLED.get(name, name.replace(" ", "_"))
    return any(key in node.parameters for node in reader.specification.nodes)


def _clock(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another time of day; the days stay."""
    old = reader.specification.trigger
    fields = (old.cron or "").split() if old else []
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    half = (match["half"] or "").lower()
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    if len(fields) != 5 or hour > 23 or minute > 59 or not fields[1].isdigit():
        return None
    return [SetField(None, ("trigger", "cron"), " ".join((str(minute), str(hour), *fields[2:])))]


def _without_recipient(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Take an address from the mails that go to it and to others."""
    gone = match["to"].lower()
    edits: list[Operation] = []
    for node in reader.specification.nodes:
        for field in ("to", "cc", "bcc"):
            former = _as_list(node.parameters.get(field))
            left = [one for one in former if one.lower() != gone]
            if left == former:
                continue
            if not left and field == "to":
                reader.ask(
                    f"recipient.{node.id}",
                    f"`{node.id}` goes to {match['to']} alone. Say who gets it instead, or "
                    f"“remove {node.id}”.",
                    (f"remove {node.id}",),
                )
                return None
            kept = isinstance(node.parameters[field], list)
            edits.append(SetField(node.id, ("parameters", field),
                                  (left if kept else ", ".join(left)) or None))  # fmt: skip
    return edits


def value_of(text: str) -> Any:
    """Return a value as it is said: a number, a truth, a duration in seconds, a text."""
    text = text.strip()
    if len(text) > 1 and text[0] in "\"'“`" and text[-1] in "\"'”`":
        return text[1:-1]
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+?)s?", text, re.IGNORECASE)
    if match and (unit := _UNITS.get(match[2].lower())):
        seconds = float(match[1]) * unit
        return int(seconds) if seconds.is_integer() else seconds
    try:
        return json.loads(text)
    except ValueError:
        return text


def _retry(reader: Reader, match: re.Match[str]) -> list[Operation]:
    return [SetField(reader.step(match["what"]), ("retry", "max_attempts"), int(match["n"]))]


def condition_of(reader: Reader, words: str, before: Node | None) -> str | None:
    """Return a condition in words as an expression over the state; None: it cannot be one."""
    quoted = re.fullmatch(r"`(.+)`", words.strip())
    if quoted:
        return quoted[1]
    if compared := _comparison(words, [node.key for node in reader.specification.nodes]):
        return compared
    if before is not None and before.description:
        first = parse(before.description).specification
        both = parse(f"{before.description}. If {words}, email me").specification
        if first and both and len(first.nodes) == 1:
            router = next((node for node in both.nodes if node.agent == "router"), None)
            condition = router.parameters.get("condition") if router else None
            others = [node for node in both.nodes if node.agent not in ("router", "email")]
            if condition and len(others) == 1 and "input." not in condition:
                made = re.escape(others[0].key)
                return re.sub(rf"\b{made}\b", before.key, str(condition))
    alone = parse(f"If {words}, email me").specification
    if alone is None or [node.agent for node in alone.nodes] != ["router", "email"]:
        return None
    return str(alone.nodes[0].parameters.get("condition") or "") or None


_COMPARISONS = (
    ("is not|does not equal|!=", "!="),
    ("is (?:above|over|greater than|more than|higher than)|>", ">"),
    ("is (?:below|under|less than|lower than)|<", "<"),
    ("is at least|>=", ">="),
    ("is at most|<=", "<="),
    ("is|equals|==?", "=="),
)


def _comparison(words: str, keys: Sequence[str]) -> str | None:
    """Return “the rating is low” as an expression, when a step's result has that name."""
    for key in keys:
        name = re.escape(key).replace("_", "[_ ]")
        for said, operator in _COMPARISONS:
            match = re.fullmatch(
                rf"(?:the )?{name} (?:{said}) (?P<value>[\"']?[\w.-]+[\"']?)", words.strip(), re.I
            )
            if match:
                value = value_of(match["value"])
                return f"{key} {operator} {value!r}"
    return None


def _condition(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    routers = [node for node in reader.specification.nodes
               if node.agent == "router" and "condition" in node.parameters]  # fmt: skip
    if match["what"]:
        chosen = reader.step(match["what"], [node.id for node in routers])
    elif len(routers) == 1:
        chosen = routers[0].id
    else:
        return None
    expression = condition_of(reader, match["value"], _before(reader, chosen))
    known = reader.specification.state_schema.input.get("properties", {})
    inputs = set(_inputs_of(match["value"], expression or "").get("properties", {}))
    if expression is None or inputs - set(known):
        expression = reader.ask(
            "condition",
            f"How is “{match['value']}” said as an expression over the state?",
            ("`score > 5`", "`label == 'urgent'`"),
        ).strip("`")
    return [SetField(chosen, ("parameters", "condition"), expression)]


def _before(reader: Reader, node_id: str) -> Node | None:
    """Return the only step before a step, past choices; None: there are several, or none."""
    seen: set[str] = set()
    while node_id not in seen:
        seen.add(node_id)
        sources = [edge.source for edge in reader.specification.edges if edge.target == node_id]
        if len(sources) != 1:
            return None
        node = reader.specification.node(sources[0])
        if node.agent != "router":
            return node
        node_id = node.id
    return None


def _only_if(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    target = reader.step(match["what"])
    before = _before(reader, target)
    expression = condition_of(reader, match["when"], before)
    if expression is None:
        return None
    negated = not match["only"]
    unless = match["word"].lower() == "unless"
    way = "if_false" if negated != unless else "if_true"
    router = _new_router(reader, match["when"], expression, {way: target})
    inputs = _inputs_of(match["when"], expression)
    return [AddSteps((router,), before=target, condition=slug(match["when"]), inputs=inputs)]


def _new_router(
    reader: Reader, when: str, expression: str, ways: Mapping[str, str]
) -> dict[str, Any]:
    taken = {node.id for node in reader.specification.nodes}
    names = ("router", *(f"router_{number}" for number in range(2, len(taken) + 3)))
    return {
        "id": next(id for id in names if id not in taken),
        "agent": "router",
        "description": f"If {when}"[:200],
        "parameters": {"condition": expression, **ways},
    }


def _otherwise_if(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “if …, do …” as the other way of a choice about the same thing that has one so far."""
    subject = re.split(r"\b(?:is|are|was|equals|contains|has)\b", match["when"])[0]
    former = router_about(reader, subject)
    if former is None or "if_false" in former.parameters or "if_true" not in former.parameters:
        return None
    expression = condition_of(reader, match["when"], _before(reader, former.id))
    beside = str(former.parameters["if_true"])
    steps = added(reader, match["what"], beside, None, each=True)
    if expression is None or not steps or not isinstance(steps[0], AddSteps):
        return None
    first = steps[0].nodes[0]["id"]
    router = _new_router(reader, match["when"], expression, {"if_true": first})
    edge = {"from": router["id"], "to": first, "condition": slug(match["when"])}
    inputs = _merged(steps[0].inputs, _inputs_of(match["when"], expression))
    nodes, edges = (router, *steps[0].nodes), (edge, *steps[0].edges)
    return [
        AddSteps(nodes, edges, after=former.id, condition="otherwise", inputs=inputs),
        SetField(former.id, ("parameters", "if_false"), router["id"]),
    ]


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    if not one or not other:
        return dict(one or other)
    return {
        "properties": {**one["properties"], **other["properties"]},
        "required": [*one.get("required", ()), *other.get("required", ())],
    }


def _inputs_of(words: str, expression: str) -> dict[str, Any]:
    """Return the inputs that a condition reads, as the parser declares them."""
    made = parse(f"If {words}, email me").specification
    properties = made.state_schema.input.get("properties", {}) if made else {}
    used = {name: schema for name, schema in properties.items() if f"input.{name}" in expression}
    return {"properties": used, "required": list(used)} if used else {}


_TO_SET = r"(?:change|set|update|switch|increase|decrease|raise|lower|reduce|make)"
_OF_STEP = r"(?: (?:of|for|in|on) (?P<what>(?:(?! to ).)+?))?"

RULES: tuple[Rule, ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (r"(?:(?:remove|delete|drop|stop|clear) (?:the )?(?:schedule|trigger)"
         r"|(?:run|start) (?:it|the workflow) (?:only )?(?:manually|by hand|on demand)(?: only)?)",
         _unschedule),
        (r"(?:change|set|move|update) (?:the )?(?:time|schedule) to (?:at )?(?P<hour>\d{1,2})"
         r"(?::(?P<minute>\d\d))? ?(?P<half>am|pm)?(?: o'clock)?", _clock),
        (r"(?:(?:change|set|move|update|switch|make) (?:the )?(?:schedule|trigger|time|timing)"
         r"(?: to| so that it runs)?"
         r"|(?:run|schedule|start|execute|do)(?: (?:it|this|the workflow))?"
         r"|(?:it|this|the workflow) should run|make (?:it|the workflow) run) (?P<when>.+)",
         _schedule),
        (rf"(?:also |additionally )?(?:send|email|mail|deliver|forward) (?P<what>.*?) ?"
         rf"\bto (?P<to>{_ADDRESSES})"
         rf"(?P<instead>,? instead(?: of .+)?)?(?: as well| too| also)?", _recipient),
        (rf"(?:also )?(?:email|mail) (?P<to>{_ADDRESSES})(?: too| as well| also)", _recipient),
        (r"(?:remove|delete|drop|no longer (?:send .*?to|email|mail)|stop (?:emailing|mailing"
         r"|sending .*?to)|(?:do not|don't) (?:email|mail|send .*?to)) "
         rf"(?P<to>{ADDRESS})(?: from .+)?", _without_recipient),
        (rf"(?P<set>{_TO_SET}) (?:the )?(?:recipients?|addressee|address)"
         rf"(?: (?:of|for|in) (?P<what>.+?))? to (?P<to>{_ADDRESSES})", _recipient),
        (rf"(?:add|b?cc) (?P<to>{_ADDRESSES})(?: (?:on|to|in|as a?) (?P<what>.+))?", _recipient),
        (rf"{_TO_SET} (?:the )?condition(?: (?:of|on|in|for) (?P<what>.+?))? to "
         r"(?:if |when )?(?P<value>.+)", _condition),
        (r"(?:retry|try|attempt) (?P<what>.+?) (?P<n>\d{1,2}) times", _retry),
        (rf"{_TO_SET} (?:the )?(?P<field>[\w -]+?){_OF_STEP} (?:to|=) (?P<value>.+)", _field),
        (rf"{_TO_SET} (?P<what>step \d+|.+?)'s (?P<field>[\w -]+?) (?:to|=) (?P<value>.+)",
         _field),
        (r"if (?P<when>[^,]+), (?:then )?(?P<what>.+)", _otherwise_if),
        (r"(?P<only>only) (?:do |run |execute |perform )?(?P<what>.+?) "
         r"(?P<word>if|when|unless) (?P<when>.+)", _only_if),
        (r"(?:do not|don'?t|never) (?P<only>(?!))?(?:do |run )?(?P<what>(?!do anything|anything)"
         r".+?) (?P<word>if|when|unless) (?P<when>.+)", _only_if),
    )
)  # fmt: skip
