"""Ways told by what takes them: "valid rows go to Postgres, invalid ones to a report".

Several subjects that are picked from one thing, each with its own fate, are a choice. They are
rewritten with "if" and "otherwise", so that the stages after this one see an ordinary choice.
"""

import re
from dataclasses import dataclass

from compiler.english.lexicon import lexicon

_JOINT = re.compile(
    r";\s+|,\s+(?:and\s+|but\s+|while\s+)?|\s+(?:and(?! \d)|while|but|whereas)\s+", re.IGNORECASE
)
_FATE = re.compile(
    r"^(?P<who>(?!(?:it|they|this|that|he|she|we|you|i|then|if|when|once|after|before)\b)[\w'"
    r" $€£%-]{2,60}?) (?:should |will |must |can |then |automatically )*"
    r"(?P<fate>goes|go|becomes|become|enters|enter|gets|get|receives|receive|needs|need|requires"
    r"|require|creates?|opens?|triggers?|starts?|is|are|be)\b (?:straight |directly "
    r"|automatically |then |simply |immediately"
    r" )*(?P<what>\S.*)$",
    re.IGNORECASE,
)
_ELIDED = re.compile(
    r"^(?P<who>[\w' -]{2,50}?) (?P<what>(?:to|into|through|via) \S.*)$", re.IGNORECASE
)
_GETS = re.compile(
    r"\b(?P<joint>and |, )(?:gets?|receives?) (?=(?:an?|the|their|our) )", re.IGNORECASE
)
_REST = re.compile(
    r"^(?:everything else|all (?:the )?(?:others?|rest)|(?:the )?others|the rest|anything else"
    r"|everyone else|all else|the remaining (?:ones|[\w-]+))$",
    re.IGNORECASE,
)
_PICKED = re.compile(
    r"\b(?:over|above|under|below|between|older|newer|higher|lower|scoring|scored|rated|with"
    r"|without|marked|that|which|from|ones|those|larger|smaller|first|second|other)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^(?P<title>[^:]{3,80}):\s+(?=(?P<rest>.+)$)")
_SORTS = re.compile(
    r"^\W*(?:route|sort|triage|handle|process|distribute|dispatch|split|answer|reply|respond"
    r"|moderate|manage)\b",
    re.IGNORECASE,
)
_APPROVAL = re.compile(
    r"\b(?:approv\w*|sign-?off|review|confirmation|ok|go-ahead)\b", re.IGNORECASE
)
_PLAIN = ("is", "are", "be", "gets", "get")


@dataclass(frozen=True, slots=True)
class _Way:
    who: str
    fate: str
    what: str

    @property
    def told(self) -> str:
        """The way as a sentence of its own."""
        return f"{self.who} {self.fate} {self.what}"


def as_choice(sentence: str) -> str:
    """Return a sentence that tells the ways of several things as an if, an if and an otherwise."""
    front, joint, back = sentence.partition("; ")
    own = not _ways(front) or re.match(r"(?:an?|the) ", front, re.IGNORECASE)
    if joint and own and (chosen := as_choice(back)) != back:
        return f"{front}. {chosen}"
    title = _TITLE.match(sentence)
    told = title["rest"] if title else sentence
    ways = _ways(told.rstrip(" .!"))
    last = next((n for n, way in enumerate(ways) if _REST.match(way.who)), len(ways) - 1)
    after = "".join(f" {way.told}." for way in ways[last + 1 :])
    ways = ways[: last + 1]
    if len(ways) < 2 or not _is_choice(ways):
        return sentence
    deeds = [_with_gifts(_deed(way)) for way in ways]
    if not all(deeds):
        return sentence
    ways_told = [
        f"otherwise {deed}"
        if _REST.match(way.who)
        else f"if it is one of the {_plain(way.who)}, {deed}"
        for way, deed in zip(ways, deeds, strict=True)
    ]
    kept = f"{title['title']}. " if title and not _SORTS.match(title["title"]) else ""
    return f"{kept}{'; '.join(ways_told)}.{after}"


def _plain(who: str) -> str:
    first = who.split()[0]
    return who if first.isupper() else f"{who[:1].lower()}{who[1:]}"


def _ways(text: str) -> list[_Way]:
    """Cut a text into its ways; a part without a fate of its own goes on with the one before."""
    ways: list[_Way] = []
    place = 0
    for joint in [*_JOINT.finditer(text), None]:
        end = joint.start() if joint else len(text)
        part = text[place:end]
        match = _FATE.match(part)
        if match:
            ways.append(_Way(match["who"].strip(), match["fate"].lower(), match["what"]))
        elif ways and ways[-1].fate in ("goes", "go") and (elided := _ELIDED.match(part)):
            ways.append(_Way(elided["who"], "go", elided["what"]))
        elif ways:
            last = ways[-1]
            ways[-1] = _Way(
                last.who, last.fate, f"{last.what}{text[place - _width(text, place) : end]}"
            )
        else:
            return []
        place = joint.end() if joint else end
    return ways


def _width(text: str, place: int) -> int:
    """Return how long the joint is that ends at a place."""
    found = [joint for joint in _JOINT.finditer(text) if joint.end() == place]
    return len(found[0][0]) if found else 0


def _is_choice(ways: list[_Way]) -> bool:
    """Whether the subjects are picked from one thing: told by a limit, an opposite, a kind."""
    if any(
        re.match(r"(?:the|an?|its|their|our|my) ", way.who, re.I) and not _REST.match(way.who)
        for way in ways
    ):
        return False
    if (
        any(_REST.match(way.who) for way in ways)
        or sum(bool(_PICKED.search(w.who)) for w in ways) > 1
    ):
        return True
    heads = {way.who.lower().split()[-1] for way in ways}
    named = all(len(way.who.split()) > 1 for way in ways)
    shared = named and (len(heads) == 1 or (len(heads) == 2 and "ones" in heads))
    moved = sum(way.fate not in ("is", "are", "be") for way in ways)
    return shared or moved > 1


def _deed(way: _Way) -> str:
    """Return what is done with those that go this way, as a command; empty when unclear."""
    first = way.what.split()[0].lower()
    participle = lexicon().participles.get(first)
    if way.fate in _PLAIN and participle is not None:
        return f"{participle.base} it{way.what[len(first) :]}"
    if way.fate in ("is", "are", "be"):
        return ""
    if way.fate in ("needs", "need", "requires", "require"):
        return f"wait for {way.what}" if _APPROVAL.search(way.what) else ""
    if way.fate.rstrip("s") in ("create", "open", "trigger", "start"):
        return f"{way.fate.rstrip('s')} {way.what}"
    if way.fate in ("goes", "go"):
        return f"send it {way.what}" if first in ("to", "into", "through", "via") else ""
    if way.fate in ("becomes", "become"):
        return f"create {way.what}"
    if way.fate in ("enters", "enter"):
        return f"add it to {way.what}"
    return f"send {way.what}"


def _with_gifts(deed: str) -> str:
    return _GETS.sub(lambda match: f"{match['joint']}send ", deed)
