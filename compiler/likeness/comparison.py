"""Whether two descriptions ask for the same workflow, and which value stands for which.

The words must be the same but for empty ones, synonyms and values (`compiler.likeness.wording`), in
the same order or in another one. Then the offline parser must read the same graph from both, but
for the values: where a number decides how many branches there are, or where two names change
roles, the graphs differ. A text of which the offline parser makes nothing is like no other one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, permutations, product

from compiler.likeness.graphs import Numbers, read_graph, same_graph
from compiler.likeness.wording import (
    Token,
    Value,
    depends_on_order,
    is_identifier,
    is_known,
    names_things,
    read_wording,
    tells_ways,
)

_MOST_NAME_WORDS = 4
_BESIDE = 2
_FIXED = ("word", "product")
"""What is the same in all descriptions of one workflow."""
_MOST_ORDERS = 4
"""Of more values of one kind than this only the order in which they stand is tried."""

Pairs = list[tuple[Value, Value]]
Left = tuple[list[Token], list[Token]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the values of one description stand for those of another one."""

    mapping: Mapping[Value, Value]
    """Each value of the older description, and what the newer one has in its place."""
    counted: Mapping[Value, frozenset[str]]
    """The words beside each number of the older description, in one form."""
    words: frozenset[str]
    """All other words of the older description, in one form."""
    numbers: Numbers
    """Which numbers of a specification are the description's."""


def compare(older: str, newer: str) -> Likeness | None:
    """Return how two descriptions are alike; None when they may mean different workflows."""
    said = [read_wording(text) for text in (older, newer)]
    if [token.form for token in said[0]] == [token.form for token in said[1]]:
        return _likeness(said[0], dict(_both_values(*said)), Numbers())
    old, new = [[token for token in tokens if not token.link] for tokens in said]
    pairs, left = _side_by_side(old, new)
    if not any(left) and _same_numbers(pairs):
        return _likeness(old, dict(pairs), Numbers())
    graphs = None
    for way in _pairings(old, new, pairs, left):
        mapping: dict[Value, Value] = {}
        if any(mapping.setdefault(before, after) != after for before, after in way):
            continue
        graphs = graphs or (read_graph(older), read_graph(newer))
        if graphs[0] is None or graphs[1] is None:
            return None
        numbers = same_graph(graphs[0], graphs[1], mapping)
        if numbers is not None:
            return _likeness(old, mapping, numbers)
    return None


def _likeness(old: Sequence[Token], mapping: Mapping[Value, Value], numbers: Numbers) -> Likeness:
    return Likeness(mapping, _counted(old), _plain(old, mapping), numbers)


def _same_numbers(pairs: Pairs) -> bool:
    """Whether no number differs, and each value has one in its place."""
    mapping: dict[Value, Value] = {}
    for before, after in pairs:
        counts = before.kind == "number" and before.text != after.text
        if counts or mapping.setdefault(before, after) != after:
            return False
    return True


def _pairings(
    old: Sequence[Token], new: Sequence[Token], pairs: Pairs, left: Left
) -> Iterator[Pairs]:
    """Give the ways in which values may stand for each other, the likeliest first.

    Args:
        old: The words of the older text.
        new: Those of the newer one.
        pairs: The values that stand in the same place.
        left: What is left of both.
    """
    olds, news = [{token.form for token in tokens} for tokens in (old, new)]
    # Words that are only said once more are left on one side.
    if all(left) and not _may_move(old, new):
        return
    if all(_only_moved(*side) for side in ((left[0], news), (left[1], olds))):
        kinds = [_by_kind(tokens) for tokens in left]
        if _sizes(kinds[0]) == _sizes(kinds[1]):
            for way in product(*(_ways(found, kinds[1][kind]) for kind, found in kinds[0].items())):
                yield [*pairs, *(pair for found in way for pair in found)]


def _may_move(old: Sequence[Token], new: Sequence[Token]) -> bool:
    """Whether words changed their places only where that changes no meaning."""
    if any(map(tells_ways, [*old, *new])):
        return False
    return _passages(old) == _passages(new)


def _passages(tokens: Sequence[Token]) -> list[frozenset[str]]:
    """Return the words between those that depend on order, and these themselves."""
    groups = groupby(tokens, lambda token: token.form if depends_on_order(token) else "")
    return [
        frozenset([word] if word else (token.form for token in group if _kind(token) in _FIXED))
        for word, group in groups
    ]


def _side_by_side(old: Sequence[Token], new: Sequence[Token]) -> tuple[Pairs, Left]:
    """Pair the values that stand in the same place of two texts, and return what is left of both.

    Words that both texts have in the same order are not left.
    """
    pairs: Pairs = []
    times = [[token for token in tokens if token.kind == "schedule"] for tokens in (old, new)]
    if len(times[0]) == len(times[1]) == 1:
        # When it runs may be said anywhere.
        pairs += _both_values(*times)
        old, new = [
            [token for token in tokens if token.kind != "schedule"] for tokens in (old, new)
        ]
    forms, new_forms = [[token.form for token in tokens] for tokens in (old, new)]
    left: Left = ([], [])
    steps = SequenceMatcher(a=forms, b=new_forms, autojunk=False).get_opcodes()
    for kind, start, end, new_start, new_end in steps:
        olds, news = old[start:end], new[new_start:new_end]
        if kind == "equal":
            pairs += _both_values(olds, news)
            continue
        replaced = _replaced(olds, news, beside=_named_beside(old, start, end))
        if replaced is None:
            left[0].extend(olds)
            left[1].extend(news)
        else:
            pairs += replaced
    return pairs, left


def _named_beside(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether the words from one place to another stand beside one that says they are a name."""
    if start == end:
        return False
    before = start > 0 and tokens[start - 1].place == tokens[start].place - 1
    after = end < len(tokens) and tokens[end].place == tokens[end - 1].place + 1
    return (before and names_things(tokens[start - 1])) or (after and names_things(tokens[end]))


def _both_values(old: Sequence[Token], new: Sequence[Token]) -> Pairs:
    """Pair the values among words that are the same."""
    both = [(a.value, b.value) for a, b in zip(old, new, strict=True)]
    return [(a, b) for a, b in both if a is not None and b is not None]


def _replaced(old: Sequence[Token], new: Sequence[Token], *, beside: bool) -> Pairs | None:
    """Pair what stands in the same place of two texts; None when it is not all values.

    Args:
        old: The words of the older text.
        new: Those of the newer one.
        beside: Whether a word beside them says that a single word is a name.
    """
    runs = [_runs(tokens) for tokens in (old, new)]
    if len(runs[0]) != len(runs[1]):
        return None
    pairs: Pairs = []
    for olds, news in zip(*runs, strict=True):
        kinds = _kind(olds[0]), _kind(news[0])
        if kinds[0] == kinds[1] and kinds[0] not in ("name", *_FIXED) and len(olds) == len(news):
            pairs += _both_values(olds, news)
        elif _names(olds, news, kinds, beside=beside):
            pairs.append((_name(olds), _name(news)))
        else:
            return None
    return pairs


def _runs(tokens: Sequence[Token]) -> list[list[Token]]:
    """Group tokens of one kind that stand side by side; a name may be several words."""
    keys = [(_kind(token), token.place - at) for at, token in enumerate(tokens)]
    groups = groupby(zip(keys, tokens, strict=True), lambda pair: pair[0])
    return [[token for _, token in group] for _, group in groups]


def _names(
    old: Sequence[Token], new: Sequence[Token], kinds: tuple[str, str], *, beside: bool
) -> bool:
    """Whether two runs of words are names, one for the other."""
    if kinds == ("name", "name"):
        return max(len(old), len(new)) <= _MOST_NAME_WORDS
    both = (old[0], new[0])
    one = len(old) == len(new) == 1 and set(kinds) <= {"name", "word"}
    if beside:
        return one and not any(map(_is_word, both))
    return one and any(map(is_identifier, both)) and not any(is_known(word.text) for word in both)


def _kind(token: Token) -> str:
    if token.fixed:
        return "product"
    return token.kind or ("name" if token.named else "word")


def _is_word(token: Token) -> bool:
    """Whether it is a word of the language, so that it names nothing."""
    return is_known(token.text) and not token.text.isupper()


def _name(tokens: Sequence[Token]) -> Value:
    return Value("name", " ".join(token.text for token in tokens))


def _only_moved(left: Sequence[Token], other: set[str]) -> bool:
    """Whether every word that is left stands elsewhere in the other text."""
    return all(token.form in other or _kind(token) not in _FIXED for token in left)


def _by_kind(tokens: Sequence[Token]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for token in tokens:
        if _kind(token) not in _FIXED:
            value = token.value or Value("name", token.text)
            found.setdefault(value.kind, []).append(value)
    return found


def _sizes(values: Mapping[str, Sequence[Value]]) -> dict[str, int]:
    return {kind: len(found) for kind, found in values.items()}


def _ways(olds: Sequence[Value], news: Sequence[Value]) -> list[Pairs]:
    """Return the orders in which values of one kind may stand for each other; the same stay."""
    moved = [(value, value) for value in olds if value in news]
    olds = [value for value in olds if value not in news]
    news = [value for value in news if (value, value) not in moved]
    if len(olds) != len(news):
        return []
    orders = permutations(news) if len(news) <= _MOST_ORDERS else [tuple(news)]
    return [[*moved, *zip(olds, order, strict=True)] for order in orders]


def _counted(tokens: Sequence[Token]) -> dict[Value, frozenset[str]]:
    """Return the words beside each number."""
    counted: dict[Value, frozenset[str]] = {}
    for place, token in enumerate(tokens):
        if token.kind == "number" and token.value is not None:
            beside = tokens[max(0, place - _BESIDE) : place + _BESIDE + 1]
            forms = frozenset(other.form for other in beside if other.kind is None)
            counted[token.value] = counted.get(token.value, frozenset()) | forms
    return counted


def _plain(tokens: Sequence[Token], mapping: Mapping[Value, Value]) -> frozenset[str]:
    """Return the words that belong to no value."""
    of_values = {word.lower() for value in mapping for word in value.text.split()}
    return frozenset(
        token.form for token in tokens if token.kind is None and token.text.lower() not in of_values
    )
