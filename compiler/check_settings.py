"""Settings and triggers that contradict themselves."""

import re
from zoneinfo import ZoneInfo

from compiler.concurrency import concurrency_problems
from compiler.errors import Problem
from compiler.specification import Specification, Trigger

_CRON_BOUNDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
_NAMES = {
    "month": "jan feb mar apr may jun jul aug sep oct nov dec",
    "day of the week": "sun mon tue wed thu fri sat",
}
_CRON_REMEDY = "Write five fields, such as `0 9 * * 1-5` for 9:00 from Monday to Friday."


def settings_problems(specification: Specification) -> list[Problem]:
    """Return what is wrong with the settings and the trigger."""
    problems = []
    monitoring = specification.settings.monitoring
    if monitoring.alert_on_sla_breach and monitoring.sla_seconds is None:
        problems.append(
            Problem(
                "settings.monitoring.sla_seconds",
                "missing_sla",
                "An alert on a breach of the SLA is asked for, but there is no SLA.",
                "Add `sla_seconds`, or set `alert_on_sla_breach: false`.",
            )
        )
    problems += concurrency_problems(specification)
    if specification.trigger:
        problems += _trigger_problems(specification.trigger)
    return problems


def _trigger_problems(trigger: Trigger) -> list[Problem]:
    problems = []
    if trigger.kind == "schedule" and trigger.cron is None:
        message = "A schedule needs a time."
        problems.append(Problem("trigger.cron", "missing_cron", message, _CRON_REMEDY))
    if trigger.kind == "event" and not trigger.event:
        message = "A trigger by event needs the event's name."
        remedy = "Add `event`, such as `demo_completed`."
        problems.append(Problem("trigger.event", "missing_event", message, remedy))
    fault = cron_fault(trigger.cron) if trigger.cron is not None else None
    if fault:
        problems.append(Problem("trigger.cron", "invalid_cron", fault, _CRON_REMEDY))
    if not _is_timezone(trigger.timezone):
        message = f"There is no time zone `{trigger.timezone:.60}`."
        remedy = "Write a name of the IANA list, such as `Europe/Berlin` or `UTC`."
        problems.append(Problem("trigger.timezone", "unknown_timezone", message, remedy))
    return problems


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def cron_fault(cron: str) -> str | None:
    """Return what is wrong with a cron expression of five fields; None if nothing."""
    fields = cron.split()
    if len(fields) != len(_CRON_BOUNDS):
        return f"`{cron:.60}` has {len(fields)} fields instead of five."
    for written, (name, low, high) in zip(fields, _CRON_BOUNDS, strict=True):
        for part in written.lower().split(","):
            if not _is_cron_part(_numbered(part, name), low, high):
                return f"`{written:.60}` is no {name}: it goes from {low} to {high}."
    return None


def _numbered(part: str, field: str) -> str:
    for number, name in enumerate(_NAMES.get(field, "").split(), start=int(field == "month")):
        part = part.replace(name, str(number))
    return part


def _is_cron_part(part: str, low: int, high: int) -> bool:
    match = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", part)
    if match is None:
        return False
    first, last, step = (int(group) if group else None for group in match.groups())
    if step == 0:
        return False
    within = all(low <= number <= high for number in (first, last) if number is not None)
    return within and not (first is not None and last is not None and first > last)
