"""A first sentence that only sums up what the next ones tell step by step.

"Convert reports into slides. Extracts the text, picks the key points and renders a deck." starts
over with its second sentence, so the first one is a title.
"""

import re
from collections.abc import Sequence

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.nouns import object_phrase, words_of
from compiler.english.verbs import Opening, opens_step, read_opening
from compiler.inflection import singular

_JOINT = re.compile(r",\s+(?:and\s+)?(?:then\s+)?|\s+and\s+(?:then\s+)?")
_STAGES = {
    "scrape": 0, "research": 0, "fetch": 0, "check": 0, "extract": 1, "transform": 1, "filter": 1,
    "dedupe": 1, "sort": 1, "analyze": 2, "summarize": 2, "classify": 2, "translate": 2, "score": 2,
    "generate": 2, "aggregate": 3,
}  # fmt: skip
_LAST = 4
_LEAST_STEPS = 3


_PURPOSE = re.compile(
    r"^(?:please )?(?:(?:i|we) (?:need|want|have)|build|create|design|make|develop|set up|this"
    r" is|here is|implement)"
    r" (?:me )?(?:an?|the|our|some) (?:[\w/-]+ ){0,6}?(?:workflow|flow|process|automation"
    r"|pipeline|playbook|system)"
    r" (?:that |which |to |for )(?:can |will |should )?(?:handl|manag|process|automat|deal"
    r"|support|respond|cover"
    r"|streamlin|track)\w* [^,:;]+$",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(?:first|firstly|to start|to begin|initially)\b", re.IGNORECASE)
_HOW = re.compile(r"how it works\s*[:—-]", re.IGNORECASE)
_TOLD_START = re.compile(
    r"\b(?:when|whenever|every|each|daily|weekly|monthly|hourly|upon|triggered)\b", re.IGNORECASE
)


def without_overview(sentences: Sequence[str]) -> list[str]:
    """Return the sentences without first ones that only sum up what the next ones tell."""
    for place, sentence in enumerate(sentences):
        if place and _HOW.match(sentence):
            return list(sentences[place:])
    if len(sentences) > 1 and _PURPOSE.match(sentences[0].rstrip(" .!")):
        return list(sentences[1:])
    if (len(sentences) > 1 and _is_connection(sentences)) or _told_again(sentences):
        return list(sentences[1:])
    if len(sentences) > 1 and _FIRST.match(sentences[1]) and _is_aim(sentences[0]):
        return list(sentences[1:])
    if len(sentences) < 2 or not _starts_over(sentences[0], sentences[1]):
        return list(sentences)
    return list(sentences[1:])


_CONNECTS = re.compile(
    r"(?:connect|integrate|link|pair|combine) [^,.]+ (?:to|with|and) [^.]+$", re.IGNORECASE
)
_EVENT = re.compile(r"(?:when|whenever|every|each|upon|once|as soon as|if)\b", re.IGNORECASE)


_CLAUSE_BEFORE = re.compile(
    r"^(?:when|whenever|once|after|if|as soon as|upon|while)\b[^,]*,\s*", re.IGNORECASE
)
"""What comes before the deed of a sentence: "once it is created, …" tells no creation."""


def _is_aim(sentence: str) -> bool:
    """Whether a sentence tells one last deed, which the steps after it lead to."""
    opening = read_opening(sentence)
    late = opening is None or _stage(opening, sentence) >= _LAST
    return late and _steps(sentence) == 1 and not _TOLD_START.search(sentence)


def _is_connection(sentences: Sequence[str]) -> bool:
    """Whether a text begins by naming two services, and says then when what happens."""
    return bool(_CONNECTS.match(sentences[0].rstrip(" .!")) and _EVENT.match(sentences[1]))


def _told_again(sentences: Sequence[str]) -> bool:
    """Whether a later sentence tells the only step of the first one once more, with its place."""
    first = read_opening(sentences[0])
    if len(sentences) < 2 or first is None or first.gerund or _steps(sentences[0]) > 1:
        return False
    if _stage(first, sentences[0]) < _LAST:
        return False
    heads = words_of(object_phrase(first.rest))[-1:]
    later = " ".join(_CLAUSE_BEFORE.sub("", sentence) for sentence in sentences[1:]).lower()
    forms = {form for form, verb in lexicon().participles.items() if verb.base == first.verb.base}
    done = any(
        re.search(rf"\b(?:is|are|be|gets?|been) (?:\w+ly )?{re.escape(form)}\b", later)
        for form in forms
    )
    return (
        done
        and bool(heads)
        and re.search(rf"\b{re.escape(singular(heads[0]))}s?\b", later) is not None
    )


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
