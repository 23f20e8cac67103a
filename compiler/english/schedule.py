"""When a workflow runs: English periods and times to a cron expression."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from compiler.english.lexicon import lexicon

_HOURS = {"morning": 9, "afternoon": 14, "evening": 18, "night": 22, "midnight": 0, "noon": 12}
_HOUR = 9
"""The hour of a day for which the text names none."""

_NAMED = {
    "minute": "* * * * *",
    "hour": "{minute} * * * *",
    "week": "{at} * * 1",
    "month": "{at} 1 * *",
    "quarter": "{at} 1 */3 *",
    "year": "{at} 1 1 *",
}
_ADVERBS = {
    "hourly": "hour", "daily": "day", "nightly": "night", "weekly": "week", "monthly": "month",
    "quarterly": "quarter", "yearly": "year", "annually": "year",
}  # fmt: skip
_MANY_TIMES = {"twice": "0 9,17 * * *", "two": "0 9,17 * * *", "three": "0 8,13,18 * * *"}
_LOOSE_NUMBERS = {"other": 2, "second": 2, "couple of": 2, "few": 3}

_HALF = r"(?: ?(?P<half>am|pm|a\.m\.?|p\.m\.?)(?!\w))"
_CLOCK = (
    rf"(?:,? ?(?:at|around|@) (?:(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?{_HALF}?(?: "
    rf"o'clock)?(?! ?%|\w)|(?P<word>noon|midnight))"
    rf"|,? ?(?P<bare>\d{{1,2}})(?::(?P<bare_minute>\d\d))?{_HALF.replace('half', 'bare_half')})"
)
_CLOCK_AFTER = re.compile(_CLOCK, re.IGNORECASE)
_CLOCK_APART = re.compile(
    r" at (?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>am|pm|a\.m\.?"
    r"|p\.m\.?)(?!\w)|(?P<word>noon|midnight)(?!\w))(?P<bare>)(?P<bare_minute>)(?P<bare_half>)",
    re.IGNORECASE,
)
_ZONE = re.compile(r"(?: \(?([a-z]+(?:/[a-z_]+)?)\)?)(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurrence and where in the text it stands."""

    cron: str | None
    """None: the text says that there is a schedule, but not which."""
    timezone: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Recurrence:
    """A cron expression in which `{at}` or `{minute}` is still open."""

    cron: str | None
    hour: int = _HOUR


def _days(match: re.Match[str]) -> _Recurrence:
    numbers: dict[str, int] = lexicon().names("weekdays")
    words = re.findall(r"[a-z]+", match["days"].lower())
    found = {numbers.get(word, numbers.get(word.rstrip("s"))) for word in words}
    days = ",".join(str(day) for day in sorted(day for day in found if day is not None))
    return _Recurrence(f"{{at}} * * {days}", _part(match))


def _range(match: re.Match[str]) -> _Recurrence:
    numbers: dict[str, int] = lexicon().names("weekdays")
    first, last = (numbers[match[name].lower()] for name in ("first", "last"))
    return _Recurrence(f"{{at}} * * {first}-{last}")


def _business(match: re.Match[str]) -> _Recurrence:
    days = "0,6" if match["days"].lower().startswith("weekend") else "1-5"
    return _Recurrence(f"{{at}} * * {days}", _part(match))


def _interval(match: re.Match[str]) -> _Recurrence:
    word, unit = match["count"].lower(), match["unit"].lower()
    known: dict[str, int] = lexicon().names("numbers")
    number = int(word) if word.isdigit() else _LOOSE_NUMBERS.get(word) or known[word]
    unit = {"m": "minute", "h": "hour", "hr": "hour", "d": "day"}.get(unit, unit)
    if unit.startswith("sec"):
        return _Recurrence(None)
    if unit.startswith("min"):
        return _Recurrence(_minutes(number))
    if unit == "hour":
        return _Recurrence(_minutes(number * 60))
    if unit == "day":
        return _Recurrence(f"{{at}} */{number} * *" if number > 1 else "{at} * * *")
    if unit == "week":
        return _Recurrence(None if number > 1 else _NAMED["week"])
    return _Recurrence(f"{{at}} 1 */{number} *" if number > 1 else _NAMED["month"])


def _minutes(minutes: int) -> str:
    if minutes < 60:
        return "* * * * *" if minutes < 2 else f"*/{minutes} * * * *"
    if minutes < 120:
        return "0 * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 24 * 60 else "{at} * * *"


def _fraction(match: re.Match[str]) -> _Recurrence:
    return _Recurrence(_minutes(30 if match["part"].lower() == "half" else 15))


def _times(match: re.Match[str]) -> _Recurrence:
    times = match["times"].lower().split()[0]
    if times == "once":
        return _Recurrence(_NAMED.get(match["per"].lower(), "{at} * * *"))
    return _Recurrence(_MANY_TIMES[times] if match["per"].lower() in ("day", "daily") else None)


def _month_day(match: re.Match[str]) -> _Recurrence:
    word = match["day"].lower()
    if word.startswith(("end", "last")):
        return _Recurrence(None)
    number = re.sub(r"\D", "", word)
    return _Recurrence(f"{{at}} {min(int(number), 31) if number else 1} * *")


def _month_days(match: re.Match[str]) -> _Recurrence:
    days = ",".join(re.findall(r"\d+", match["days"]))
    return _Recurrence(f"{{at}} {days} * *")


def _every(match: re.Match[str]) -> _Recurrence:
    word = match["unit"].lower()
    name = _ADVERBS.get(word, word)
    return _Recurrence(_NAMED.get(name, "{at} * * *"), _HOURS.get(name, _HOUR))


def _daily(match: re.Match[str]) -> _Recurrence:
    """Read a time of day without a recurrence: each day at that time."""
    if match["word"]:
        return _Recurrence("{at} * * *", _HOURS[match["word"].lower()])
    hour, half = int(match["hour"]), (match["half"] or match["part"]).lower()
    late = half.startswith("p") or half in ("afternoon", "evening")
    hour = hour % 12 + (12 if late else 0)
    return _Recurrence(f"{int(match['minute'] or 0)} {hour} * * *")


def _evening(_: re.Match[str]) -> _Recurrence:
    return _Recurrence("{at} * * *", 18)


def _friday(_: re.Match[str]) -> _Recurrence:
    return _Recurrence("{at} * * 5", 17)


def _vague(_: re.Match[str]) -> _Recurrence:
    return _Recurrence(None)


def _part(match: re.Match[str]) -> int:
    return _HOURS.get((match["part"] or "").lower(), _HOUR)


_Reader = Callable[[re.Match[str]], _Recurrence]


@cache
def _clock_before() -> re.Pattern[str]:
    zones = "|".join(lexicon().names("timezones"))
    return re.compile(rf"{_CLOCK}(?P<zone> (?:{zones}))?,? ?$", re.IGNORECASE)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    """Return the patterns in the order in which they are tried, with what each means."""
    days = "|".join(sorted(lexicon().names("weekdays"), key=len, reverse=True))
    numbers = "|".join(sorted(lexicon().names("numbers"), key=len, reverse=True))
    part = r"(?: (?P<part>morning|afternoon|evening|night)s?)?(?!\w)"
    each = r"(?:every|each)(?: single| and every)?"
    ordinal = (
        r"(?P<day>first(?: day)?|1st|last(?: day)?|start|beginning|end|\d{1,2}(?:st|nd|rd|th))"
    )
    week = r"weekdays?|business days?|work(?:ing)? ?days?|weekends?"
    digest = r"(?:digest|brief|briefing|update|report|summary|recap|newsletter|roundup|review)"
    rules: tuple[tuple[str, _Reader], ...] = (
        (
            rf"(?:{each} |on |from )?(?P<first>{days})s? ?(?:to|through|-|until) "
            rf"?(?P<last>{days})s?(?!\w)", _range),
        (
            rf"(?:weekly,? )?(?:{each}|on) (?P<days>(?:(?:{days})s?(?!\w)"
            rf"(?:(?:,? and |, ?| & )(?=(?:{days})s?(?!\w)))?)+){part}", _days),
        (rf"(?<=\ba )(?P<days>{days}){part}(?= (?:[\w-]+ )?{digest})", _days),
        (rf"(?<![\w-])(?P<days>(?:{days})s(?:(?:,? and |, ?| & )(?:{days})s)*){part}", _days),
        (r"(?:at|by) (?:the )?end of (?:the|each|every) (?:work)?day(?!\w)", _evening),
        (r"(?:at|by) (?:the )?end of (?:the|each|every) (?:work)?week(?!\w)", _friday),
        (r"(?:at|by) (?:the )?(?P<day>end) of (?:the )?month(?!\w)", _month_day),
        (rf"(?:{each}|on) (?P<days>{week}){part}", _business),
        (rf"(?<![\w-])(?P<days>(?:{week})(?<=s)){part}(?= at \d)", _business),
        (r"every (?P<part>half|quarter)(?: an| of an|-)?[ -]?hour", _fraction),
        (
            rf"(?:once )?(?:in )?{each} (?P<count>\d+|{numbers}|other|second|couple of|few)"
            rf" (?P<unit>second|minute"
            rf"|min|hour|hr|day|week|month)s?(?![\w'])", _interval),
        (rf"{each} (?P<count>\d+) ?(?P<unit>m|h|d)(?:ins?|rs?)?(?!\w)", _interval),
        (
            rf"(?<!at most )(?P<times>once|twice|(?:two|three) times) (?:an?|per|{each})"
            rf" (?P<per>day|week"
            rf"|month|hour|quarter|year)(?!\w)", _times),
        (r"(?P<times>twice|(?:two|three) times) (?P<per>daily)(?!\w)", _times),
        (
            r"on the (?P<days>\d{1,2}(?:st|nd|rd|th)(?:,? (?:and|&) (?:the"
                r" )?\d{1,2}(?:st|nd|rd|th))+)"
            r" of (?:each|every|the|a) month", _month_days),
        (
            r"(?:on )?the (?:first|last|second|third) (?:working|business|week)\s?day of (?:the"
            r"|each|every) month"
            rf"|(?:(?:{each}|(?:on )?the) (?:first|second|third|fourth|last|1st|2nd|3rd|4th"
            rf"|other) (?:{days})(?: of (?:each|every|the|a) month)?|(?:first|last) (?:{days}) of"
            rf" (?:each|every|the) month)(?!\w)",
            _vague),
        (rf"(?:on|at) the {ordinal} (?:day )?of (?:{each}|the|a) month", _month_day),
        (rf"(?:every|on the) {ordinal} (?:day )?of (?:{each}|the|a) month", _month_day),
        (r"(?:on )?(?:every|each) (?P<day>first|last)(?: day)? of the month", _month_day),
        (rf"(?:{each} month|monthly) on the {ordinal}(?: day)?", _month_day),
        (
            rf"{each} ?(?P<unit>minute|hour|day|night|morning|afternoon|evening|week|month"
            rf"|quarter|year)(?![\w'-])", _every),
        (
            r"on an? (?P<unit>hourly|daily|nightly|weekly|monthly|quarterly|yearly)"
                r" (?:schedule|basis|cadence)", _every),
        (rf"{each}day(?!\w)", lambda _: _Recurrence("{at} * * *")),
        (
            r"(?<![\w-])(?<!in the )(?<!from the )(?<!of the )(?<!on the )(?<!in our )(?<!of our"
            r" )(?P<unit>hourly|daily|nightly|weekly|monthly|quarterly|yearly"
            r"|annually)(?!\w)", _every),
        (rf"(?<=\ba )(?P<unit>morning|evening)(?= (?:[\w-]+ )?{digest})", _every),
        (
            rf"\b(?:(?:bi|twice|thrice)[- ]?weekly|twice[- ]monthly|fortnightly|{each} fortnight"
            rf"|on (?:a )?schedule|periodically"
            rf"|regularly|at (?:regular |set )?intervals"
            r"|from time to time|scheduled(?= (?:workflow|automation|flow)))(?!\w)", _vague),
        (
            r"(?:(?<=\w )|^(?=at [^,]{2,20},))at (?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?:"
            r" ?(?P<half>am|pm"
            r"|a\.m\.?|p\.m\.?)(?!\w)|(?: o'clock)? in the (?P<part>morning|afternoon"
            r"|evening))|(?P<word>noon|midnight)(?!\w))", _daily),
    )  # fmt: skip
    return tuple((re.compile(pattern, re.IGNORECASE), reader) for pattern, reader in rules)


_REPEATED = re.compile(r"\s+until\b", re.IGNORECASE)
"""After a recurrence it tells how often a step is done again: "remind her every day until …"."""


def find_schedule(text: str) -> Schedule | None:
    """Return the recurrence that the text states, a precise one before a vague one."""
    for pattern, reader in _rules():
        match = pattern.search(text)
        looped = match is not None and text[: match.start()].lower().endswith(("for ", "within "))
        if match and not looped and not _REPEATED.match(text, match.end()):
            return _timed(text, match, reader(match))
    return None


def _timed(text: str, match: re.Match[str], recurrence: _Recurrence) -> Schedule:
    """Add the time of day that stands beside the recurrence."""
    start, end, clock = match.start(), match.end(), _CLOCK_AFTER.match(text, match.end())
    if clock:
        end = clock.end()
    else:
        clock = _clock_before().search(text, 0, match.start())
        start = clock.start() if clock else start
    clock = clock or _CLOCK_APART.search(text, match.end(), _end_of_clause(text, match.end()))
    hour, minute = _read_clock(clock) if clock else (None, 0)
    named = clock.start("zone") if clock and clock.re is _clock_before() else -1
    zone, end = _read_zone(text, end) if named < 0 else (_read_zone(text, named)[0], end)
    at = f"{minute} {recurrence.hour if hour is None else hour}"
    cron = recurrence.cron and recurrence.cron.format(at=at, minute=minute)
    return Schedule(cron, zone, start, end)


def _end_of_clause(text: str, start: int) -> int:
    stop = re.compile(r"[,.;:→\n]| and ").search(text, start)
    return stop.start() if stop else len(text)


def _read_clock(clock: re.Match[str]) -> tuple[int | None, int]:
    if clock["word"]:
        return _HOURS[clock["word"].lower()], 0
    hour = int(clock["hour"] or clock["bare"])
    minute = int(clock["minute"] or clock["bare_minute"] or 0)
    half = (clock["half"] or clock["bare_half"] or "").lower().replace(".", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else (None, 0)


def _read_zone(text: str, end: int) -> tuple[str, int]:
    match = _ZONE.match(text, end)
    word = match[1] if match else ""
    known: dict[str, str] = lexicon().names("timezones")
    if match and word.lower() in known:
        return known[word.lower()], match.end()
    if match and "/" in word:
        zone = next((z for z in available_timezones() if z.lower() == word.lower()), None)
        if zone:
            return zone, match.end()
    return "UTC", end
