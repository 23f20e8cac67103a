"""A specification with other values: what was made of one description, for another one.

A value is replaced where it can only have come from the description: an address or a name wherever
it stands, a number only where it stands before the words that it stood before, or in a field that
is known to hold it. Whatever is not sure is refused.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from compiler.likeness.wording import Likeness, Value, words_in

FREE_TEXT = frozenset(
    {"description", "prompt", "system", "message", "subject", "body", "text", "title", "question",
     "name", "query_text", "instructions"}
)  # fmt: skip
"""Fields that hold words for people and models, where a number stands among words."""
_NEAR = 3
"""How many words after a number say what it counts."""
_LEAST_TELLING = 3


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
    changed = {old: new for old, new in likeness.mapping.items() if old != new}
    if not changed:
        return document
    replacing = _Replacing(changed, likeness.counted, likeness.fields)
    result = replacing.value(document, "")
    if missing := set(changed) - replacing.used:
        raise NotSure(f"nothing holds {sorted(value.text for value in missing)}")
    _refuse_leftovers(result, changed)
    return result


class _Replacing:
    def __init__(
        self,
        changed: Mapping[Value, Value],
        counted: Mapping[Value, frozenset[str]],
        fields: frozenset[str],
    ) -> None:
        self.used: set[Value] = set()
        self._changed = changed
        self._counted = counted
        self._fields = fields
        self._numbers = {old.number: old for old in changed if old.number is not None}
        texts = [old for old in changed if old.kind not in ("number", "schedule")]
        self._forms = {form: pair for old in texts for form, pair in _forms(old, changed[old])}
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._text = self._pattern(longest_first, r"(?<![^\W_])({})(?![^\W_])")
        spoken = {form: old for old in self._numbers.values() for form in _spoken(old)}
        self._spoken = spoken
        self._number = self._pattern(
            sorted(spoken, key=len, reverse=True), r"(?<![\w.,/:-])({})(?![\w/:-]|[.,]\d)"
        )

    @staticmethod
    def _pattern(forms: list[str], around: str) -> re.Pattern[str] | None:
        joined = "|".join(map(re.escape, forms))
        return re.compile(around.format(joined)) if forms else None

    def value(self, value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {self._name(key): self.value(entry, key) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.value(entry, field) for entry in value]
        if isinstance(value, str):
            return self._string(value, field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._numeric(value, field)
        return value

    def _name(self, key: str) -> str:
        return self._literals(key)

    def _literals(self, text: str) -> str:
        def other(match: re.Match[str]) -> str:
            old, new = self._forms[match[1]]
            self.used.add(old)
            return new

        return self._text.sub(other, text) if self._text else text

    def _string(self, text: str, field: str) -> str:
        if field == "cron":
            return self._schedule(text)
        replace: Callable[[re.Match[str]], str] = lambda match: self._count(match, text, field)  # noqa: E731
        if self._number is not None:
            text = self._number.sub(replace, text)
        return self._literals(text)

    def _schedule(self, cron: str) -> str:
        for old, new in self._changed.items():
            if old.kind == "schedule":
                if not old.text.startswith(f"{cron} "):
                    raise NotSure(f"the schedule is {cron}, not {old.text}")
                self.used.add(old)
                return new.text.rpartition(" ")[0]
        return cron

    def _count(self, match: re.Match[str], text: str, field: str) -> str:
        old = self._spoken[match[1]]
        new = self._changed[old]
        if field in FREE_TEXT:
            after = re.findall(r"[^\W\d_]+", text[match.end() :])[:_NEAR]
            if not words_in(" ".join(after)) & self._counted.get(old, frozenset()):
                raise NotSure(f"{match[1]} in “{text}” may be another {match[1]}")
        elif field not in self._fields:
            raise NotSure(f"{field} holds {match[1]}")
        self.used.add(old)
        digits = new.text if match[1].isalpha() == new.text.isalpha() else _digits(new)
        return digits if field in FREE_TEXT else _digits(new)

    def _numeric(self, value: float, field: str) -> float:
        old = self._numbers.get(float(value))
        if old is None:
            return value
        if field not in self._fields:
            raise NotSure(f"{field} is {value}")
        self.used.add(old)
        number = self._changed[old].number or 0.0
        return int(number) if number.is_integer() else number


def _digits(value: Value) -> str:
    number = value.number or 0.0
    return str(int(number) if number.is_integer() else number)


def _spoken(value: Value) -> tuple[str, ...]:
    """Return how a text may write a number."""
    number = value.number or 0.0
    plain = _digits(value)
    grouped = f"{int(number):,}" if number.is_integer() else plain
    return tuple(dict.fromkeys((value.text, value.text.lower(), plain, grouped)))


def _forms(old: Value, new: Value) -> list[tuple[str, tuple[Value, str]]]:
    """Return how a document may write a value, and what to write instead."""

    def pair(change: Callable[[str], str]) -> tuple[str, tuple[Value, str]]:
        return change(old.text), (old, change(new.text))

    ways: list[Callable[[str], str]] = [lambda text: text]
    if old.kind in ("name", "quote", "handle"):
        ways += [str.lower, str.upper, _slug("_"), _slug("-")]
    if old.kind == "handle":
        ways.append(lambda text: text.lstrip("#@"))
    return [pair(way) for way in reversed(ways)]


def _slug(separator: str) -> Callable[[str], str]:
    return lambda text: re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)


def _refuse_leftovers(document: Any, changed: Mapping[Value, Value]) -> None:
    """Refuse a document that still holds part of a value that it should have no more."""
    kept = {word for new in changed.values() for word in _parts(new)}
    gone = {word for old in changed if old.number is None for word in _parts(old)} - kept
    if not gone:
        return
    left = gone & {word for text in _strings(document) for word in _split(text)}
    if left:
        raise NotSure(f"{sorted(left)} would stay")


def _parts(value: Value) -> list[str]:
    if value.kind == "schedule":
        return []
    return [word for word in _split(value.text) if len(word) >= _LEAST_TELLING]


def _split(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*map(str, value), *(text for entry in value.values() for text in _strings(entry))]
    if isinstance(value, list):
        return [text for entry in value for text in _strings(entry)]
    return [value] if isinstance(value, str) else []
