"""Starts that are told as a first step: "watches the inbox for mails", "takes form responses"."""

import re
from dataclasses import dataclass, replace

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.inflection import singular

_END = r"(?=,| and (?:then )?[a-z]+| then | → |;|\.(?: |$)|\n|$)"
_WATCHES = re.compile(
    r"^(?:it )?(?:monitors?|watch(?:es)?|listens?|tracks?|polls?|checks?|scans?|observes?)(?:ing)? "
    r"(?:(?!\bif\b|\bwhether\b)[^,.;:→])*?\bfor (?:any |all |the )?"
    rf"(?P<what>[^,.;:→]*?){_END},?",
    re.IGNORECASE,
)
_COMING = ("receive", "it receive", "listens", "subscribes", "consumes")
"""What these bring always comes from outside."""
_INBOX = re.compile(
    r"^listens|\b(?:messages?|mentions?|events?|requests?|comments?|inbox|gmail|outlook"
    r"|e?-?mails?|mailbox|folder|drive|channel|forms?|new|incoming|unread|recently|fresh"
    r"|inbound|newly)\b",
    re.IGNORECASE,
)
_TAKES = re.compile(
    r"^(?:it )?(?P<verb>takes|receives?|accepts|captures|catch(?:es)?|intercepts|picks up"
    r"|listens? to|subscribes to|consumes|gets triggered by|takes in) "
    rf"(?P<what>[^,.;:→]+?){_END},?",
    re.IGNORECASE,
)
_BY_FORM = re.compile(
    r"^(?:it )?(?:collect|capture|gather|receive|get|take|accept|send|submit|enter|provide"
    r"|upload)s? (?P<what>[^,.;:→]+?) (?:via|through"
    r"|with|using|by) (?:an?|the|our|my|your) (?:[\w-]+ ){0,3}?"
    rf"forms?\b{_END},?",
    re.IGNORECASE,
)
_MONITORS = re.compile(
    r"^(?:it |this )?(?:(?:monitors|watches|listens to|polls|monitoring|watching)\b"
    r"|(?:monitor|watch|keep an eye on|listen to)\b(?![^.]*[\ue000-\ue003]))",
    re.IGNORECASE,
)
_STANDS_WATCH = re.compile(
    r"^(?:it |this )?(?:monitor|watch|keep an eye on|listen (?:to|on)|poll)(?:s|es|ing)?"
    r" (?:[^,.;:→]*? )?(?:inbox(?:es)?|mailbox(?:es)?|folders?|gmail|channels?|dms|forms?|queues?"
    r"|buckets?|director(?:y|ies)|boards?)(?: [\w'-]+){0,3}?(?:,| and(?= [a-z]+s?\b)| →"
    r"|\.(?= for (?:each|every) (?:new|incoming) ))\s*",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?:step )?(?:1[.):]|[-*•])\s+", re.IGNORECASE)
_EACH_NEW = re.compile(
    r"(?:for (?:each|every)|whenever) (?:new |incoming )(?P<what>[\w -]+?)(?: (?:arrives|comes"
    r" in))?, ",
    re.IGNORECASE,
)
_SUBMISSIONS = re.compile(
    r"^(?:it )?(?:collect|receive|capture|accept|take|process)(?:s|e?s)? (?:new |all"
    r" )?(?:[A-Z][\w.]+ )(?:form )?(?P<what>submissions?|entries"
    rf"|responses?|bookings?|signups?){_END},?",
)
_ARRIVES = re.compile(
    r"\b(?:new|incoming|inbound|newly|submissions?|submitted|responses?|uploaded|uploads|received"
    r"|replies"
    r"|messages?|errors?|e-?mails?|orders?|requests?|events?|alerts?|webhooks?|tickets?|leads?"
    r"|calls?|signups?|sign-ups)\b",
    re.IGNORECASE,
)


_SUBMIT = re.compile(
    r"^(?:an? |the |our |when )?(?:new )?(?:employees?|users?|customers?|people|someone"
    r"|clients?|students?|team members?"
    r"|applicants?|visitors?|guests?|members?|candidates?|sales reps?|vendors?|suppliers?)"
    r" (?:can )?(?:submits?|fills? (?:out|in)|sends?|uploads?|enters?|requests?"
    r"|registers?|signs? up|places?|asks?|books?) "
    rf"(?P<what>[^,.;:→]+?){_END},?",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"^(?:it )?(?:takes?|gets?|reads?|receives?|accepts?) (?P<what>(?:an?|the|any) [\w -]{2,40}?)"
    r" (?:that |which )?"
    r"(?:an?|the) users? (?:uploads?|provides?|enters?|sends?|supplies|gives?|pastes?)(?:,|"
    r" and(?: then)?) ",
    re.IGNORECASE,
)
_PUT_IN = re.compile(
    r"^(?:our|the|my|all|some) (?:[\w-]+ )?[\w-]+s (?P<verb>type|enter|fill|submit|upload|paste"
    r"|drop|put|write|log|send|record"
    r"|add|report|scan) (?P<what>[^,.;:→]+?) (?:in|into|to|via|through|on|with) (?:an?|the|our"
    r"|this) [^,.;:→]{2,40}[.;,]\s+(?=\w)",
    re.IGNORECASE,
)
_NEW_THINGS = re.compile(
    r"^(?P<front>(?:automatically )?(?P<verb>[a-z-]+) (?:and [a-z-]+ )?(?:[^,.;:→]*? (?:from|for"
    r"|of|to|about) )?)(?:each |every |all |any |the )?"
    r"(?:new|incoming|inbound|newly \w+) (?P<what>(?:[\w'-]+ ){0,3}?[\w'-]+s?)(?=,|"
    r" (?:to|into|in|on|from|with|by|and|using|via|for|submitted|sent|received|that"
    r"|which|posted|uploaded|over)\b|[.;:→]|$)",
    re.IGNORECASE,
)


_PLACE = re.compile(r" (?:in|on|from) (?:(?:an?|the|my|our|your) )?", re.IGNORECASE)
_CONTAINER = re.compile(
    r"^ (?:folder|inbox|channel|board|table|form|sheet|list|database|mailbox|workspace"
    r"|account)s?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NewThings:
    """Things that a first step takes as they come: "sync new Shopify orders to …"."""

    event: str
    subject: str
    rest: str
    """The text in which they are only "the orders": they are in the input."""


def find_new_things(text: str) -> NewThings | None:
    """Return what a first step works on when it works on each new thing of a service."""
    match = _NEW_THINGS.match(text)
    verb = lexicon().verbs.get(match["verb"].lower()) if match else None
    if match is None or verb is None or lexicon().roles.get(verb.action) == "source":
        return None
    told = text[match.start("what") : match.end() + 40]
    from_service = re.match(
        r"[\w' -]*? (?:in|on|from) ", told
    ) and lexicon().product_pattern.search(told)
    named = lexicon().product_pattern.search(match["what"])
    incoming = re.search(r"\b(?:incoming|inbound) [\w' -]*$", text[: match.end()], re.IGNORECASE)
    subject = _noun(match["what"])
    if subject is None or not (named or from_service or incoming):
        return None
    what = lexicon().product_pattern.sub("", match["what"]).strip()
    after = text[match.end() :]
    place = _PLACE.match(after)
    service = lexicon().product_pattern.match(after, place.end()) if place else None
    if service:
        after = _CONTAINER.sub("", after[service.end() :], count=1)
    return NewThings(f"{subject}_created", subject, f"{match['front']}the {what}{after}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that comes in, and where in the text that is told."""

    event: str | None
    """The event's name; None when the workflow is only given the thing."""
    subject: str | None
    end: int


def find_arrival(text: str) -> Arrival | None:
    """Return the arrival that a text begins with, provided that steps follow."""
    if mark := _MARKED.match(text):
        arrival = find_arrival(text[mark.end() :])
        return arrival and replace(arrival, end=arrival.end + mark.end())
    given = _GIVEN.match(text)
    if given:
        return Arrival(None, _noun(given["what"]), given.end())
    watches = _WATCHES.match(text)
    watches = watches if watches and _INBOX.search(watches[0]) else None
    match = (
        watches
        or _SUBMISSIONS.match(text)
        or _PUT_IN.match(text)
        or _BY_FORM.match(text)
        or _TAKES.match(text)
        or _SUBMIT.match(text)
    )
    if match is None or not re.search(r"\w", text[match.end() :]) or " each " in match["what"]:
        return None
    subject = _noun(match["what"])
    received = match[0].lower().startswith(_COMING)
    served = re.search(r"\bfrom\b", match["what"]) and lexicon().product_pattern.search(
        match["what"]
    )
    arrives = (
        match.re is not _TAKES or received or bool(served) or bool(_ARRIVES.search(match["what"]))
    )
    if subject is None:
        return None
    return Arrival(f"{subject}_received" if arrives else None, subject, match.end())


def watches_something(text: str) -> bool:
    """Whether a text begins by saying what is watched all the time."""
    return bool(_MONITORS.match(text))


def find_watched_place(text: str) -> Arrival | None:
    """Return the place that a text begins by watching: what lands there starts the workflow."""
    match = _STANDS_WATCH.match(text)
    if match is None or not re.search(r"\w", text[match.end() :]):
        return None
    if one := _EACH_NEW.match(text, match.end()):
        subject = _noun(one["what"]) or "item"
        return Arrival(f"{subject}_received", subject, one.end())
    words = re.findall(r"[a-z]+", match[0].lower())
    thing = "email" if {"inbox", "gmail", "mailbox", "inboxes"} & set(words) else "item"
    return Arrival(f"{thing}_received", thing, match.end())


def _noun(phrase: str) -> str | None:
    """Return the head of a noun phrase: `submission` for "form submissions from Webflow"."""
    head = re.split(
        r"\b(?:from|in|on|via|by|at|to|with|of|for|through|that|uploaded|submitted)\b", phrase
    )[0]
    words = re.findall(r"[a-z][a-z0-9]*", MARK.sub(" ", head).lower())
    return singular(words[-1]) if words else None
