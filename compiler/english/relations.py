"""What clauses that stand side by side say of each other.

"Download and parse the file" is one object of two deeds; "flag anything over 500, approve the
rest" is a choice between what is over 500 and all else.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from compiler.english.casting import crew_without_deed
from compiler.english.clause import Clause
from compiler.english.lexicon import lexicon
from compiler.english.verbs import read_opening, strip_leading

_SELECTED = re.compile(
    r"^(?P<verb>[a-z-]+(?: (?:up|out|off|back))?) (?:only )?(?P<what>anything|anyone|everything"
    r"|everyone|those|the ones|ones"
    r"|(?:any|all|every) [\w-]+|[\w-]+ (?:ones|items|requests|reports|messages|emails|tickets"
    r"|orders|leads|invoices|claims))"
    r" (?P<which>(?:over|above|below|under|older|newer|that|which|who|with|without|missing|marked"
    r"|rated|scored|from|in|due|sent)\b.+?)(?: (?:for|to) (?:me|us)\b.*)?$",
    re.IGNORECASE,
)
_KIND = re.compile(r"\b([a-z]+(?:-[a-z]+)?) ([a-z]+s)\b")
_REST = re.compile(
    r"\b(?:the rest|the others|everything else|all others|anything else|everyone else|the"
    r" remaining (?:ones|\w+s))\b",
    re.IGNORECASE,
)


_ONE_EFFECT = frozenset({"transform", "score", "analyze", "classify", "extract", "generate"})


def _one_deed(first: str, second: str) -> bool:
    """Whether two verbs on one object are one step: "scores and prioritizes them"."""
    return first == second and first in _ONE_EFFECT


def with_shared_objects(clauses: Sequence[Clause]) -> list[Clause]:
    """Give a verb without an object the one of the verb after it: "transcribe and tag the call"."""
    found = list(clauses)
    for place in range(len(found) - 1):
        first, second = found[place], found[place + 1]
        if first.kind != "action" or second.kind != "action" or second.separator != "comma":
            continue
        opening, following = read_opening(first.text), read_opening(second.text)
        bare = (
            opening is not None
            and not opening.rest.strip(" ,.")
            and " " not in opening.verb.base
            and not opening.verb.is_noun
        )
        if not bare or following is None or not following.rest.strip() or following.tool:
            continue
        if opening is not None and _one_deed(opening.verb.action, following.verb.action):
            found[place] = replace(first, text="")
            found[place + 1] = replace(second, separator=first.separator)
            continue
        noun = re.split(r"\s(?:to|into|in|on|via|with|using|by|and|for)\b", following.rest)[0]
        found[place] = replace(first, text=f"{first.text.strip()} {noun}")
    return [clause for clause in found if clause.text or clause.kind != "action"]


def with_crews(clauses: Sequence[Clause]) -> list[Clause]:
    """Let a crew do what the next clause says of each: "runs 4 agents. Each agent answers …"."""
    found: list[Clause] = []
    for clause in clauses:
        number = crew_without_deed(strip_leading(found[-1].text)) if found else 0
        if number and clause.worker and found[-1].kind == clause.kind == "action":
            found[-1] = replace(clause, separator=found[-1].separator, times=number)
        else:
            found.append(clause)
    return found


_WHERE_ALONE = re.compile(
    r"(?:to|into|with|via|by) (?:the |an? |our |my |your |their )?\S", re.IGNORECASE
)


def with_shared_deeds(clauses: Sequence[Clause]) -> list[Clause]:
    """Give a way that only says where to the deed of the way before: "if low, to support"."""
    found: list[Clause] = []
    deed = ""
    for clause in clauses:
        after = bool(found) and found[-1].kind in ("if", "else")
        if clause.kind == "action" and after and deed and _WHERE_ALONE.match(clause.text):
            clause = replace(clause, text=f"{deed} {clause.text}")
        if clause.kind == "action":
            deed = re.split(r"\s(?:to|into|in|on|via|with|by)\s", clause.text)[0]
        found.append(clause)
    return found


def with_opposites(clauses: Sequence[Clause]) -> list[Clause]:
    """Read "publish positive reviews, send negative ones to support" as an if and an otherwise."""
    found: list[Clause] = []
    for clause in clauses:
        last = found[-1] if found else None
        kinds = _opposite_kinds(last.text, clause.text) if last else None
        if last is None or kinds is None or not clause.kind == last.kind == "action":
            found.append(clause)
            continue
        found[-1:] = [
            Clause("if", last.separator, f"it is {kinds[0]}"),
            replace(last, separator="condition"),
            Clause("if", "condition", f"it is {kinds[1]}"),
            replace(clause, separator="condition"),
        ]
    return found


def _opposite_kinds(one: str, other: str) -> tuple[str, str] | None:
    """Return what tells two things apart: `positive` and `negative`, `high-risk` and `low-risk`."""
    first, second = (_KIND.findall(text.lower()) for text in (one, other))
    for kind in first:
        for against in second:
            little = lexicon().words("determiners") | {"good", "other", "only"}
            ones = kind[1] == against[1] == "ones" and kind[0] != against[0]
            if ones and little.isdisjoint((kind[0], against[0])):
                return kind[0], against[0]
            if _opposed(kind[0], against[0]) and (kind[1] == against[1] or against[1] == "ones"):
                return kind[0], against[0]
    return None


def _opposed(one: str, other: str) -> bool:
    head, _, tail = one.partition("-")
    against, _, rest = other.partition("-")
    pairs = [tuple(pair) for pair in lexicon().names("conditions", "opposites")]
    return tail == rest and ((head, against) in pairs or (against, head) in pairs)


def _removes(text: str) -> bool:
    """Whether a step takes things away, so that "the rest" is what is left, not another way."""
    opening = read_opening(text)
    return opening is not None and opening.verb.action in ("filter", "dedupe")


_FOR_ONES = re.compile(
    r"^(?P<what>.+?) for (?:the ones|those) (?P<which>(?:that|who|which|with|without|above|over"
    r"|below|under) .+)$",
    re.IGNORECASE,
)
_OF_A_KIND = re.compile(
    r"^[a-z-]+ (?:the )?(?P<what>(?P<kind>[a-z]+(?:-[a-z]+)?) (?:[a-z]{2,}s))\b(?P<which>)",
    re.IGNORECASE,
)


def _some_kind(text: str) -> re.Match[str] | None:
    """Return the kind that a step picks: "escalate high-risk accounts to …"."""
    match = _OF_A_KIND.match(strip_leading(text))
    known = match and match["kind"].lower() in lexicon().words("determiners") | lexicon().skip
    return None if known else match


def with_the_rest(clauses: Sequence[Clause]) -> list[Clause]:
    """Read "flag anything over 500; approve the rest" as an if and an otherwise."""
    found: list[Clause] = []
    for clause in clauses:
        last = found[-1] if found else None
        if (
            last is not None
            and clause.kind == last.kind == "action"
            and _REST.search(clause.text)
            and not _removes(last.text)
            and (
                chosen := _SELECTED.match(strip_leading(last.text))
                or _FOR_ONES.match(last.text)
                or _some_kind(last.text)
            )
        ):
            which = re.sub(r"^(?:that|which|who) ", "", chosen["which"], flags=re.IGNORECASE)
            condition = f"it {which}" if which != chosen["which"] else f"it is {which}"
            condition = condition if which else f"it is one of the {chosen['what']}"
            found[-1:] = [
                Clause("if", last.separator, condition),
                replace(last, separator="condition"),
                Clause("else", "condition", "else"),
                replace(clause, separator="condition"),
            ]
        else:
            found.append(clause)
    return found
