"""Whether two descriptions ask for the same workflow, and which value stands for which.

The words must be the same but for empty ones, synonyms and values (`compiler.likeness.wording`).
When only values differ, each in its place, that is enough; where a number decides how many
branches there are, the graph says so. When words stand elsewhere, the offline parser must read the
same graph from both texts, but for the values. Where it is asked and makes nothing of a text, the
text is like no other one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

from compiler.likeness.alignment import FIXED, Left, Pairs, both_values, side_by_side
from compiler.likeness.graphs import Numbers, read_graph, same_graph
from compiler.likeness.moving import may_move, only_moved, same_course, same_steps
from compiler.likeness.ordering import in_order
from compiler.likeness.vocabulary import is_known
from compiler.likeness.wording import Token, Value, goes_into, read_wording, with_numbers

_BESIDE = 2
_MOST_ORDERS = 4
"""Of more values of one kind than this only the order in which they stand is tried."""


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
        return _likeness(said[0], dict(both_values(*said)), Numbers())
    if _opposed(*said):
        return None
    old, new = [[token for token in in_order(tokens) if not token.link] for tokens in said]
    pairs, left = side_by_side(old, new, by_kind=True)
    if not any(left):
        return _in_place(older, old, pairs)
    pairs, left = side_by_side(old, new, by_kind=False)
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


def _opposed(old: Sequence[Token], new: Sequence[Token]) -> bool:
    """Whether something comes from what is written to in the other text."""
    roles = [_roles(tokens) for tokens in (old, new)]
    return any(
        len(found) == len(roles[1].get(form, ()))
        and any(
            {before, after} == {"from", "to"}
            for before, after in zip(found, roles[1][form], strict=True)
        )
        for form, found in roles[0].items()
    )


def _roles(tokens: Sequence[Token]) -> dict[str, list[str]]:
    """Return for each product, and each kind of value, what stands before it: `from`, `to`."""
    found: dict[str, list[str]] = {}
    for token in tokens:
        if token.fixed or token.kind or token.named:
            form = token.form if token.fixed else token.sort
            found.setdefault(form, []).append("to" if goes_into(token) else token.role)
    return found


def _in_place(older: str, old: Sequence[Token], pairs: Pairs) -> Likeness | None:
    """Return how two texts are alike that differ in values alone, each in its place.

    What the numbers stand for is seen by reading the older text with the newer one's.
    """
    mapping: dict[Value, Value] = {}
    if any(mapping.setdefault(before, after) != after for before, after in pairs):
        return None
    if any(_is_also_a_word(before, old) for before, after in pairs if before != after):
        return None
    changed = {
        before: after
        for before, after in mapping.items()
        if before.kind == "number" and before.number != after.number
    }
    if not changed:
        return _likeness(old, mapping, Numbers())
    # In digits, since the parser may read written numbers in another way.
    same = {before: before for before in changed}
    graphs = tuple(read_graph(with_numbers(older, numbers)) for numbers in (same, changed))
    if graphs[0] is None or graphs[1] is None:
        return None
    numbers = same_graph(graphs[0], graphs[1], changed)
    return None if numbers is None else _likeness(old, mapping, numbers)


def _is_also_a_word(value: Value, tokens: Sequence[Token]) -> bool:
    """Whether a name is a word that the text uses as such as well: `the table orders`, `orders`."""
    if value.kind != "name" or not is_known(value.text):
        return False
    return sum(token.text.lower() == value.text.lower() for token in tokens) > 1


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
    # Words that are only said once more are left on one side.
    if all(left) and not (may_move(old, new) and same_steps(old, new, left)):
        return
    forms = [Counter(token.form for token in tokens) for tokens in (old, new)]
    if all(map(only_moved, left, (old, new), forms, forms[::-1])) and same_course(old, new):
        kinds = [_by_kind(tokens) for tokens in left]
        if _sizes(kinds[0]) == _sizes(kinds[1]):
            for way in product(*(_ways(found, kinds[1][kind]) for kind, found in kinds[0].items())):
                yield [*pairs, *(pair for found in way for pair in found)]


def _by_kind(tokens: Sequence[Token]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for token in tokens:
        if token.sort not in FIXED:
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
    tokens = sorted((token for token in tokens if not token.link), key=lambda token: token.place)
    for place, token in enumerate(tokens):
        if token.kind == "number" and token.value is not None:
            beside = tokens[max(0, place - _BESIDE) : place + _BESIDE + 1]
            forms = frozenset(other.form for other in beside if other.kind is None)
            counted[token.value] = counted.get(token.value, frozenset()) | forms
    return counted


def _plain(tokens: Sequence[Token], mapping: Mapping[Value, Value]) -> frozenset[str]:
    """Return the words that belong to no value."""
    of_names = {word for value in mapping if value.kind == "name" for word in value.text.split()}
    return frozenset(
        token.form for token in tokens if token.kind is None and token.text not in of_names
    )
