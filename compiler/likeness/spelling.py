"""How a specification may spell an address, a name or a time, and another one in its place."""

import re
from collections.abc import Callable, Mapping

from compiler.likeness.wording import Value, is_known

_LEAST_LETTERS = 2


class Spelling:
    """Replaces the values of one description by those of another one, but for numbers.

    Args:
        mapping: Each value, and what takes its place.
    """

    def __init__(self, mapping: Mapping[Value, Value]) -> None:
        self.used: set[Value] = set()
        self._forms: dict[str, tuple[Value, str]] = {}
        texts = [(old, new) for old, new in mapping.items() if old.kind != "number"]
        for old, new in texts:
            for way in _ways(old):
                self._forms.setdefault(way(_written(old)), (old, way(_written(new))))
        for old, new in texts:
            for part, other in _parts(old, new):
                self._forms.setdefault(part, (old, other))
        longest_first = sorted((form for form in self._forms if form), key=len, reverse=True)
        joined = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<![^\W_])({joined})(?![^\W_])") if joined else None

    def respelled(self, text: str) -> str:
        """Return a text with the new values; `used` keeps which old ones it held."""
        return self._pattern.sub(self._other, text) if self._pattern else text

    def _other(self, match: re.Match[str]) -> str:
        old, new = self._forms[match[1]]
        self.used.add(old)
        return new


def _written(value: Value) -> str:
    return value.spoken if value.kind == "schedule" else value.text


def _ways(value: Value) -> list[Callable[[str], str]]:
    ways: list[Callable[[str], str]] = [lambda text: text]
    if value.kind == "schedule":
        ways += [str.lower, lambda text: text[:1].lower() + text[1:]]
    if value.kind in ("name", "quote", "handle"):
        ways += [str.lower, str.upper, str.title, _slug("_"), _slug("-")]
    if value.kind == "handle":
        ways.append(lambda text: text.lstrip("#@"))
    return ways


def _slug(separator: str) -> Callable[[str], str]:
    return lambda text: re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)


def _parts(old: Value, new: Value) -> list[tuple[str, str]]:
    """Pair the words of two names that have as many: a first name may stand alone."""
    words = [re.findall(r"[^\W_]+", value.text) for value in (old, new)]
    if old.kind != "name" or len(words[0]) != len(words[1]) or len(words[0]) == 1:
        return []
    return [
        (way(before), way(after))
        for before, after in zip(*words, strict=True)
        if len(before) >= _LEAST_LETTERS and not is_known(before)
        for way in (str, str.lower)
    ]
