"""Steps that a sentence leaves out because what it sends implies them.

"The three most negative ones" takes judging, sorting and keeping; "post the report" after a look
at each item takes a report.
"""

import re

from compiler.english.lexicon import lexicon
from compiler.english.normalise import Text
from compiler.english.nouns import words_of
from compiler.english.steps import Step, read_step

_EXTREME = re.compile(
    r"\b(?:top )?(?:(?P<count>\d{1,3}|[a-z]+) )?(?:most|top) (?P<mood>positive|negative)\b",
    re.IGNORECASE,
)


_SUMMARY = re.compile(
    r"(?:(?:me|us|out|the team|everyone) )?(?:an? |the )?(?:[\w-]+ ){0,2}?(?:summary|digest|recap"
    r"|briefing)\b(?! (?:email|message))",
    re.IGNORECASE,
)


def implied_steps(step: Step, before: Step | None, text: Text) -> list[Step]:
    """Return the steps between the one before and a step that takes their result away."""
    if step.role != "sink" or before is None:
        return []
    phrases = _to_extremes(step) or _to_report(step, before) or _to_summary(step, before)
    steps = [read_step(phrase, text) for phrase in phrases]
    return [found for found in steps if found is not None]


def _to_extremes(step: Step) -> list[str]:
    asked = _EXTREME.search(step.marked)
    if asked is None:
        return []
    count = (asked["count"] or "").lower()
    number = int(count) if count.isdigit() else lexicon().names("numbers").get(count)
    descending = " descending" if asked["mood"].lower() == "positive" else ""
    keep = [f"keep the first {number} items"] if number else []
    return ["analyze the sentiment of each one", f"sort them by score{descending}", *keep]


def _to_summary(step: Step, before: Step) -> list[str]:
    """Read what is sent as a summary of what was just fetched."""
    named = _SUMMARY.match(step.rest)
    return ["summarize them"] if named and before.role == "source" else []


def _to_report(step: Step, before: Step) -> list[str]:
    judged = before.each is not None and before.action in ("analyze", "classify", "score")
    named = "report" in words_of(step.phrase)[-1:]
    return ["generate an insights report"] if judged and named else []
