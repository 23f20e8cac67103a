"""Whether words that stand elsewhere in another description change what it asks for."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from compiler.likeness.alignment import FIXED, Left, is_one_of_several, may_repeat
from compiler.likeness.ordering import is_verb
from compiler.likeness.wording import Token, depends_on_order, tells_ways

_PART_STARTS = frozenset({"", "and", "then"})
"""Before the first word of a part of a sentence; empty: a comma."""


def same_steps(old: Sequence[Token], new: Sequence[Token], left: Left) -> bool:
    """Whether words that changed their places still belong to the same verbs."""
    heads = [
        {token.form for token in moved if token.sort == "word" and token.before in _PART_STARTS}
        for moved in left
    ]
    if heads[0] & heads[1]:
        # An unknown verb may be among them.
        return False
    steps: list[dict[str, list[int]]] = []
    for tokens, moved in zip((old, new), left, strict=True):
        places = {token.place for token in moved}
        found: dict[str, list[int]] = {}
        verbs = 0
        for token in tokens:
            verbs += is_verb(token)
            if token.place in places and token.sort in FIXED:
                found.setdefault(token.form, []).append(verbs)
        steps.append(found)
    return all(steps[1].get(form, found) == found for form, found in steps[0].items())


def same_course(old: Sequence[Token], new: Sequence[Token]) -> bool:
    """Whether two texts have the same verbs in the same order, and as many `if`, `not` and `or`."""
    verbs, ordered = [
        [[token.form for token in tokens if tells(token)] for tokens in (old, new)]
        for tells in (is_verb, depends_on_order)
    ]
    return verbs[0] == verbs[1] and sorted(ordered[0]) == sorted(ordered[1])


def may_move(old: Sequence[Token], new: Sequence[Token]) -> bool:
    """Whether words changed their places only where that changes no meaning."""
    if any(map(tells_ways, [*old, *new])):
        return False
    return _passages(old) == _passages(new)


def _passages(tokens: Sequence[Token]) -> list[frozenset[str]]:
    """Return the words between those that depend on order, and these themselves."""
    groups = groupby(tokens, lambda token: token.form if depends_on_order(token) else "")
    return [
        frozenset([word] if word else (token.form for token in group if token.sort in FIXED))
        for word, group in groups
    ]


def only_moved(
    left: Sequence[Token], tokens: Sequence[Token], own: Counter[str], other: Counter[str]
) -> bool:
    """Whether every word that is left stands elsewhere in the other text, or is a noun said again.

    Args:
        left: What is left of one text.
        tokens: All words of it.
        own: How often each word stands in it.
        other: How often each word stands in the other one.
    """
    before: Counter[str] = Counter()
    again = set()
    for place, token in enumerate(tokens):
        if may_repeat(token, before) and not is_one_of_several(tokens, place):
            again.add(token.place)
        before[token.form] += 1
    return all(
        other[token.form] >= own[token.form] or (other[token.form] and token.place in again)
        for token in left
        if token.sort in FIXED
    )
