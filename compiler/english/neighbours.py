"""What a step means beside the one before it: whether it needs it, repeats it, gathers it."""

import re

from compiler.english.lexicon import lexicon
from compiler.english.nouns import words_of
from compiler.english.steps import Step
from compiler.inflection import plural

_ADDRESS = re.compile(r"url|link|site|page|endpoint|uri", re.IGNORECASE)


def looks_outside(look: Step) -> bool:
    """Whether a check asks something outside, not what is known already."""
    known = (lexicon().words("watched") | lexicon().words("measured")) - {"status"}
    named = bool(look.words & known) or look.agent == "database"
    return bool(look.product or look.urls or look.inputs) or named


def is_given(step: Step) -> bool:
    """Whether a step only says what the workflow is given: "take the text in {input.text}"."""
    named = (
        step.phrase.lower().split()[-1:]
        if step.verb in ("take", "enter", "accept", "provide")
        else []
    )
    if named and named[0] in lexicon().words("given") and not (step.product or step.urls):
        return True
    given = step.action == "fetch" and step.inputs and not step.urls
    return bool(given) and not any(map(_ADDRESS.search, step.inputs))


_WORLD = re.compile(
    r"fetch (?:the |their |its )?(?:[\w-]+ )?(?:forecast|weather|headlines|news)$", re.I
)
_OF_ALL = frozenset({"digest", "list", "lists", "overview", "report", "results", "table"})


def sends_all(step: Step, last: Step | None) -> bool:
    """Whether a step in a loop speaks of all its results: "then email a list to me".

    "Write a poem and email me the poems" does so, too: what each one made is one of them.
    """
    if step.role != "sink":
        return False
    made = last.words if last is not None and last.each is not None else frozenset()
    many = {plural(word) for word in made} - made
    return bool(step.words & (_OF_ALL | many))


def are_apart(one: Step, other: Step) -> bool:
    """Whether two steps of different kinds can run side by side: neither needs the other."""
    if one.each is not None or other.each is not None or one.role == "source":
        return False
    if set(words_of(one.rest)) & set(words_of(other.rest)):
        return False
    return other.agent != "aggregator" and not points_back(other)


def tells_what_was_read(text: str) -> bool:
    """Whether a reading only names what everybody reads: "fetch the forecast"."""
    return bool(_WORLD.match(text))


def points_back(step: Step) -> bool:
    """Whether a step works on what was made before it: "sort them"."""
    return bool(_POINTING.match(step.rest))


_POINTING = re.compile(r"(?:it|them|this|these|those|their|its)\b", re.IGNORECASE)
