"""Which verb opens a part of the text, and whether it opens a step of its own."""

import re
from dataclasses import dataclass, replace
from functools import cache

from compiler.english.lexicon import Verb, lexicon
from compiler.english.normalise import AGENT, CALL, MARK, TOOLS, TOOLS_MARK
from compiler.english.own_openings import given_to_agent

_HUMAN = re.compile(
    r"^(?:(?:have|let|get|ask|tell) (?:me|us|my|our|an?|the|someone|somebody|\w+)\b(?: "
    r"(?!and\b)[\w'-]+){0,3}? (?:to )?"
    r"(?:re-?view|check|approve|confirm|decide|verify|sign(?: it| them| this)? off|choose|select"
    r"|pick|look"
    r"|validate|proofread|inspect|ok)\b"
    r"|(?:ask|prompt)s? (?:me|us|the user|a human|someone|my \w+|the \w+)\b"
    r"|(?:wait|pause|hold|stop)s?(?: here| there)?(?: and wait)? (?:for|until)\b"
    r"|(?:get|gets|seek|obtain|request|requires?|needs?|await)s? (?:my |the |an? |human "
    r"|manual |[\w'-]+ ){0,3}(?:approval|sign-?off|confirmation|consent|go-ahead|permission)"
    r"|(?:(?:i|we|my \w+|the \w+|an? \w+|someone|human) )?(?:approves?|sign(?:s|ed)? off)\b"
    r"|(?:i|we|my \w+|the manager|a manager|a human|someone|a person|the user|an editor|the "
    r"team) (?:must |should |will |has to |have to |needs? to )?(?:review|confirm|check"
    r"|decide|approve)s?\b"
    r"|(?:human|manual|manager|my|the|an?|final|legal) ?(?:[\w'-]+ )?(?:approval|review"
    r"|sign-?off|confirmation)\b(?! (?:site|page|process|request|folder|email|queue|link))"
    r"|(?:human|manual|manager|final|legal) ?(?:[\w'-]+ )?check\b"
    r"|send(?:s|ing)? (?:an?|another|the) (?:[\w-]+ )?approval (?:(?:request|e-?mail|message"
    r"|form|task|card) )?to\b"
    r"|(?:send|post|share)s? .{0,60}\bwith (?:[\w/-]+ )*buttons\b"
    r"|(?:flag|hold|queue|mark|escalate)s? .{0,60}\bfor (?:(?:[\w-]+ )?(?:review|approval)|me|us"
    r"|a human|a person)\b"
    r"|(?:send|submit|route|put|show|present|give|forward|pass|hand)s? (?!(?:an? |the"
    r" )?(?:[\w-]+ )?"
    r"(?:notification|alert|message|e-?mail|reminder)s?\b).{0,60}\bfor"
    r" (?:[\w'-]+ ){0,3}(?:approval|sign-?off|review|decision)\b"
    r"|(?:an?|the|our|my) (?!(?:[\w-]+ ){0,2}?(?:agent|llm|ai|model|workflow|system|service"
    r"|server|api|script|engine|app|job|worker|flow"
    r"|function|lambda|bot|node|step)\b)"
    r"(?:[\w-]+ ){1,2}(?:manually )?(?:reviews|approves|signs off on)"
    r" (?:it|them|the|each|and|all|every|this)\b"
    r"|(?:(?!(?:it|this|that|agents?|llm|ai|model|workflow|system|flow|function|lambda|bot|node"
    r"|step|service|server|api|script|code|data|rows?|orders?)\b)[\w'-]+ ){1,4}?"
    r"(?:must|should|shall|has to|have to|needs? to|is to|are to)"
    r"(?: first| always| also| manually| still| then)* (?:re-?view|approve|confirm"
    r"|sign off|authori[sz]e|okay|ok|green-?light)\b"
    r"|(?:hold|pause|block|delay)s? (?:[\w-]+ ){0,3}until (?:an?|the|my|someone|somebody)\b"
    r"|(?:have|get)s? (?:each(?: one| of them)?|all of them|it|them|this|the [\w ]{2,30}?)"
    r" (?:approved|reviewed|signed off"
    r"|checked|confirmed) by\b|(?:route|direct)s? .{0,60}\bfor (?:[\w'-]+ ){0,3}review\b"
    r"|(?:the|an?|my|our) (?:[\w-]+ ){1,2}(?:makes?|takes?|has) (?:the|a) (?:final |last"
    r" )?(?:decision|call|choice|say)\b"
    r"|(?:the|an?|our|my) (?:[\w-]+ ){1,2}(?:is|are|gets?) (?:then )?(?:prompted|asked|requested"
    r"|required|invited) (?:to|for|whether)\b"
    r"|(?:the|an?) (?:user|analyst|reviewer|approver|operator|agent|customer) can (?:then"
    r" )?(?:approve|reject|decide|choose|confirm)\b"
    r"|(?:it |this |the [\w ]{2,20} )?(?:then )?goes to .{2,60} for (?:[\w-]+ ){0,2}(?:approval"
    r"|review|verification|sign-?off|decision|check)\b"
    r"|(?:every|each|the) [\w-]+ (?:pauses|stops|waits) (?:at|for) (?:an? |the )?(?:human|manual)\b"
    r"|(?:route|send|put|run|go)e?s? (?:it |them )?through (?:an? |the )?(?:[\w-]+ )?(?:review"
    r"|approval)\b"
    r"|starts? (?:an? |the )?(?:[\w-]+ )?approval\b"
    r"|(?:escalate|hand|forward|route|send|pass|refer|assign|transfer|defer)s? .{0,60}\bto (?:an?"
    r" |the |our )?(?:human|person|real person|staff member|live agent)\b(?! resources)"
    r"|[\w' -]{2,40} (?:goes|passes|gets sent|(?:is|are) (?:then )?(?:sent|routed"
    r"|submitted|forwarded)) .{0,60}\bfor (?:[\w-]+ )?(?:approval|review|sign-?off)\b"
    r"|(?:approval|sign-?off|human[- ]in[- ]the[- ]loop|confirmation)\b)",
    re.IGNORECASE,
)
_TOOL = re.compile(
    r"^(?:us(?:e|es|ing)|leverag(?:e|es|ing)|utiliz(?:e|es|ing)|call(?:s"
    r"|ing)?)\s+(?P<tool>(?:[^\s,→]+\s+){1,6}?)to (?=(?P<verb>[\w-]+))",
    re.IGNORECASE,
)
_MODEL_ACTOR = re.compile(r"\b(?:llm|ai|model|gpt\S*|claude|agent|openai|chatgpt)\b", re.IGNORECASE)


_LOOKS = ("for", "that", "whether", "if", "against", "on")
_PARTICLES = {
    **dict.fromkeys(("check", "test", "search", "look", "wait", "ask"), _LOOKS),
    **dict.fromkeys(("reply", "respond", "answer"), ("with",)),
}
"""The words that show that what stands before them is a verb."""
_AIM = re.compile(
    r"(?!(?:and|or|of|from|for|with|to|in)\b)(?:[\w'-]+ ){1,4}(?:to|into|in|on|via)"
    r" (?:the |an? |my |our |your )?",
    re.I,
)

_AGENT_BEFORE = re.compile(rf"{AGENT}\d+\ue00f\s*$")
"""Agents that are listed: "use A and B"."""
_VALUE = re.compile(r"[\d#$€£¥]|\+\d|\w+![a-z]+\d|[a-z]{2,}-\d")
"""What a verb may do something to that is no noun: an amount, a number, a range, a key."""
_BY_ITSELF = re.compile(
    r"^(?:then )?(?:auto-?approves?|approves?|confirms?)\b[^,;]*\bautomatically\b", re.IGNORECASE
)
_ASKS = re.compile(r"asks? (?:the )?", re.IGNORECASE)
_MOST_LEADING = 6
_LOOKAHEAD = 200
"""How many characters decide whether a step begins: bounds the work on hostile texts."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The verb of a part of the text."""

    verb: Verb
    rest: str
    """What follows the verb."""
    gerund: bool
    tool: str = ""
    """What "use … to" names."""
    third: bool = False
    """The verb stands in the third person: "sends"."""
    guessed: bool = False
    """No known verb: its place in the sentence gives it away."""


@cache
def _leading() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"^{p}", re.IGNORECASE) for p in lexicon().names("leading"))


@cache
def _any_leading() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(lexicon().names('leading'))})", re.IGNORECASE)


def strip_leading(text: str) -> str:
    """Remove words such as "then", "finally" and "it should" from the front of a part."""
    text = text.lstrip(" ,:-")
    for _ in range(_MOST_LEADING):
        changed = False
        if not _any_leading().match(text):
            break
        for pattern in _leading():
            shorter = pattern.sub("", text, count=1)
            if shorter != text and shorter.strip():
                text, changed = shorter.lstrip(" ,:"), True
        if not changed:
            break
    return text


def is_human(text: str) -> bool:
    """Whether a part of the text asks a person for something."""
    stripped = text.lstrip(" ,")
    asked = _ASKS.match(strip_leading(stripped))
    if (
        asked
        and lexicon().product_pattern.match(stripped_name := strip_leading(stripped)[asked.end() :])
        and not re.match(r"\S+(?: \w+)? (?:user|team|admin)", stripped_name)
    ):
        return False
    if _BY_ITSELF.search(stripped[:_LOOKAHEAD]):
        return False
    if _MODEL_ACTOR.search(stripped.split(" to ")[0][:40]):
        return False
    return bool(_HUMAN.match(stripped) or _HUMAN.match(strip_leading(stripped)))


def read_opening(text: str, guess: bool = False) -> Opening | None:
    """Return the verb that a part begins with, past leading words; None when there is none.

    Args:
        text: A part of the text.
        guess: Whether an unknown word before "the", "each" or "it" is taken for a verb.
    """
    text = strip_leading(text)
    if TOOLS in text:
        text = TOOLS_MARK.sub("", text)
    if text.startswith(CALL):
        return Opening(Verb("call", "transform", False), text[1:].partition("\ue00f")[2], False)
    if AGENT in text and (own := _own_opening(text)):
        return own
    tool = _TOOL.match(text)
    if tool and tool["verb"].lower() in lexicon().verbs:
        inner = read_opening(text[tool.end() :])
        if inner:
            done = inner.verb
            if done.action == "approve":
                done = replace(done, action="check")
            return replace(inner, verb=done, tool=tool["tool"].strip())
    words = text.split(" ", 4)
    for length in (4, 3, 2, 1):
        form = " ".join(words[:length]).lower().strip(",:;.!")
        verb = lexicon().verbs.get(form) or _by_itself(form)
        if verb and len(words) >= length:
            found = _parted(words) if length == 1 else None
            return found or _opening(form, verb, words[length:])
    return _parted(words) or ((_repeated(words) or _guessed(words)) if guess else None)


def _own_opening(text: str) -> Opening | None:
    """Return what is asked of an organization's own agent: its own verb, or "process"."""
    work = given_to_agent(text)
    if work is None:
        return None
    deed = read_opening(work.deed) if work.deed else None
    if deed is not None:
        return replace(deed, tool=deed.tool or work.agent, third=False)
    return Opening(Verb("process", "transform", False), work.rest, False, tool=work.agent)


def _opening(form: str, verb: Verb, rest: list[str]) -> Opening:
    gerund = form.split()[0].endswith("ing") and form != verb.base
    return Opening(verb, " ".join(rest), gerund, third=not gerund and form != verb.base)


def _by_itself(form: str) -> Verb | None:
    """Return the verb of "auto-tags": what is done automatically is done."""
    verb = lexicon().verbs.get(form.removeprefix("auto-")) if form.startswith("auto-") else None
    return verb and replace(verb, base=form if form == f"auto-{verb.base}" else verb.base)


_PARTED = re.compile(
    r"(?P<what>(?:it|them|this|that|these|those|everything|(?:the|an?|my|our|your|its|their)"
    r"(?: [\w-]+){1,3}?)) (?P<particle>up|down|on|off|out|back|away|in|over)(?=[ ,.;]|$)",
    re.IGNORECASE,
)


def _parted(words: list[str]) -> Opening | None:
    """Return a verb whose second word stands behind its object: "tear it down"."""
    match = _PARTED.match(" ".join(words[1:]))
    if match is None:
        return None
    form = f"{words[0].lower()} {match['particle'].lower()}"
    verb = lexicon().verbs.get(form)
    after = " ".join(words[1:])[match.end() :]
    return _opening(form, verb, [f"{match['what']}{after}"]) if verb else None


def _repeated(words: list[str]) -> Opening | None:
    """Return a known verb that is done again: "reorder", "re-send"."""
    word = words[0].lower()
    verb = lexicon().verbs.get(word[2:].lstrip("-")) if word.startswith("re") else None
    following = words[1].lower() if len(words) > 1 else "and"
    if verb is None or following in ("and", "or", "of", "is", "are"):
        return None
    action = "create" if verb.is_noun else verb.action
    again = Verb(f"re{verb.base}", action, False)
    return Opening(again, " ".join(words[1:]), word.endswith("ing"), third=word.endswith("s"))


_UNKNOWN = re.compile(r"(?!\w+(?:ly|ed|ing|ion)$)[a-z]{3,}(?:-[a-z]+)?")


def _guessed(words: list[str]) -> Opening | None:
    """Return an unknown verb that its object gives away: "resolves the company"."""
    word = words[0].lower()
    following = words[1].lower() if len(words) > 1 else ""
    named = word in lexicon().words("not_verbs") or word in lexicon().products
    if named or following not in lexicon().words("determiners"):
        return None
    if not _UNKNOWN.fullmatch(word):
        return None
    third = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    base = re.sub(r"(?<=[sxz])es$|(?<=[cs]h)es$|s$", "", word) if third else word
    base = f"{base[:-2]}y" if third and base.endswith("ie") else base
    verb = Verb(base, "create", False)
    return Opening(verb, " ".join(words[1:]), False, third=third, guessed=True)


def opens_step(text: str, before: str = "") -> bool:
    """Whether the text after a comma or an "and" begins a new step.

    Args:
        text: What comes after the comma.
        before: What came before it: a word that is named there is an object here.
    """
    text, before = text[:_LOOKAHEAD], before[-_LOOKAHEAD:]
    if is_human(text):
        return True
    if text.startswith(AGENT) and _AGENT_BEFORE.search(before):
        return False
    opening = read_opening(text, guess=True)
    if opening is None or opening.gerund:
        return False
    ended = strip_leading(text).split(" ")[0].endswith((",", ")"))
    if (opening.third and before and not opening.rest.strip(" ,.")) or (
        ended and (opening.third or opening.verb.is_noun)
    ):
        return False
    return not opening.verb.is_noun or bool(opening.tool) or acts(opening, before)


def _aims(rest: str) -> bool:
    """Whether what follows a word goes somewhere that is named: "signals to PostgreSQL"."""
    match = _AIM.match(rest)
    return bool(match and lexicon().product_pattern.match(rest[match.end() :]))


def acts(opening: Opening, before: str = "") -> bool:
    """Whether what follows a word shows that the word is a verb."""
    rest = opening.rest
    words = rest.lower().split()
    if not words:
        return bool(before) and opening.verb.base in lexicon().words("rarely_nouns")
    first = words[0].strip(",.;:")
    if not opening.third and _addressed(opening, before):
        return True
    sends = opening.verb.action in ("send", "store", "email", "notify", "create")
    again = first not in lexicon().words("after_nouns") and first in _words(before)
    if again or (sends and first in lexicon().words("after_sending")):
        return True
    if (
        MARK.match(words[0])
        or first in lexicon().words("after_verb")
        or _VALUE.match(first)
        or (len(words) > 1 and words[1].startswith("#"))
    ):
        return True
    if lexicon().product_pattern.match(rest):
        return True
    if _is_paired(words) or (sends and _gives(words)):
        return True
    if first in _PARTICLES.get(opening.verb.base, ()):
        return True
    if (
        before
        and first == "by"
        and opening.verb.action in ("classify", "score", "aggregate", "sort")
    ):
        return True
    goes_on = words[0][:1] not in ",.;:" and _goes_on(opening, first, before)
    if before and (goes_on or _aims(rest) or _lists(opening, words)):
        return True
    return any(word.strip(",.;:") in lexicon().artifacts for word in words[:3])


def _gives(words: list[str]) -> bool:
    """Whether somebody is given something: "(emails) recruiters a report"."""
    given = len(words) > 1 and words[1] in ("a", "an", "the", "their", "to")
    return given and is_plural_word(words[0].strip(",.;:"))


def _lists(opening: Opening, words: list[str]) -> bool:
    """Whether "list" is a verb: it has two words after it, the second a plural."""
    return opening.verb.base == "list" and len(words) > 1 and is_plural_word(words[1].strip(",.;:"))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w'-]+", text.lower()))


def _is_paired(words: list[str]) -> bool:
    """Whether a verb goes on with another one: "(scores) and posts the leads"."""
    if len(words) < 3 or words[0] != "and":
        return False
    following = words[1].strip(",.;:")
    paired = lexicon().verbs.get(following)
    verbal = words[2].strip(",.;:") in lexicon().words("determiners")
    return verbal and paired is not None and paired.base != following


def _addressed(opening: Opening, before: str) -> bool:
    """Whether a message goes to a name, or goes out on a condition: "alert HR", "alert if …"."""
    if not before or opening.verb.action not in ("notify", "email"):
        return False
    first = opening.rest.split()[0].lower().strip(",.;")
    if {first, first.removesuffix("s")} & lexicon().words("jobs"):
        return True
    return bool(
        re.match(r"[A-Z][\w.]+\b(?! (?:list|report|address))|(?:if|when|only)\b", opening.rest)
    )


def _goes_on(opening: Opening, first: str, before: str) -> bool:
    """Whether a word goes on with a list of verbs: "lists the deals, posts hot ones"."""
    if first in lexicon().words("after_nouns"):
        return False
    earlier = read_opening(before)
    if opening.third and earlier is not None and earlier.third:
        return True
    if not opening.third and earlier is not None and earlier.verb.action == opening.verb.action:
        orders = opening.verb.action == "create" and not earlier.third and not earlier.gerund
        if orders and first not in lexicon().words("compound_heads") and is_plural_word(first):
            return True
    if first in lexicon().words("compound_heads"):
        return False
    return not opening.third and opening.verb.base in lexicon().words("rarely_nouns")


def is_plural_word(word: str) -> bool:
    """Whether a word looks like a plural noun."""
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))
