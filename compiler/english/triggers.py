"""What starts the workflow: takes the schedule, event or webhook out of the text."""

import re
from dataclasses import replace

from compiler.english.arrivals import (
    find_arrival,
    find_new_things,
    find_watched_place,
    watches_something,
)
from compiler.english.events import active_event, event_of, read_event
from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.nouns import object_phrase, words_of
from compiler.english.schedule import Schedule, find_schedule
from compiler.english.starts import HERE, WHEN, Start, without
from compiler.english.verbs import Opening, acts, read_opening
from compiler.english.webhooks import find_webhook, told_by_webhook
from compiler.specification import Trigger

_STOP = r"(?=,| then | → |:| ?;|\.(?: |$)|\n|$)"

_TOLD_WATCH = re.compile(
    r"\b(?:workflow|automation|flow|zap|bot|system) (?:that|which|to) (?:monitors?|watch(?:es)?"
    r"|listens?)\b",
    re.IGNORECASE,
)
_WATCHED_FIRST = re.compile(
    r"(?:it )?(?:monitors?|watch(?:es)?) [^,.;:→]+?,(?: and)? (?=[a-z]+ )", re.IGNORECASE
)
_OF_A_KNOWN_THING = re.compile(r"(?:the|my|our)\b", re.IGNORECASE)
_FOR_EVERY = re.compile(
    r"(?:^|,? )for (?:every|each|any)(?: new)? (?P<event>(?P<noun>(?:[\w-]+ ){0,2}?[\w-]+)"
    r" (?P<verb>landing|arriving|uploaded|added"
    r"|dropped|submitted|posted|created|received|opened|pushed|published) (?:in|to|on|into|by"
    r"|from|via|through|at) [^,.;:→]+?)(?=,| and |;|\.|$)",
    re.IGNORECASE,
)
_BY_HAND = re.compile(
    r"^(?:when|if) (?:it is )?(?:triggered|run|started|executed) (?:manually|on demand|by hand), |"
    r"^(?:when(?:ever)?|if|once|each time|every time) (?:i|we|you|someone|the user) (?:manually"
    r" )?(?:runs?|starts?|triggers?|clicks?"
    r"|press(?:es)?|launch(?:es)?|asks?)(?: (?:it|this|me|the (?:workflow|flow|button)|a button"
    r"|for it))?, ",
    re.IGNORECASE,
)
_TOLD_EVENT = re.compile(rf"{HERE}{WHEN}\b", re.IGNORECASE)
_AT_START = re.compile(
    rf"^{HERE}(?:{WHEN}|after|upon|on|if|for each new|for every new|for any new|for new(?= [A-Z])) "
    rf"(?P<event>.+?){_STOP}[,:]?(?: then)?",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"^\W*(?:step )?\d*[.):]?\W*(?P<kind>webhook|(?:form|email|event|chat|row|record)(?="
    r" trigger))(?: trigger)?\W*[:—-]",
    re.IGNORECASE | re.MULTILINE,
)
_LITTLE = frozenset(
    {
        "an",
        "the",
        "is",
        "are",
        "has",
        "have",
        "been",
        "was",
        "were",
        "our",
        "my",
        "to",
        "in",
        "of",
        "on",
    }
)
_EVERY = re.compile(r"(?:every|each)\b", re.IGNORECASE)
_HAPPENED = re.compile(r"\b(?:(?:is|are|was|gets|has been) \w+|arrives|comes in)\b", re.IGNORECASE)
_CHANGE = "change_seen"
"""The event of a text that only says that something is watched."""
_IN_SERVICE = re.compile(
    r"an? (?:new )?[\w -]+? (?:is|gets) \w+ (?:in|on|by|via) (?:the )?",
    re.IGNORECASE,
)
"""What happens in a service that is named starts a workflow: "when a deal is won in HubSpot"."""
_WHOLE = re.compile(
    rf"(?:^|(?<=[.\n] )|(?<=\n))(?:is |gets )?(?:triggered|starts?|runs?|begins?"
    rf"|triggers?|activates?) (?:by|{WHEN}|if) "
    r"(?P<event>[^,.;:→\n]+)[.\n](?=\s*\S)",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    rf"(?<![;.:]),? (?:whenever|every time|each time|any time|as soon as|when(?= (?:an?|any"
    rf"|someone|somebody|new"
    rf"|there(?:'s| is) an?|there are (?:new|any|changes|updates)|the|my|our)\b)"
    rf"|after (?:every|each)|on(?= (?:every|each|any) (?:new )?(?:push|commit|merge|pull request"
    rf"|release|deploy\w*|order|sign-?up|sale|payment|upload|submission|booking|tag)\b))"
    rf" (?P<event>(?:there(?:'s| is| are) )?.+?){_STOP}",
    re.IGNORECASE,
)
_LATER = re.compile(
    rf"(?:(?:(?:the |this )(?:workflow|flow|zap|automation)|it)?,? ?(?:is |should be |gets "
    rf")?(?:triggered|triggers?|started|activated|starts?|runs?|begins?)(?: automatically)?"
    rf" (?:by|{WHEN}|on|if)"
    rf"|react(?:s|ing)? to|triggered by|watch(?:es)? (?:[\w' ]+ )?for) (?P<event>.+?)(?=,| "
    rf"and | that (?:\w+s )| → |;|:|—|\.(?: |$)|\n|$)[,:—]?",
    re.IGNORECASE,
)
_DECISION = re.compile(
    r"(?:it(?:'s| is| has been)? )?(?:approv|review|i approve|sign|confirm)", re.I
)


def find_start(text: str, told: str = "") -> Start:
    """Return how the workflow starts, and the rest of the text.

    Only the beginning of the text, or words such as "triggered by", name an event; a "when" in
    the middle is a condition.

    Args:
        text: The instructions.
        told: The whole text as it was told, for a schedule that stands outside of them.
    """
    if by_hand := _BY_HAND.match(text):
        return Start(Trigger(kind="manual"), text[by_hand.end() :])
    if webhook := find_webhook(text):
        return webhook
    schedule = find_schedule(text)
    if schedule and (event := _event_before(text, schedule)):
        return event
    if schedule:
        rest = without(text, schedule.start, schedule.end)
        return Start(_schedule_trigger(schedule), rest, needs_time=schedule.cron is None)
    found = _find_arrival(text) or _find_event(text)
    if found.trigger is None:
        return _told_in_passing(text, told) or found
    return replace(found, trigger=Trigger(kind="webhook")) if told_by_webhook(told) else found


def _told_in_passing(text: str, told: str) -> Start | None:
    """Return a start that no part of the steps tells: a word of the title, new things, a label."""
    if new := find_new_things(text):
        return Start(Trigger(kind="event", event=new.event), new.rest, new.subject)
    outside = find_schedule(told)
    if _TOLD_WATCH.search(told) and not outside:
        return Start(Trigger(kind="event", event=_CHANGE), text)
    if outside:
        return Start(_schedule_trigger(outside), text, needs_time=outside.cron is None)
    label = _LABELLED.search(told)
    if told_by_webhook(told) or (label and label["kind"].lower() == "webhook"):
        return Start(Trigger(kind="webhook"), text, "payload")
    return Start(Trigger(kind="event", event="started"), text, "payload") if label else None


def _event_before(text: str, schedule: Schedule) -> Start | None:
    """Read "when a form arrives, …, and once a week …": the event is the start."""
    match = _AT_START.match(text)
    if match is None or not _TOLD_EVENT.match(match[0]) or match.end() > schedule.start:
        return None
    rest = without(text, schedule.start, schedule.end)
    start = _find_event(rest)
    words = text[schedule.start : schedule.end].strip()
    return replace(start, second=words) if start.trigger else None


def _schedule_trigger(schedule: Schedule) -> Trigger:
    return Trigger(kind="schedule", cron=schedule.cron, timezone=schedule.timezone)


def _find_arrival(text: str) -> Start | None:
    """Read a start that is told as the first step; another start that is told later goes first."""
    arrival = find_arrival(text) or find_watched_place(text)
    if arrival is None:
        return None
    other = _find_event(text)
    if other.trigger is not None and other.trigger.event != _CHANGE:
        return None
    trigger = Trigger(kind="event", event=arrival.event) if arrival.event else None
    return Start(trigger, without(text, 0, arrival.end), arrival.subject)


def _find_event(text: str) -> Start:
    """Return the event that a text names, at its front or in words that name one for certain."""
    match = _AT_START.match(text)
    if match and not _DECISION.match(match["event"]):
        opener = match[0].split()[0].lower()
        if opener == "if" and MARK.search(match["event"]):
            return Start(None, text)
        certain = opener in ("on", "upon", "for") or bool(_EVERY.match(match["event"]))
        if start := _event_start(text, match, certain):
            return start
    for told in (_WHOLE.search(text), _LATER.search(text)):
        if told and (start := _event_start(text, told, certain=True)):
            return start
    inside = _find_watched(text) or _find_every(text) or _find_trailing(text)
    if inside is None and watches_something(text):
        return Start(Trigger(kind="event", event=_CHANGE), text)
    return inside or Start(None, text)


def _find_watched(text: str) -> Start | None:
    """Read "monitors a folder, reads each file whenever one is added"."""
    watched = _WATCHED_FIRST.match(text)
    inside = _TRAILING.search(text, watched.end()) if watched else None
    if watched is None or inside is None or "," in text[watched.end() : inside.start()]:
        return None
    start = _event_start(text, inside, certain=True)
    return start and replace(start, rest=start.rest[watched.end() :])


def _find_every(text: str) -> Start | None:
    """Read "… for every file landing in the folder" in the first step."""
    every = _FOR_EVERY.search(text)
    if every is None or re.search(r"[.;,→\n]", text[: every.start()]):
        return None
    comes = every["verb"].lower() in ("landing", "arriving")
    named = event_of(every["noun"], "received" if comes else every["verb"].lower())
    if named is None:
        return None
    rest = without(text, every.start(), every.end())
    return Start(Trigger(kind="event", event=named[0]), rest, named[1])


def _find_trailing(text: str) -> Start | None:
    """Read "… whenever a new row is added" behind the first step."""
    match = _TRAILING.search(text)
    if match is None or len(re.findall(r"[.;→\n]", text[: match.start()])) > 1:
        return None
    plain = match[0].lstrip(" ,").lower().startswith("when ")
    if plain and re.match(r",? (?:otherwise|else)\b", text[match.end() :], re.IGNORECASE):
        return None
    if (
        plain
        and _OF_A_KNOWN_THING.match(match["event"])
        and not active_event(match["event"].lower())
    ):
        return None
    told = plain and _IN_SERVICE.match(match["event"])
    named = told and lexicon().product_pattern.match(match["event"], told.end())
    if plain and not named and re.search(r",|\band\b", text[: match.start()].rpartition(". ")[2]):
        return None
    return _event_start(text, match, certain=True)


def _event_start(text: str, match: re.Match[str], certain: bool) -> Start | None:
    phrase, end = match["event"], match.end()
    if match[0].rstrip()[-1:] not in (",", ":") or _goes_on(phrase, match[0]):
        length = _event_length(phrase)
        end = match.start("event") + length if length < len(phrase) else end
        phrase = phrase[:length]
    named = (
        read_event(phrase, certain) or _done_deed(match[0], phrase) or _any_event(match[0], phrase)
    )
    rest = without(text, match.start(), end)
    if not named or not rest:
        return None
    return Start(Trigger(kind="event", event=named[0]), rest, named[1])


def _done_deed(told: str, phrase: str) -> tuple[str, str] | None:
    """Return the event of "upon closing a deal, …" at the front of a text."""
    opening = read_opening(phrase) if re.match(r"(?:upon|on) ", told, re.IGNORECASE) else None
    if opening is None or not opening.gerund or told[:1].islower():
        return None
    things = words_of(object_phrase(opening.rest))
    return event_of(" ".join(things[-2:]), opening.verb.base) if things else None


def _any_event(told: str, phrase: str) -> tuple[str, str] | None:
    """Return an event in a text's own words: what it begins with after "when" starts it."""
    if not re.match(r"when(?:ever)? (?:an?|the|any|our|my|\w+s?) ", told, re.IGNORECASE):
        return None
    words = [
        word
        for word in re.findall(r"[a-z]{2,}", MARK.sub("", phrase).lower())
        if word not in _LITTLE
    ]
    return event_of(" ".join(words[:-1][-3:]), words[-1]) if len(words) > 1 else None


def _goes_on(phrase: str, told: str) -> bool:
    """Whether a step may follow its event without a comma: "when a release is out writes …"."""
    if told.lower().startswith("on "):
        return True
    happened = _HAPPENED.search(phrase)
    length = _event_length(phrase)
    first = phrase[length:].split(" ")[0]
    told_of_it = lexicon().verbs.get(first.lower())
    return happened is not None and told_of_it is not None and told_of_it.base != first.lower()


def _event_length(phrase: str) -> int:
    """Return where an event without a comma after it ends: at the next plain verb."""
    words = list(re.finditer(r"\S+", phrase))
    for word in words[3:]:
        verb = lexicon().verbs.get(word[0].lower())
        if verb and not verb.is_noun and verb.base == word[0].lower():
            return word.start()
        opening = read_opening(phrase[word.start() :]) if verb else None
        joined = phrase[: word.start()].endswith(" and ")
        happens = _is_event_verb(word[0]) and not joined
        if opening and opening.third and _is_step(opening) and not happens:
            return word.start()
    return len(phrase)


def _is_step(opening: Opening) -> bool:
    return not opening.verb.is_noun or acts(opening)


def _is_event_verb(word: str) -> bool:
    return word.lower() in lexicon().names("events")
