"""Kinds that one step tells apart and the next ones deal with: a choice without an "if".

"Classify the ticket as bug or question. File bugs in Jira, answer questions from the FAQ."
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from compiler.english.clause import Clause
from compiler.english.lexicon import lexicon
from compiler.english.nouns import words_of
from compiler.english.verbs import read_opening, strip_leading
from compiler.inflection import singular

_KINDS = re.compile(
    r"\b(?:as|into|in|whether (?:it|this|they|each(?: one)?)(?:'s| is| are)|if (?:it|this)(?:'s|"
    r" is)"
    r"|between) (?:either |one of )?(?:an? |the )?(?P<kinds>[\w'/ -]+?(?:,\s*(?!or\b|and\b)"
    r"[\w'/ -]+?)*,?\s+(?:or|and)\s+[\w'/ -]+?)\W*$",
    re.IGNORECASE,
)
_JOINT = re.compile(r",\s*(?:or\s+|and\s+)?|\s+(?:or|and)\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|either)\s+", re.IGNORECASE)
_OTHERS = re.compile(
    r"\b(?:the rest|the others|everything else|all others|anything else|the remaining \w+)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r",\s*(?:and\s+|but\s+)?|\s+and\s+", re.IGNORECASE)
_MOST_WORDS = 4


def with_kinds(clauses: Sequence[Clause]) -> list[Clause]:
    """Read steps that each deal with one kind, after a step that tells them apart, as ways."""
    found: list[Clause] = []
    place = 0
    while place < len(clauses):
        found.append(clauses[place])
        place += 1
        kinds = _kinds(found[-1])
        ways, place = _ways(clauses, place, kinds) if kinds else ([], place)
        if ways:
            found[-1] = _classified(found[-1], kinds)
            found.extend(ways)
    return found


def _kinds(clause: Clause) -> list[str]:
    """Return the kinds that a step sorts into."""
    if clause.kind not in ("action", "whether"):
        return []
    text = f"whether {clause.text}" if clause.kind == "whether" else clause.text
    opening = read_opening(strip_leading(text))
    sorts = clause.kind == "whether" or (
        opening is not None
        and (
            opening.verb.action == "classify" or opening.verb.base in lexicon().words("tells_apart")
        )
    )
    match = _KINDS.search(text) if sorts else None
    kinds = (
        [_ARTICLE.sub("", part.strip()) for part in _JOINT.split(match["kinds"])] if match else []
    )
    plain = all(kind and len(kind.split()) <= _MOST_WORDS for kind in kinds)
    return kinds if len(kinds) > 1 and plain else []


def _classified(clause: Clause, kinds: list[str]) -> Clause:
    """Return a step that tells kinds apart as one that gives a label."""
    opening = read_opening(strip_leading(clause.text))
    if clause.kind == "action" and opening is not None and opening.verb.action == "classify":
        return clause
    asks = re.search(r"\b(?:whether|if)\b", clause.text) or clause.kind == "whether"
    what = "it" if asks or opening is None else _KINDS.sub("", opening.rest).strip() or "it"
    return replace(clause, kind="action", text=f"classify {what} as {', '.join(kinds)}")


def _ways(clauses: Sequence[Clause], place: int, kinds: list[str]) -> tuple[list[Clause], int]:
    """Return the ways of the kinds and where the steps go on; no way when only one is named."""
    ways: list[Clause] = []
    used: list[str] = []
    told = [part for clause in clauses[place:] for part in _by_kind(clause, kinds)]
    end = 0
    for number, clause in enumerate(told):
        if clause.kind != "action" or clause.always:
            break
        kind = _kind_of(clause, kinds)
        if kind is not None and kind not in used:
            used.append(kind)
            opened = Clause(
                "if", clause.separator if len(used) == 1 else "condition", f"it is {kind}"
            )
            ways += [opened, replace(clause, separator="condition")]
            end = number + 1
        elif used and _OTHERS.search(clause.text):
            ways += [Clause("else", "condition", "else"), replace(clause, separator="condition")]
            used.append("")
            end = number + 1
        elif _goes_on(told, number, kinds, used):
            ways.append(clause)
        else:
            break
    if len(used) < 2:
        return [], place
    return [*ways, *told[end:]], len(clauses)


def _by_kind(clause: Clause, kinds: list[str]) -> list[Clause]:
    """Cut "file bugs in Jira, answer questions" where each part deals with a kind of its own."""
    parts = [part.strip() for part in _PARTS.split(clause.text) if part.strip()]
    named = [_kind_of(replace(clause, text=part), kinds) for part in parts]
    opened = all(read_opening(part) for part in parts)
    if clause.kind != "action" or len(parts) < 2 or None in named or not opened:
        return [clause]
    if len(set(named)) < len(named):
        return [clause]
    first, *others = parts
    return [
        replace(clause, text=first),
        *(replace(clause, text=part, separator="comma") for part in others),
    ]


def _goes_on(clauses: Sequence[Clause], number: int, kinds: list[str], used: list[str]) -> bool:
    """Whether a step without a kind stands between two ways, in the sentence of the first one."""
    if not used or clauses[number].separator not in ("comma", "then"):
        return False
    following = clauses[number + 1] if number + 1 < len(clauses) else None
    if following is None or following.kind != "action":
        return False
    kind = _kind_of(following, kinds)
    return kind is not None and kind not in used


def _kind_of(clause: Clause, kinds: list[str]) -> str | None:
    """Return the only kind of which a step names the last word."""
    words = {singular(word) for word in words_of(clause.text)}
    named = [
        kind for kind in kinds if singular(words_of(kind)[-1] if words_of(kind) else kind) in words
    ]
    if len(named) != 1:
        own = {kind: {singular(word) for word in words_of(kind)} for kind in kinds}
        shared = {w for kind in kinds for w in own[kind] if sum(w in o for o in own.values()) > 1}
        named = [kind for kind in kinds if (own[kind] - shared) & words]
    return named[0] if len(named) == 1 else None
