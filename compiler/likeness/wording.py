"""What a description says, without how it is said: its words in one form, and its values apart.

Two descriptions with the same words are candidates for the same workflow, no more: word order is
left out, so `compiler.likeness.comparison` has the last word.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from ruamel.yaml import YAML

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK, Text, normalise
from compiler.english.schedule import Schedule, find_schedule
from compiler.inflection import singular

ValueKind = Literal["url", "email", "quote", "reference", "number", "handle", "name", "schedule"]

_SCHEDULE_WORD = "schedulevalue"
_TOKEN = re.compile(
    r"(?P<mark>[\ue000-\ue003]\d+\ue00f)"
    r"|(?P<handle>[#@][\w-]+)"
    r"|(?P<number>(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-]|\.\d))"
    r"|(?P<word>[^\W_]+(?:['\u2019-][^\W_]+)*)"
    r"|(?P<stop>[.:;!?\n→•(]+)"
)
_OPENS = re.compile(r"(?:^|[.:;!?\n→•(]|\d[.)])\s*$")


@dataclass(frozen=True, slots=True)
class Value:
    """Something in a description that another one may have otherwise."""

    kind: ValueKind
    text: str
    """As it was written, without quotes."""

    @property
    def number(self) -> float | None:
        """What a written number is; None: it is no number."""
        if self.kind != "number":
            return None
        written = _words().numbers.get(self.text.lower())
        return float(self.text.replace(",", "")) if written is None else float(written)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a description in one form, in order, with `<kind>` for each value."""

    words: tuple[str, ...]
    values: tuple[Value, ...]
    schedule: Schedule | None

    @property
    def key(self) -> str:
        """What is the same for descriptions that may mean the same."""
        words = sorted({word for word in self.words if not word.startswith("<")})
        return " ".join([*words, *sorted(word for word in self.words if word.startswith("<"))])


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the values of one description stand for those of another one."""

    mapping: Mapping[Value, Value]
    counted: Mapping[Value, frozenset[str]]
    """The words after each number of the older description."""
    fields: frozenset[str]
    """The fields that hold a number of the description."""


@dataclass(frozen=True, slots=True)
class _Words:
    rewordings: tuple[tuple[re.Pattern[str], str], ...]
    empty_phrases: tuple[re.Pattern[str], ...]
    empty: frozenset[str]
    same: Mapping[str, str]
    numbers: Mapping[str, int]
    not_names: frozenset[str]


@cache
def _words() -> _Words:
    text = resources.files("compiler.likeness").joinpath("words.yaml").read_text("utf-8")
    data: dict[str, Any] = YAML(typ="safe").load(text)
    return _Words(
        tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in data["rewordings"]),
        tuple(re.compile(pattern, re.IGNORECASE) for pattern in data["empty_phrases"]),
        frozenset(data["empty"]),
        {word: line[0] for line in data["same"] for word in line},
        data["numbers"],
        frozenset(data["not_names"]),
    )


def read_wording(text: str) -> Wording:
    """Return what a description says, without how it is said."""
    marked = normalise(text)
    schedule = find_schedule(marked.marked)
    line = marked.marked
    if schedule is not None and schedule.cron:
        line = f"{line[: schedule.start]} {_SCHEDULE_WORD} {line[schedule.end :]}"
    else:
        schedule = None
    line = _reworded(line)
    words: list[str] = []
    values: list[Value] = []
    for found in _tokens(line, marked, schedule):
        if isinstance(found, Value):
            words.append(f"<{found.kind}>")
            values.append(found)
        elif found not in _words().empty:
            words.append(found)
    return Wording(tuple(words), tuple(values), schedule)


def _reworded(line: str) -> str:
    for pattern, to in _words().rewordings:
        line = pattern.sub(to, line)
    for pattern in _words().empty_phrases:
        line = pattern.sub(" ", line)
    return line


def _tokens(line: str, marked: Text, schedule: Schedule | None) -> Iterator[str | Value]:
    """Give the words in one form and the values, in order; names of several words are one."""
    line, products = _products_apart(line)
    name: list[str] = []
    last = 0
    for match in _TOKEN.finditer(line):
        word = match["word"]
        if name and (word is None or not _is_name(word) or line[last : match.start()] != " "):
            yield Value("name", " ".join(name))
            name = []
        last = match.end()
        if word is None:
            yield from _other(match, marked)
        elif word == _SCHEDULE_WORD and schedule is not None:
            yield Value("schedule", f"{schedule.cron} {schedule.timezone}")
        elif word in products:
            yield products[word]
        elif word.lower() in _words().numbers:
            yield Value("number", word)
        elif _is_name(word) and not (not name and _OPENS.search(line[: match.start()])):
            name.append(word)
        else:
            yield _one_form(word)
    if name:
        yield Value("name", " ".join(name))


def _products_apart(line: str) -> tuple[str, dict[str, str]]:
    """Replace the names of products by words that nothing else can be."""
    found: dict[str, str] = {}

    def apart(match: re.Match[str]) -> str:
        word = f"productname{len(found)}x"
        found[word] = f"product:{lexicon().products[match[1].lower()].key}"
        return word

    return lexicon().product_pattern.sub(apart, line), found


def _other(match: re.Match[str], marked: Text) -> Iterator[str | Value]:
    if match["handle"]:
        yield Value("handle", match["handle"])
    elif match["number"]:
        yield Value("number", match["number"])
    elif match["mark"] and (mark := MARK.match(match["mark"])):
        literal = marked.literals[int(mark[2])]
        if literal.kind == "reference":
            yield literal.value
        else:
            kinds: dict[str, ValueKind] = {"url": "url", "email": "email", "quote": "quote"}
            yield Value(kinds[literal.kind], literal.value)


def _is_name(word: str) -> bool:
    """Whether a word is written as the name of a person, company or place is."""
    lower = word.lower()
    return (
        word[:1].isupper()
        and any(letter.islower() for letter in word)
        and lower not in _words().not_names
        and lower not in _words().same
        and lower not in lexicon().verbs
    )


def _one_form(word: str) -> str:
    lower = word.lower().replace("\u2019", "'").removesuffix("'s").removesuffix("'")
    same = _words().same
    if lower in same:
        return same[lower]
    known = lexicon().verbs.get(lower) or lexicon().participles.get(lower)
    base = known.base if known else singular(lower)
    return same.get(base, base)


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text in one form, without the empty ones and without numbers."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", _reworded(text))
    found = (_one_form(word) for word in words)
    return frozenset(found) - _words().empty
