"""Who does a step: "the gateway verifies the signature" asks to verify it."""

import re
from functools import cache

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.verbs import acts, is_human, read_opening

_LONGEST = 7
"""How many words who does it may have."""
_LED = re.compile(r"(?:the|an?|this|that|our|my|your|its|each|every|one|another)\b", re.IGNORECASE)
_CONTROL = re.compile(
    r"(?:if|when|whenever|once|after|before|unless|otherwise|else|for|while|until|on|every"
    r"|in|at|by"
    r"|with|from|upon|as|given|based)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"\b(?:if|when|whenever|whether|unless|until|that|which|who|whose|because|while|once|after"
    r"|before|to|from|in|on|at|for|with|by|via|into|than|is|are|was|were|be|been|has|have|not|and|or|but|then|using)$",
    re.IGNORECASE,
)
_AGENTS = frozenset({"agent", "agents", "worker", "workers", "subagent", "subagents"})
_MODALS = frozenset({"should", "will", "must", "can", "shall", "may"})


@cache
def _people() -> re.Pattern[str]:
    jobs = "|".join(sorted(lexicon().words("jobs"), key=len, reverse=True))
    return re.compile(
        rf"^(?:then |next |finally |and )*(?:(?:the|an?|their|our|my|its|his|her|each|both) )?"
        rf"(?:(?!if|when|to|and|or|for|with|from|send|email|notify|alert)[\w'-]+"
        rf" ){{0,2}}(?:(?:{jobs})s?(?: team)?|(?<![\w-])(?:he|she)) "
        r"(?:(?:then|also|first|manually|can|must|should|will need to|will have to|will|needs?"
        r" to|has to|is (?:asked|prompted) to"
        r"|are (?:asked|prompted) to) )*(?P<deed>[a-z]+)(?: (?P<particle>out|in|up|off))?\b",
        re.IGNORECASE,
    )


def person_acts(text: str) -> bool:
    """Whether a clause tells what a person of an organization does: "legal reviews the terms"."""
    match = _people().match(text)
    if match is None:
        return False
    front = text[: match.start("deed")].lower().split()[:-1]
    known = [lexicon().verbs.get(word) for word in front]
    if any(verb is not None and verb.base == word for verb, word in zip(known, front, strict=True)):
        return False
    verb = _stem(match["deed"].lower())
    deeds = lexicon().words("human_deeds")
    return verb in deeds or f"{verb} {match['particle'] or ''}".strip() in deeds


def _stem(verb: str) -> str:
    known = lexicon().verbs.get(verb)
    if known is not None:
        return known.base
    return re.sub(r"(?<=[sx])es$|(?<=ch)es$|s$", "", verb)


def without_subject(text: str) -> str:
    """Return a clause from its verb on when it tells what something does, else the clause."""
    bare = text.lstrip(" ,")
    if _CONTROL.match(bare) or not (_LED.match(bare) or bare[:1].isupper()) or is_human(bare):
        return text
    opening = read_opening(bare)
    if opening is not None and (not opening.verb.is_noun or acts(opening)):
        return text
    if not _LED.match(bare) and opening is not None and not opening.third:
        return text
    words = list(re.finditer(r"\S+", bare))[: _LONGEST + 2]
    first = 2 if _LED.match(bare) else 1
    for place, word in enumerate(words[first:], first):
        before = bare[: word.start()].rstrip()
        if before.endswith((",", ";", ":", ".")) or _BREAK.search(before):
            return text
        if _does(bare[word.start() :], words[place - 1][0]):
            return text if _is_person(before) else bare[word.start() :]
    return text


def _does(rest: str, previous: str) -> bool:
    """Whether a verb that somebody does begins here: in the third person, or after "should"."""
    word = rest.split()[0].lower()
    verb = lexicon().verbs.get(word)
    if verb is None or word.endswith("ing"):
        return False
    if word == verb.base and previous.lower() not in _MODALS:
        return False
    opening = read_opening(rest)
    following = rest.split()[1:2]
    if opening is None or not following:
        return False
    shown = not opening.verb.is_noun or acts(opening)
    return shown and (bool(MARK.match(following[0])) or following[0][:1] not in ",.;:")


def _is_person(subject: str) -> bool:
    """Whether a person does it, or an agent of several: then who it is is part of the step."""
    words = re.findall(r"[a-z]+", subject.lower())
    others = lexicon().words("people") | _AGENTS
    return bool(words) and bool(others.intersection(words[-1:]))
