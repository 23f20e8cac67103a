"""First stage: one clean line of text in which literals are protected.

URLs, e-mail addresses, quoted strings, references and names of an organization's own agents are
replaced by marks that hold no punctuation and no verbs, so that later stages can cut the text
anywhere. The marks are private-use characters,
which are removed from what a person wrote, so no text can forge one.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compiler.english.lexicon import lexicon
from compiler.english.own_agents import MOST_NAMES, NONE, Own, found_in, joined, mentions
from compiler.english.ready_agents import ready_agents
from compiler.english.tool_phrases import Phrase, with_phrases

MAX_CHARACTERS = 4_000
"""A longer text is not a description of one workflow."""

_MARKS = {"url": "\ue000", "email": "\ue001", "quote": "\ue002", "reference": "\ue003",
          "agent": "\ue004", "tools": "\ue005", "call": "\ue006"}  # fmt: skip
_END = "\ue00f"
MARK = re.compile(rf"([\ue000-\ue006])(\d+){_END}")
QUOTE = "\ue002"
"""Begins the mark of what stands in quotes."""
AGENT = "\ue004"
"""Begins the mark of an agent's name."""
CALL = "\ue006"
"""Begins the mark of a call of an MCP server's tool."""
TOOLS = "\ue005"
"""Begins the mark of what gives a model tools."""
TOOLS_MARK = re.compile(rf" ?{TOOLS}\d+{_END}")

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
    """`url`, `email`, `quote`, `reference`, `agent`, `tools` or `call`."""
    value: str
    written: str = ""
    """How an agent's name was written."""


@dataclass(frozen=True, slots=True)
class Text:
    """A description in which literals are marks; `plain` arrows, quotes and spaces."""

    marked: str
    literals: tuple[Literal, ...]
    own: Own = NONE
    """The organization's agents that it may name."""

    def restore(self, part: str) -> str:
        """Return a part of the marked text with its literals back in place."""

        def written(match: re.Match[str]) -> str:
            literal = self.literals[int(match[2])]
            shown = literal.written or literal.value
            if literal.kind in ("call", "tools"):
                return self.restore(shown)
            return f'"{shown}"' if literal.kind == "quote" else shown

        return MARK.sub(written, part)

    def literals_in(self, part: str, kind: str) -> tuple[str, ...]:
        """Return the values of the literals of one kind in a part, in order, without repeats."""
        found = (self.literals[int(match[2])] for match in MARK.finditer(part))
        return tuple(dict.fromkeys(literal.value for literal in found if literal.kind == kind))


def normalise(text: str, own: Own = NONE) -> Text:
    """Return a text as the parser reads it: literals, agents and what gives a model tools marked.

    Args:
        text: As a person wrote it.
        own: The organization's agents that it may name.
    """
    return _with_phrases(_with_agents(with_literals(text), own))


def with_literals(text: str) -> Text:
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


def possible_agents(*texts: str) -> tuple[str, ...]:
    """Return the names by which texts may mean an organization's agents, each once, in order."""
    names: dict[str, None] = {}
    for text in texts:
        found = with_literals(text[:MAX_CHARACTERS])
        named = sorted(mentions(found.marked, _quotes(found)), key=lambda one: one.start)
        names |= dict.fromkeys(one.name for one in named)
    return tuple(names)[:MOST_NAMES]


def _with_agents(text: Text, own: Own) -> Text:
    """Return a text in which the names of agents are literals, too."""
    literals, parts, end = list(text.literals), [], 0
    text = replace(text, own=own)
    found = found_in(text.marked, _quotes(text), own, ready_agents())
    if not found:
        return text
    for one, after in zip(found, [*found[1:], None][: len(found)], strict=True):
        written = text.restore(text.marked[one.start : one.end])
        parts += [text.marked[end : one.start], f"{_MARKS['agent']}{len(literals)}{_END}"]
        literals.append(Literal("agent", one.name, written))
        end = after.start if after else len(text.marked)
        parts.append(joined(text.marked[one.end : end], _parameters(one.name, text.own)))
    return Text("".join([*parts, text.marked[end:]]), tuple(literals), text.own)


def _with_phrases(text: Text) -> Text:
    """Return a text in which what gives a model tools is a literal, too."""
    literals = list(text.literals)

    def keep(phrase: Phrase) -> str:
        literals.append(Literal(phrase.kind, phrase.value))
        return f"{_MARKS[phrase.kind]}{len(literals) - 1}{_END}"

    marked = with_phrases(text.marked, keep)
    return Text(marked, tuple(literals), text.own) if marked != text.marked else text


def _parameters(name: str, own: Own) -> Iterable[str]:
    agent = own.agents.get(name)
    named: Mapping[str, Any] = (
        agent.parameters_schema.get("properties", {}) if agent else ready_agents()[name].parameters
    )
    return named


def _quotes(text: Text) -> dict[int, str]:
    return {n: one.value for n, one in enumerate(text.literals) if one.kind == "quote"}


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
