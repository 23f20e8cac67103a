"""What a workflow and the ways of a choice are called."""

import re

from compiler.english.conditions import is_decision
from compiler.english.lexicon import lexicon
from compiler.english.normalise import Text
from compiler.english.nouns import title_of, words_of
from compiler.english.program import Arm, Choice, Program, steps_of
from compiler.english.steps import Step

_DEEDS = {
    "extract": "Extraction",
    "analyze": "Analysis",
    "summarize": "Summary",
    "classify": "Classification",
    "translate": "Translation",
    "score": "Scoring",
    "check": "Monitor",
    "generate": "",
    "aggregate": "",
}
_LONGEST = 80
_BARE = frozenset(
    {
        "up",
        "down",
        "available",
        "unavailable",
        "offline",
        "online",
        "reachable",
        "unreachable",
        "healthy",
        "unhealthy",
    }
)


def arm_label(arm: Arm, part: Choice, text: Text) -> str:
    """Return a short name for one way of a choice, for its edge."""
    if not arm.condition:
        return "otherwise"
    words = re.findall(r"[a-z0-9]+", text.restore(arm.condition).lower())
    words = [
        word
        for word in words
        if word not in ("the", "a", "an", "is", "are", "it", "s", "was", "if")
    ]
    label = "_".join(words)[:40].strip("_") or "holds"
    return f"unless_{label}" if arm.negated else label


def arm_sentence(arm: Arm, part: Choice, text: Text) -> str:
    """Return the circumstance of one way of a choice as a sentence without a period."""
    if not arm.condition or arm.negated:
        return ""
    decision = is_decision(arm.condition)
    if decision is not None:
        return "" if decision else "the request was rejected"
    condition = re.sub(r"\s+", " ", text.restore(arm.condition)).strip(" .")
    if condition.lower() in _BARE:
        return f"it is {condition}"
    return condition


def workflow_name(program: Program, description: str) -> str:
    """Return a title for the workflow made of what it works on and what it does."""
    steps = list(steps_of(program.parts))
    subject = next((phrase for step in steps if (phrase := _subject(step))), "")
    step = next((s for s in steps if s.action in _DEEDS and s.role != "source"), None)
    step = step or next((s for s in steps if s.action in _DEEDS), None)
    deed = _deed(step) if step else ""
    title = " ".join(dict.fromkeys(f"{subject} {deed}".split()))
    if len(title.split()) < 2:
        title = re.sub(r"\s+", " ", description)
        title = title[:1].upper() + title[1:]
    return _cut(title.strip(" .,→")) or "Workflow"


def _cut(title: str) -> str:
    """Return a title of at most 80 characters that does not end within a word or a list."""
    if len(title) <= _LONGEST:
        return title
    return title[:_LONGEST].rpartition(" ")[0].strip(" .,;:→-") + "…"


def _subject(step: Step) -> str:
    if step.role != "source" and step.action not in (
        "analyze",
        "summarize",
        "classify",
        "translate",
    ):
        return ""
    words = re.findall(r"[A-Za-z][\w-]*", re.split(r"\s+of\s+", step.phrase)[0])
    empty = lexicon().generic | lexicon().skip
    kept = [
        w for w in words if w.lower() in _kept(step) or (w[:1].isupper() and w.lower() not in empty)
    ]
    return title_of(" ".join(kept[-3:]))


def _kept(step: Step) -> set[str]:
    words = set(words_of(step.phrase)) - lexicon().generic - {"sentiment"}
    return words - {"content", "text", "page"} if step.role == "source" else words


def _deed(step: Step) -> str:
    noun = step.noun or ""
    if step.action in ("summarize", "classify", "translate", "score", "check"):
        return _DEEDS[step.action]
    return f"{title_of(noun)} {_DEEDS[step.action]}".strip()
