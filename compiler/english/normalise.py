"""First stage: one clean line of text in which literals are protected.

URLs, e-mail addresses, quoted strings and references are replaced by marks that hold no punctuation
and no verbs, so that later stages can cut the text anywhere. The marks are private-use characters,
which are removed from what a person wrote, so no text can forge one.
"""

import re
import unicodedata
from dataclasses import dataclass

from compiler.english.lexicon import lexicon

MAX_CHARACTERS = 4_000
"""A longer text is not a description of one workflow."""

_MARKS = {"url": "\ue000", "email": "\ue001", "quote": "\ue002", "reference": "\ue003"}
_END = "\ue00f"
MARK = re.compile(rf"([\ue000-\ue003])(\d+){_END}")

_DOMAIN_ENDINGS = "com|org|net|io|dev|ai|app|edu|gov|info|co|uk|de|fr|eu|us|test|example|local"
_LITERALS = re.compile(
    rf"""
    (?P<reference>\{{input\.[A-Za-z_]\w*\}})
    |(?P<url>https?://(?:(?!->|=>)[^\s<>"'`→\ue000-\uf8ff])+)
    |(?P<email>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<domain>(?<![\w.@/-])(?:[a-z0-9-]+\.)+(?:{_DOMAIN_ENDINGS})(?:/[^\s<>"'`,;]*)?(?![\w@]))
    |"(?P<double>[^"\n]{{1,500}})"
    |`(?P<tick>[^`\n]{{1,500}})`
    |(?<!\w)'(?P<single>[^'\n]{{1,200}})'(?!\w)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ARROWS = re.compile(r"\s*(?:[→➜⇒⟶➔▶➡►⟹↦»]\ufe0f?|-{1,3}>|={1,3}>|\|>|>>+)\s*")
_REPEATED = re.compile(r"([→,;:!?.(])(?:[^\S\n]*\1)+ ?")
"""A mark that is written several times says no more than once, and takes long to read."""
_QUOTES = str.maketrans(
    {
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2018": "'",
        "\u2019": "'",
        "\u2026": ".",
        "\u2013": "\u2014",
    }
)
_ABBREVIATIONS = re.compile(
    r"\b(e\.g|i\.e|etc|vs|approx|incl|no|mr|mrs|ms|dr|prof|inc|ltd)\.(?=\s|,)", re.IGNORECASE
)
_UNWANTED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


@dataclass(frozen=True, slots=True)
class Literal:
    """Something that must stay exactly as it was written."""

    kind: str
    """`url`, `email`, `quote` or `reference`."""
    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """A description in which literals are marks; `plain` arrows, quotes and spaces."""

    marked: str
    literals: tuple[Literal, ...]

    def restore(self, part: str) -> str:
        """Return a part of the marked text with its literals back in place."""

        def written(match: re.Match[str]) -> str:
            literal = self.literals[int(match[2])]
            return f'"{literal.value}"' if literal.kind == "quote" else literal.value

        return MARK.sub(written, part)

    def literals_in(self, part: str, kind: str) -> tuple[str, ...]:
        """Return the values of the literals of one kind in a part, in order, without repeats."""
        found = (self.literals[int(match[2])] for match in MARK.finditer(part))
        return tuple(dict.fromkeys(literal.value for literal in found if literal.kind == kind))


def normalise(text: str) -> Text:
    """Return the text with unified punctuation and its literals marked."""
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNWANTED)
    literals: list[Literal] = []
    text = _LITERALS.sub(lambda match: _mark(match, literals), text)
    text = _ARROWS.sub(" → ", text)
    text = _REPEATED.sub(r"\1 ", text)
    text = _ABBREVIATIONS.sub(lambda match: match[1].replace(".", ""), text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return Text(text.strip(), tuple(literals))


def _mark(match: re.Match[str], literals: list[Literal]) -> str:
    kind, value = str(match.lastgroup), str(match[match.lastgroup or 0])
    tail = ""
    if kind == "domain":
        if value.lower() in lexicon().products:
            return match[0]
        kind, value = "url", f"https://{value}"
    elif kind in ("double", "tick", "single"):
        kind = "quote"
    if kind == "url":
        value, tail = _trim(value)
    if kind == "email":
        value, tail = value.rstrip("."), value[len(value.rstrip(".")) :]
    literals.append(Literal(kind, value))
    return f"{_MARKS[kind]}{len(literals) - 1}{_END}{tail}"


def _trim(url: str) -> tuple[str, str]:
    """Cut punctuation that belongs to the sentence off the end of a URL."""
    end = len(url)
    while end:
        last = url[end - 1]
        unbalanced = last in ")]}" and url.count(last, 0, end) > url.count("([{"[")]}".index(last)])
        if last not in ".,;:!?*" and not unbalanced:
            break
        end -= 1
    return url[:end], url[end:]
