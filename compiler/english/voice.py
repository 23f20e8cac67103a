"""The passive as the active: "the file is saved to S3" asks to save the file to S3."""

import re
from functools import cache

from compiler.english.lexicon import lexicon
from compiler.english.verbs import is_human, read_opening

_LONGEST = 160
_AUXILIARY = (
    r"(?:is|are|gets?|(?:will|should|must|can|shall|may) (?:then |also |automatically )?be"
    r"|(?:needs?|has|have) to be|has been|have been|being)"
)
_ADVERBS = r"(?:(?:then|also|automatically|finally|subsequently|immediately|now|\w+ly) )*"
_CLAUSE = re.compile(
    r"\b(?:if|when|whether|unless|until|that|who|because|while|once|after|before)\b|[;:→]", re.I
)
_GETS_MANY = re.compile(r"gets? (?:all|every|each|any|the [\w ]+s|[\w-]+s) ", re.IGNORECASE)
"""They fetch: "get all deals closed this week" asks for no closing."""
_POINTING = re.compile(r"^(?:it|they|this|these|that|those)$", re.IGNORECASE)


@cache
def _participles() -> str:
    """Return a pattern of all participles, the longest first."""
    return "|".join(sorted(lexicon().participles, key=len, reverse=True))


@cache
def _passive() -> re.Pattern[str]:
    return re.compile(
        rf"^(?P<what>.{{2,{_LONGEST}}}?)(?P<which>,? which)? {_AUXILIARY}"
        rf" {_ADVERBS}(?P<verb>{_participles()})(?!\w)",
        re.IGNORECASE,
    )


@cache
def _next_participle() -> re.Pattern[str]:
    return re.compile(
        rf"(?P<joint>,\s+(?:and\s+)?(?:then\s+)?|\s+and\s+(?:then\s+)?|\s+then\s+)"
        rf"(?:{_AUXILIARY} )?{_ADVERBS}(?P<verb>{_participles()})(?= (?:to|into|in|on|with"
        rf"|as|for|from|by|via|using|and)\b|[,.]|$)",
        re.IGNORECASE,
    )


@cache
def _caused() -> re.Pattern[str]:
    return re.compile(
        rf"^(?:and |then |please )*(?:have|has|get|gets) (?P<what>each(?: one| of them)?|all of"
        rf" them|it|them|this|that|those|these"
        rf"|everything|both"
        rf"|(?:the|an?|my|our|your|its|their|all|each) [\w' -]{{2,50}}?|[\w-]+s) (?:then"
        rf" )?(?P<verb>{_participles()})(?!\w)",
        re.IGNORECASE,
    )


@cache
def _next_passive() -> re.Pattern[str]:
    return re.compile(
        rf",?\s+and (?P<what>(?:the|its|their|an?) [\w' -]{{2,40}}?)"
        rf" (?P<verb>{_participles()})(?= (?:to|into|in|on|with|as|for|from|by|via)\b|[,.]|$)",
        re.IGNORECASE,
    )


@cache
def _relative() -> re.Pattern[str]:
    return re.compile(
        rf",?\s+(?:which|that) (?:is|are|will be|gets?) (?:then |also |subsequently "
        rf"|later )+(?P<verb>{_participles()})(?!\w)"
        rf"|, which (?:is|are|will be|gets?) {_ADVERBS}(?P<plain>{_participles()})(?!\w)",
        re.IGNORECASE,
    )


def active(text: str) -> str:
    """Return a clause in the active voice: itself when it is no passive that asks for a step."""
    text = _relative().sub(_then, text)
    caused = _caused().match(text)
    many = caused and _GETS_MANY.match(caused[0])
    if caused and not many and not is_human(text):
        rest = _next_participle().sub(_and_it, text[caused.end() :])
        rest = _next_passive().sub(_then_that, rest)
        return _asked(caused["verb"], caused["what"], rest)
    match = _passive().match(text)
    if match is None or is_human(text):
        return text
    what = match["what"].strip()
    opening = read_opening(what)
    named = opening is not None and (not opening.verb.is_noun or len(opening.rest.split()) > 3)
    if re.search(r"\b(?:is|are|was|were|has|have)\b", what):
        return text
    if named or _CLAUSE.search(what) or re.search(r"\b(?:and|,) it$", what):
        return text
    rest = _next_participle().sub(_and_it, text[match.end() :])
    return _asked(match["verb"], what, rest)


def _asked(participle: str, what: str, rest: str) -> str:
    """Return what a passive asks for as a command, with what follows it."""
    return f"{_base(participle)} {'it' if _POINTING.match(what) else what}{rest}"


def _base(participle: str) -> str:
    return lexicon().participles[participle.lower()].base


def _then_that(match: re.Match[str]) -> str:
    return f", then {_base(match['verb'])} {match['what']}"


def _then(match: re.Match[str]) -> str:
    return f", then {_base(match['verb'] or match['plain'])} it"


def _and_it(match: re.Match[str]) -> str:
    return f", then {_base(match['verb'])} it"
