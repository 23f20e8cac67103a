"""Second stage: cuts the text into clauses, each an action or a word of control."""

import re
from dataclasses import replace

from compiler.english.action_clauses import read_action
from compiler.english.casting import assigned, crew
from compiler.english.clause import Clause, Kind
from compiler.english.condition_ends import is_over, split_condition, verb_position
from compiler.english.control_words import (
    AFTER,
    ALWAYS,
    ALWAYS_WORDS,
    DECISION,
    DONE,
    EACH,
    ELSE,
    ELSE_IF,
    FINISHED,
    FOR_SOME,
    IDLE,
    IF,
    LATE_ELSE,
    OTHERS,
    OUTCOME,
    OUTCOMES,
    PARALLEL,
    SUBJECT,
    UPON,
    WEAK,
    WORKER,
)
from compiler.english.kinds import with_kinds
from compiler.english.lexicon import lexicon
from compiler.english.normalise import AGENT
from compiler.english.own_openings import given_to_agent
from compiler.english.prose import without_frame
from compiler.english.relations import (
    with_crews,
    with_opposites,
    with_shared_deeds,
    with_shared_objects,
    with_the_rest,
)
from compiler.english.routes import UNKNOWN_WAY, Way, find_routes
from compiler.english.segments import Separator, segments
from compiler.english.subjects import person_acts
from compiler.english.verbs import acts, is_human, opens_step, read_opening, strip_leading
from compiler.english.voice import active

_ONCE = re.compile(r"(?:and )?(?P<word>once|as soon as)\s+", re.IGNORECASE)
_FOR_KIND = re.compile(
    r"for (?!each|every|all|this|that|these|those|the|us|me|your|our|my|\d)(?P<what>(?:[a-z-]+"
    r" )?[a-z-]+s)"
    r" (?=(?P<rest>[a-z].*))",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"(?:finally|lastly|then|next|first|second|third|after that|afterwards|subsequently"
    r"|meanwhile|also"
    r"|in addition|additionally|at the end|in the end|once done|when done)",
    re.IGNORECASE,
)
_DECIDES = re.compile(
    r"(?:can |may )?(?:deny|denies|rejects?|declines?|modify|modifies|return|requests? (?:more"
    r"|changes|a|an"
    r"|additional|further|edits))\b",
    re.IGNORECASE,
)
"""What else a person may decide: "may reject it or request changes"."""
_WHEN = re.compile(r"(?:and |but )?(?:when|whenever|in case)\s+", re.IGNORECASE)


def cut(text: str) -> list[Clause]:
    """Return the clauses of a marked text, in the order in which they are written."""
    clauses: list[Clause] = []
    for separator, segment in segments(without_frame(text)):
        if late := LATE_ELSE.match(segment):
            segment = f"otherwise {late['deed']}{late['more'] or ''}"
        found = _worker(segment, separator) or _scan(segment.strip(" ,."), separator)
        clauses.extend(
            clause for clause in found if not IDLE.match(clause.text) or clause.kind != "action"
        )
    related = with_opposites(with_the_rest(with_shared_deeds(with_crews(clauses))))
    return with_shared_objects(with_kinds(related))


def _worker(segment: str, separator: Separator) -> list[Clause]:
    """Read "a second agent checks the tone and …": one step, however much it says."""
    match = WORKER.match(segment)
    deed = segment[match.end() :].strip(" .") if match else ""
    if (
        not match
        or "agents" in match[0]
        or re.search(r"\bagents?\b|\bworkers?\b", deed)
        or read_opening(deed) is None
    ):
        return []
    return [Clause("action", separator, deed, worker=True)]


def _scan(segment: str, separator: Separator) -> list[Clause]:
    """Cut one segment into clauses."""
    clauses: list[Clause] = []
    rest, routed = segment, False
    for _ in range(400):
        if not rest.strip(" ,.:"):
            break
        control, rest, separator_after = _control(rest, separator)
        if control:
            clauses.extend(control)
            separator = separator_after
            continue
        action, following, rest = _next_action(active(rest))
        own = AGENT in action and given_to_agent(strip_leading(action))
        ways = [] if own or assigned(strip_leading(action)) else find_routes(action)
        if len(ways) == 1 and not ways[0].deed and find_routes(_next_action(active(rest))[0]):
            continue
        if ways:
            clauses.extend(_routed(ways, separator))
            routed = True
            ended = len(ways) > 1 and not ELSE.match(rest)
            separator = "sentence" if ended else following
            continue
        ended = routed and bool(clauses) and clauses[-1].kind == "else"
        found = read_action(action, separator)
        clauses.extend(found)
        ended = ended or any(clause.kind == "parallel" for clause in found)
        separator = "sentence" if ended else following
    return _bound_at_end(clauses)


def _bound_at_end(clauses: list[Clause]) -> list[Clause]:
    """Let "…, but only if it is green" at the end hold for the action before it."""
    if len(clauses) < 2 or clauses[-1].kind != "if" or clauses[-2].kind != "action":
        return clauses
    deed, condition = clauses[-2:]
    if condition.text.startswith(UNKNOWN_WAY):
        return clauses
    branch = replace(condition, separator=deed.separator, bound=True)
    return [*clauses[:-2], branch, replace(deed, separator="condition", bound=True)]


def _routed(ways: list[Way], separator: Separator) -> list[Clause]:
    """Return "route A to X and B to Y" as conditions with a step each."""
    clauses: list[Clause] = []
    for place, way in enumerate(ways):
        written: Separator = separator if place == 0 else "condition"
        kind: Kind = "if" if way.condition else "else"
        clauses.append(Clause(kind, written, way.condition or "else"))
        if way.deed:
            clauses.append(Clause("action", "condition", way.deed))
    return clauses


def _control(text: str, separator: Separator) -> tuple[list[Clause], str, Separator]:
    """Read one word of control off the front of the text; an empty list when there is none."""
    stripped = text.lstrip(" ,:")
    always = bool(ALWAYS.search(stripped[:40]))
    if match := ELSE_IF.match(stripped):
        return _if(match, stripped, separator)
    if (match := re.match(r"if not?\s+", stripped, re.IGNORECASE)) and opens_step(
        stripped[match.end() :]
    ):
        return [Clause("else", separator, "if not")], stripped[match.end() :], "condition"
    if match := ELSE.match(stripped):
        return (
            [Clause("else", separator, match[0].strip(" ,:"))],
            OTHERS.sub("", stripped[match.end() :]),
            "condition",
        )
    if match := PARALLEL.match(stripped):
        return (
            [Clause("parallel", separator, "", always=always)],
            stripped[match.end() :],
            "condition",
        )
    if match := EACH.match(stripped):
        return _each(match, stripped, separator)
    if (match := UPON.match(stripped)) and opens_step(stripped[match.end() :]):
        human = Clause("action", separator, f"approval: {match['decision']}")
        return [human] if match["by"] else [], stripped[match.end() :], "then"
    if match := AFTER.match(stripped):
        found = _after(match, stripped, separator)
        if found:
            return found
    if match := IF.match(stripped):
        return _if(match, stripped, separator)
    return _case(stripped, separator) or ([], text, separator)


def _case(text: str, separator: Separator) -> tuple[list[Clause], str, Separator] | None:
    """Read "on failure, …" and "for bugs, …": conditions without an "if"."""
    if (match := OUTCOME.match(text)) and opens_step(text[match.end() :]):
        condition = OUTCOMES.get(match["what"].lower(), "it fails")
    elif some := _those(text) or _kind_alone(text):
        return [Clause("if", separator, f"it is one of {some[0]}")], some[1], "condition"
    elif (match := FOR_SOME.match(text)) and opens_step(match["rest"]):
        condition = f"it is one of the {match['what']}"
    else:
        return None
    return [Clause("if", separator, condition)], text[match.end() :], "condition"


def _kind_alone(text: str) -> tuple[str, str] | None:
    """Read "for complaints write an apology": a kind and its deed without a comma between."""
    match = _FOR_KIND.match(text)
    opening = read_opening(match["rest"]) if match else None
    told = opening is not None and not (opening.third or opening.gerund)
    plain = told and opening is not None and (not opening.verb.is_noun or acts(opening))
    return (f"the {match['what']}", match["rest"]) if match and plain else None


def _those(text: str) -> tuple[str, str] | None:
    """Read "for the ones that are late, …": which, and what is done with them."""
    match = re.match(r"for (?=(?:the ones|those) \w)", text, re.IGNORECASE)
    if match is None:
        return None
    which, rest = split_condition(text[match.end() :])
    return (which, rest) if rest else None


def _each(
    match: re.Match[str], text: str, separator: Separator
) -> tuple[list[Clause], str, Separator]:
    length = verb_position(match["rest"]) or _joint_position(match["rest"])
    stop = re.search(r"[,:]| →|$", match["rest"])
    end = stop.start() if stop else len(match["rest"])
    if length is None and not match["rest"][end:].strip(" ,:→"):
        loops = re.match(r"(?:loop|iterate|cycle)", match["each"], re.IGNORECASE)
        each = [Clause("each", separator, match["rest"].strip(" ,.:"))] if loops else []
        return each, "" if loops else text, "condition" if loops else separator
    told = match["rest"][end:].lstrip(" ,:→")
    length = end if length is None or opens_step(told) else min(length, end)
    noun, rest = match["rest"][:length], match["rest"][length:]
    return [Clause("each", separator, noun.strip(" ,"))], rest, "condition"


def _joint_position(text: str) -> int | None:
    """Return where a step begins that "and" joins to a loop: "goes over the rows | and mails …"."""
    joints = re.finditer(r"\s+and\s+", text)
    found = (joint.start() for joint in joints if opens_step(text[joint.end() :]))
    return next(found, None)


def _after(
    match: re.Match[str], text: str, separator: Separator
) -> tuple[list[Clause], str, Separator] | None:
    """Read "after scraping the site," and "after approval by Bob,": steps of their own."""
    event, rest = match["event"].strip(), text[match.end() :]
    if FINISHED.match(event):
        return [], rest, separator
    decision = re.search(rf"\b{DECISION}\b", event, re.IGNORECASE)
    ended = DONE.search(event) if match["word"].lower() in ("after", "once", "upon") else None
    if ended and not decision and ended["verb"].lower() in lexicon().participles:
        signs = ended["verb"].lower() in ("signed", "countersigned")
        human = [Clause("action", separator, f"approval: {event}")]
        return (human, rest, "then") if signs else ([], rest, separator)
    opening = read_opening(event)
    gerund = opening is not None and opening.gerund
    if not decision and not gerund:
        return None
    if decision and not gerund:
        first = [Clause("action", separator, f"approval: {event}")]
    else:
        deeds = re.split(r",?\s+and\s+(?=\w+ing\b)", event)
        first = [Clause("action", "then" if n else separator, deed) for n, deed in enumerate(deeds)]
    if match["word"].lower() in ("before", "prior to"):
        last = [replace(clause, separator="then") for clause in first]
        return [*_scan(rest, separator), *last], "", "then"
    return first, rest, "then"


def _if(
    match: re.Match[str], text: str, separator: Separator
) -> tuple[list[Clause], str, Separator]:
    word = match["word"].lower()
    condition, rest = split_condition(text[match.end() :])
    written: Separator = (
        "condition" if word.startswith(("else", "otherwise", "elif")) else separator
    )
    if is_over(condition, word):
        return [], rest, separator
    if not condition:
        return [], rest, separator
    clause = Clause("if", written, condition, negated=word == "unless")
    return [clause], rest, "condition"


def _next_action(text: str) -> tuple[str, Separator, str]:
    """Return the action at the front, the separator after it, and the rest."""
    for match in WEAK.finditer(text):
        rest = text[match.end() :]
        before = text[: match.start()]
        if _LEADS.fullmatch(before.strip(" ,")):
            continue
        if not rest.strip(" ,.") or not before.strip() or before.count("(") > before.count(")"):
            continue
        if match["then"] or match["before"]:
            if match["before"] or not _inside_name(text, match):
                return text[: match.start()], "then", _kept_always(match[0], rest)
        elif _opens(rest, text[: match.start()]):
            return text[: match.start()], "comma", rest
    return text, "comma", ""


def _kept_always(separator: str, rest: str) -> str:
    """Return what follows a joint; after "followed by" a thing is something to run."""
    if "followed by" in separator.lower() and not opens_step(rest) and not read_opening(rest):
        return f"run {rest}"
    return f"finally {rest}" if "finally" in separator.lower() else rest


def _inside_name(text: str, match: re.Match[str]) -> bool:
    """Whether "next" or "after" is part of a noun phrase, as in "the next meeting"."""
    word = match[0].strip(" ,.:").lower()
    before = text[: match.start()].split()
    led = not before or before[-1].lower() in ("the", "for", "our", "my")
    return word == "next" and (led or read_opening(before[-1]) is not None)


def _is_coordinated(rest: str, before: str) -> bool:
    """Whether two things of one kind are named: "the user data | and order data"."""
    words, second = before.lower().split(), rest.lower().split()[1:2]
    opening = read_opening(rest)
    named = opening is not None and opening.verb.is_noun and not opening.gerund
    same = [words[-1]] == [word.strip(",.;") for word in second] if words else False
    return named and same and len(words) > 2 and words[-1] not in lexicon().words("after_verb")


def _opens(rest: str, before: str) -> bool:
    stripped = ALWAYS_WORDS.sub("", rest.lstrip(" ,"))
    opening = read_opening(before)
    if _is_coordinated(stripped, before):
        return False
    deed = (
        is_human(before) or (opening is not None and not opening.gerund) or active(before) != before
    )
    caused = re.match(r"(?:have|has|get|gets) ", stripped, re.IGNORECASE)
    if deed and (caused or SUBJECT.match(stripped)) and active(stripped) != stripped:
        return True
    if crew(stripped) or person_acts(stripped):
        return True
    if is_human(before) and (_DECIDES.match(stripped) or re.search(r"\bbetween\b", before)):
        return False
    controls = (ELSE, PARALLEL, EACH, OUTCOME)
    if any(pattern.match(stripped) for pattern in controls) or opens_step(stripped, before):
        return True
    if over := _ONCE.match(stripped):
        ended, following = split_condition(stripped[over.end() :])
        if following and is_over(ended, over["word"].lower()):
            return True
    when = _WHEN.match(stripped)
    if _kind_alone(stripped) or (when and split_condition(stripped[when.end() :])[1]):
        return True
    condition = re.match(
        r"^(?:then |only |and )*(?:else if|otherwise if|if|unless)\s", stripped, re.IGNORECASE
    )
    if (upon := UPON.match(stripped)) and opens_step(stripped[upon.end() :]):
        return True
    return bool(condition) or bool(AFTER.match(stripped) and re.search(DECISION, stripped[:40]))
