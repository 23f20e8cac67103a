"""Second stage: cuts the text into clauses, each an action or a word of control."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from compiler.english.lexicon import lexicon
from compiler.english.prose import without_frame
from compiler.english.routes import Way, find_routes
from compiler.english.segments import Separator, segments
from compiler.english.verbs import is_human, opens_step, read_opening, strip_leading
from compiler.english.voice import active

Kind = Literal["action", "if", "else", "each", "parallel", "whether"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One action, or one word of control such as "if the site is down"."""

    kind: Kind
    separator: Separator
    """What stands between it and the clause before."""
    text: str
    """The action, the condition, or the noun of "for each"."""
    negated: bool = False
    """The condition was written with "unless"."""
    always: bool = False
    """It follows whichever way a choice before it went ("then always")."""
    parallel: bool = False
    """It says "in parallel" of itself."""
    bound: bool = False
    """A condition written after its action: it holds for that action alone."""
    worker: bool = False
    """It says what one of several agents does."""


_CONDITION_LENGTH = 300
"""How many characters a condition may have before its verb: bounds the work on hostile texts."""
_WEAK = re.compile(
    r"(?P<then>[,.]?\s+(?:and |but )?(?:then|after that|afterwards?|next|finally|lastly"
    r"|followed by|subsequently)\b[,:]?\s+)"
    r"|(?P<before>,?\s+(?:right )?before\s+(?=\w+ing\b))"
    r"|(?P<comma>,\s*(?:and\s+|but\s+|or\s+)?|\s+and\s+|\s+&\s+|\s+plus\s+|\s+but\s+"
    r"|\s+while\s+|:\s+|\s+(?=(?:else|otherwise)\s))",
    re.IGNORECASE,
)
_IF = re.compile(
    r"^(?:and |but |then |so |only )*(?P<word>(?:else|otherwise,?) if|elif|only if|if|unless"
    r"|in case|when|whenever|only when|once|as soon as)\s+(?=\S)",
    re.IGNORECASE,
)
_ELSE_IF = re.compile(r"^(?P<word>(?:else|otherwise,?) if|elif)\s+(?=\S)", re.IGNORECASE)
_ELSE = re.compile(
    r"^(?:and |but |or )?(?:otherwise|else|if not(?=,| then|:| →)|or else|in all other cases"
    r"|in any other case|for all others?|the rest|if no(?=,| then|:)|everything else(?= to)"
    r"|fall(?:s|ing)? back to)\b[,:]?\s*(?:then )?",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"^(?:then |and )?(?:for|within|in) (?:each|every|all(?: of)?(?: the)?)(?: of the| one "
    r"of the| of these| of those)? (?P<rest>.+)$",
    re.IGNORECASE,
)
_PARALLEL = re.compile(
    r"^(?:then |and |do |run |the following )*(?:in parallel|simultaneously|concurrently|at "
    r"the same time|all at once)\b(?: do| run)?[:,]?\s*",
    re.IGNORECASE,
)
_PARALLEL_END = re.compile(
    r"[,]?\s*(?:all )?\b(?:in parallel|simultaneously|concurrently|at the same time|at once)\b\.?$",
    re.IGNORECASE,
)
_ALWAYS = re.compile(
    r"\b(?:always|in any case|either way|in both cases|regardless|in all cases|no matter "
    r"what|whatever happens|in the end|at the end|finally)\b",
    re.IGNORECASE,
)
_ALWAYS_WORDS = re.compile(
    r"\b(?:always|in any case|either way|in both cases|regardless|in all cases|no matter "
    r"what|whatever happens)\b,?\s*",
    re.IGNORECASE,
)
_TRAILING_IF = re.compile(
    r"^(?P<action>.+?)(?:,)?\s+(?:but )?(?P<word>only if|only when|if|unless|when|whenever"
    r"|in case|as long as|provided(?: that)?|the moment)\s+(?P<condition>.+)$",
    re.IGNORECASE,
)
_FOR_REVIEW = re.compile(
    r"^(?P<action>.+?),? for (?P<human>(?:(?!each|every|all)[\w'-]+ ){0,2}(?:review|approval|sign-?off))\W*$",
    re.IGNORECASE,
)
_WORKER = re.compile(
    r"^(?:(?:the |an? )?(?:one|another|first|second|third|fourth|fifth|next|final|last|other|[\w-]+) (?:ai )?(?:sub-?)?agent"
    r"|agent (?:\d+|[a-d]))(?: (?:should|will|must|can|is responsible for|then|first))*:? (?=\w)",
    re.IGNORECASE,
)
_DECISION = r"(?:approv\w*|sign(?:s|ed)?[- ]?off|confirm\w*|reviews?|go-ahead|accept\w*)"
_TRAILING_APPROVAL = re.compile(
    rf"^(?P<action>.+?),?\s+(?P<human>(?:but )?(?:only )?(?:after|once|upon|following"
    rf"|pending|subject to|with|when)\s+(?:[\w'-]+\s+){{0,4}}?{_DECISION}\b.*)$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^(?P<word>(?:only )?(?:after|once|upon|following|when|before|prior to|as soon "
    r"as))\s+(?P<event>[^,→:]+?)(?:,\s*|\s+then\s+|$)",
    re.IGNORECASE,
)
_UPON = re.compile(
    r"^(?:and )?(?:only )?(?:after|upon|on|once|following|when)(?: it(?:'s| is| has been| gets)?| they are)?(?: the| their| his| final)? "
    r"(?P<decision>(?P<by>(?:[\w-]+ ){0,2}approval|(?:[\w-]+ )?approved|confirmed|confirmation|sign-?off)"
    r"|signed|paid|complete|completed|done|finished|ready)\b,?\s+(?:then )?(?=[a-z])",
    re.IGNORECASE,
)
_WHETHER = re.compile(
    r"^(?:check|see|verify|determine|test|decide|find out|monitor|detect|checks|verifies|sees"
    r"|determines|(?:uses? .{1,40}? to )?(?:analy[sz]es?|assess(?:es)?|evaluates?|determines?|checks?|identify|decides?))\s+(?:if|whether|that)\s+",
    re.IGNORECASE,
)
_STATES = re.compile(
    r"\b(?:is|are|was|were|has|have|does|do|exceeds?|contains?|fails?|below|above|over|under)\b[^,]* \w",
    re.I,
)
_FOR_SOME = re.compile(
    r"^for (?!each|every|all|example|instance|the|an?|this|that|these|now|me|us|your?|any\b|\d)"
    r"(?P<what>(?:[\w-]+ ){0,3}[\w-]+), (?:also )?(?=(?P<rest>\w.*))",
    re.I,
)
_HAPPENED = re.compile(
    r"^\S+ .*\b(?:expires?|fails?|drops?|falls?|rises?|changes?|exceeds?|is|are|has|have|differs?|matches)\b.*\s\w+ $", re.I
)
_OUTCOME = re.compile(
    r"^(?:and |but )?(?:on|upon|in case of|after) (?:an? |the )?(?P<what>rejection|denial|failure|success|errors?|timeout)\b(?! of)[,:]? "
    r"(?=\w)", re.I
)
_OUTCOMES = {"rejection": "rejected", "denial": "rejected", "success": "it succeeds"}
_OTHERS = re.compile(
    r"^(?:for )?(?:the |all )?(?:\w+s|others) (?=(?:should |must )?(?:send|go|get|email|notify|post|be)\b)",
    re.I,
)
_ASKS = re.compile(r"(?:have|get|ask|let|wait|request|require|seek)\b", re.IGNORECASE)
_STATED = re.compile(
    r"\b(?:is|are|was|were|exceeds|contains|above|below|over|under|than)\b[^,]*\w\s$", re.IGNORECASE
)
_DONE = re.compile(
    r"\b(?:is|are|has been|have been|gets?|was|were) (?:\w+ly )?(?P<verb>\w+)$", re.IGNORECASE
)
_FINISHED = re.compile(
    r"^(?:(?:it|that|this|everything|all)(?:'s| is| are| has)? ?|the [\w ]+ (?:is|are|has "
    r"been|have been) )?(?:done|finished|complete[d]?|ready|all done|available)$"
    r"|^(?:the|this|that) (?:[\w-]+ ){0,3}(?:translation|analysis|summary|step|extraction|processing|research"
    r"|generation|classification|validation|report)$",
    re.IGNORECASE,
)
_IDLE = re.compile(
    r"^(?:(?:it|this|that|the (?:workflow|flow|automation)|and|then) )*(?:(?:should |will "
    r")?(?:run|runs|running|schedule[sd]?|scheduled|repeat)(?: (?:it|this|that"
    r"|automatically))*(?: to run\b.*)?|(?:do|perform|execute|carry out|follow|complete)(?:e?s)? (?:the )?(?:following|these|below)(?: [\w-]+)*"
    r"|process(?:es)? [^:]*?(?:one by one|in batches(?: of \w+)?|individually)|the "
    r"(?:flow|workflow) should perform the following actions|(?:follow )?these steps"
    r"|(?:ignore|skip|discard|drop|exclude|filter)s?(?: it| them| this)?(?: out)?|end(?:s)?(?: the (?:workflow|flow"
    r"|process))?|stop|thanks?(?: you)?|please|do nothing|nothing)\W*$", re.IGNORECASE)  # fmt: skip


def cut(text: str) -> list[Clause]:
    """Return the clauses of a marked text, in the order in which they are written."""
    clauses: list[Clause] = []
    for separator, segment in segments(without_frame(text)):
        found = _worker(segment, separator) or _scan(segment.strip(" ,."), separator)
        clauses.extend(
            clause for clause in found if not _IDLE.match(clause.text) or clause.kind != "action"
        )
    return clauses


def _worker(segment: str, separator: Separator) -> list[Clause]:
    """Read "another agent should verify the facts and …": one step, however much it says."""
    match = _WORKER.match(segment)
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
        ways = find_routes(action)
        if len(ways) == 1 and not ways[0].deed and find_routes(_next_action(active(rest))[0]):
            continue
        if ways:
            clauses.extend(_routed(ways, separator))
            routed = True
            ended = len(ways) > 1 and not _ELSE.match(rest)
            separator = "sentence" if ended else following
            continue
        ended = routed and bool(clauses) and clauses[-1].kind == "else"
        clauses.extend(_action(action, separator))
        separator = "sentence" if ended else following
    return clauses


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
    always = bool(_ALWAYS.search(stripped[:40]))
    if match := _ELSE_IF.match(stripped):
        return _if(match, stripped, separator)
    if (match := re.match(r"if not?\s+", stripped, re.IGNORECASE)) and opens_step(
        stripped[match.end() :]
    ):
        return [Clause("else", separator, "if not")], stripped[match.end() :], "condition"
    if match := _ELSE.match(stripped):
        return (
            [Clause("else", separator, match[0].strip(" ,:"))],
            _OTHERS.sub("", stripped[match.end() :]),
            "condition",
        )
    if match := _PARALLEL.match(stripped):
        return (
            [Clause("parallel", separator, "", always=always)],
            stripped[match.end() :],
            "condition",
        )
    if match := _EACH.match(stripped):
        return _each(match, stripped, separator)
    if (match := _UPON.match(stripped)) and opens_step(stripped[match.end() :]):
        human = Clause("action", separator, f"approval: {match['decision']}")
        return [human] if match["by"] else [], stripped[match.end() :], "then"
    if match := _AFTER.match(stripped):
        found = _after(match, stripped, separator)
        if found:
            return found
    if match := _IF.match(stripped):
        return _if(match, stripped, separator)
    if (match := _OUTCOME.match(stripped)) and opens_step(stripped[match.end() :]):
        condition = Clause("if", separator, _OUTCOMES.get(match["what"].lower(), "it fails"))
        return [condition], stripped[match.end() :], "condition"
    if (match := _FOR_SOME.match(stripped)) and opens_step(match["rest"]):
        condition = Clause("if", separator, f"it is one of the {match['what']}")
        return [condition], stripped[match.end() :], "condition"
    return [], text, separator


def _each(
    match: re.Match[str], text: str, separator: Separator
) -> tuple[list[Clause], str, Separator]:
    length = _verb_position(match["rest"])
    stop = re.search(r"[,:]| →|$", match["rest"])
    end = stop.start() if stop else len(match["rest"])
    if length is None and not match["rest"][end:].strip(" ,:→"):
        return [], text, separator
    length = end if length is None else min(length, end)
    noun, rest = match["rest"][:length], match["rest"][length:]
    return [Clause("each", separator, noun.strip(" ,"))], rest, "condition"


def _after(
    match: re.Match[str], text: str, separator: Separator
) -> tuple[list[Clause], str, Separator] | None:
    """Read "after scraping the site," and "after approval by Bob,": steps of their own."""
    event, rest = match["event"].strip(), text[match.end() :]
    if _FINISHED.match(event):
        return [], rest, separator
    decision = re.search(rf"\b{_DECISION}\b", event, re.IGNORECASE)
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
    condition, rest = _split_condition(text[match.end() :])
    written: Separator = (
        "condition" if word.startswith(("else", "otherwise", "elif")) else separator
    )
    if _is_over(condition, word):
        return [], rest, separator
    if not condition:
        return [], rest, separator
    clause = Clause("if", written, condition, negated=word == "unless")
    return [clause], rest, "condition"


def _is_over(condition: str, word: str) -> bool:
    """Whether a condition only says that the step before has ended: "once the file is saved"."""
    if word not in ("when", "once", "as soon as", "whenever"):
        return False
    done = _DONE.search(condition) if word in ("once", "as soon as") else None
    ended = done is not None and done["verb"].lower() in lexicon().participles
    decided = re.search(rf"\b{_DECISION}", condition, re.IGNORECASE)
    return bool(_FINISHED.match(condition)) or (ended and not decided)


def _split_condition(text: str) -> tuple[str, str]:
    """Return the condition and what is to be done."""
    length = _verb_position(text)
    for match in re.finditer(r",?\s+then\s+|,\s*|:\s+|\s*→\s*", text):
        rest = text[match.end() :]
        if length is not None and length < match.start():
            break
        decided = match[0].strip() != "," or opens_step(rest) or read_opening(rest) is not None
        decided = decided or active(rest) != rest
        if not decided and length is None and _STATES.search(text[: match.start()]):
            decided = not re.match(r"(?:and|or|but)\b", rest)
        if decided or any(pattern.match(rest) for pattern in (_ELSE, _IF, _IDLE)):
            return text[: match.start()].strip(), rest
    if length is None:
        return text.strip(" ,."), ""
    return text[:length].strip(" ,"), text[length:]


def _verb_position(text: str) -> int | None:
    """Return where a base-form verb that opens a step begins, past the first word."""
    for match in list(re.finditer(r"\S+", text[:_CONDITION_LENGTH]))[1:]:
        rest = text[match.start() :]
        before = text[: match.start()]
        third = read_opening(rest)
        if third and third.third and _HAPPENED.search(before) and opens_step(rest, "it"):
            return match.start()
        if match[0].lower() in ("will", "should") and _STATES.search(text[: match.start()]):
            return match.start() if opens_step(rest) else None
        opening = read_opening(match[0])
        plain = opening is not None and (
            opening.verb.base == match[0].lower().strip(",")
            or bool(_STATED.search(text[: match.start()]))
        )
        decides = opening is not None and opening.verb.action == "approve"
        if _ASKS.match(rest) and is_human(rest) and not _needs_object(text[: match.start()]):
            return match.start()
        if plain and not decides and opens_step(rest) and not _needs_object(text[: match.start()]):
            return match.start()
    return None


def _needs_object(before: str) -> bool:
    """Whether the text before a word cannot stand alone, so that the word belongs to it."""
    last = before.split()[-1].lower()
    return last in {
        "to", "the", "a", "an", "of", "is", "are", "not", "than", "no", "new", "can", "does", "did",
        "do", "and", "or", "be", "in", "by", "for", "has", "have", "was", "will", "my", "each",
        "i", "we", "you", "they", "he", "she", "it", "who", "that", "which", "user", "users",
    }  # fmt: skip


def _next_action(text: str) -> tuple[str, Separator, str]:
    """Return the action at the front, the separator after it, and the rest."""
    for match in _WEAK.finditer(text):
        rest = text[match.end() :]
        if not rest.strip(" ,.") or not text[: match.start()].strip():
            continue
        if match["then"] or match["before"]:
            if match["before"] or not _inside_name(text, match):
                return text[: match.start()], "then", _kept_always(match[0], rest)
        elif _opens(rest, text[: match.start()]):
            return text[: match.start()], "comma", rest
    return text, "comma", ""


def _kept_always(separator: str, rest: str) -> str:
    return f"finally {rest}" if "finally" in separator.lower() else rest


def _inside_name(text: str, match: re.Match[str]) -> bool:
    """Whether "next" or "after" is part of a noun phrase, as in "the next meeting"."""
    word = match[0].strip(" ,.:").lower()
    before = text[: match.start()].split()
    return word == "next" and (not before or before[-1].lower() in ("the", "for", "our", "my"))


def _opens(rest: str, before: str) -> bool:
    stripped = rest.lstrip(" ,")
    opening = read_opening(before)
    deed = is_human(before) or (opening is not None and not opening.gerund)
    if deed and active(stripped) != stripped:
        return True
    controls = (_ELSE, _PARALLEL, _EACH, _OUTCOME)
    if any(pattern.match(stripped) for pattern in controls) or opens_step(stripped, before):
        return True
    condition = re.match(
        r"^(?:then |only |and )*(?:else if|otherwise if|if|unless)\s", stripped, re.IGNORECASE
    )
    if (upon := _UPON.match(stripped)) and opens_step(stripped[upon.end() :]):
        return True
    return bool(condition) or bool(_AFTER.match(stripped) and re.search(_DECISION, stripped[:40]))


def _action(text: str, separator: Separator) -> list[Clause]:
    """Return the clauses of one action: itself, its trailing condition, its approval."""
    text = text.strip(" ,.")
    if not text:
        return []
    always = bool(_ALWAYS.search(text)) or text.lower().startswith("finally")
    text = _ALWAYS_WORDS.sub("", text).strip(" ,")
    whether = _WHETHER.match(strip_leading(text))
    if whether:
        return [Clause("whether", separator, strip_leading(text)[whether.end() :], always=always)]
    approval = _TRAILING_APPROVAL.match(text)
    if approval and read_opening(approval["action"]) and not is_human(approval["action"]):
        human = Clause("action", separator, f"approval: {approval['human']}", always=always)
        return [human, Clause("action", "then", approval["action"])]
    review = _FOR_REVIEW.match(text)
    if review and not is_human(text) and read_opening(review["action"]):
        human = Clause("action", "then", f"approval: {review['human']}", always=always)
        return [Clause("action", separator, review["action"]), human]
    condition = _TRAILING_IF.match(text)
    if condition and read_opening(condition["action"]) and not is_human(text):
        return _bound(condition, separator, always)
    parallel = bool(_PARALLEL_END.search(text)) or " in parallel" in text
    text = re.sub(r"\s+in parallel\b", "", _PARALLEL_END.sub("", text)).strip(" ,")
    return [Clause("action", separator, text, always=always, parallel=parallel)]


def _bound(match: re.Match[str], separator: Separator, always: bool) -> list[Clause]:
    word, condition = match["word"].lower(), match["condition"].strip(" .")
    action = Clause("action", "condition", match["action"].strip(" ,"), bound=True)
    if _FINISHED.match(condition):
        return [Clause("action", separator, action.text, always=always)]
    branch = Clause("if", separator, condition, negated=word == "unless", always=always, bound=True)
    return [branch, action]
