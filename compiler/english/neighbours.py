"""What a step means beside the one before it: whether it needs it, repeats it, gathers it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from compiler.english.lexicon import lexicon
from compiler.english.nouns import words_of
from compiler.english.program import Fork, Part
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


def with_tools_told(step: Step, before: list[Part]) -> Step:
    """Return a step with the tools that were told with it, if a model does it.

    Else they go to the last step before it that a model does: "…, then email it. It may read …".
    """
    if not step.tools or _thinks(step):
        return step
    for at in reversed(range(len(before))):
        model = before[at]
        if isinstance(model, Step) and _thinks(model):
            before[at] = replace(model, tools=(*model.tools, *step.tools))
            return replace(step, tools=())
    return step


def _thinks(step: Step) -> bool:
    return step.agent == "llm" and not step.named


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


def side_by_side(parts: Sequence[Part]) -> list[Part]:
    """Put readings of several services side by side when the step after them joins them all."""
    found: list[Part] = []
    for part in parts:
        found.append(part)
        if not isinstance(part, Step) or part.action != "aggregate":
            continue
        start = len(found) - 1
        while start and _reads_apart(found[start - 1]):
            start -= 1
        run = [step for step in found[start:-1] if isinstance(step, Step)]
        if len(run) > 1 and len({_read_from(step) for step in run}) == len(run):
            found[start:-1] = [Fork(tuple((step,) for step in run))]
    return found


def _reads_apart(part: Part) -> bool:
    """Whether a step reads a service that it names, and nothing of what came before."""
    if not isinstance(part, Step) or part.role != "source" or part.each is not None:
        return False
    return _read_from(part) != "" and not points_back(part)


def _read_from(step: Step) -> str:
    """Return what a step reads: its service, or its address."""
    return step.product.key if step.product else next(iter(step.urls), "")


def tells_what_was_read(text: str) -> bool:
    """Whether a reading only names what everybody reads: "fetch the forecast"."""
    return bool(_WORLD.match(text))


def points_back(step: Step) -> bool:
    """Whether a step works on what was made before it: "sort them"."""
    return bool(_POINTING.match(step.rest))


_POINTING = re.compile(r"(?:it|them|this|these|those|their|its)\b", re.IGNORECASE)
