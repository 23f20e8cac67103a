"""An instruction cut into clauses: where another one begins, and where it may begin."""

import re
from collections.abc import Iterator
from itertools import pairwise

from compiler.editing.rephrasing import rephrased, with_temperature_apart

_POLITE = re.compile(
    r"^(?:(?:please|pls|could you|can you|would you|could we|can we|let'?s|now|ok|okay|hey|hi"
    r"|actually|btw|so|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need you to"
    r"|we(?:'d| would) like to|we (?:should|want to|need to)|you should"
    r"|make sure (?:that )?(?:we |you |to )?|how about (?:we )?|why don't (?:we|you)"
    r"|i think (?:we should)?|it would be (?:nice|good|great|better) (?:to|if we)|from now on"
    r"|going forward|in (?:the )?future|we(?:'ll| will)|i(?:'ll| will))[ ,]+)+",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"^(?:i(?:'d| would) like|i want|i need|we (?:want|need)) (?=(?:the|step|my|our|its?)\b)",
    re.IGNORECASE,
)
_LAST_WORDS = re.compile(
    r"(?:,? (?:please|pls|any ?more|any longer|for me|from now on|now|going forward"
    r"|in (?:the )?future|thanks|thank you|thx|if possible|asap|if you can))+$",
    re.IGNORECASE,
)
_STAYS = re.compile(
    r"^(?:(?:from now on|going forward),? )?(?=.*https?://)(.+?)(?<! instead),? (?:from now on"
    r"|going forward)\.?$",
    re.IGNORECASE,
)
"""A place that counts from now on is one in the place of another."""
_NEXT = re.compile(
    r"(?:\s*[;\n]\s*|\.\s+(?=[A-Za-z])|,?\s+and\s+(?:then |also )?"
    r"(?=(?:remove|delete|rename|replace|change|set|move|use|add)\b))",
    re.IGNORECASE,
)
_PERHAPS = re.compile(r",?\s+and\s+(?:then\s+)?|,\s+(?:then\s+)?|\s+but\s+", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|`[^`]*`|(?<!\w)'[^']*'(?!\w)")
_MOST_CUTS = 6
_A_TIME = (
    r"(?:(?:sun|mon|tues|wednes|thurs|fri|satur)days?|weekends?|\d{1,2}(?::\d\d)? ?(?:am|pm)?"
    r"|daily|weekly|monthly|the \d{1,2}(?:st|nd|rd|th))"
)
_TIME_AT_END = re.compile(rf"\b{_A_TIME}$", re.IGNORECASE)
_TIME_AT_START = re.compile(rf"(?:on |at )?{_A_TIME}(?!\S)", re.IGNORECASE)
"""A list of days or hours is one schedule."""


def clauses(text: str) -> list[str]:
    """Cut an instruction where another one begins, outside of quotes."""
    text = with_temperature_apart(text)
    parts = [text[start:end] for start, end in _between(_NEXT, text)]
    parts = [_STAYS.sub(r"\1 instead", part) for part in parts]
    stripped = [_plain(part.strip(" \t\r\n,").rstrip(".!?")) for part in parts]
    return [rephrased(one) for part in stripped if (one := _LAST_WORDS.sub("", part))]


def halves(clause: str) -> Iterator[tuple[str, str]]:
    """Yield each way to read a clause as two: at commas and “and”, the first one first."""
    spans = list(_between(_PERHAPS, clause))
    for (_, end), (start, _) in pairwise(spans[: _MOST_CUTS + 1]):
        left = rephrased(_LAST_WORDS.sub("", _POLITE.sub("", clause[:end].strip(" ,"))))
        right = rephrased(_POLITE.sub("", clause[start:].strip(" ,")))
        if left and right and not (_TIME_AT_END.search(left) and _TIME_AT_START.match(right)):
            yield left, right


def _plain(text: str) -> str:
    """Return an instruction without what is only polite: “I want the report to use …”."""
    return _POLITE.sub("", _WISH.sub("let ", text))


def _between(mark: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield where the parts between marks begin and end; what is quoted is no mark."""
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), text)
    start = 0
    for match in mark.finditer(masked):
        yield start, match.start()
        start = match.end()
    yield start, len(text)
