"""Conditions that are each other's opposite, and words that only affirm one."""

import re

from compiler.english.conditions import is_decision
from compiler.english.lexicon import lexicon

AFFIRMED = re.compile(
    r"^(?:so|yes|it is|it does|they are|they do|true|that is the case|it's|there is|there are)$",
    re.I,
)


def opposite(one: str, other: str) -> bool:
    """Whether two conditions are each other's opposite, as "up" and "down" are."""
    first, second = _core(one), _core(other)
    if first == second:
        return _denies(one) != _denies(other)
    if (
        _ALL.match(one)
        and _ANY.match(other)
        and {"pass", "fail"} == {_outcome(one), _outcome(other)}
    ):
        return True
    decisions = {is_decision(one), is_decision(other)}
    if decisions == {True, False}:
        return True
    if _strip_not(first) == _strip_not(second):
        return True
    words = lexicon().data["conditions"]
    for pair in (("failing", "working"), ("approved", "rejected")):
        kinds = [next((name for name in pair if c in words[name]), None) for c in (first, second)]
        if None not in kinds and kinds[0] != kinds[1]:
            return True
    return any(_swapped(first, second, *pair) for pair in words["opposites"])


_DENIES = re.compile(r"^(?:there (?:is|are) )?(?:no|none|not|neither|nothing)\b", re.IGNORECASE)
_ALL = re.compile(r"^(?:all|every|everything|both)\b", re.IGNORECASE)
_ANY = re.compile(r"^(?:any|one|something|anything|some|a)\b", re.IGNORECASE)


def _denies(condition: str) -> bool:
    return bool(_DENIES.match(condition.strip()))


def _outcome(condition: str) -> str:
    words = condition.lower()
    return (
        "fail"
        if re.search(r"\bfail", words)
        else "pass"
        if re.search(r"\b(?:pass|succe)", words)
        else ""
    )


def _core(condition: str) -> str:
    text = re.sub(
        r"^(?:the |it(?:'s)?\b|they |that |this |an? )\s*", "", condition.lower().strip(" .")
    )
    text = re.sub(
        r"^(?:[\w' ]+? )?(?:is|are|was|were|has been|gets|goes|comes back)\s+(?=\S)", "", text
    )
    return re.sub(r"n't\b", " not", text).strip()


def _strip_not(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\b(?:not|no|doesn't|isn't|does|do)\b", "", text)).strip()


def _swapped(first: str, second: str, one: str, other: str) -> bool:
    def has(text: str, word: str) -> bool:
        return bool(re.search(rf"\b{re.escape(word)}\b", text))

    return (has(first, one) and has(second, other)) or (has(first, other) and has(second, one))
