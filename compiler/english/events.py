"""What an event is called, and which thing it is about."""

import re
from functools import cache

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.inflection import singular

_ARTICLES = re.compile(
    r"^(?:an?|the|any|some|someone|new|every|each|my|our|a new|another|incoming)\s+", re.I
)
_PASSIVE = re.compile(
    r"^(?P<noun>.+?) (?:is|are|was|were|gets|has been|have been|being) (?:newly "
    r"|successfully )?(?P<verb>\w+(?:ed|en|ght|wn|de|ld|id|nt|ft)|won|lost|met|hit|cut|due"
    r"|live)\b(?P<more>.*)$",
    re.I,
)
_NEW = re.compile(
    r"^(?:an? |any |the )?(?:brand )?new (?P<noun>[\w' /-]+?)(?: (?:in|on|from|to|at|for"
    r"|via|over|above|below|under|worth|tagged|labell?ed|that|with|is|are|of)\b.*)?$",
    re.I,
)
_PERSON = re.compile(
    r"^(?:i|we|you|someone|somebody|anyone) (?:\w+ly )?(?!am|are|is|was|have|want|need"
    r"|approv)(?P<verb>[a-z]{3,}) (?:an?|the|my|our|any|new|this|to|up|on)\b(?P<what>.+)$"
)
_NO_EVENT = (
    r"(?!(?:is|has|was|does|this|news|contains|equals|exceeds|includes|matches|needs|wants|looks"
    r"|seems|always"
    r"|already|becomes|remains|stays|means|mentions|lacks|are|have|want|need|am|can|will|not"
    r"|still)\b)"
)
_DOES = re.compile(
    r"^(?P<noun>(?:i|we|you)|(?:an?|the|my|our|your|any|some|every|someone|somebody)"
    rf"(?: {_NO_EVENT}[\w'/-]+){{0,4}}?)"
    rf" {_NO_EVENT}(?P<verb>(?<=\bi )[a-z]{{3,}}|(?<=\bwe )[a-z]{{3,}}|(?<=\byou )[a-z]{{3,}}"
    rf"|[a-z]{{2,}}[^s\W]s)"
    r"(?= (?:an?|the|my|our|your|over|into|out|up|down|in|on|at|from|to|with|off|through|it|home"
    r"|work|this|that)\b|$)",
)


_DONE = frozenset(
    {"won", "lost", "met", "hit", "cut", "due", "live", "paid", "sold", "held", "made"}
)


def read_event(phrase: str, certain: bool) -> tuple[str, str] | None:
    """Return the event's name and its subject, such as `demo_completed` and `demo`."""
    phrase = MARK.sub("", phrase).strip().lower().removesuffix(" and")
    phrase = phrase.replace("'re ", " are ").replace("'ve ", " have ")
    passive = _PASSIVE.match(phrase)
    if passive and passive["noun"] != "there" and _is_done(passive["verb"]):
        return event_of(passive["noun"], passive["verb"])
    active = active_event(phrase)
    if active:
        return active
    if person := _PERSON.match(phrase):
        return event_of(
            re.split(r" (?:in|to|from|on|at|with|for) ", person["what"])[0], person["verb"]
        )
    new = _NEW.match(phrase)
    if new:
        return event_of(new["noun"], "created")
    if deed := _DOES.match(phrase):
        return event_of(deed["noun"], deed["verb"])
    words = phrase.split()
    gerund = bool(words) and words[0].endswith("ing") and words[0] in lexicon().verbs
    if not certain or gerund or not words or _is_verb_phrase(phrase):
        return None
    thing = re.split(r" (?:in|to|from|on|at|over|above|under|below|with|worth|of|for) ", phrase)[0]
    return event_of(thing, "occurred")


def _is_done(word: str) -> bool:
    """Whether a word after "is" tells what happened, not how a thing is: "sent", not "urgent"."""
    regular = word.endswith(("ed", "ght", "wn", "en"))
    return regular or word in _DONE or word in lexicon().participles


def _is_verb_phrase(phrase: str) -> bool:
    first = phrase.split()[0]
    verb = lexicon().verbs.get(first)
    return bool(verb and not verb.is_noun and verb.base == first)


@cache
def _events() -> tuple[re.Pattern[str], dict[str, str]]:
    events: dict[str, str] = dict(lexicon().names("events"))
    names = "|".join(sorted(events, key=len, reverse=True))
    return re.compile(rf"^(?P<noun>[\w' /-]+?) (?P<verb>{names})(?!\w)"), events


def active_event(phrase: str) -> tuple[str, str] | None:
    """Return the event of "a row arrives", with a verb that is known for events."""
    pattern, events = _events()
    match = pattern.match(phrase)
    if not match:
        return None
    noun = match["noun"]
    if noun.split()[-1] in ("someone", "somebody", "anyone", "user", "i"):
        objects = re.sub(r"^(?:to|on|for|in|out|up) ", "", phrase[match.end() :].strip())
        noun = re.split(r" (?:in|to|from|on|at|with) ", objects)[0] or noun
    return event_of(noun, events[match["verb"]])


def event_of(noun: str, verb: str) -> tuple[str, str] | None:
    """Return the name and the subject of what happens to a thing: `demo_completed`, `demo`."""
    noun = noun.strip()
    while (shorter := _ARTICLES.sub("", noun)) != noun:
        noun = shorter
    words = [
        w
        for w in re.findall(r"[a-z][a-z0-9]*", noun.replace("'s", ""))
        if w not in ("new", "a", "the", "of")
    ]
    if not words or len(words) > 8:
        return None
    subject = singular(words[-1])
    return f"{subject}_{re.sub(r'[^a-z_]', '', verb)}", subject
