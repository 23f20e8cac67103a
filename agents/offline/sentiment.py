"""Sentiment of reviews and messages: VADER, with reviewers' phrases and lukewarm verdicts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol, cast

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.offline.lexicon import LUKEWARM, PHRASES, WORDS
from agents.offline.text import sentences

Label = Literal["positive", "neutral", "negative"]

_POSITIVE = 0.2
_NEGATIVE = -0.2
_OPINION = 1.8
"""From this strength on a word is a verdict; weaker ones (support, value) are things as well."""
_CONTRAST = re.compile(
    r"[,;.]?\s+(?:but|however|although|though|yet|still|unfortunately)\b,?", re.IGNORECASE
)
_LUKEWARM = tuple(re.compile(pattern, re.IGNORECASE) for pattern in LUKEWARM)
_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), f"weftphrase{index}", weight)
    for index, (pattern, weight) in enumerate(PHRASES)
)


@dataclass(frozen=True, slots=True)
class Sentiment:
    """A judgement: the label, and a score from -1 (worst) to 1 (best)."""

    label: Label
    score: float


def judge(text: str) -> Sentiment:
    """Judge how pleased the writer is.

    Every sentence counts once, the first (which often holds the verdict) and the last more; words
    of someone who neither praises nor blames pull the score towards zero.
    """
    parts = sentences(text.replace("\u2019", "'"))
    scores = [_score(part) for part in parts]
    weighted = [
        (score, 2.0 if index == 0 else 1.25 if index == len(scores) - 1 else 1.0)
        for index, score in enumerate(scores)
        if abs(score) > 0.05
    ]
    if not weighted:
        return Sentiment("neutral", 0.0)
    mean = sum(score * weight for score, weight in weighted) / sum(w for _, w in weighted)
    lukewarm = sum(1 for pattern in _LUKEWARM if pattern.search(text))
    mixed = max(scores) > 0.3 and min(scores) < -0.3
    damping = 0.4**lukewarm if abs(mean) < 0.75 else 0.75**lukewarm
    score = round(mean * damping * (0.8 if mixed else 1.0), 2)
    return Sentiment(label_of(score), score)


def label_of(score: float) -> Label:
    """Return the label of a score."""
    if score >= _POSITIVE:
        return "positive"
    return "negative" if score <= _NEGATIVE else "neutral"


def is_opinion(word: str) -> bool:
    """Whether a word says what someone thinks rather than what they talk about."""
    return abs(_analyzer().lexicon.get(word.lower(), 0.0)) >= _OPINION


def _score(sentence: str) -> float:
    """Score one sentence; what follows a contrast weighs more than what stands before it."""
    for pattern, token, _ in _PHRASES:
        sentence = pattern.sub(token, sentence)
    before, *after = _CONTRAST.split(sentence, maxsplit=1)
    compound = _analyzer().polarity_scores
    first = compound(before)["compound"]
    if not after:
        return first
    second = compound(after[0])["compound"]
    return 0.4 * first + 0.6 * second if first and second else first + second


class _Vader(Protocol):
    """The part of the untyped library that is used."""

    lexicon: dict[str, float]

    def polarity_scores(self, text: str) -> dict[str, float]:
        """Score a text; `compound` is the verdict."""
        ...


@cache
def _analyzer() -> _Vader:
    analyzer = cast("Callable[[], _Vader]", SentimentIntensityAnalyzer)()
    analyzer.lexicon.update(WORDS)
    analyzer.lexicon.update({token: weight for _, token, weight in _PHRASES})
    return analyzer
