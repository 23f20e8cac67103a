"""How a workflow starts, and the text without the words that said so."""

import re
from dataclasses import dataclass

from compiler.specification import Trigger

HERE = (
    r"(?:(?:it )?(?:detects?|notices?|spots?|recogni[sz]es?|catches|knows|waits?(?: for| until)?"
    r"|listens? for) )?(?:(?:that |which |it |this (?:workflow|flow) |the (?:workflow|flow|zap)"
    r" )?(?:should )?(?:is )?"
    r"(?:runs?|starts?|triggers?|triggered|begins?|kicks? off|fires?|activates?)"
    r"(?: automatically| it)? )?"
)
WHEN = r"(?:when(?:ever)?|as soon as|once|every time|each time|any time|anytime|the moment)"


@dataclass(frozen=True, slots=True)
class Start:
    """How the workflow starts, and the text without the words that said so."""

    trigger: Trigger | None
    rest: str
    subject: str | None = None
    """The thing that the event is about, singular snake_case: it is in the execution's input."""
    needs_time: bool = False
    """The text speaks of a schedule without saying which."""
    second: str = ""
    """The words of another start, which one workflow cannot have beside the first."""


_BARE_NAME = re.compile(
    r"(?:(?<=^)|(?<=[.\n] ))(?:the|this|an?|our|my) (?:[\w-]+ ){0,4}?(?:workflow|flow|function"
    r"|lambda|agent|job"
    r"|pipeline|system|process|service|script|dag|automation|bot)(?: is| gets| will be)?$"
    r"|(?:(?<=^)|(?<=[.\n—] ))(?:it|this|which|that)$",
    re.IGNORECASE,
)
"""What is left of "the function is triggered by …" once its start is out of the text."""
_RUNNING = re.compile(
    r"(?:and )?(?:(?:please )?(?:run|schedule|do|repeat)s? (?:it|this|that)(?: to run)?|to "
    r"run|that runs|which runs|runs?|running|executed|triggers?|triggered|starts?|fully"
    r" automated)[ ,.]*$",
    re.I,
)


def without(text: str, start: int, end: int) -> str:
    """Cut a span out of the text, with the words and commas that hung on it."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    before = _RUNNING.sub("", before).rstrip(" ,")
    before = _BARE_NAME.sub("", before)
    after = re.sub(r"^[,:.]\s*", "", after) if not before or before.endswith(".") else after
    after = re.sub(r"^(?:(?:please |then |and )+)(?=\w)", "", after) if not before else after
    joint = "" if after[:1] in ".,;" else " "
    return f"{before}{joint}{after}".strip(" ,")
