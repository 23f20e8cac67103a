"""A specification with other values: what was made of one description, for another one.

A value is replaced where it can only have come from the description: an address or a name wherever
it stands, a number only where it stands before the words that it stood before, or in a field that
is known to hold it. Whatever is not sure is refused.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.likeness.comparison import Likeness
from compiler.likeness.graphs import FACTORS, FREE_TEXT
from compiler.likeness.spelling import Spelling
from compiler.likeness.vocabulary import is_known, one_form, words
from compiler.likeness.wording import Value, words_in

_NEAR = 3
"""How many words after a number say what it counts."""
_LEAST_TELLING = 3
_TIME = re.compile(r"\d+:\d\d|\d+ ?[ap]m|(?:at|around) \d+(?![:\d])|\d+ [a-z]+|[a-z]{5,}")
"""What a schedule says of its time, in small letters."""
_NAMES = frozenset({"id", "output_key", "input_keys", "from", "item_key"})
"""Fields that name parts of the document."""
_WITHIN_NAME = re.compile(r"(?<=[a-z]_)\d{2,}(?=_|\b)")
"""A number in the name of a part."""
_OF_THE_LANGUAGE = frozenset({"agent", "pattern", "kind", "type", "method", "format", "task"})
"""Fields whose words are the specification language's own."""


class NotSure(Exception):
    """A value cannot be replaced without guessing; the message says which, for tests and logs."""


def revalued(document: Any, likeness: Likeness) -> Any:
    """Return a document with other values.

    Args:
        document: JSON that was made of the older description.
        likeness: How the values of the newer one stand for those of the older one.

    Raises:
        NotSure: A value is not found, or it stands where it may mean something else.
    """
    changed = {old: new for old, new in likeness.mapping.items() if _differ(old, new)}
    if not changed:
        return document
    replacing = _Replacing(changed, likeness)
    result = replacing.value(document, "")
    if missing := set(changed) - replacing.used:
        raise NotSure(f"nothing holds {sorted(value.text for value in missing)}")
    _refuse_leftovers(result, changed, likeness)
    return result


def _differ(old: Value, new: Value) -> bool:
    if old.number is not None and new.number is not None:
        return old.number != new.number
    return old.text != new.text


class _Replacing:
    def __init__(self, changed: Mapping[Value, Value], likeness: Likeness) -> None:
        self._changed = changed
        self._likeness = likeness
        # Values that stay are spelled too, lest a part of another one is taken for them.
        self._spelling = Spelling(likeness.mapping, likeness.words)
        self._used: set[Value] = set()
        self._numbers = {old.number: old for old in changed if old.number is not None}
        self._spoken = {form: old for old in self._numbers.values() for form in _spoken(old)}
        joined = "|".join(map(re.escape, sorted(self._spoken, key=len, reverse=True)))
        around = rf"(?<![\w.,/:-])({joined})(?![\w/:-]|[.,]\d)"
        self._pattern = re.compile(around) if joined else None

    @property
    def used(self) -> set[Value]:
        spelled = {value for value in self._spelling.used if value.kind != "schedule"}
        return self._used | spelled

    def value(self, value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {self._identifier(key): self.value(entry, key) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.value(entry, field) for entry in value]
        if isinstance(value, str):
            return self._string(value, field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._numeric(value, field)
        return value

    def _identifier(self, name: str) -> str:
        name = _WITHIN_NAME.sub(self._number_within, name)
        return self._spelling.respelled(name, identifier=True)

    def _number_within(self, match: re.Match[str]) -> str:
        old = self._numbers.get(float(match[0]))
        return _digits(self._changed[old]) if old is not None else match[0]

    def _language(self, code: str, field: str) -> str:
        for old, new in self._changed.items():
            if old.kind == "language" and code.lower() == words().languages[old.text.lower()]:
                if "lang" not in field and "locale" not in field:
                    raise NotSure(f"{field} holds {code}")
                self._used.add(old)
                return words().languages[new.text.lower()]
        return code

    def _string(self, text: str, field: str) -> str:
        if field == "cron":
            return self._schedule(text)
        if field in _OF_THE_LANGUAGE:
            return text
        if field in _NAMES:
            return self._identifier(text)
        text = self._language(_WITHIN_NAME.sub(self._number_within, text), field)
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self._count(match, text, field), text)
        return self._spelling.respelled(text)

    def _schedule(self, cron: str) -> str:
        for old, new in self._changed.items():
            if old.kind == "schedule":
                if not old.text.startswith(f"{cron} "):
                    raise NotSure(f"the schedule is {cron}, not {old.text}")
                self._used.add(old)
                return new.text.rpartition(" ")[0]
        return cron

    def _count(self, match: re.Match[str], text: str, field: str) -> str:
        old = self._spoken[match[1]]
        new = self._changed[old]
        if field in FREE_TEXT:
            beside = [*_words(text[: match.start()])[-_NEAR:], *_words(text[match.end() :])[:_NEAR]]
            if not words_in(" ".join(beside)) & self._likeness.counted.get(old, frozenset()):
                raise NotSure(f"{match[1]} in “{text}” may be another {match[1]}")
        elif (field, 1.0) not in self._likeness.numbers.given:
            raise NotSure(f"{field} holds {match[1]}")
        self._used.add(old)
        as_word = field in FREE_TEXT and match[1].isalpha() and new.text.isalpha()
        return new.text if as_word else _digits(new)

    def _numeric(self, value: float, field: str) -> float:
        numbers = self._likeness.numbers
        for factor in FACTORS:
            old = self._numbers.get(value / factor)
            if old is not None and (field, factor) in numbers.given:
                self._used.add(old)
                number = (self._changed[old].number or 0.0) * factor
                return int(number) if number.is_integer() else number
        if float(value) in self._numbers and (field, float(value)) not in numbers.fixed:
            raise NotSure(f"{field} is {value}")
        return value


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text)


def _digits(value: Value) -> str:
    number = value.number or 0.0
    return str(int(number) if number.is_integer() else number)


def _spoken(value: Value) -> tuple[str, ...]:
    """Return how a text may write a number."""
    number = value.number or 0.0
    plain = _digits(value)
    grouped = f"{int(number):,}" if number.is_integer() else plain
    return tuple(dict.fromkeys((value.text, value.text.lower(), plain, grouped)))


def _refuse_leftovers(document: Any, changed: Mapping[Value, Value], likeness: Likeness) -> None:
    """Refuse a document that still holds part of a value that it should have no more."""
    kept = {word for new in likeness.mapping.values() for word in _telling(new)} | likeness.words
    gone = {
        word
        for old in changed
        if old.number is None
        for word in _telling(old)
        if word not in kept and one_form(word) not in kept and not is_known(word)
    }
    texts = [*_all_texts(document)]
    left = gone & {word for text in texts for word in _split(text)}
    left |= _old_numbers(changed, likeness) & {
        number for text in texts for number in re.findall(r"\d+", text)
    }
    left |= {phrase for phrase in _old_times(changed) for text in texts if phrase in text.lower()}
    if left:
        raise NotSure(f"{sorted(left)} would stay")


def _old_numbers(changed: Mapping[Value, Value], likeness: Likeness) -> set[str]:
    """Return the numbers, long enough to be no other, that the new text does not have."""
    new = "\n".join(value.text for value in likeness.mapping.values())
    return {
        digits
        for old in changed
        if old.kind == "number"
        and len(digits := _digits(old)) >= _LEAST_TELLING
        and digits not in new
    }


def _old_times(changed: Mapping[Value, Value]) -> set[str]:
    """Return the times of a schedule that the new one does not have."""
    found: set[str] = set()
    for old, new in changed.items():
        if old.kind == "schedule":
            times = _TIME.findall(old.spoken.lower())
            found |= {time for time in times if time not in new.spoken.lower()}
    return found


def _telling(value: Value) -> list[str]:
    if value.kind == "schedule":
        return []
    return [word for word in _split(value.text) if len(word) >= _LEAST_TELLING]


def _split(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _all_texts(value: Any) -> Iterator[str]:
    """Give the texts of a document, but for those that name its parts."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield str(key)
            yield from () if key in _OF_THE_LANGUAGE else _all_texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _all_texts(entry)
    elif isinstance(value, str):
        yield value
