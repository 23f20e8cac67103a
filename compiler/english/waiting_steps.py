"""Steps that wait: "wait 3 days", "pause for an hour", "wait for the job to complete"."""

import re

from compiler.english.lexicon import lexicon
from compiler.english.placing import Place, Written

_WAITS = re.compile(
    r"^(?:wait|pause|delay|sleep|hold)s? (?:on )?(?:for |by )?(?:at least |about |another )?"
    r"(?P<number>\d+|[a-z-]+) (?P<unit>second|minute|hour|day|week)s?\b",
    re.IGNORECASE,
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def waits_seconds(clause: str) -> int | None:
    """Return for how many seconds a clause waits; None when it does not wait for a time."""
    match = _WAITS.match(clause)
    if match is None:
        return None
    word = match["number"].lower()
    number = int(word) if word.isdigit() else lexicon().names("numbers").get(word)
    return number * _SECONDS[match["unit"].lower()] if number else None


def write_wait(place: Place) -> Written:
    """Return the parameters of a wait node: a time, or the event that ends a job."""
    seconds = waits_seconds(place.step.marked)
    if seconds is not None:
        return Written({"seconds": seconds})
    event = place.draft.ask(
        f"{place.node_id}.event",
        f"Which event ends “{place.step.text}”?",
        default="job_completed",
        suggestions=("job_completed",),
        required=False,
    )
    return Written({"event": event})
