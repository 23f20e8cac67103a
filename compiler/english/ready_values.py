"""Values that the words of a step name for a ready agent's parameters.

What is said is taken, what is not said is left out: nothing here makes a value up.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from compiler.english.draft import escaped, escaped_url
from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK, Text
from compiler.english.ready_agents import ReadyParameter
from compiler.english.steps import Step

_WORD = r"[\ue000-\ue003]\d+\ue00f|#?\w[\w./@+!:-]*"
_SURE = re.compile(r"[\dA-Z_./#@-]|^[\ue000-\ue003]")
_AMOUNT = re.compile(
    r"(?P<sign>[$€£¥])\s?(?P<first>\d{1,9}(?:,\d{3})*(?:\.\d{1,2})?)(?![\w%])"
    r"|(?<![\w.,#])(?P<second>\d{1,9}(?:,\d{3})*(?:\.\d{1,2})?) ?(?P<word>[a-z]+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One pattern of a role."""

    pattern: re.Pattern[str]
    form: str
    """How the value is written."""
    any_word: bool
    """Its place alone shows that it is a value, whatever the word: "to main"."""


@cache
def _shapes() -> Mapping[str, tuple[Shape, ...]]:
    known: Mapping[str, Any] = lexicon().names("ready", "values")
    return {
        role: tuple(
            Shape(
                re.compile(one["pattern"], re.IGNORECASE),
                one.get("form", "{}"),
                one.get("any_word", False),
            )
            for one in shapes
        )
        for role, shapes in known.items()
    }


@cache
def _mentions() -> Mapping[str, re.Pattern[str]]:
    known: Mapping[str, str] = lexicon().names("ready", "mentions")
    return {role: re.compile(pattern, re.IGNORECASE) for role, pattern in known.items()}


def has_shape(role: str) -> bool:
    """Whether a role is told by patterns of the lexicon alone."""
    return role in _shapes()


def speaks_of(role: str, marked: str) -> bool:
    """Whether words name a value of this role, or mean one: "#ops", "the team"."""
    mention = _mentions().get(role)
    told = any(_is_value(match["value"]) for _, match in _found(role, marked))
    return told or bool(mention and mention.search(marked))


def _found(role: str, marked: str) -> Iterator[tuple[Shape, re.Match[str]]]:
    for shape in _shapes().get(role, ()):
        if match := shape.pattern.search(marked):
            yield shape, match


def _is_value(value: str) -> bool:
    """Whether a word can be a value: no name of a service, and no word that only points."""
    word = value.lower().strip(" .")
    known = lexicon()
    return bool(word) and not (
        word in known.products or word in known.skip or word in known.words("not_verbs")
    )


@dataclass(slots=True)
class Said:
    """The words of a step, of which each literal is one parameter's value at most."""

    step: Step
    text: Text
    left: str
    """The words that no parameter has taken."""

    def remaining(self) -> Step:
        """Return the step without the literals that were taken."""
        return replace(
            self.step,
            marked=self.left,
            emails=self.text.literals_in(self.left, "email"),
            quotes=self.text.literals_in(self.left, "quote"),
            urls=self.text.literals_in(self.left, "url"),
        )

    def of_role(self, role: str) -> str | None:
        """Return the value that a role's patterns find."""
        for shape, match in _found(role, self.left):
            if shape.any_word or _is_value(match["value"]):
                return shape.form.format(self._taken(match))
        return None

    def of_names(self, parameter: ReadyParameter) -> list[str]:
        """Return the values that stand beside a parameter's names: "labels bug and urgent"."""
        if not parameter.names:
            return []
        several = parameter.schema.get("type") == "array"
        patterns = _beside(parameter.names, several=several)
        places = ((one, text) for text in self._spoken() for one in patterns)
        for (pattern, after), text in places:
            for found in pattern.finditer(text):
                parts = _AND.split(found["value"])
                sure = bool(found["sure"]) and not parameter.fields
                if all(_fits(part, parameter, sure=sure, after=after) for part in parts):
                    return self._parts(parts)
        return []

    def _spoken(self) -> Iterator[str]:
        """Yield the words that are left, then those without the service's name.

        "In the Qdrant collection docs": it says nothing of the value.
        """
        yield self.left
        if self.step.product:
            name = re.escape(self.step.product.name)
            yield re.sub(rf"\b{name}\b ?", "", self.left, flags=re.IGNORECASE)

    def _parts(self, parts: Sequence[str]) -> list[str]:
        values = [self.written(part) for part in parts]
        for part in parts:
            self._drop(part)
        return values

    def of_choices(self, schema: Mapping[str, Any]) -> str | None:
        """Return the one of a parameter's values that stands before the thing."""
        words = set(re.findall(r"[\w-]+", self.step.phrase.lower()))
        values = [value for value in schema.get("enum", ()) if isinstance(value, str)]
        return next((value for value in values if value.lower() in words), None)

    def money(self) -> tuple[Decimal, str] | None:
        """Return an amount and its currency in lower case."""
        known: Mapping[str, str] = lexicon().names("ready", "currencies")
        for match in _AMOUNT.finditer(self.left):
            unit = known.get((match["sign"] or match["word"]).lower())
            if unit:
                return Decimal((match["first"] or match["second"]).replace(",", "")), unit
        return None

    def language(self) -> str | None:
        """Return the code of the language that is named after "to" or "into"."""
        known: Mapping[str, str] = lexicon().names("ready", "languages")
        for match in re.finditer(r"\b(?:in)?to (?P<name>[a-z]+)", self.left, re.IGNORECASE):
            if code := known.get(match["name"].lower()):
                return code
        return None

    def _taken(self, match: re.Match[str]) -> str:
        value = self.written(match["value"])
        if MARK.fullmatch(match["value"]):
            self._drop(match["value"])
        return value

    def _drop(self, token: str) -> None:
        if MARK.fullmatch(token):
            self.left = self.left.replace(token, "", 1)

    def written(self, token: str) -> str:
        """Return a token as a template's literal; a reference that was written stays one."""
        return written_literal(self.text, token)


def written_literal(text: Text, token: str) -> str:
    """Return a token of a text as a template's literal; a reference stays one."""
    mark = MARK.fullmatch(token)
    if mark is None:
        return escaped(text.restore(token)).strip(" .")
    literal = text.literals[int(mark[2])]
    if literal.kind == "reference":
        return literal.value
    return escaped_url(literal.value) if literal.kind == "url" else escaped(literal.value)


_AND = re.compile(r",? and |, ")
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@cache
def _beside(names: tuple[str, ...], *, several: bool) -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Return patterns of a value beside its name, each with whether it stands after it."""
    nouns = "|".join(map(re.escape, names))
    more = rf"(?:(?:, and |, | and )(?:{_WORD}))*" if several else ""
    after = (
        rf"\b(?P<sure>(?:with|in|on|to|from|of|into|as|under|by|has|for|the) )?"
        rf"(?:the |an? |our |my )?"
        rf"(?:{nouns})(?: (?:called|named|is|of)|:| =)? (?P<value>(?:{_WORD}){more})"
    )
    before = rf"\b(?P<sure>the|in|on|to|from|as|an?|with) (?:the )?(?P<value>{_WORD}) (?:{nouns})\b"
    return (
        (re.compile(after, re.IGNORECASE), True),
        (re.compile(before, re.IGNORECASE), False),
    )


def _fits(token: str, parameter: ReadyParameter, *, sure: bool, after: bool) -> bool:
    """Whether a word beside a parameter's name is its value; identifiers hold a digit."""
    if MARK.fullmatch(token):
        return True
    if after and token.lower() in lexicon().skip:
        return sure and not parameter.fields and token.lower() not in lexicon().words("articles")
    if not _is_value(token):
        return False
    if parameter.fields:
        return any(character.isdigit() for character in token)
    return sure or _SURE.search(token) is not None


def is_allowed(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a schema allows a value; what a reference will be is not known."""
    if isinstance(value, str) and "{" not in value:
        pattern, values = schema.get("pattern", ""), schema.get("enum")
        other = schema.get("type") in ("integer", "number", "boolean")
        return not other and bool(re.search(pattern, value)) and (not values or value in values)
    if isinstance(value, int | float):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def typed(value: str, parameter: ReadyParameter) -> Any:
    """Return words as a value of the parameter's type; a reference stays what it is."""
    kind = parameter.schema.get("type")
    if kind in ("integer", "number") and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?\d{1,15}\.\d{1,15}", value):
        return float(value)
    choices = (one for one in parameter.schema.get("enum", ()) if isinstance(one, str))
    if chosen := next((one for one in choices if one.lower() == value.lower()), None):
        return chosen
    if kind == "boolean" and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    if kind == "array" and not value.startswith("{"):
        return [part.strip() for part in value.split(",")]
    return value
