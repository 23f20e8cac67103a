"""Lays two descriptions side by side: which values stand in the same place, and what is left."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from compiler.likeness.ordering import is_verb
from compiler.likeness.vocabulary import is_known, words
from compiler.likeness.wording import (
    Token,
    Value,
    depends_on_order,
    goes_to_people,
    has_topics,
    is_identifier,
    is_weighty,
    names_things,
)

_MOST_NAME_WORDS = 4
_BETWEEN = 6
"""A noun that was said this many words before is what `it` stands for."""
FIXED = ("word", "product")
"""What is the same in all descriptions of one workflow."""

Pairs = list[tuple[Value, Value]]
Left = tuple[list[Token], list[Token]]


def side_by_side(
    old: Sequence[Token], new: Sequence[Token], *, by_kind: bool
) -> tuple[Pairs, Left]:
    """Pair the values that stand in the same place of two texts, and return what is left of both.

    Words that both texts have in the same order are not left.

    Args:
        old: The words of the older text.
        new: Those of the newer one.
        by_kind: Whether any two values of one kind are the same.
    """
    pairs: Pairs = []
    times = [[token for token in tokens if token.kind == "schedule"] for tokens in (old, new)]
    if len(times[0]) == len(times[1]) == 1:
        # When it runs may be said anywhere.
        pairs += both_values(*times)
        old, new = [
            [token for token in tokens if token.kind != "schedule"] for tokens in (old, new)
        ]
    forms, new_forms = [
        [f"<{token.kind}>" if by_kind and token.kind else token.form for token in tokens]
        for tokens in (old, new)
    ]
    left: Left = ([], [])
    steps = SequenceMatcher(a=forms, b=new_forms, autojunk=False).get_opcodes()
    for kind, start, end, new_start, new_end in steps:
        olds, news = old[start:end], new[new_start:new_end]
        if kind == "equal":
            pairs += both_values(olds, news)
            continue
        replaced = _replaced(olds, news, _Around.of(old, start, end))
        if replaced is None and (
            _said_again(old, start, end, news, new_forms)
            or _said_again(new, new_start, new_end, olds, forms)
        ):
            continue
        if replaced is None:
            left[0].extend(olds)
            left[1].extend(news)
        else:
            pairs += replaced
    return pairs, left


def _said_again(
    tokens: Sequence[Token], start: int, end: int, instead: Sequence[Token], others: Sequence[str]
) -> bool:
    """Whether a text says a noun once more where the other one has `it`, `ones` or nothing.

    Args:
        tokens: The words of the text.
        start: Where the noun stands.
        end: The place after it.
        instead: What the other text has there.
        others: The forms of the other text's words.
    """
    if [token.form for token in tokens[start:end]] == ["ones"] and not instead:
        return True
    if end - start != 1 or [token.form for token in instead] not in ([], ["ones"]):
        return False
    noun = tokens[start]
    before = [token.form for token in tokens[:start]]
    subject = start > 0 and tokens[start - 1].form == "if"
    if not may_repeat(noun, before, subject=subject) or noun.form not in others:
        return False
    if is_one_of_several(tokens, start):
        return False
    if instead or noun.before in ("each", "every", "another"):
        return True
    between = _since(tokens, start)
    near = len(between) <= _BETWEEN and sum(map(is_verb, between)) <= 1
    return (
        near and noun.before in words().sets["articles"] and not any(map(depends_on_order, between))
    )


def _since(tokens: Sequence[Token], place: int) -> Sequence[Token]:
    """Return the words from where a noun was said last to where it is said again."""
    forms = [token.form for token in tokens[:place]]
    return tokens[place - forms[::-1].index(tokens[place].form) - 1 : place]


def is_one_of_several(tokens: Sequence[Token], place: int) -> bool:
    """Whether `it` in the place of a noun may be another one: `a report and a summary`."""
    return any(
        token.role in ("and", "or") and not is_verb(token) for token in _since(tokens, place)
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around words that two texts do not share."""

    thing: bool = False
    """A word that says that a single word is a name: `the repo shop`."""
    owner: bool = False
    """The product as well that has the thing: `the Postgres table orders`."""
    topic: bool = False
    """Words that say that a topic follows: `articles about`."""
    person: bool = False
    """Words that say that a person follows: `assign it to`."""

    @classmethod
    def of(cls, tokens: Sequence[Token], start: int, end: int) -> "_Around":
        if start == end:
            return cls()
        first, last = tokens[start], tokens[end - 1]
        before = tokens[start - 1] if start else None
        after = tokens[end] if end < len(tokens) else None
        close = before is not None and before.place == first.place - 1
        thing_before = (
            before is not None
            and close
            and names_things(before)
            and not (last.ends and _does(before, tokens[:start]))
        )
        thing_after = after is not None and after.place == last.place + 1 and names_things(after)
        owners = {token.place for token in tokens if token.fixed}
        return cls(
            thing=thing_before or thing_after,
            owner=thing_before and not owners.isdisjoint({first.place - 2, last.place + 2}),
            topic=before is not None and first.before == "about" and has_topics(before),
            person=before is not None and first.before == "to" and goes_to_people(before),
        )


def _does(thing: Token, tokens: Sequence[Token]) -> bool:
    """Whether the word after a thing may say what it does: `if the table grows`."""
    asked = any(token.form == "if" and token.part == thing.part for token in tokens)
    return asked and thing.role not in words().sets["prepositions"]


def both_values(old: Sequence[Token], new: Sequence[Token]) -> Pairs:
    """Pair the values among words that are the same."""
    both = [(a.value, b.value) for a, b in zip(old, new, strict=True)]
    return [(a, b) for a, b in both if a is not None and b is not None]


def _replaced(old: Sequence[Token], new: Sequence[Token], around: _Around) -> Pairs | None:
    """Pair what stands in the same place of two texts; None when it is not all values.

    Args:
        old: The words of the older text.
        new: Those of the newer one.
        around: What stands around them.
    """
    if old and new and _squashed(old) == _squashed(new):
        return []
    if around.topic and _are_topics(old) and _are_topics(new):
        return [(_name(old), _name(new))]
    runs = [_runs(tokens) for tokens in (old, new)]
    if len(runs[0]) != len(runs[1]):
        return None
    pairs: Pairs = []
    if len(runs[0]) > 1:
        # What stands around all of them says nothing about each.
        around = _Around()
    for olds, news in zip(*runs, strict=True):
        kinds = olds[0].sort, news[0].sort
        if kinds[0] == kinds[1] and kinds[0] not in ("name", *FIXED) and len(olds) == len(news):
            pairs += both_values(olds, news)
        elif _names(olds, news, kinds, around):
            pairs.append((_name(olds), _name(news)))
        else:
            return None
    return pairs


def _squashed(tokens: Sequence[Token]) -> str:
    """Return words without what stands between them: `free-text` and `free text` are the same."""
    return (
        "".join(token.text if token.kind or token.named else token.form for token in tokens)
        .casefold()
        .replace(" ", "")
    )


def _are_topics(tokens: Sequence[Token]) -> bool:
    """Whether words up to a comma say only what something is about."""
    return (
        0 < len(tokens) <= _MOST_NAME_WORDS
        and tokens[-1].ends
        and not any(token.ends for token in tokens[:-1])
        and not any(token.kind or token.fixed for token in tokens)
        and not any(depends_on_order(token) or is_weighty(token) for token in tokens)
    )


def _runs(tokens: Sequence[Token]) -> list[list[Token]]:
    """Group tokens of one kind that stand side by side; a name may be several words."""
    keys = [(token.sort, token.place - at) for at, token in enumerate(tokens)]
    groups = groupby(zip(keys, tokens, strict=True), lambda pair: pair[0])
    return [[token for _, token in group] for _, group in groups]


def _names(
    old: Sequence[Token], new: Sequence[Token], kinds: tuple[str, str], around: _Around
) -> bool:
    """Whether two runs of words are names, one for the other."""
    if kinds == ("name", "name"):
        return max(len(old), len(new)) <= _MOST_NAME_WORDS
    both = (old[0], new[0])
    one = len(old) == len(new) == 1 and set(kinds) <= {"name", "word"}
    if one and around.owner:
        return not any(map(depends_on_order, both))
    if one and (around.thing or around.person):
        return not any(map(_is_word, both))
    return one and any(map(is_identifier, both)) and not any(is_known(word.text) for word in both)


def _is_word(token: Token) -> bool:
    """Whether it is a word of the language, so that it names nothing."""
    return is_known(token.text) and not token.text.isupper()


def _name(tokens: Sequence[Token]) -> Value:
    text = "".join(token.text + token.gap for token in tokens[:-1])
    return Value("name", text + tokens[-1].text)


def may_repeat(token: Token, before: Container[str], *, subject: bool = False) -> bool:
    """Whether a word is a noun that was said before, so that `it` may say as much.

    Args:
        token: It.
        before: The forms of the words before it.
        subject: Whether it is known to be a noun by its place: `if the tests pass`.
    """
    return (
        token.sort == "word"
        and token.form in before
        and (subject or token.ends_phrase)
        and not is_verb(token)
        and not is_weighty(token)
    )
