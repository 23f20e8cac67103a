"""What a text speaks of and its specification has not: a person, a condition, a list, a service.

Nothing is lost without a word: what was read is held against what was written, and what is missing
becomes a question. It is required when the workflow would do something else without it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler.english.draft import Question
from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.specification import Specification

_PERSON = (
    r"(?:i|we|somebody|someone|a human|humans?|(?:an?|the|my|our|his|her|their) (?:[\w'-]+ ){0,2}?"
    r"(?:manager|boss|lead|team|person|editor|lawyer|owner|director|ceo|cfo|supervisor|approver"
    r"|accountant|reviewer|colleague|expert|department|officer|head|operator|teacher|doctor))"
)
_ADVERBS = r"(?:(?:must|should|has to|have to|needs? to|will|can|is to|first|manually|has|have) )*"
_DECIDES = re.compile(
    rf"\b{_PERSON} (?:who |that )?{_ADVERBS}(?:approves?d?|signs? off|signed off|reviews? (?:and"
    rf"|it|them|the)"
    r"|confirms?|okays?|authori[sz]es?|decides?)\b"
    r"|\b(?:wait|pause|hold|stop)(?:s|ing)? (?:[\w-]+ ){0,3}?(?:for|until) (?:[\w'-]+ ){0,4}?"
    r"(?:approv|sign-?off|confirm|decision)|\bhuman[- ]in[- ]the[- ]loop\b"
    r"|\b(?:for|needs?|requires?|asks? for|seeks?) (?:an? |the )?(?:human|manual|manager'?s?|my|our"
    r"|legal|final|supervisor'?s?) (?:review|approval|sign-?off|decision|confirmation)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:check|see|analy[sz]e|assess|evaluate|determine|decide|verify|know|tell|detect|find out"
    r"|identify|judge|as|even)e?s?(?: [\w-]+){0,2} $",
    re.IGNORECASE,
)
"""Before an "if" they ask a question, which a step answers."""
_CONDITION = re.compile(
    r"\b(?:if|unless|otherwise|only when|only if|or else|in case|depending on)\b"
    r"(?! (?:any|needed|necessary|possible|you|desired|available|required))",
    re.IGNORECASE,
)
_LOOP = re.compile(
    r"\b(?:for (?:each|every)|loop(?:s|ing)? (?:over|through)|one by one"
    r"|iterat\w+ (?:over|through))\b",
    re.IGNORECASE,
)
_ENGINES = frozenset({"step_functions", "aws_step_functions", "azure_functions", "lambda"})
"""Services that a text names as what runs the workflow."""


@dataclass(frozen=True, slots=True)
class Told:
    """A text in the states in which it can be held against its specification."""

    whole: str
    """As it was told, its literals marked."""
    steps: str
    """What of it tells the steps: without praise and without what starts the workflow."""
    written: tuple[str, ...]
    """The words that became nodes."""
    second: str = ""
    """The words of a second start."""


def losses(told: Told, specification: Specification) -> list[Question]:
    """Return a question for each thing that the text names and the specification lacks."""
    found: list[Question] = []
    for look in _LOOKS:
        found.extend(look(told, specification))
    return found


def _person(told: Told, specification: Specification) -> Sequence[Question]:
    match = _DECIDES.search(told.whole)
    if match is None or "human_loop" in _agents(specification):
        return ()
    return (
        _asked(
            "person",
            f"“{_plain(match[0])}” names a person who decides, but no step asks one."
            " Before which step must somebody approve?",
            ("wait for approval by my manager, then …",),
            required=True,
        ),
    )


def _condition(told: Told, specification: Specification) -> Sequence[Question]:
    found = _CONDITION.finditer(told.steps)
    match = next((one for one in found if not _ASKS.search(told.steps[: one.start()])), None)
    agents = _agents(specification)
    if match is None or agents & {"router", "data_processing"} or _kept(match, told):
        return ()
    return (
        _asked(
            "condition",
            f"“{_around(match, told.steps)}” is a condition, but no step depends on it."
            " What happens when it holds, and what otherwise?",
            ("if …, then …, otherwise …",),
            required=True,
        ),
    )


def _loop(told: Told, specification: Specification) -> Sequence[Question]:
    match = _LOOP.search(told.steps)
    mapped = any(node.pattern == "map" for node in specification.nodes)
    if match is None or mapped or _kept(match, told):
        return ()
    return (
        _asked(
            "loop",
            f"“{_around(match, told.steps)}” speaks of a list, but no step before it gives one."
            " Where does it come from?",
            ("fetch … from …, then for each …",),
            required=False,
        ),
    )


def _service(told: Told, specification: Specification) -> Sequence[Question]:
    common = frozenset(lexicon().names("common_names"))
    written = " ".join(told.written).lower()
    lost: dict[str, str] = {}
    for match in lexicon().product_pattern.finditer(told.steps):
        name = match[1]
        product = lexicon().products[name.lower()]
        plain = name.lower() in common and not name[:1].isupper()
        acts = re.match(r" functions?\b", told.steps[match.end() :]) or product.key in _ENGINES
        if product.kind != "llm" and not plain and not acts and name.lower() not in written:
            lost.setdefault(product.key, name)
    return [
        _asked(
            f"service.{key}",
            f"{name} is named, but no step uses it. What should happen there?",
            (f"post it to {name}", f"fetch … from {name}"),
            required=False,
        )
        for key, name in lost.items()
    ]


def _start(told: Told, specification: Specification) -> Sequence[Question]:
    if not told.second:
        return ()
    return (
        _asked(
            "start",
            f"“{_plain(told.second)}” is a second start, and a workflow has one."
            " What shall be done then belongs into a workflow of its own.",
            (),
            required=False,
        ),
    )


_LOOKS: tuple[Callable[[Told, Specification], Sequence[Question]], ...] = (
    _person,
    _condition,
    _loop,
    _service,
    _start,
)


def _agents(specification: Specification) -> set[str]:
    return {node.agent for node in specification.nodes}


def _kept(match: re.Match[str], told: Told) -> bool:
    """Whether the words stand in a step as they are: the step itself heeds them."""
    around = told.steps[match.start() : match.end() + 25]
    return any(
        around[:20].lower() in MARK.sub("", text).lower() or match[0].lower() in text.lower()
        for text in told.written
    )


def _around(match: re.Match[str], text: str) -> str:
    rest = re.split(r"[,.;:→\n]", text[match.start() :])[0]
    return _plain(" ".join(rest.split()[:12]))


def _plain(text: str) -> str:
    return MARK.sub("…", text).strip()


def _asked(place: str, text: str, suggestions: tuple[str, ...], *, required: bool) -> Question:
    return Question(f"lost.{place}", text, "description", suggestions, required)
