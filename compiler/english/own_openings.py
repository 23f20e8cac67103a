"""How a part of a text gives work to an organization's own agent, which is a mark by then.

"use A on each review", "A scores it", "let A score it" and "send it to A" ask for what "process it
with A" does.
"""

import re
from dataclasses import dataclass

from compiler.english.tool_phrases import AGENT_MARK

_USES = re.compile(
    rf"(?:us(?:e|es|ing)|run(?:s|ning)?|call(?:s|ing)?|invok(?:e|es|ing)|appl(?:y|ies|ying)"
    rf"|execut(?:e|es|ing)|trigger(?:s|ing)?|launch(?:es|ing)?|start(?:s|ing)?)"
    rf" (?P<agent>{AGENT_MARK})(?P<to> to (?=[a-z]))?(?: (?:on|over|for|against|to|across|upon))?"
    rf"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LETS = re.compile(
    rf"(?:(?:let|have|ask|tell|get|make)s? )?(?P<agent>{AGENT_MARK})"
    rf"(?: (?:then|also|to|should|will|must|shall|can))*(?: |$)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_GIVES = re.compile(
    rf"(?:(?:send|pass|feed|give|hand|run|put|push|forward|submit|pipe|direct|take)(?:s|es|ing)?"
    rf" (?P<what>[^,;→]{{1,120}}?)(?: (?:over|on|down))?"
    rf"|(?:let|have) (?P<let>[^,;→]{{1,120}}?) (?:go|pass|run))"
    rf" (?:to|through|into|by|via) (?P<agent>{AGENT_MARK})(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_SEVERAL = re.compile(rf"{AGENT_MARK}(?:(?:, and |, | and ){AGENT_MARK})+")


def each_agent(clause: str) -> list[str]:
    """Return "use A on it" and "use B on it" for "use A and B on it"; any other clause alone."""
    match = _SEVERAL.search(clause)
    if match is None:
        return [clause]
    return [
        f"{clause[: match.start()]}{one}{clause[match.end() :]}"
        for one in re.findall(AGENT_MARK, match[0])
    ]


@dataclass(frozen=True, slots=True)
class Given:
    """Work that is given to an agent."""

    agent: str
    """Its mark."""
    rest: str
    """What it is done to."""
    deed: str = ""
    """What it shall do, in words of its own: "score each review"."""


def given_to_agent(text: str) -> Given | None:
    """Return the work that a part of a text gives to an agent; None: it opens otherwise."""
    if match := _USES.match(text):
        rest = match["rest"].strip(" ,")
        return Given(match["agent"], rest, rest if match["to"] else "")
    if match := _LETS.match(text):
        return Given(match["agent"], match["rest"].strip(" ,"), match["rest"].strip(" ,"))
    if match := _GIVES.match(text):
        return Given(match["agent"], f"{match['what'] or match['let']}{match['rest']}")
    return None
