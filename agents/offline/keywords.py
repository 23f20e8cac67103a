"""Keywords by YAKE: statistics of the text itself, no training data."""

from dataclasses import dataclass

import yake

from agents.offline.text import STOPWORDS, content_words, words


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase, and its weight: 1 for the best of its text, towards 0 for the others."""

    text: str
    weight: float


def keywords(text: str, limit: int = 10) -> list[Keyword]:
    """Return the best keywords; each word stands in one of them."""
    if not words(text):
        return []
    extractor = yake.KeywordExtractor(lan="en", n=2, dedup_lim=0.8, top=limit * 3)
    chosen: list[tuple[str, float]] = []
    seen: list[set[str]] = []
    for phrase, score in extractor.extract_keywords(text):
        stems = set(content_words(phrase))
        if not stems or any(stems & other for other in seen):
            continue
        if all(word in STOPWORDS or word.isdigit() for word in words(phrase)):
            continue
        seen.append(stems)
        chosen.append((phrase, float(score)))
        if len(chosen) == limit:
            break
    best = min((score for _, score in chosen), default=1.0) or 1e-9
    return [Keyword(phrase, round(best / max(score, 1e-9), 3)) for phrase, score in chosen]
