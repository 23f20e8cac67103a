"""Cuts a text at its strong joints: arrows, semicolons, lines, list items, ends of sentences."""

import re
from typing import Literal

from compiler.english.verbs import opens_step

Separator = Literal[
    "start", "sentence", "arrow", "semicolon", "line", "item", "comma", "then", "condition"
]

_ITEM = re.compile(
    r"^\s*(?:(?:step\s+)?\(?\d{1,2}(?:[.):]|\s+[-—](?=\s))|[-*•·]|step \d+:?|\(?[a-h]\))\s+",
    re.IGNORECASE,
)
_INLINE_ITEM = re.compile(r"(?:^|(?<=\s))\(?(\d{1,2})[.)]\s+(?=\S)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")
_STRONG = re.compile(r"\s*(→|;|\n)\s*")
_CONTROL = re.compile(r"^(?:if|unless|otherwise|else|when)\b", re.IGNORECASE)


def segments(text: str) -> list[tuple[Separator, str]]:
    """Cut at arrows, semicolons, lines, list items and ends of sentences."""
    text = _break_inline_items(text)
    names: dict[str, Separator] = {"→": "arrow", ";": "semicolon", "\n": "line"}
    segments: list[tuple[Separator, str]] = []
    separator: Separator = "start"
    for part in _STRONG.split(_join_wrapped(text)):
        if part in names:
            separator = names[part] if separator not in ("arrow", "item") else separator
            continue
        item = _ITEM.match(part)
        if item and segments and separator != "arrow":
            separator = "item"
        for place, sentence in enumerate(_SENTENCE.split(part[item.end() :] if item else part)):
            if sentence.strip(" .,!?"):
                segments.append((separator if place == 0 else "sentence", sentence.strip()))
        separator = "line"
    return segments


def _break_inline_items(text: str) -> str:
    """Put "1. … 2. … 3. …" that stand in one line on lines of their own."""
    numbers = [int(match[1]) for match in _INLINE_ITEM.finditer(text)]
    if len(numbers) >= 2 and numbers[:3] == list(range(1, len(numbers[:3]) + 1)):
        return _INLINE_ITEM.sub(lambda match: f"\n{match[1]}. ", text)
    return text


def _join_wrapped(text: str) -> str:
    """Join lines that were only wrapped: the next one begins in lower case and with no step."""
    lines = text.split("\n")
    joined = lines[:1]
    for line in lines[1:]:
        stripped = line.strip()
        goes_on = stripped[:1].islower() and not _ITEM.match(line) and not opens_step(stripped)
        if goes_on and joined[-1].strip() and not _CONTROL.match(stripped):
            joined[-1] = f"{joined[-1].rstrip()} {stripped}"
        else:
            joined.append(line)
    return "\n".join(joined)
