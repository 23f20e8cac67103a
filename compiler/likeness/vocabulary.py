"""The words of `words.yaml` and `names.yaml`: which say the same, which say nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from compiler.english.lexicon import lexicon
from compiler.inflection import singular

IDENTIFIER = re.compile(r"[/_.]|\d")
"""What is written in names of programs, and seldom in words."""


@dataclass(frozen=True, slots=True)
class Words:
    """All lists, ready for look-up."""

    rewordings: tuple[tuple[re.Pattern[str], str], ...]
    empty_phrases: tuple[re.Pattern[str], ...]
    same: Mapping[str, str]
    numbers: Mapping[str, int]
    titles: re.Pattern[str]
    places: re.Pattern[str]
    languages: Mapping[str, str]
    """Their codes by their names."""
    sets: Mapping[str, frozenset[str]]


@cache
def words() -> Words:
    """Return the lists, read from the package once in a process."""
    data = _read("words.yaml")
    names = _read("names.yaml")
    titles = "|".join(data["titles"])
    places = sorted(names["places"], key=len, reverse=True)
    return Words(
        tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in data["rewordings"]),
        tuple(re.compile(pattern, re.IGNORECASE) for pattern in data["empty_phrases"]),
        {word: line[0] for line in data["same"] for word in line},
        data["numbers"],
        re.compile(rf"\b(?:{titles})\.\s*$", re.IGNORECASE),
        re.compile(rf"\b(?:{'|'.join(map(re.escape, places))})\b"),
        names["languages"],
        {name: frozenset(found) for name, found in data["sets"].items()},
    )


def _read(name: str) -> Any:
    text = resources.files("compiler.likeness").joinpath(name).read_text("utf-8")
    return YAML(typ="safe").load(text)


def is_known(word: str) -> bool:
    """Whether a word means something to the parser, so that it is nothing's own name."""
    lower = word.lower()
    return lower in words().same or lower in _known() or singular(lower) in _known()


@cache
def _known() -> frozenset[str]:
    found = lexicon()
    places = (word for listed in found.data["places"].values() for word in listed)
    return frozenset().union(
        found.verbs, found.participles, words().sets["ordered"], words().sets["naming"], places,
        words().sets["roles"], *found.sets.values(),
    )  # fmt: skip


def one_form(word: str) -> str:
    """Return the form that stands for a word: its base or singular, its first synonym."""
    lower = word.lower().replace("\u2019", "'").removesuffix("'s").removesuffix("'")
    same = words().same
    if lower in same:
        return same[lower]
    known = lexicon().verbs.get(lower) or lexicon().participles.get(lower)
    base = known.base if known else singular(lower)
    return same.get(base, base.replace("-", ""))


def reworded(line: str) -> str:
    """Return a line in which what may be said in several ways is said in one of them."""
    for pattern, to in words().rewordings:
        line = pattern.sub(to, line)
    for pattern in words().empty_phrases:
        line = pattern.sub(" ", line)
    return line
