"""Instructions about what starts the workflow: a schedule, a webhook, an event, nobody."""

import re
from collections.abc import Mapping

from compiler.editing.descriptions import read_description
from compiler.editing.finding import covers, find_steps, words_of
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.value_rules import does
from compiler.editing.weekdays import DAYS, days_in, days_of, on_days
from compiler.editing.wording import (
    DURATION,
    INSTEAD,
    TO_REMOVE,
    TO_RUN,
    TO_SET,
    number_of,
    seconds_of,
)
from compiler.english.ready_agents import base_of
from compiler.english.schedule import Schedule, find_schedule
from compiler.specification import Trigger

_FIXED_HOUR = re.compile(r"\d{1,2}")
_TIME = re.compile(
    r"\bat\b|\d ?(?:am|pm|a\.m|p\.m|:\d\d)|\b(?:noon|midnight|morning|afternoon|evening|night)",
    re.IGNORECASE,
)
_AS_WELL = re.compile(r"(?:\b(?:too|as well|also|additionally)\b)", re.IGNORECASE)
_FILLING = re.compile(
    r"\b(?:(?:we|i)'d|can|could|we|i|you|me|us|want|need|like|would|have|get|do|make|let|run|runs|running|start"
    r"|it|this|that|the|workflow|thing|be|gets?|goes?|go|out|happens?|done|please|to|now"
    r"|should|must|schedule|scheduled?|change|move|set|instead|once|sent)\b",
    re.IGNORECASE,
)
"""What may stand beside a time without saying what is done then."""
_TIME_ALONE = re.compile(
    r"at (?:\d{1,2}(?::\d\d)? ?(?:[ap]\.?m\.?)?(?: o'clock)?(?: in the \w+)?|noon|midnight"
    r"|(?:the )?end of the (?:work)?day)",
    re.IGNORECASE,
)
_READ_AGAIN = re.compile(r"hit|poll|ping|call|query|pull|crawl|look", re.IGNORECASE)
_DELIVER = re.compile(r"deliver|send|mail|email", re.IGNORECASE)
"""Verbs without an object: what the workflow does as a whole."""
_PAST = re.compile(
    r"(?P<part>half|(?:a )?quarter) (?P<side>past|to) (?P<hour>\d{1,2}|one|two|three|four|five|six"
    r"|seven|eight|nine|ten|eleven|twelve)\b",
    re.IGNORECASE,
)
_PART_OF_DAY = re.compile(
    r"(?P<clock>(?<=at )\d{1,2}(?::\d\d)?)(?: o'clock)? (?:in the |each |every )?"
    r"(?P<part>morning|afternoon|evening|at night)\b",
    re.IGNORECASE,
)
_IT = r"(?: (?:it|this|the workflow))?"
_NO = r"(?:(?:we |i )?(?:do not|don't|no longer))"


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
    when = _in_figures(match["when"])
    if _AS_WELL.search(when):
        return _one_schedule(reader, _AS_WELL.sub("", when).strip())
    schedule = find_schedule(when)
    if schedule is None:
        when = f"on {when}"
        schedule = find_schedule(when)
    if schedule is None or not _of_the_start(reader, _rest(when, schedule)):
        return None
    return _scheduled(reader, schedule, when)


def _rest(said: str, schedule: Schedule) -> str:
    """Return what words say beside a schedule."""
    rest = f"{said[: schedule.start]} {said[schedule.end :]}"
    return re.sub(r"[\s,]+", " ", _FILLING.sub(" ", rest)).strip()


def _of_the_start(reader: Reader, rest: str) -> bool:
    """Whether a time is that of the start, by what else the words say.

    The first step starts with the workflow; so does each other one where nothing waits or chooses.
    “Only” may mean that the others are still done.
    """
    alone = re.search(r"\b(?:only|just)\b", rest, re.IGNORECASE) is not None
    rest = re.sub(r"\b(?:only|just)\b ?", "", rest, flags=re.IGNORECASE).strip()
    if not rest:
        return True
    old, steps = reader.specification.trigger, reader.specification.body
    reads = base_of(steps[0].agent) in ("api", "web_scraping", "database")
    named = set(words_of(reader.specification.metadata.name))
    if set(words_of(rest)) <= named and "workflow" not in rest:
        return True
    if does(steps[0], rest) or (reads and _READ_AGAIN.fullmatch(rest)) or _DELIVER.fullmatch(rest):
        return True
    hour = (old.cron or "").split()[1:2] if old else []
    direct = bool(hour and _FIXED_HOUR.fullmatch(hour[0])) and not any(
        node.agent in ("router", "human_loop", "wait") for node in reader.specification.nodes
    )
    meant = find_steps(rest, reader.specification, least=0.7).one
    if meant is None or not covers(reader.specification.node(meant), rest):
        return False
    return meant == steps[0].id or (direct and not alone)


def _in_figures(said: str) -> str:
    """Return “half past two” as 2:30, and “6:30 in the morning” as 6:30am."""

    def _past(match: re.Match[str]) -> str:
        hour = number_of(match["hour"]) or 0
        minute = 30 if match["part"].lower() == "half" else 15
        if match["side"].lower() == "to":
            hour, minute = hour - 1, 60 - minute
        return f"{hour}:{minute:02}"

    said = re.sub(r"\b(weekly|monthly|daily), (?=on |at )", r"\1 ", said, flags=re.IGNORECASE)
    said = _PAST.sub(_past, said)
    return _PART_OF_DAY.sub(
        lambda match: f"{match['clock']}{'am' if match['part'].lower() == 'morning' else 'pm'}",
        said,
    )


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
        cron = _at_the_time_of(old.cron, _as_often(reader, old.cron, cron, said))
    if (
        old is not None
        and old.cron
        and _TIME_ALONE.fullmatch(said[schedule.start : schedule.end].strip(" ,"))
    ):
        # A time of day alone says nothing of the days.
        cron = _at_the_time_of(cron, old.cron)
    trigger = Trigger(kind="schedule", cron=cron, timezone=zone)
    return [SetField(None, ("trigger",), trigger.model_dump(exclude_defaults=True))]


def _as_often(reader: Reader, old: str, new: str, said: str) -> str:
    """Return the days of a schedule at the pace of one that runs several times a day.

    Raises:
        Open: Nobody has said whether the pace stays.
    """
    was, now = old.split(), new.split()
    if len(was) != 5 or was[1].isdigit() or now[2:] == ["*"] * 3 or not now[1].isdigit():
        return new
    pace = " ".join((*was[:2], *now[2:]))
    if re.search(r"\b(?:only|just)\b", said, re.IGNORECASE):
        return pace
    answer = reader.ask(
        "trigger.pace", f"It runs several times a day (`{old}`). Once on these days from now on, "
        "or as often as so far?", ("as often as so far", "once"),
    )  # fmt: skip
    return new if answer.lower().startswith("once") else pace


def _at_the_time_of(old: str, new: str) -> str:
    """Return a schedule at the time of day of another one, if both have one."""
    was, now = old.split(), new.split()
    if len(was) == len(now) == 5 and all(part.isdigit() for part in (*was[:2], *now[:2])):
        return " ".join((*was[:2], *now[2:]))
    return new


def _interval(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “change the interval to 15 minutes”."""
    speaks = re.search(r"interval|frequency|cadence|between", match[0], re.IGNORECASE)
    if not speaks or re.search(r"\b(?:retr|back-?off|attempt|time-?out)", match[0], re.IGNORECASE):
        return None
    said = match["when"] if match["when"].endswith("ly") else f"every {match['when']}"
    schedule = find_schedule(said)
    return _scheduled(reader, schedule, said) if schedule else None


def _how_often(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “check every 10 minutes instead”: a schedule beside what is done then."""
    said = _in_figures(re.sub(rf"{INSTEAD}$", "", match["said"], flags=re.IGNORECASE))
    said = re.sub(r"\bduring (?=weekdays|weekends|the week)", "on ", said, flags=re.IGNORECASE)
    schedule = find_schedule(said)
    if schedule is None and said != match["said"] and (at := _AT_CLOCK.fullmatch(said)):
        return _clock(reader, at)
    if schedule is None or _AS_WELL.search(said):
        return None
    rest = _rest(said, schedule)
    if re.search(r"\b(?:never|not|don't|if|when|unless|before|after)\b", rest, re.IGNORECASE):
        return None
    return _scheduled(reader, schedule, said) if _of_the_start(reader, rest) else None


def _on_days(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “include Saturdays” and “not on Fridays”: the time stays."""
    old, days = reader.specification.trigger, days_in(match["days"])
    known = days_of(old.cron) if old and old.cron else None
    if old is None or old.cron is None or known is None:
        return None
    more = match.groupdict().get("more") or match.groupdict().get("well")
    new = known | days if more else known - days
    if not new:
        return None
    return [SetField(None, ("trigger", "cron"), on_days(old.cron, new))]


def _clock(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another time of day; the days stay."""
    old = reader.specification.trigger
    fields = (old.cron or "").split() if old else []
    hour, minute = _hour(match.groupdict()), int(match["minute"] or 0)
    if len(fields) != 5 or hour > 23 or minute > 59 or not _FIXED_HOUR.fullmatch(fields[1]):
        return None
    rest = _FILLING.sub(" ", match.groupdict().get("rest") or "").strip(" ,")
    if not _of_the_start(reader, rest):
        return None
    return [SetField(None, ("trigger", "cron"), " ".join((str(minute), str(hour), *fields[2:])))]


def _shifted(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “an hour earlier”; a time that would be on another day is asked for."""
    old = reader.specification.trigger
    fields = (old.cron or "").split() if old else []
    seconds = 1800 if "half" in match["long"].lower() else seconds_of(match["long"])
    if len(fields) != 5 or not (fields[0].isdigit() and fields[1].isdigit()) or not seconds:
        return None
    by = int(seconds) // 60 * (-1 if match["side"].lower() == "earlier" else 1)
    minutes = int(fields[1]) * 60 + int(fields[0]) + by
    if not 0 <= minutes < 24 * 60:
        return None
    cron = " ".join((str(minutes % 60), str(minutes // 60), *fields[2:]))
    return [SetField(None, ("trigger", "cron"), cron)]


def _hour(said: Mapping[str, str | None]) -> int:
    if said["word"]:
        return 12 if said["word"].lower() == "noon" else 0
    hour, half = int(said["hour"] or 0), (said["half"] or "").lower()
    return hour % 12 + (12 if half == "pm" else 0) if half else hour


_CLOCK = (
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>am|pm)?(?: o'clock)?"
    r"|(?P<word>noon|midnight))"
)
_AT_CLOCK = re.compile(rf"(?P<rest>.*?),? ?(?:at|around) {_CLOCK}", re.IGNORECASE)
_SCHEDULED = r"(?:schedule|trigger|timer|timing|cron(?: job)?|scheduling)"

RULES: tuple[Rule, ...] = rules(
    (r"(?:do|run|start|trigger|have|call) (?:it|this|the workflow) (?:on|by|via|with|from) "
     rf"(?:a |the )?webhooks?{INSTEAD}?", _webhook),
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
    (rf"(?:{TO_REMOVE}|skip|omit|exclude|pause(?: it)? on|not|no longer|(?:{_NO}|never|stop) "
     rf"(?:{TO_RUN}|running|do|doing|send|sending|need|want|have){_IT}) (?:it |this )?(?:on )?"
     rf"(?P<days>{DAYS})", _on_days),
    (rf"(?:{TO_RUN}{_IT} )?(?:except|but not) (?:on )?(?P<days>{DAYS})", _on_days),
    (rf"(?P<more>(?:also )?(?:include|add)|also (?:{TO_RUN}|do|send){_IT}) (?:on )?"
     rf"(?P<days>{DAYS})(?: too| as well| also)?", _on_days),
    (rf"(?:(?:{TO_RUN}|do|send|need|want){_IT} )?(?:on )?(?P<days>{DAYS})(?P<well> too| as well"
     r"| also)", _on_days),
    (rf"(?P<rest>.*?),? ?(?:at|around) {_CLOCK}{INSTEAD}?", _clock),
    (rf"(?:{TO_SET}) (?:the )?(?:[\w ]+ )?(?:interval|frequency|period|cadence|pause|gap|time)"
     rf"(?: between [\w ]+?)?(?: from .+?)? to "
     rf"(?:every )?(?P<when>{DURATION}|hourly|daily|weekly|monthly)", _interval),
    (rf"(?:make|push|move|shift|put|bring){_IT}(?P<rest> the [\w ]+?)?(?: back| forward| up)*"
     r"(?: to)? "
     rf"(?=\d+ ?[ap]m|\d+:|noon|midnight){_CLOCK}{INSTEAD}?", _clock),
    (rf"(?:(?:{TO_RUN}|do|send|deliver|make|move){_IT} )?(?P<long>{DURATION}|half an hour) "
     r"(?P<side>earlier|later)", _shifted),
    (rf"(?:(?:{TO_SET}|move) (?:the )?(?:schedule|trigger|time|timing)(?: to| so that it runs)?"
     r"|(?:run|schedule|start|execute|do)(?: (?:it|this|the workflow))?"
     r"|(?:it|this|the workflow) should run|make (?:it|the workflow) run) (?P<when>.+)", _schedule),
    (r"(?P<said>.+)", _how_often),
)  # fmt: skip
