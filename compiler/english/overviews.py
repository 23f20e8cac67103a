"""A first sentence that only sums up what the next ones tell step by step.

"Convert reports into slides. Extracts the text, picks the key points and renders a deck." starts
over with its second sentence, so the first one is a title.
"""

import re
from collections.abc import Sequence

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.verbs import Opening, opens_step, read_opening

_JOINT = re.compile(r",\s+(?:and\s+)?(?:then\s+)?|\s+and\s+(?:then\s+)?")
_STAGES = {
    "scrape": 0, "research": 0, "fetch": 0, "check": 0, "extract": 1, "transform": 1, "filter": 1,
    "dedupe": 1, "sort": 1, "analyze": 2, "summarize": 2, "classify": 2, "translate": 2, "score": 2,
    "generate": 2, "aggregate": 3,
}  # fmt: skip
_LAST = 4
_LEAST_STEPS = 3


def without_overview(sentences: Sequence[str]) -> list[str]:
    """Return the sentences without a first one that only sums up what the second one tells."""
    if len(sentences) < 2 or not _starts_over(sentences[0], sentences[1]):
        return list(sentences)
    return list(sentences[1:])


def _starts_over(title: str, told: str) -> bool:
    first, second = read_opening(title), read_opening(told)
    if first is None or second is None or first.gerund or first.third or not second.third:
        return False
    if _steps(title) >= _LEAST_STEPS or _steps(told) < _LEAST_STEPS or MARK.search(title):
        return False
    named = {match[1].lower() for match in lexicon().product_pattern.finditer(title)}
    known = {match[1].lower() for match in lexicon().product_pattern.finditer(told)}
    return named <= known and _stage(first, title) >= _stage(second, told)


def _stage(opening: Opening, sentence: str) -> int:
    """Return how late in a workflow a verb stands: reading comes first, sending last."""
    if opening.verb.base in ("enrich", "transcribe"):
        return 0
    if opening.verb.action == "aggregate" and re.search(r"\bfrom\b", sentence):
        return 0
    return _STAGES.get(opening.verb.action, _LAST)


def _steps(sentence: str) -> int:
    joints = list(_JOINT.finditer(sentence))
    opened = (opens_step(sentence[j.end() :], sentence[: j.start()]) for j in joints)
    return 1 + sum(opened)
