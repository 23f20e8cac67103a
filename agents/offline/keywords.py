"""Keywords by YAKE: statistics of the text itself, no training data."""

import re
from dataclasses import dataclass

from agents.offline.sentiment import is_opinion
from agents.offline.text import STOPWORDS, content_words, words

_SIGNATURE = re.compile(r"\b[A-Z][\w'\u2019-]+ [A-Z]\.(?=\s|$)", re.MULTILINE)
"""How customers sign: a first name and an initial."""
_OPEN_LINE = re.compile(r"(?<=\w)[ \t]*\n")
"""The end of a line without a full stop: a phrase does not go on after it."""
_BEFORE_NOUN_WORDS = """
the a an this that these those my our your its their his her every each any some no
of with without for from in on by
"""
_BEFORE_NOUN = frozenset(_BEFORE_NOUN_WORDS.split())
_AFTER_NOUN = rf"(?=\s*(?:[^\w\s'\u2019-]|\n|$)|\s+(?:{'|'.join(sorted(STOPWORDS))})\b)"
_TIME = re.compile(r"(?:second|minute|hour|day|week|month|year|morning|evening|night|time)s?")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase, and its weight: 1 for the best of its text, towards 0 for the others."""

    text: str
    weight: float


def keywords(text: str, limit: int = 10) -> list[Keyword]:
    """Return the best keywords; each word stands in one of them.

    Words of praise or blame and the names of those who sign a text are none.
    """
    if not words(text):
        return []
    # It brings a library of graph algorithms, which most processes never need.
    import yake  # noqa: PLC0415

    text = _OPEN_LINE.sub(".\n", _SIGNATURE.sub(" ", text))
    extractor = yake.KeywordExtractor(lan="en", n=2, dedup_lim=0.8, top=limit * 3)
    chosen: list[tuple[str, float]] = []
    seen: list[set[str]] = []
    for phrase, score in extractor.extract_keywords(text):
        stems = set(content_words(phrase))
        if not stems or any(stems & other for other in seen):
            continue
        if any(map(is_opinion, words(phrase))):
            continue
        if all(word in STOPWORDS or word.isdigit() for word in words(phrase)):
            continue
        seen.append(stems)
        chosen.append((phrase, float(score)))
        if len(chosen) == limit:
            break
    best = min((score for _, score in chosen), default=1.0) or 1e-9
    return [Keyword(phrase, round(best / max(score, 1e-9), 3)) for phrase, score in chosen]


def topics(text: str, limit: int = 10) -> list[str]:
    """Return what a text talks about: the keywords that it uses as nouns, in lower case."""
    lowered = _SIGNATURE.sub(" ", text).lower()
    found = (keyword.text for keyword in keywords(lowered, 4 * limit))
    return [topic for topic in found if _is_thing(topic, lowered)][:limit]


def _is_thing(phrase: str, text: str) -> bool:
    """Whether a text uses a phrase as a noun: after an article or praise, before no other noun."""
    if _TIME.fullmatch(phrase.split()[-1]):
        return False
    uses = re.finditer(rf"\b([\w'-]+)\s+{re.escape(phrase)}{_AFTER_NOUN}", text)
    return any(use[1] in _BEFORE_NOUN or is_opinion(use[1]) for use in uses)
