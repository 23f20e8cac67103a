"""How a specification may spell an address, a name or a time, and another one in its place."""

import re
from collections.abc import Callable, Mapping

from compiler.likeness.vocabulary import is_known, one_form
from compiler.likeness.wording import Value

_LEAST_LETTERS = 2


class Spelling:
    """Replaces the values of one description by those of another one, but for numbers.

    Args:
        mapping: Each value, and what takes its place.
        spoken: Words that the older description uses as such, in one form; a name that is also one
            of them is replaced among words only as it was written.
    """

    def __init__(
        self, mapping: Mapping[Value, Value], spoken: frozenset[str] = frozenset()
    ) -> None:
        self.used: set[Value] = set()
        self._forms: dict[str, tuple[Value, str]] = {}
        self._ambiguous: set[str] = set()
        texts = [(old, new) for old, new in mapping.items() if old.kind != "number"]
        for old, new in texts:
            for way in _ways(old):
                form = way(_written(old))
                self._forms.setdefault(form, (old, way(_written(new))))
                if form != _written(old) and one_form(form) in spoken:
                    self._ambiguous.add(form)
        for old, new in texts:
            for part, other in _parts(old, new):
                self._forms.setdefault(part, (old, other))
        self._bare = {
            _bare(old.text): (old, _bare(new.text)) for old, new in texts if old.kind == "handle"
        }
        longest_first = sorted((form for form in self._forms if form), key=len, reverse=True)
        joined = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<![^\W_])({joined})(?![^\W_])") if joined else None

    def respelled(self, text: str, *, identifier: bool = False) -> str:
        """Return a text with the new values; `used` keeps which old ones it held.

        Args:
            text: It.
            identifier: Whether it is the name of a part of the document.
        """
        if self._pattern is None:
            return text
        if (pair := self._bare.get(text)) is not None:
            self.used.add(pair[0])
            return pair[1]
        return self._pattern.sub(lambda match: self._other(match, identifier=identifier), text)

    def _other(self, match: re.Match[str], *, identifier: bool) -> str:
        old, new = self._forms[match[1]]
        around = match.string[: match.start()][-1:] + match.string[match.end() :][:1]
        if match[1] in self._ambiguous and around not in ("", "{}") and "_" not in around:
            return match[1]
        self.used.add(old)
        whole = identifier and around == "" and re.fullmatch(r"[a-z_]\w*", match[1])
        return _slug("_")(new) if whole or "_" in around or around == "{}" else new


def _written(value: Value) -> str:
    return value.spoken if value.kind == "schedule" else value.text


def _ways(value: Value) -> list[Callable[[str], str]]:
    ways: list[Callable[[str], str]] = [lambda text: text]
    if value.kind == "schedule":
        ways += [str.lower, lambda text: text[:1].lower() + text[1:]]
    if value.kind in ("name", "quote", "handle", "language"):
        ways += [str.lower, str.upper, str.title, _slug("_"), _slug("-")]
    if value.kind == "url":
        ways.append(lambda text: text.removeprefix("https://"))
    if value.kind == "handle" and not is_known(_bare(value.text)):
        ways.append(_bare)
    return ways


def _bare(handle: str) -> str:
    return handle.lstrip("#@")


def _slug(separator: str) -> Callable[[str], str]:
    return lambda text: re.sub(r"[^a-z0-9]+", separator, text.lower()).strip(separator)


def _parts(old: Value, new: Value) -> list[tuple[str, str]]:
    """Pair the words of two names that have as many: a first name may stand alone."""
    parts = r"[^/]+" if old.text.count("/") == new.text.count("/") > 0 else r"[^\W_]+"
    words = [re.findall(parts, value.text) for value in (old, new)]
    if old.kind != "name" or len(words[0]) != len(words[1]) or len(words[0]) == 1:
        return []
    return [
        (way(before), way(after))
        for before, after in zip(*words, strict=True)
        if len(before) >= _LEAST_LETTERS and not is_known(before)
        for way in (str, str.lower)
    ]
