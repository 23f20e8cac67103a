"""What the lines of a text are: headings, a line that its list goes on with, a list of agents.

Lists of steps stay lines; a list that only ends its line becomes part of it, so that the stages
after this one read sentences.
"""

import re
from dataclasses import dataclass

from compiler.english.lexicon import lexicon
from compiler.english.verbs import opens_step, read_opening

_MARK = re.compile(
    r"^\s*(?:(?:step\s+)?\(?\d{1,2}(?:[.):]|\s+[-—](?=\s))|[-*•·]|\(?[a-h]\))\s+", re.IGNORECASE
)
_HEAD = re.compile(
    r"^(?:please )?(?:(?:i|we) (?:need|want) |(?:build|create|design|make|develop|generate"
    r"|implement"
    r"|write|set up)e?s? )?(?:me )?(?:(?:an?|the|this|my|our) )?[^:.\n]*\b(?:workflow|automation"
    r"|flow|pipeline|process|system|agent|bot|dag|job|script|action|function|playbook|state"
    r" machine)\b[^:.\n]*:\s*$",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^\s*(?:#{1,6}\s+.*|\*\*(?:(?:step )?\d{1,2}[.:)]?\s*)?[^*]{2,60}\*\*:?\s*)$", re.IGNORECASE
)
_THAT = re.compile(r"^[A-Z][^:.\n]* (?:that|which)(?: will| should| can)?\s*:\s*$")
_OPEN = re.compile(
    r"\b(?:from|across|of|to|into|on|via|in|sources?|channels?|services?|apis?)\s*:\s*$",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^(?P<front>(?:.*?[.;] )?(?:\d{1,2}[.)]\s+)?)(?P<when>(?:if|otherwise|else|once|in"
    r" case)\b[^.:]*?)"
    r"(?:,? (?:then )?(?:the )?(?:following (?:steps|actions) (?:occur|happen|follow|are \w+)"
    r"|(?:workflow|flow|system|process|it)(?: will| should| then)?(?: automatically)?|do the"
    r" following"
    r"|then))?\s*:\s*$",
    re.IGNORECASE,
)
_AGENTS = re.compile(
    r"^\s*(?:the |our )?(?:[\w-]+ )?(?:agents|workers|specialists|sub-?agents|roles|crew):\s*$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^(?:\*\*)?(?P<name>[\w /&-]{2,40}?)(?:\*\*)?\s*(?::|—|-{1,2})\s+(?P<deed>\S.*)$"
)
_CREW = re.compile(r"\b(?:agents|workers|models|llms)\b", re.IGNORECASE)
_SIDE_BY_SIDE = re.compile(
    r"\b(?:in parallel|simultaneously|concurrently|at the same time|independently)\b", re.IGNORECASE
)
_ASIDE = re.compile(r"\s*\([^()]*\)")
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class _Listed:
    """A line and the list below it."""

    line: str
    items: tuple[str, ...]
    end: int
    """The number of the first line after the list."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, each of them something that can be read by itself."""
    lines = _without_headings(text.split("\n"))
    kept: list[str] = []
    place = 0
    while place < len(lines):
        listed = _listed(lines, place)
        told = _joined(listed, text) if len(listed.items) > 1 else None
        if told is None:
            kept.append(lines[place])
        elif told:
            kept.append(told)
        place = listed.end if told else place + 1
    return kept


def _without_headings(lines: list[str]) -> list[str]:
    """Leave out headings that a paragraph of its own explains."""
    kept = []
    for place, line in enumerate(lines):
        after = next((other for other in lines[place + 1 :] if other.strip()), "")
        explained = bool(after) and not _MARK.match(after) and not _HEADING.match(after)
        if not (_HEADING.match(line) and explained):
            kept.append(line)
    return kept


def _listed(lines: list[str], place: int) -> _Listed:
    """Return a line with the list that follows it at once, deeper than the line itself."""
    depth = _depth(lines[place])
    items: list[str] = []
    end = place + 1
    if not lines[place].rstrip().endswith(":"):
        return _Listed(lines[place], (), end)
    for number in range(place + 1, len(lines)):
        line = lines[number]
        if _MARK.match(line) and (_depth(line) > depth or not _MARK.match(lines[place])):
            items.append(_MARK.sub("", line).strip(" .;,"))
            end = number + 1
        elif line.strip():
            break
    return _Listed(lines[place], tuple(items), end)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(listed: _Listed, text: str) -> str | None:
    """Return a line and its list as one; nothing for a mere head, None when they stay apart."""
    line, items = listed.line.rstrip(), listed.items
    if _OPEN.search(line) and all(map(_is_place, items)):
        return f"{line.rstrip(':')} {_and([_ASIDE.sub('', item) for item in items])}."
    if _AGENTS.match(line) and (named := [m for m in map(_NAMED.match, items) if m]):
        deeds = [f"one agent {match['deed']}" for match in named]
        if _SIDE_BY_SIDE.search(text):
            return f"In parallel: {'; '.join(deeds)}."
        return ". ".join(f"{deed[:1].upper()}{deed[1:]}" for deed in deeds) + "."
    condition = _CONDITION.match(line)
    if condition and all(opens_step(item) for item in items[:1]):
        return f"{condition['front']}{condition['when'].rstrip(' ,')}, {', then '.join(items)}."
    told = _opens(_MARK.sub("", line)) or _CREW.search(line)
    if told and not any(_opens(item) for item in items):
        return f"{line.rstrip(':')} ({', '.join(_ASIDE.sub('', item) for item in items)})."
    return "" if _HEAD.match(line) or _THAT.search(line) else None


def _and(items: list[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _opens(item: str) -> bool:
    return opens_step(item) or read_opening(item, guess=True) is not None


def _is_place(item: str) -> bool:
    """Whether an item only names a place: "Google Analytics (web traffic)"."""
    bare = _ASIDE.sub("", item)
    named = lexicon().product_pattern.search(bare) is not None or bare[:1].isupper()
    return named and len(bare.split()) <= _MOST_WORDS and not opens_step(bare)
