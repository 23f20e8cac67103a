"""Taking secrets out of what an attempt leaves: its error, its trace, its output.

A service may answer with what it was sent, as it came or written in another way, and what an
attempt leaves is stored, logged and shown.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST_CHARACTERS = 8
"""A shorter value is taken out of errors only: in outputs it could be any other text."""


class Redaction:
    """Replaces the values of secrets, in every usual way to write them, by their references.

    Args:
        values: What the secrets hold, by name.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @cached_property
    def _references(self) -> dict[str, str]:
        """What stands for each way to write a secret."""
        named = self._values.items()
        return {form: f"{{secrets.{name}}}" for name, value in named for form in forms(value)}

    @cached_property
    def _short(self) -> frozenset[str]:
        short = [value for value in self._values.values() if len(value) < SHORTEST_CHARACTERS]
        return frozenset(form for value in short for form in forms(value))

    @property
    def longest(self) -> int:
        """The most characters that a secret has in any way to write it."""
        return max(map(len, self._references), default=0)

    def text(self, text: str) -> str:
        """Return an error or a trace without secrets."""
        return self._replaced(text, [form for form in self._references if form in text])

    def value(self, value: Any) -> Any:
        """Return an output, a JSON value, without secrets: in its texts and in its keys."""
        # Most outputs hold none: to know that, their texts are looked through as one.
        text = "\0".join(_texts(value))
        found = [form for form in self._references if form not in self._short and form in text]
        return self._replaced_in(value, found) if found else value

    def _replaced_in(self, value: Any, found: Sequence[str]) -> Any:
        if isinstance(value, str):
            return self._replaced(value, found)
        if isinstance(value, Mapping):
            return {
                self._replaced(str(key), found): self._replaced_in(item, found)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._replaced_in(item, found) for item in value]
        return value

    def _replaced(self, text: str, found: Sequence[str]) -> str:
        if not found:
            return text
        # The longest first: one secret may be the beginning of another.
        pattern = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
        return re.sub(pattern, lambda match: self._references[match.group()], text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from map(str, value)
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def forms(value: str) -> frozenset[str]:
    """Return the ways in which a secret may be written; each of them gives it away.

    A service that writes down a whole request encodes what is encoded there already.
    """
    if not value:
        return frozenset()
    once = {value, *_encoded(value)}
    # Services show one line of what has several.
    once |= {line for line in value.splitlines() if len(line) >= 2 * SHORTEST_CHARACTERS}
    return frozenset(once.union(*map(_encoded, once)))


def _encoded(text: str) -> set[str]:
    data = text.encode("utf-8", "surrogatepass")
    found = {
        quote(data, safe=""), quote(data), quote_plus(data),
        json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape(text), repr(text)[1:-1],
        # UTF-8 that was read as Latin-1, as headers are.
        data.decode("latin-1"),
        data.hex(), data.hex().upper(),
    }  # fmt: skip
    found |= {re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), form) for form in found}
    if len(data) >= SHORTEST_CHARACTERS:
        found.update(_base64_forms(data))
    return found


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield how bytes look inside longer ones in base64, as a password does behind its user.

    What stands before them shifts them by nought, one or two bytes; characters that hold bits of
    what stands around them are left out.
    """
    for before in range(3):
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        plain = base64.b64encode(b"\0" * before + data).decode("ascii")
        yield plain[first:last]
        yield plain[first:last].replace("+", "-").replace("/", "_")
    yield base64.b64encode(data).decode("ascii")
    yield base64.urlsafe_b64encode(data).decode("ascii")
