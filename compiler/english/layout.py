"""What the lines of a text are: a head over a list of steps, a line whose list ends it."""

import re

from compiler.english.lexicon import lexicon
from compiler.english.verbs import opens_step

_ITEM = re.compile(r"^\s*(?:(?:step\s+)?\(?\d{1,2}[.):]|[-*•·])\s+", re.IGNORECASE)
_HEAD = re.compile(
    r"^(?:please )?(?:(?:i|we) (?:need|want) |(?:build|create|design|make|develop|generate|implement"
    r"|write|set up)e?s? )?(?:me )?(?:(?:an?|the|this|my|our) )?[^:.\n]*\b(?:workflow|automation"
    r"|flow|pipeline|process|system|agent|bot)\b[^:.\n]*:\s*$",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:from|across|of|to|into|on|via|in|sources?|channels?|services?|apis?)\s*:\s*$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*\([^()]*\)")
_MOST_WORDS = 6


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without heads of lists; places listed under a line end it."""
    lines = text.split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        end = _end_of_list(lines, place + 1)
        items = [_ITEM.sub("", item).strip(" .;,") for item in lines[place + 1 : end] if item.strip()]
        place += 1
        if len(items) > 1 and _OPEN.search(line) and all(map(_is_place, items)):
            listed = [_ASIDE.sub("", item) for item in items]
            kept.append(f"{line.rstrip().rstrip(':')} {', '.join(listed[:-1])} and {listed[-1]}.")
            place = end
        elif len(items) > 1 and _HEAD.match(line) and _ITEM.match(_first(lines, place)):
            continue
        else:
            kept.append(line)
    return kept


def _end_of_list(lines: list[str], start: int) -> int:
    """Return where the list ends that begins at a line; the line itself when there is none."""
    end = start
    for number in range(start, len(lines)):
        if _ITEM.match(lines[number]):
            end = number + 1
        elif lines[number].strip():
            break
    return end


def _first(lines: list[str], start: int) -> str:
    return next((line for line in lines[start:] if line.strip()), "")


def _is_place(item: str) -> bool:
    """Whether an item only names a place: "Google Analytics (web traffic)"."""
    bare = _ASIDE.sub("", item)
    named = lexicon().product_pattern.search(bare) is not None or bare[:1].isupper()
    return named and len(bare.split()) <= _MOST_WORDS and not opens_step(bare)
