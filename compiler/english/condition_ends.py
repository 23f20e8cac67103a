"""Where a condition ends and what is to be done begins: "if the build fails | roll it back"."""

import re

from compiler.english.control_words import (
    ASKS,
    BARE_STATE,
    DECISION,
    DONE,
    ELSE,
    ENDED,
    FINISHED,
    HAPPENED,
    IDLE,
    IF,
    PASSIVE_START,
    STATED,
    STATES,
)
from compiler.english.lexicon import lexicon
from compiler.english.subjects import person_acts, without_subject
from compiler.english.verbs import Opening, is_human, opens_step, read_opening
from compiler.english.voice import active

_CONDITION_LENGTH = 300
"""How many characters a condition may have before its verb: bounds the work on hostile texts."""


_HAVE_DONE = re.compile(
    r"(?:you|we|they|it|i)(?:'ve| have|'s| has) (?:been )?(?P<verb>\w+)\b",
    re.IGNORECASE,
)
_WHERE = re.compile(r"to (?:the|an?|our|my|your|their) ", re.IGNORECASE)
"""A way that only says where to: "if it is medium, to the account manager"."""


def is_over(condition: str, word: str) -> bool:
    """Whether a condition only says that the step before has ended: "once the file is saved"."""
    if word not in ("when", "once", "as soon as", "whenever"):
        return False
    done = DONE.search(condition) if word in ("once", "as soon as") else None
    ended = done is not None and done["verb"].lower() in lexicon().participles
    decided = re.search(rf"\b{DECISION}", condition, re.IGNORECASE)
    found = _HAVE_DONE.match(condition) if word in ("once", "as soon as") else None
    ended = ended or (found is not None and found["verb"].lower() in lexicon().participles)
    return bool(FINISHED.match(condition)) or (ended and not decided)


def split_condition(text: str) -> tuple[str, str]:
    """Return the condition and what is to be done."""
    length = verb_position(text)
    for match in re.finditer(r",?\s+then\s+|,\s*|:\s+|\s*→\s*", text):
        rest = text[match.end() :]
        if length is not None and length < match.start():
            break
        decided = match[0].strip() != "," or opens_step(rest) or read_opening(rest) is not None
        decided = decided or active(rest) != rest or bool(_WHERE.match(rest))
        decided = decided or person_acts(rest) or without_subject(rest) != rest
        if not decided and length is None and STATES.search(text[: match.start()]):
            decided = not re.match(r"(?:and|or|but)\b", rest)
        if decided or any(pattern.match(rest) for pattern in (ELSE, IF, IDLE)):
            return text[: match.start()].strip(), rest
    length = _passive_position(text) if length is None else length
    if length is None:
        return text.strip(" ,."), ""
    return text[:length].strip(" ,"), text[length:]


def _passive_position(text: str) -> int | None:
    """Return where a passive main clause begins: "if it fails | the stock is released"."""
    for match in PASSIVE_START.finditer(text[:_CONDITION_LENGTH]):
        rest = text[match.end() :]
        if ENDED.search(text[: match.start()]) and active(rest) != rest:
            return match.end()
    return None


def verb_position(text: str) -> int | None:
    """Return where a base-form verb that opens a step begins, past the first word."""
    for match in list(re.finditer(r"\S+", text[:_CONDITION_LENGTH]))[1:]:
        rest = text[match.start() :]
        before = text[: match.start()]
        if BARE_STATE.match(before) and opens_step(rest, "it"):
            return match.start()
        third = read_opening(rest)
        if third and third.third and HAPPENED.search(before) and opens_step(rest, "it"):
            return match.start()
        if match[0].lower() in ("will", "should") and STATES.search(text[: match.start()]):
            return match.start() if opens_step(rest) else None
        opening = read_opening(match[0]) or _opening_of_two(rest)
        plain = opening is not None and (
            opening.verb.base.split()[0] == match[0].lower().strip(",")
            or bool(STATED.search(text[: match.start()]))
        )
        decides = opening is not None and opening.verb.action == "approve"
        if ASKS.match(rest) and is_human(rest) and not _needs_object(text[: match.start()]):
            return match.start()
        if plain and not decides and opens_step(rest) and not _needs_object(text[: match.start()]):
            return match.start()
    return None


def _opening_of_two(text: str) -> Opening | None:
    """Return the opening of a verb of two words, such as "switch on"."""
    opening = read_opening(text)
    return opening if opening and " " in opening.verb.base and not opening.guessed else None


def _needs_object(before: str) -> bool:
    """Whether the text before a word cannot stand alone, so that the word belongs to it."""
    last = before.split()[-1].lower()
    return last in lexicon().words("incomplete")
