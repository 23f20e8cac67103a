"""The days of the week in a cron expression: one more, one less."""

import re
from collections.abc import Iterable

from compiler.english.lexicon import lexicon

_GROUPS = {"weekend": {0, 6}, "weekends": {0, 6}, "weekday": {1, 2, 3, 4, 5},
           "weekdays": {1, 2, 3, 4, 5}, "workdays": {1, 2, 3, 4, 5}}  # fmt: skip
_NAMES = r"(?:sun|mon|tues|wednes|thurs|fri|satur)days?|weekends?|weekdays|workdays"
DAYS = rf"(?:the )?(?:{_NAMES})(?:(?:,? (?:and|or|&) |, )(?:{_NAMES}))*"
"""What a list of days looks like."""


def days_in(text: str) -> set[int]:
    """Return the days that words name; Sunday is 0."""
    numbers: dict[str, int] = lexicon().names("weekdays")
    found: set[int] = set()
    for word in re.findall(r"[a-z]+", text.lower()):
        day = numbers.get(word, numbers.get(word.rstrip("s")))
        found |= _GROUPS.get(word, set() if day is None else {day})
    return found


def days_of(cron: str) -> set[int] | None:
    """Return the days on which a schedule runs; None: it goes by something else than days."""
    fields = cron.split()
    if len(fields) != 5 or fields[2:4] != ["*", "*"]:
        return None
    found: set[int] = set()
    for part in fields[4].split(","):
        match = re.fullmatch(r"(\d)(?:-(\d))?", part)
        if part == "*":
            found.update(range(7))
        elif match is None:
            return None
        else:
            found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return {day % 7 for day in found}


def on_days(cron: str, days: Iterable[int]) -> str:
    """Return a schedule on other days, three or more in a row as a range."""
    wanted = sorted(days)
    runs: list[list[int]] = []
    for day in wanted:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    said = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]
    return " ".join((*cron.split()[:4], "*" if len(wanted) == 7 else ",".join(said)))
