"""Starts that are told as a first step: "watches the inbox for new mails", "takes form responses"."""

import re
from dataclasses import dataclass

from compiler.english.normalise import MARK
from compiler.inflection import singular

_END = r"(?=,| and (?:then )?[a-z]+| then | → |;|\.(?: |$)|\n|$)"
_WATCHES = re.compile(
    r"^(?:monitors?|watch(?:es)?|listens?|tracks?|polls?|checks?|scans?|observes?)(?:ing)? "
    r"(?:(?!\bif\b|\bwhether\b)[^,.;:→])*?\bfor (?:any |all |the )?"
    rf"(?P<what>[^,.;:→]*?){_END},?",
    re.IGNORECASE,
)
_TAKES = re.compile(
    r"^(?P<verb>takes|receives|accepts|captures|catches|ingests|intercepts|picks up|gets triggered by|takes in) "
    rf"(?P<what>[^,.;:→]+?){_END},?",
    re.IGNORECASE,
)
_MONITORS = re.compile(
    r"^(?:it |this )?(?:monitors|watches|listens to|polls|monitoring|watching)\b", re.IGNORECASE
)
_ARRIVES = re.compile(
    r"\b(?:new|incoming|inbound|newly|submissions?|submitted|responses?|uploaded|uploads|received|replies"
    r"|messages?|e-?mails?|orders?|requests?|events?|alerts?|webhooks?|tickets?|leads?|calls?|signups?|sign-ups)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that comes in, and where in the text that is told."""

    event: str | None
    """The event's name; None when the workflow is only given the thing."""
    subject: str | None
    end: int


def find_arrival(text: str) -> Arrival | None:
    """Return the arrival that a text begins with, provided that steps follow."""
    watches = _WATCHES.match(text)
    match = watches or _TAKES.match(text)
    if match is None or not re.search(r"\w", text[match.end() :]) or " each " in match["what"]:
        return None
    subject = _noun(match["what"])
    arrives = watches is not None or bool(_ARRIVES.search(match["what"]))
    if subject is None:
        return None
    return Arrival(f"{subject}_received" if arrives else None, subject, match.end())


def watches_something(text: str) -> bool:
    """Whether a text begins by saying what is watched all the time."""
    return bool(_MONITORS.match(text))


def _noun(phrase: str) -> str | None:
    """Return the head of a noun phrase: `submission` for "form submissions from Webflow"."""
    head = re.split(r"\b(?:from|in|on|via|by|at|to|with|of|for|through|that|uploaded|submitted)\b", phrase)[0]
    words = re.findall(r"[a-z][a-z0-9]*", MARK.sub(" ", head).lower())
    return singular(words[-1]) if words else None
