"""Instructions about the workflow as a whole: its name, and how its executions run."""

import re
from zoneinfo import available_timezones

from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.wording import COUNT, DURATION, TO_SET, number_of, value_of
from compiler.english.lexicon import lexicon


def _name(_: Reader, match: re.Match[str]) -> list[Operation]:
    return [SetField(None, ("metadata", "name"), match["name"].strip(" `'\"“”"))]


def _priority(_: Reader, match: re.Match[str]) -> list[Operation] | None:
    number = int(match["n"])
    return (
        [SetField(None, ("settings", "execution", "priority"), number)] if -100 <= number <= 100
        else None
    )  # fmt: skip


def _timeout(_: Reader, match: re.Match[str]) -> list[Operation]:
    path = ("settings", "execution", "timeout_seconds")
    return [SetField(None, path, value_of(match["value"]))]


def _executions(_: Reader, match: re.Match[str]) -> list[Operation] | None:
    count = number_of(match["n"])
    path = ("settings", "execution", "concurrency")
    return [SetField(None, path, [{"limit": count}])] if count else None


def _zone(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    old, said = reader.specification.trigger, match["zone"].strip()
    known: dict[str, str] = lexicon().names("timezones")
    zones = {zone.lower(): zone for zone in available_timezones()}
    by_city = {zone.rpartition("/")[2].replace("_", " ").lower(): zone for zone in zones.values()}
    zone = known.get(said.lower()) or zones.get(said.lower()) or by_city.get(said.lower())
    if old is None or old.cron is None or zone is None:
        return None
    return [SetField(None, ("trigger", "timezone"), zone)]


_WORKFLOW = r"(?:the |this )?(?:whole |entire )?workflow"

RULES: tuple[Rule, ...] = rules(
    (rf"(?:rename|call|name) (?:it|{_WORKFLOW}) (?:to |as )?(?!(?:off|back|again|in)\b)"
     r"(?P<name>.+)", _name),
    (rf"{TO_SET} (?:the |its )?(?:name|title)(?: of {_WORKFLOW})? to (?P<name>.+)", _name),
    (rf"{TO_SET} (?:the |its )?priority(?: of {_WORKFLOW})? to (?P<n>-?\d+)", _priority),
    (rf"{TO_SET} (?:the )?(?:time ?out|time limit|deadline) of {_WORKFLOW} to"
     rf" (?P<value>{DURATION})", _timeout),
    (rf"(?:give {_WORKFLOW} (?:a time ?out of )?|(?:{_WORKFLOW}|it) may take (?:at most )?)"
     rf"(?P<value>{DURATION})", _timeout),
    (rf"(?:run |allow )(?:at most |only |no more than |up to )(?P<n>{COUNT}) (?:executions|runs)"
     r"(?: of it)?(?: at once| at a time| at the same time)?", _executions),
    (rf"{TO_SET} (?:the )?time ?zone to (?P<zone>[\w/ ]+)", _zone),
    (r"(?:run|use)(?: it)? (?:in|on) (?P<zone>[\w/ ]+?) time(?: zone)?", _zone),
)  # fmt: skip
