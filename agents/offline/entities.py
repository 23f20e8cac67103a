"""Entities by pattern: addresses, dates, money, and names by their capital letters."""

import re
from collections.abc import Callable

from agents.offline.skills import find_skills
from agents.offline.text import STOPWORDS

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_AMOUNT = r"\d{1,3}(?:[,.]\d{3})*(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'\u2019&-]*"
_PATTERNS: dict[str, re.Pattern[str]] = {
    "emails": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "urls": re.compile(r"https?://[^\s<>\"'`)\]}]+[^\s<>\"'`)\]}.,;:!?]"),
    "dates": re.compile(
        rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|"
        rf"{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|"
        rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\.?(?:,? \d{{4}})?|{_MONTH} \d{{4}})\b"
    ),
    "money": re.compile(
        rf"[$€£¥]\s?(?:{_AMOUNT})(?:\s?(?:million|billion|bn|[mMkK])\b)?|"
        rf"\b(?:{_AMOUNT})\s?(?:USD|EUR|GBP|CHF|dollars?|euros?|pounds?)\b|"
        rf"\b(?:USD|EUR|GBP|CHF)\s?(?:{_AMOUNT})\b"
    ),
    "percentages": re.compile(r"\b\d+(?:[.,]\d+)?\s?%"),
    "phone_numbers": re.compile(
        r"(?<![\w.-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?)?"
        r"\d{2,4}(?:[ .-]\d{2,4}){2,4}(?![\w-])"
    ),
}
_NAME = re.compile(rf"{_CAPITAL}(?:(?:\s|\s(?:of|de|van|von|da|di|la|der)\s){_CAPITAL})*")
_ORGANIZATION = re.compile(
    r"\b(?:Inc|Ltd|LLC|GmbH|AG|Corp|Corporation|Company|Co|Group|University|Institute|Bank|"
    r"Foundation|Association|Labs?|Technologies|Systems|Solutions|Partners|Agency|Ministry)\b\.?$"
)
_OPENER_WORDS = """
absolutely although another any as at bought by dear do don't during each every excellent
first for from good great hello hi however if in it its just last let many more most my never
no not nothing now of on one only our please pretty really so some still take thank thanks
that the then there these this those to unfortunately until very was we what when where which
while who why will with would yes yet you your
"""
_OPENERS = frozenset(_OPENER_WORDS.split())


def _names(text: str) -> list[str]:
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = match.group().strip("'\u2019&-")
        starts = _starts_sentence(text, match.start())
        parts = name.split()
        if starts and parts[0].lower() in _OPENERS | STOPWORDS:
            parts = parts[1:]
        # A lone capital at the start of a sentence is grammar, not a name.
        if not parts or (starts and len(parts) == 1):
            continue
        if len(parts) == 1 and (parts[0].lower() in STOPWORDS or len(parts[0]) < 2):
            continue
        found.append(" ".join(parts))
    return found


def _starts_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" \t\"'“\u2018(")
    return not before or before[-1] in ".!?:\n•-*"


def _people(text: str) -> list[str]:
    return [
        name
        for name in _names(text)
        if 2 <= len(name.split()) <= 3
        and not _ORGANIZATION.search(name)
        and not any(part.isupper() for part in name.split())
    ]


def _organizations(text: str) -> list[str]:
    return [name for name in _names(text) if _ORGANIZATION.search(name)]


def _pattern(kind: str) -> Callable[[str], list[str]]:
    return lambda text: [
        " ".join(match.group().split()) for match in _PATTERNS[kind].finditer(text)
    ]


_FINDERS: dict[str, Callable[[str], list[str]]] = {
    **{kind: _pattern(kind) for kind in _PATTERNS},
    "names": _names,
    "people": _people,
    "organizations": _organizations,
    "skills": find_skills,
}
KINDS: tuple[str, ...] = tuple(_FINDERS)
_WORDS: tuple[tuple[str, str], ...] = (
    (r"skills?|competenc(?:y|ies)|technolog(?:y|ies)|expertise|qualifications?", "skills"),
    (r"e-?mails?(?: address(?:es)?)?", "emails"),
    (r"urls?|links?|web ?sites?|web addresses", "urls"),
    (r"dates?|deadlines?", "dates"),
    (r"prices?|amounts?|money|costs?|sums?|budgets?|revenues?|salar(?:y|ies)", "money"),
    (r"percent(?:age)?s?", "percentages"),
    (r"(?:tele)?phone(?: numbers?)?|phones", "phone_numbers"),
    (r"people|persons?|authors?|contacts?|employees?|candidates?|names? of people", "people"),
    (r"compan(?:y|ies)|organi[sz]ations?|employers?|businesses", "organizations"),
    (r"names?|named entities|brands?|places?|locations?|products?", "names"),
)


def find(kind: str, text: str) -> list[str]:
    """Return the entities of one kind, in order of appearance, each once."""
    return list(dict.fromkeys(_FINDERS[kind](text)))


def find_all(text: str) -> dict[str, list[str]]:
    """Return the entities of every kind that occurs."""
    found = {kind: find(kind, text) for kind in KINDS if kind not in ("people", "organizations")}
    return {kind: entries for kind, entries in found.items() if entries}


def kinds_named(instruction: str) -> list[str]:
    """Return the kinds that an instruction asks for, in its order."""
    positions: dict[str, int] = {}
    for pattern, kind in _WORDS:
        if match := re.search(rf"\b(?:{pattern})\b", instruction, re.IGNORECASE):
            positions.setdefault(kind, match.start())
    return sorted(positions, key=positions.__getitem__)
