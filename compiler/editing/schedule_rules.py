"""Instructions about what starts the workflow: a schedule, a webhook, an event, nobody."""

import re
from collections.abc import Mapping

from compiler.editing.descriptions import read_description
from compiler.editing.finding import find_steps
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.wording import INSTEAD, TO_REMOVE, TO_RUN, TO_SET
from compiler.english.schedule import Schedule, find_schedule
from compiler.specification import Trigger

_FIXED_HOUR = re.compile(r"\d{1,2}")
_TIME = re.compile(
    r"\bat\b|\d ?(?:am|pm|a\.m|p\.m|:\d\d)|\b(?:noon|midnight|morning|afternoon|evening|night)",
    re.IGNORECASE,
)
_AS_WELL = re.compile(r"(?:\b(?:too|as well|also|additionally)\b)", re.IGNORECASE)
_IT = r"(?: (?:it|this|the workflow))?"


def _unschedule(reader: Reader, _: re.Match[str]) -> list[Operation]:
    return [SetField(None, ("trigger",), None)]


def _webhook(reader: Reader, _: re.Match[str]) -> list[Operation]:
    return [SetField(None, ("trigger",), {"kind": "webhook"})]


def _event(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another event as the parser reads it at the beginning of a description."""
    made = read_description(f"When {match['event']}, email me").specification
    if made is None or made.trigger is None or made.trigger.kind != "event":
        return None
    return [SetField(None, ("trigger",), made.trigger.model_dump(exclude_defaults=True))]


def _schedule(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    if _AS_WELL.search(match["when"]):
        return _one_schedule(reader, _AS_WELL.sub("", match["when"]).strip())
    when = match["when"]
    schedule = find_schedule(when) or find_schedule(f"on {when}")
    return _scheduled(reader, schedule, when) if schedule else None


def _one_schedule(reader: Reader, when: str) -> list[Operation] | None:
    if find_schedule(when) is None:
        return None
    answer = reader.ask(
        "trigger.cron", "A workflow has one schedule. Say when it runs, all in one.", (when,)
    )
    schedule = find_schedule(answer)
    return _scheduled(reader, schedule, answer) if schedule else None


def _scheduled(reader: Reader, schedule: Schedule, said: str) -> list[Operation] | None:
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
    if old is not None and old.cron and not _TIME.search(said):
        cron = _at_the_time_of(old.cron, cron)
    trigger = Trigger(kind="schedule", cron=cron, timezone=zone)
    return [SetField(None, ("trigger",), trigger.model_dump(exclude_defaults=True))]


def _at_the_time_of(old: str, new: str) -> str:
    """Return a schedule at the time of day of another one, if both have one."""
    was, now = old.split(), new.split()
    if len(was) == len(now) == 5 and all(part.isdigit() for part in (*was[:2], *now[:2])):
        return " ".join((*was[:2], *now[2:]))
    return new


def _how_often(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “check every 10 minutes instead”: a schedule beside what the first step does."""
    said = re.sub(rf"{INSTEAD}$", "", match["said"], flags=re.IGNORECASE)
    schedule = find_schedule(said)
    if schedule is None or _AS_WELL.search(said):
        return None
    rest = f"{said[: schedule.start]} {said[schedule.end :]}".strip(" ,")
    if re.search(r"\b(?:never|not|don't)\b", rest, re.IGNORECASE):
        return None
    rest = re.sub(r"\b(?:only|just)\b ?", "", rest, flags=re.IGNORECASE)
    first = reader.specification.body[0].id
    if rest and find_steps(rest, reader.specification, least=0.7).one != first:
        return None
    return _scheduled(reader, schedule, said)


def _clock(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another time of day; the days stay."""
    old = reader.specification.trigger
    fields = (old.cron or "").split() if old else []
    hour, minute = _hour(match.groupdict()), int(match["minute"] or 0)
    if len(fields) != 5 or hour > 23 or minute > 59 or not _FIXED_HOUR.fullmatch(fields[1]):
        return None
    return [SetField(None, ("trigger", "cron"), " ".join((str(minute), str(hour), *fields[2:])))]


def _hour(said: Mapping[str, str | None]) -> int:
    if said["word"]:
        return 12 if said["word"].lower() == "noon" else 0
    hour, half = int(said["hour"] or 0), (said["half"] or "").lower()
    return hour % 12 + (12 if half == "pm" else 0) if half else hour


_CLOCK = (
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>am|pm)?(?: o'clock)?"
    r"|(?P<word>noon|midnight))"
)
_SCHEDULED = r"(?:schedule|trigger|timer|timing|cron(?: job)?|scheduling)"

RULES: tuple[Rule, ...] = rules(
    (rf"(?:{TO_REMOVE}|stop|no) (?:the |its |this )?{_SCHEDULED}", _unschedule),
    (rf"(?:do not|don't|no longer|never|stop) (?:{TO_RUN}|running|starting|executing){_IT}"
     rf" (?:on|by|with|according to) (?:a|the|any|its) {_SCHEDULED}", _unschedule),
    (rf"(?:do not|don't|no longer|never|stop) (?:schedul(?:e|ing)|(?:{TO_RUN}|running|starting)"
     rf"{_IT} automatically){_IT}", _unschedule),
    (rf"{TO_RUN}{_IT} (?:only )?(?:manually|by hand|on demand|when i (?:start|run|call) it)"
     r"(?: only)?", _unschedule),
    (rf"(?:{TO_RUN}{_IT} (?:by|via|with|through|from|over|on|using)|use|(?:replace|swap) the"
     rf" {_SCHEDULED} (?:by|with|for)|make{_IT}) (?:a |the )?webhooks?(?: calls?| trigger)?"
     rf"{INSTEAD}?", _webhook),
    (rf"{TO_RUN}{_IT} (?:when|whenever|each time|every time) (?P<event>.+?){INSTEAD}?", _event),
    (rf"(?:{TO_SET}|move) (?:the )?(?:time|schedule|run|start|execution) to (?:at )?{_CLOCK}",
     _clock),
    (rf"(?:deliver|send|do|start)(?: it| them)? at {_CLOCK}{INSTEAD}", _clock),
    (rf"(?:{TO_RUN}{_IT} |schedule{_IT} )?at {_CLOCK}{INSTEAD}?", _clock),
    (rf"(?:(?:{TO_SET}|move) (?:the )?(?:schedule|trigger|time|timing)(?: to| so that it runs)?"
     r"|(?:run|schedule|start|execute|do)(?: (?:it|this|the workflow))?"
     r"|(?:it|this|the workflow) should run|make (?:it|the workflow) run) (?P<when>.+)", _schedule),
    (r"(?P<said>.+)", _how_often),
)  # fmt: skip
