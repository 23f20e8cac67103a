"""What a description says, without how it is said: its words in one form, and its values apart."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK, Text, with_literals
from compiler.english.schedule import find_schedule
from compiler.likeness.naming import Naming
from compiler.likeness.vocabulary import IDENTIFIER, one_form, reworded, words

ValueKind = Literal[
    "url", "email", "quote", "number", "handle", "schedule", "time", "language", "name"
]

_ONE = "one"
_SCHEDULE_WORD = "schedulevalue"
_TOKEN = re.compile(
    r"(?P<mark>[\ue000-\ue003]\d+\ue00f)"
    r"|(?P<path>[a-z][a-z0-9+]*://[^\s,;→]*[^\s,;.→])"
    r"|(?P<handle>[#@][\w-]+|\+\d[\d ()-]{6,}\d)"
    r"|(?P<time>(?<![\w.:-])\d{1,2}:\d\d(?![\w:]))"
    r"|(?P<number>(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-]|\.\d))"
    r"|(?P<word>[^\W_]+(?:['\u2019/_-][^\W_]+)*(?:\.(?:csv|sql|json|pdf|xlsx?|docx?|txt|md|ya?ml|py|png|jpe?g|mp[34]|wav|zip)\b)?)"
)
_QUOTES = str.maketrans("«»", '""')
_PARTING = re.compile(r"[,;:.!?()\n\u2022\u2014→]")
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
        written = words().numbers.get(self.text.lower())
        return float(self.text.replace(",", "")) if written is None else float(written)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in one form, or a value."""

    form: str
    """What is the same for tokens that say the same."""
    text: str
    """As it was written."""
    place: int
    """How many words, values and marks that part them stand before it."""
    kind: ValueKind | None = None
    """What it is a value of; None: it is a word."""
    named: bool = False
    """A word that is written as the name of a person, company, place or thing."""
    link: bool = False
    """A word that only links others."""
    fixed: bool = False
    """The name of what may be a product: a workflow with another one is another workflow."""
    part: int = 0
    """How many commas, arrows and the like stand before it."""
    before: str = ""
    """The word before it, in small letters; empty: a comma or the like stands between."""
    after: str = ""
    """The word after it, in the same way."""
    role: str = ""
    """The word before it without articles: `to` in `to the Slack channel`."""
    gap: str = ""
    """What stands between it and the next word; `ends` has a comma or an arrow there."""

    @property
    def sort(self) -> str:
        """`word`, `product`, `name` or the kind of its value."""
        if self.fixed:
            return "product"
        return self.kind or ("name" if self.named else "word")

    @property
    def ends_phrase(self) -> bool:
        """Whether it is the last word of a phrase, as a noun is: `review` in `the review is`."""
        return self.ends or self.after in words().sets["after_phrases"]

    @property
    def ends(self) -> bool:
        """Whether a comma, an arrow or the end of the text follows."""
        return bool(_PARTING.search(self.gap))

    @property
    def value(self) -> Value | None:
        """The value, if it is one."""
        if self.kind == "schedule":
            return Value("schedule", self.form, self.text)
        return Value(self.kind, self.text) if self.kind else None


@lru_cache(maxsize=64)
def read_wording(text: str) -> tuple[Token, ...]:
    """Return what a description says, in order, without how it is said."""
    marked = with_literals(text.translate(_QUOTES))
    line = _LISTED.sub(" ", marked.marked)
    schedule = find_schedule(line)
    when = None
    if schedule is not None and schedule.cron:
        spoken = line[schedule.start : schedule.end].strip(" ,.")
        when = Token(f"{schedule.cron} {schedule.timezone}", spoken, 0, "schedule")
        line = f"{line[: schedule.start]} {_SCHEDULE_WORD} {line[schedule.end :]}"
    tokens = [*_tokens(reworded(line), marked, when)]
    return tuple(
        _counting_workers(token, after)
        for token, after in zip_longest(tokens, tokens[1:])
        if token.kind or token.named or token.form not in words().sets["empty"]
    )


def with_numbers(text: str, numbers: Mapping[Value, Value]) -> str:
    """Return a text with other numbers, in digits, in the place of some that stand alone."""
    others = {old.text: f"{new.number:.15g}" for old, new in numbers.items()}
    marked = with_literals(text)
    line = _TOKEN.sub(
        lambda match: others.get(match[0], match[0]) if _may_count(match) else match[0],
        marked.marked,
    )
    return marked.restore(line)


def _may_count(match: re.Match[str]) -> bool:
    return bool(match["number"] or match["word"])


def _counting_workers(token: Token, after: Token | None) -> Token:
    """Make a number of those who do the work, or of `all three`, a word: it is no value."""
    if token.kind != "number":
        return token
    workers = after is not None and after.form in words().sets["workers"]
    everyone = token.before == "all" and token.text.isalpha()
    if workers or everyone:
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
    found = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", reworded(text))
    return frozenset(map(one_form, found)) - words().sets["empty"] - words().sets["links"]


def names_things(token: Token) -> bool:
    """Whether the word beside a token is the name of a thing, as in `the bucket backups`."""
    return token.form in words().sets["naming"]


def has_topics(token: Token) -> bool:
    """Whether it is about something: `articles`."""
    return token.form in words().sets["topical"]


def goes_to_people(token: Token) -> bool:
    """Whether it is done to a person: `assign it to`."""
    return token.form in words().sets["to_people"]


def goes_into(token: Token) -> bool:
    """Whether something is put there: `to`, `into` or `onto` stands before it."""
    return token.role in words().sets["into"]


def is_weighty(token: Token) -> bool:
    """Whether a word may not be left out where it stands once more: `each`, `from`."""
    return token.form in words().sets["weighty"]


def depends_on_order(token: Token) -> bool:
    """Whether words on its other side would mean something else: `if`, `above`, `not`."""
    return token.form in words().sets["ordered"]


def is_identifier(token: Token) -> bool:
    """Whether a word is written as programs write names: `acme/shop`, `stg_orders`, `q3.csv`."""
    return bool(IDENTIFIER.search(token.text))


def tells_ways(token: Token) -> bool:
    """Whether the words after it are ways of a choice: `classify`, `route`."""
    return token.form in words().sets["choosing"]


def _tokens(line: str, marked: Text, when: Token | None) -> Iterator[Token]:
    line, products = _products_apart(line)
    naming = Naming(line, products)
    place = part = 0
    matches = list(_TOKEN.finditer(line))
    before = role = ""
    for match, after in zip_longest(matches, matches[1:]):
        gap = line[match.end() : after.start()] if after else "\n"
        token = replace(
            _token(match, marked, products, naming),
            place=place,
            part=part,
            before=before,
            role=role,
            gap=gap,
        )
        if after is not None and not token.ends:
            token = replace(token, after=after[0].lower())
        if token.kind == "schedule" and when is not None:
            token = replace(token, form=when.form, text=when.text)
        yield token
        place += 2 if token.ends else 1
        part += token.ends
        before = "" if token.ends else match[0].lower()
        if before not in words().sets["articles"]:
            role = before


def _token(
    match: re.Match[str], marked: Text, products: Mapping[str, str], naming: Naming
) -> Token:
    word = match["word"]
    if word is None:
        value = _other(match, marked)
        named = value.kind == "number" and naming.goes_on(match)
        return replace(value, kind=None, named=True) if named else value
    if word == _SCHEDULE_WORD:
        return Token("", word, 0, "schedule")
    if word in products:
        return Token(products[word], products[word], 0, fixed=True)
    if word.lower() in words().languages and word[:1].isupper():
        return Token(word.lower(), word, 0, "language")
    if word.lower() in words().numbers:
        return Token(str(words().numbers[word.lower()]), word, 0, "number")
    if word.lower() == _ONE and _picks(_last_word(match)):
        return Token(_ONE, word, 0)
    manner = naming.manner(match)
    link = manner == "word" and one_form(word) in words().sets["links"]
    return Token(
        one_form(word), word, 0, named=manner == "name", link=link, fixed=manner == "product"
    )


def _picks(word: str) -> bool:
    """Whether it is a verb after which `one` is not `a`: one writes `one report` or `a report`."""
    return word in lexicon().verbs and one_form(word) not in words().sets["making"]


def _last_word(match: re.Match[str]) -> str:
    """Return the word before one: after a verb `one` is not `a`, but not all either."""
    return match.string[: match.start()].rstrip(" ").rpartition(" ")[2].lower()


def _products_apart(line: str) -> tuple[str, dict[str, str]]:
    """Replace the names of products by words that nothing else can be."""
    found: dict[str, str] = {}

    def apart(match: re.Match[str]) -> str:
        if match.string.startswith("://", match.end()):
            return match[0]
        word = f"productname{len(found)}x"
        found[word] = match[1].lower()
        return word

    return lexicon().product_pattern.sub(apart, line), found


def _other(match: re.Match[str], marked: Text) -> Token:
    if match["path"]:
        return Token(match["path"], match["path"], 0, "url")
    if match["handle"]:
        return Token(match["handle"].lower(), match["handle"], 0, "handle")
    if match["time"]:
        return Token(match["time"], match["time"], 0, "time")
    if match["number"]:
        return Token(match["number"].replace(",", ""), match["number"], 0, "number")
    mark = MARK.match(match["mark"])
    literal = marked.literals[int(mark[2])] if mark else None
    if literal is None:
        raise AssertionError("a mark stands for a literal")
    kinds: dict[str, ValueKind] = {"url": "url", "email": "email", "quote": "quote"}
    return Token(literal.value, literal.value, 0, kinds.get(literal.kind))
