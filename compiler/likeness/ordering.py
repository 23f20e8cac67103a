"""Puts words that may stand in several places of a clause into one: products, `in parallel`.

`A new Zendesk ticket comes in` and `a new ticket comes in on Zendesk` say the same, as do `create a
PagerDuty incident` and `create an incident in PagerDuty`. What is stored or sent is another matter:
`save the HubSpot leads` is not `save the leads in HubSpot`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from compiler.english.lexicon import lexicon
from compiler.likeness.vocabulary import is_known, words
from compiler.likeness.wording import Token, goes_into, is_identifier, names_things

_STARTS = frozenset(
    {"", "and", "then", "to", "please", "or", "also", "otherwise", "else", "schedulevalue"}
)
"""An imperative stands after one of these."""
_FROM = "from"
_INTO = "into"
_TRIGGER = "if"
_OTHERWISE = "otherwise"
_PARALLEL = "parallel"


def in_order(tokens: Sequence[Token]) -> list[Token]:
    """Return tokens with products, and how steps run, right after the verb of their clause."""
    found = [token for token in tokens if token.kind == "schedule"]
    tokens = [token for token in tokens if token.kind != "schedule"]
    for clause in _clauses(_things_first(tokens)):
        moved = [token for token in clause if _moves(token, clause)]
        sources = {token.place for token in moved if token.role == _FROM}
        rest = [
            token
            for token in clause
            if token not in moved
            and not (token.form == _FROM and _is_source(token, clause, sources))
        ]
        if clause[0].form in words().sets["reading"]:
            rest = [*chain.from_iterable(map(_with_direction, rest))]
        if clause[0].form in words().sets["delivering"]:
            moved = [*chain.from_iterable(map(_into, moved))]
        moved.sort(key=lambda token: token.form == _PARALLEL)
        found += [*rest[:1], *moved, *rest[1:]]
    return found


def _with_direction(token: Token) -> Iterator[Token]:
    """Say that a product after a verb of reading is where something goes: `load it into`."""
    yield from _into(token) if goes_into(token) else [token]


def _into(token: Token) -> Iterator[Token]:
    if token.fixed:
        yield replace(token, form=_INTO, text=_INTO, fixed=False)
    yield token


def _things_first(tokens: Sequence[Token]) -> list[Token]:
    """Say `the service payments-api` for `the payments-api service`."""
    found = list(tokens)
    for place, (name, thing) in enumerate(pairwise(tokens)):
        if names_things(thing) and thing.place == name.place + 1 and _is_name(name):
            found[place : place + 2] = [thing, name]
    return found


def _is_name(token: Token) -> bool:
    if token.kind is not None or token.fixed:
        return False
    own = "-" in token.text and not is_known(token.text)
    return token.named or own or is_identifier(token)


def _is_source(token: Token, clause: Sequence[Token], moved: set[int]) -> bool:
    """Whether `from` says no more than the verb or the product that was moved."""
    if clause[0].form == _TRIGGER:
        return False
    follows = {token.place + 1, token.place + 2}
    return clause[0].form in words().sets["reading"] or not follows.isdisjoint(moved)


def _clauses(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Give the parts of a text that begin with a verb or with `if`; the latter go to a comma."""
    clause: list[Token] = []
    trigger: int | None = None
    for token in tokens:
        if trigger is not None and (token.part != trigger or token.form == _OTHERWISE):
            trigger = None
            yield clause
            clause = []
        starts = token.form in (_TRIGGER, _OTHERWISE) or (trigger is None and is_verb(token))
        if starts and clause and not _only_adverbs(clause):
            yield clause
            clause = []
        if token.form == _TRIGGER:
            trigger = token.part
        clause.append(token)
    if clause:
        yield clause


def _only_adverbs(clause: Sequence[Token]) -> bool:
    return all(token.form == _PARALLEL for token in clause)


def is_verb(token: Token) -> bool:
    """Whether a word asks for something to be done, by itself or by its place."""
    verb = lexicon().verbs.get(token.text.lower())
    if verb is None or token.kind or token.named or token.fixed:
        return False
    if token.text.lower() != verb.base:
        return False
    return token.before in _STARTS or not (
        verb.is_noun or token.before in words().sets["articles"] | words().sets["prepositions"]
    )


def _moves(token: Token, clause: Sequence[Token]) -> bool:
    if token.form == _PARALLEL and not token.fixed:
        return True
    if not token.fixed or token is clause[0]:
        return False
    sets = words().sets
    if clause[0].form == _TRIGGER:
        return (
            token.role in sets["whence"] | sets["whither"] or token.role not in sets["prepositions"]
        )
    if clause[0].form in sets["delivering"]:
        after = [other.form for other in clause if other.place == token.place + 1]
        says = bool(after) and after[0] in sets["messages"]
        return token.role in sets["whither"] or (says and token.role != _FROM)
    return token.role in sets["whence"] or token.role not in sets["prepositions"]
