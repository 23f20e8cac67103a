"""The clauses of one action: itself, with its condition, its approval, its crew."""

import re
from collections.abc import Callable
from dataclasses import replace

from compiler.english.casting import assigned, crew, listed_agents
from compiler.english.clause import Clause
from compiler.english.control_words import (
    ALWAYS,
    ALWAYS_WORDS,
    DECISION,
    ENDS_IN_LOOK,
    FINISHED,
    FOR_REVIEW,
    OUTCOMES,
    PARALLEL_END,
    SOME_FOR_REVIEW,
    TRAILING_APPROVAL,
    TRAILING_FINDING,
    TRAILING_IF,
    TRAILING_LIMIT,
    TRAILING_OUTCOME,
    WHETHER,
)
from compiler.english.segments import Separator
from compiler.english.subjects import person_acts, without_subject
from compiler.english.verbs import is_human, read_opening, strip_leading

_SENDS = frozenset({"notify", "email", "send"})
_GRANTED = re.compile(
    r"\b(?:approval|sign-?off|consent|permission|go-ahead|confirmation|okay|ok)\b(?! (?:control"
    r"|button|link|form|criteri"
    r"|process|workflow|step|request)\w*)",
    re.IGNORECASE,
)
"""After "with" it is what somebody grants: "with my approval", not "with a detailed review"."""
_SAID = re.compile(r"[a-z\ue000-\ue006]", re.IGNORECASE)


def read_action(text: str, separator: Separator) -> list[Clause]:
    """Return the clauses of one action: itself, its trailing condition, its approval."""
    text = text.strip(" ,.")
    if person_acts(text) and not is_human(text):
        return [Clause("action", separator, f"approval: {text}", always=bool(ALWAYS.search(text)))]
    text = without_subject(text)
    if not _SAID.search(text):
        return []
    always = bool(ALWAYS.search(text)) or text.lower().startswith("finally")
    text = re.sub(r",?\s+(?:and|then)$", "", ALWAYS_WORDS.sub("", text).strip(" ,"))
    for read in _READERS:
        if found := read(text, separator, always):
            return found
    parallel = bool(PARALLEL_END.search(text)) or " in parallel" in text
    text = re.sub(r"\s+in parallel\b", "", PARALLEL_END.sub("", text)).strip(" ,")
    return [Clause("action", separator, text, always=always, parallel=parallel)]


def _of_agents(text: str, separator: Separator, _: bool) -> list[Clause]:
    """Read work that is given to several agents, each told by name or by topic."""
    deeds = [f"answer it as {agent}" for agent in listed_agents(text)] or assigned(text)
    if not deeds:
        return []
    given = [Clause("action", "comma", deed, worker=True) for deed in deeds]
    given[0] = replace(given[0], separator="condition")
    return [Clause("parallel", separator, ""), *given]


def _of_crew(text: str, separator: Separator, always: bool) -> list[Clause]:
    several = crew(strip_leading(text))
    if several is None:
        return []
    return [Clause("action", separator, several[1], always=always, worker=True, times=several[0])]


def _whether(text: str, separator: Separator, always: bool) -> list[Clause]:
    asked = strip_leading(text)
    match = WHETHER.match(asked)
    return [Clause("whether", separator, asked[match.end() :], always=always)] if match else []


def _after_approval(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "publish it once my boss approves": the approval comes first."""
    match = TRAILING_APPROVAL.match(text)
    if match is None or not read_opening(match["action"]) or is_human(match["action"]):
        return []
    if match["human"].lower().startswith("with ") and not _GRANTED.search(match["human"]):
        return []
    human = Clause("action", separator, f"approval: {match['human']}", always=always)
    return [human, Clause("action", "then", match["action"])]


def _for_review(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "put it on the board for my boss to check": the approval comes last."""
    match = FOR_REVIEW.match(text)
    if match is None or is_human(text) or not read_opening(match["action"]):
        return []
    human = Clause("action", "then", f"approval: {match['human']}", always=always)
    return [Clause("action", separator, match["action"]), human]


def _some_for_review(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "flag risky contracts for review": only those are shown to a person."""
    match = SOME_FOR_REVIEW.match(text)
    if match is None:
        return []
    condition = f"it is one of the {match['which']}"
    branch = Clause("if", separator, condition, always=always, bound=True)
    return [branch, Clause("action", "condition", f"approval: {match['human']}", bound=True)]


def _on_condition(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "archive it if it is old"."""
    match = TRAILING_IF.match(text)
    if match is None or ENDS_IN_LOOK.search(match["action"]):
        return []
    asks = is_human(text) and not _handed(match)
    if asks or not read_opening(match["action"], guess=True):
        return []
    word, condition = match["word"].lower(), match["condition"].strip(" .")
    action = Clause("action", "condition", match["action"].strip(" ,"), bound=True)
    if FINISHED.match(condition):
        return [Clause("action", separator, action.text, always=always)]
    branch = Clause("if", separator, condition, negated=word == "unless", always=always, bound=True)
    return [branch, action]


def _handed(condition: re.Match[str]) -> bool:
    """Whether a person is asked only on a condition: "hand it to a human when it is unsure"."""
    told = condition["word"].lower() in ("if", "when", "whenever", "unless", "in case")
    return told and not re.search(DECISION, condition["condition"], re.IGNORECASE)


_SURE = re.compile(
    r"^(?:verif(?:y|ies)|checks?|ensures?|makes? sure|confirms?) (?:that |if |whether )?(?:(?:it"
    r"|they) )?(?:(?:is|are|was|were"
    r"|has|have)(?: been)? )?(?P<what>not (?:yet |already )?\w+)$",
    re.IGNORECASE,
)


def _if_sure(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "verify not purchased": what comes after it is done only then."""
    match = _SURE.match(text)
    return [Clause("if", separator, f"it is {match['what']}", always=always)] if match else []


def _on_finding(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "alert me on drops over 5 %" and "notify them about anomalies"."""
    match = TRAILING_LIMIT.match(text) or TRAILING_FINDING.match(text)
    opening = read_opening(match["action"]) if match else None
    if match is None or opening is None or opening.verb.action not in _SENDS:
        return []
    what = re.sub("^(?:any|all|the) ", "", match["condition"])
    branch = Clause("if", separator, f"there are {what}", always=always, bound=True)
    return [branch, Clause("action", "condition", match["action"], bound=True)]


def _on_outcome(text: str, separator: Separator, always: bool) -> list[Clause]:
    """Read "page me on failure"."""
    match = TRAILING_OUTCOME.match(text)
    if match is None or not read_opening(match["action"]) or is_human(text):
        return []
    ended = OUTCOMES.get(match["what"].lower(), "it fails")
    branch = Clause("if", separator, ended, always=always, bound=True)
    return [branch, Clause("action", "condition", match["action"], bound=True)]


_READERS: tuple[Callable[[str, Separator, bool], list[Clause]], ...] = (
    _of_agents,
    _of_crew,
    _whether,
    _after_approval,
    _if_sure,
    _some_for_review,
    _for_review,
    _on_condition,
    _on_finding,
    _on_outcome,
)
