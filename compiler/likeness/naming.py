"""Which words of a description are names, and which of these may be names of products."""

import re
from collections.abc import Mapping
from typing import Literal

from compiler.english.lexicon import lexicon
from compiler.likeness.vocabulary import IDENTIFIER, words

Manner = Literal["word", "name", "product"]

_AT_PRODUCTS = frozenset({"scrape", "research", "fetch", "check", "store"})
"""Actions whose object may be a product."""
_FULL_NAME = re.compile(r"(?:[A-Z][a-z]+|(?:Mr|Mrs|Ms|Dr|Prof)\.?) [A-Z][a-z]+(?![\w])")
"""Two words of a name: a person's more often than a product's."""
_OPENS = re.compile(r"(?:^|[.:;!?\n→•(]|\d[.)])\s*$")
_ENDS = re.compile(r"\s*(?:\d+\s*)?(?:[,;:.!?()\n→]|$|and\b)")
_GOES_ON = re.compile(r" [A-Z][a-z]")
_DAY = re.compile(r"\d(?:st|nd|rd|th)? $")
_WINDOW = 80
"""How many characters before a word tell what it is."""
_LAST_WORDS = re.compile(r"(?:([\w'-]+) )?([\w'-]+) $")
_CAPITAL = re.compile(r"\b[A-Z][a-z]+")
_ANY_WORD = re.compile(r"\b[A-Za-z][a-z]+")
_MOST_CAPITALS = 0.7
"""With more of them, a text is written in capitals, which say nothing then."""


class Naming:
    """The names of one line.

    Args:
        line: It; asked for word by word, in order.
        products: The names of products, by what stands for them in the line.
    """

    def __init__(self, line: str, products: Mapping[str, str]) -> None:
        self._line = line
        self._products = products
        self._titled = len(_CAPITAL.findall(line)) > _MOST_CAPITALS * len(_ANY_WORD.findall(line))
        self._places = [match.span() for match in words().places.finditer(line)]
        self._name_ends = -1
        self._in_title = False

    def manner(self, match: re.Match[str]) -> Manner:
        """Tell what a word is."""
        word = match[0]
        before = self._before(match)
        if any(start <= match.start() and match.end() <= end for start, end in self._places):
            return self._name(match)
        opens = bool(_OPENS.search(before) and not words().titles.search(before))
        capital = word[:1].isupper() and any(map(str.islower, word)) and not opens
        if word == "May" and _DAY.search(before):
            return self._name(match)
        compass = capital and word.lower() in words().sets["compass"]
        if compass and _GOES_ON.match(self._line, match.end()):
            return self._name(match)
        if self._goes_on_with(word, match, capital=capital) or self._ends_title(match):
            return self._name(match)
        if not self._is_name(word, capital=capital):
            return "word"
        full_name = bool(_FULL_NAME.match(self._line, match.start()))
        if word[:1].isupper() and word.isalpha() and self._may_be_product(before, full_name):
            return "product"
        return self._name(match)

    def goes_on(self, match: re.Match[str]) -> bool:
        """Whether a number is the rest of the name before it, as in `Comments 2025`."""
        goes_on = self._adjoins(match)
        self._name_ends = match.end() if goes_on else -1
        return goes_on

    def _name(self, match: re.Match[str]) -> Manner:
        self._in_title = self._after_title(match) or (self._in_title and self._adjoins(match))
        part = self._in_title or _CAPITAL.match(match[0])
        self._name_ends = match.end() if part else -1
        return "name"

    def _before(self, match: re.Match[str]) -> str:
        return self._line[max(0, match.start() - _WINDOW) : match.start()]

    def _adjoins(self, match: re.Match[str]) -> bool:
        """Whether a word stands right after a name."""
        return self._name_ends > 0 and self._line[self._name_ends : match.start()] == " "

    def _after_title(self, match: re.Match[str]) -> bool:
        """Whether a word stands after one that has a title: `the project Groceries`."""
        last = _LAST_WORDS.search(self._before(match))
        if last is None:
            return False
        thing = self._products.get(last[2], last[2]).lower().split()[-1]
        return thing in words().sets["titled"]

    def _ends_title(self, match: re.Match[str]) -> bool:
        """Whether a word in small letters is the last of a title: `the project Cabin trip`."""
        ends = _ENDS.match(self._line, match.end())
        return bool(
            self._in_title
            and self._adjoins(match)
            and ends
            and match[0].lower() not in lexicon().verbs
        )

    def _goes_on_with(self, word: str, match: re.Match[str], *, capital: bool) -> bool:
        """Whether a word with a capital letter is part of a name by what stands before it."""
        if not capital or self._titled or not word.isalpha():
            return False
        return self._adjoins(match) or self._after_title(match)

    def _is_name(self, word: str, *, capital: bool) -> bool:
        """Whether a word is written as a name is: `Ann`, `web-shop_2`, `acme/shop`, a month."""
        lower = word.lower()
        sets = words().sets
        if lower in sets["dates"]:
            return True
        if lower in sets["not_names"] or lower in words().same or lower in lexicon().verbs:
            return False
        return (capital and not self._titled) or bool(IDENTIFIER.search(word))

    def _may_be_product(self, before: str, full_name: bool) -> bool:
        """Whether a name after these words may be that of a product: `on`, `into`, `search`."""
        last = _LAST_WORDS.search(before)
        if last is None:
            return False
        sets = words().sets
        word = last[2].lower()
        if last[1] and word in ("from", "with") and last[1].lower() in sets["from_people"]:
            return False
        if word in sets["placing"]:
            return not (full_name and word == "with")
        verb = lexicon().verbs.get(word)
        return verb is not None and verb.action in _AT_PRODUCTS and not full_name
