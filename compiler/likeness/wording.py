"""What a description says, without how it is said: its words in one form, and its values apart."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from itertools import zip_longest
from typing import Any, Literal

from ruamel.yaml import YAML

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK, Text, normalise
from compiler.english.schedule import find_schedule
from compiler.inflection import singular

ValueKind = Literal["url", "email", "quote", "number", "handle", "schedule", "name"]

_AT_PRODUCTS = frozenset({"scrape", "research", "fetch", "check", "store"})
"""Actions whose object may be a product."""
_SCHEDULE_WORD = "schedulevalue"
_TOKEN = re.compile(
    r"(?P<mark>[\ue000-\ue003]\d+\ue00f)"
    r"|(?P<path>[a-z][a-z0-9+]*://[^\s,;→]*[^\s,;.→])"
    r"|(?P<handle>[#@][\w-]+|\+\d[\d ()-]{6,}\d)"
    r"|(?P<number>(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-]|\.\d))"
    r"|(?P<word>[^\W_]+(?:['\u2019/_-][^\W_]+)*(?:\.(?:csv|sql|json|pdf|xlsx?|docx?|txt|md|ya?ml|py|png|jpe?g|mp[34]|wav|zip)\b)?)"
)
_FULL_NAME = re.compile(r"(?:[A-Z][a-z]+|(?:Mr|Mrs|Ms|Dr|Prof)\.?) [A-Z][a-z]+(?![\w])")
"""Two words of a name: a person's more often than a product's."""
_IDENTIFIER = re.compile(r"[/_.]|\d")
_OPENS = re.compile(r"(?:^|[.:;!?\n→•(]|\d[.)])\s*$")
_LISTED = re.compile(r"(?m)(?:^|(?<=[\s.]))\d{1,2}[.)]\s+(?=[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Value:
    """Something in a description that another one may have otherwise."""

    kind: ValueKind
    text: str
    """As it was written, without quotes; of a schedule the cron expression and the time zone."""
    spoken: str = field(default="", compare=False)
    """How a schedule was written."""

    @property
    def number(self) -> float | None:
        """What a written number is; None: it is no number."""
        if self.kind != "number":
            return None
        written = _words().numbers.get(self.text.lower())
        return float(self.text.replace(",", "")) if written is None else float(written)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in one form, or a value."""

    form: str
    """What is the same for tokens that say the same."""
    text: str
    """As it was written."""
    place: int
    """How many words and values stand before it."""
    kind: ValueKind | None = None
    """What it is a value of; None: it is a word."""
    named: bool = False
    """A word that is written as the name of a person, company, place or thing."""
    link: bool = False
    """A word that only links others."""
    fixed: bool = False
    """The name of what may be a product: a workflow with another one is another workflow."""

    @property
    def value(self) -> Value | None:
        """The value, if it is one."""
        if self.kind == "schedule":
            return Value("schedule", self.form, self.text)
        return Value(self.kind, self.text) if self.kind else None


@dataclass(frozen=True, slots=True)
class _Words:
    rewordings: tuple[tuple[re.Pattern[str], str], ...]
    empty_phrases: tuple[re.Pattern[str], ...]
    same: Mapping[str, str]
    numbers: Mapping[str, int]
    titles: re.Pattern[str]
    sets: Mapping[str, frozenset[str]]


@cache
def _words() -> _Words:
    text = resources.files("compiler.likeness").joinpath("words.yaml").read_text("utf-8")
    data: dict[str, Any] = YAML(typ="safe").load(text)
    titles = "|".join(data["titles"])
    return _Words(
        tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in data["rewordings"]),
        tuple(re.compile(pattern, re.IGNORECASE) for pattern in data["empty_phrases"]),
        {word: line[0] for line in data["same"] for word in line},
        data["numbers"],
        re.compile(rf"\b(?:{titles})\.\s*$", re.IGNORECASE),
        {name: frozenset(words) for name, words in data["sets"].items()},
    )


def read_wording(text: str) -> tuple[Token, ...]:
    """Return what a description says, in order, without how it is said."""
    marked = normalise(text)
    line = _LISTED.sub(" ", marked.marked)
    schedule = find_schedule(line)
    when = None
    if schedule is not None and schedule.cron:
        spoken = line[schedule.start : schedule.end].strip(" ,.")
        when = Token(f"{schedule.cron} {schedule.timezone}", spoken, 0, "schedule")
        line = f"{line[: schedule.start]} {_SCHEDULE_WORD} {line[schedule.end :]}"
    tokens = [*_tokens(_reworded(line), marked, when)]
    return tuple(
        _counting_workers(token, after)
        for token, after in zip_longest(tokens, tokens[1:])
        if token.kind or token.named or token.form not in _words().sets["empty"]
    )


def _counting_workers(token: Token, after: Token | None) -> Token:
    """Make a number of those who do the work a word: another number is another workflow."""
    if token.kind == "number" and after is not None and after.form in _words().sets["workers"]:
        return replace(token, kind=None)
    return token


def plain_words(text: str) -> frozenset[str]:
    """Return the words of a description in one form, without values, by which it is found again."""
    tokens = read_wording(text)
    return frozenset(
        token.form for token in tokens if not (token.kind or token.named or token.link)
    )


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text in one form, without the empty ones and without numbers."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", _reworded(text))
    return frozenset(map(one_form, words)) - _words().sets["empty"] - _words().sets["links"]


def names_things(token: Token) -> bool:
    """Whether the word beside a token is the name of a thing, as in `the bucket backups`."""
    return token.form in _words().sets["naming"]


def depends_on_order(token: Token) -> bool:
    """Whether words on its other side would mean something else: `if`, `above`, `not`."""
    return token.form in _words().sets["ordered"]


def is_identifier(token: Token) -> bool:
    """Whether a word is written as programs write names: `acme/shop`, `stg_orders`, `q3.csv`."""
    return bool(_IDENTIFIER.search(token.text))


def tells_ways(token: Token) -> bool:
    """Whether the words after it are ways of a choice: `classify`, `route`."""
    return token.form in _words().sets["choosing"]


def is_known(word: str) -> bool:
    """Whether a word means something to the parser, so that it is nothing's own name."""
    lower = word.lower()
    return lower in _words().same or lower in _known() or singular(lower) in _known()


@cache
def _known() -> frozenset[str]:
    found = lexicon()
    places = (word for words in found.data["places"].values() for word in words)
    return frozenset().union(
        found.verbs, found.participles, _words().sets["ordered"], _words().sets["naming"], places,
        _words().sets["roles"], *found.sets.values(),
    )  # fmt: skip


def one_form(word: str) -> str:
    """Return the form that stands for a word: its base or singular, its first synonym."""
    lower = word.lower().replace("\u2019", "'").removesuffix("'s").removesuffix("'")
    same = _words().same
    if lower in same:
        return same[lower]
    known = lexicon().verbs.get(lower) or lexicon().participles.get(lower)
    base = known.base if known else singular(lower)
    return same.get(base, base.replace("-", ""))


def _reworded(line: str) -> str:
    for pattern, to in _words().rewordings:
        line = pattern.sub(to, line)
    for pattern in _words().empty_phrases:
        line = pattern.sub(" ", line)
    return line


def _tokens(line: str, marked: Text, when: Token | None) -> Iterator[Token]:
    line, products = _products_apart(line)
    before = ""
    for place, match in enumerate(_TOKEN.finditer(line)):
        word = match["word"]
        if word is None:
            yield _other(match, marked, place)
        elif word == _SCHEDULE_WORD and when is not None:
            yield replace(when, place=place)
        elif word in products:
            yield Token(products[word], products[word], place, fixed=True)
        elif word.lower() in _words().numbers:
            yield Token(str(_words().numbers[word.lower()]), word, place, "number")
        else:
            full_name = bool(_FULL_NAME.match(line, match.start()))
            yield _word(word, line[: match.start()], place, before, full_name=full_name)
        before = (word or "").lower()


def _word(word: str, line: str, place: int, before: str, *, full_name: bool) -> Token:
    """Return the token of a word, given the line and the word before it."""
    opens = bool(_OPENS.search(line) and not _words().titles.search(line))
    form = one_form(word)
    named = _is_name(word, opens)
    if named and word[:1].isupper() and word.isalpha() and _places(before, full_name):
        return Token(form, word, place, fixed=True)
    return Token(form, word, place, named=named, link=form in _words().sets["links"] and not named)


def _places(word: str, full_name: bool) -> bool:
    """Whether a name after a word may be that of a product: `on`, `into`, `search`."""
    if word in _words().sets["placing"]:
        return not (full_name and word == "with")
    verb = lexicon().verbs.get(word)
    return verb is not None and verb.action in _AT_PRODUCTS and not full_name


def _products_apart(line: str) -> tuple[str, dict[str, str]]:
    """Replace the names of products by words that nothing else can be."""
    found: dict[str, str] = {}

    def apart(match: re.Match[str]) -> str:
        word = f"productname{len(found)}x"
        found[word] = match[1].lower()
        return word

    return lexicon().product_pattern.sub(apart, line), found


def _other(match: re.Match[str], marked: Text, place: int) -> Token:
    if match["path"]:
        return Token(match["path"], match["path"], place, "url")
    if match["handle"]:
        return Token(match["handle"].lower(), match["handle"], place, "handle")
    if match["number"]:
        return Token(match["number"].replace(",", ""), match["number"], place, "number")
    mark = MARK.match(match["mark"])
    literal = marked.literals[int(mark[2])] if mark else None
    if literal is None:
        raise AssertionError("a mark stands for a literal")
    kinds: dict[str, ValueKind] = {"url": "url", "email": "email", "quote": "quote"}
    return Token(literal.value, literal.value, place, kinds.get(literal.kind))


def _is_name(word: str, opens: bool) -> bool:
    """Whether a word is written as a name is: `Ann`, `web-shop_2`, `acme/shop`, a month."""
    lower = word.lower()
    words = _words()
    if lower in words.sets["dates"]:
        return True
    if lower in words.sets["not_names"] or lower in words.same or lower in lexicon().verbs:
        return False
    capital = word[:1].isupper() and any(letter.islower() for letter in word) and not opens
    return capital or bool(_IDENTIFIER.search(word))
