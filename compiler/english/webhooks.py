"""Webhooks that start a workflow: "when a lead comes in via webhook, …"."""

import re

from compiler.english.events import event_of, read_event
from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.starts import HERE, WHEN, Start, without
from compiler.inflection import singular
from compiler.specification import Trigger

_WEBHOOK = re.compile(
    rf"(?:^|(?<=[.,] )|(?<=\s)){HERE}(?:{WHEN}|on|by|via|through|from|(?<=starts )with"
    rf"|(?<=begins )with|by an?|receiv\w+"
    rf"|accepts?|triggered by|after|waits? for|listens? (?:for|to)|exposes?)"
    r"(?: an?| the| new| incoming)*(?: [\w-]+){0,3}? ?(?:webhooks?|http post|post request"
    r"|http request|(?:post|put|http)(?= (?:to|on|at) /))(?: (?:calls?|requests?|events?"
    r"|payloads?|notifications?))?"
    rf"(?: (?:is |gets )?(?:received|called|arrives?|comes? in|fires?|hits?"
    rf"|triggered|triggers?|receives? [^,.;:→\n]+?(?=[,:\n])))?(?: (?:(?:to|at|on)"
    rf" )?/[\w/-]+)?(?P<more>"
    rf" with [^,.→;]+| from (?:the |an? |our )?[A-Z][\w. ]{{1,30}}?(?=,| and ))?",
    re.IGNORECASE,
)  # fmt: skip
_BY_WEBHOOK = re.compile(
    r"^(?:create|build|make|set up|expose|add) (?:me )?an? (?:[\w-]+ )?webhook\b"
    r"|\bwebhook-(?:triggered|driven|based|activated)\b"
    r"|^when(?:ever)? [^,.;:]+ (?:posts?|sends?|submits?|pushes) [^,.;:]+ to (?:the|this|our|a)"
    r" (?:workflow's )?webhook,",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?:via|by|through|from|on) [\w ]*http requests?", re.IGNORECASE)
_TOLD_WHEN = re.compile(rf"{HERE}{WHEN} (?P<event>[^,.;:→\n]+)$", re.IGNORECASE)
_TAKEN = re.compile(
    r"(?:that |which )?(?:receives?|takes?|accepts?) (?P<what>[^,.;:→]+?)(?:,| and)(?: and|"
    r" then)* (?=[a-z-]+ \w)",
    re.IGNORECASE,
)
_BROUGHT = re.compile(
    r"(?:it |this (?:workflow|flow) |the (?:workflow|flow) )?(?:receives?|captures?|collects?"
    r"|accepts?|gets?|takes?(?: in)?|catch(?:es)?|ingests?) (?P<what>(?:(?!,| and )[^.;:→\n])+?)"
    r"(?: from (?:(?!,| and )[^.;:→\n])+)? ?$",
    re.IGNORECASE,
)
"""What a webhook brings, told as a step: "collects leads from the site via a webhook"."""
_CARRIES = re.compile(r"\s*(?:by|via|through|from|over|with)\b", re.IGNORECASE)
_RECEIVED = re.compile(
    r"receiv\w+ (?:[\w-]+ ){0,2}?(?P<noun>[\w-]+) (?:via|by|from|through)\b", re.IGNORECASE
)


def find_webhook(text: str) -> Start | None:
    """Read "when a lead comes in via webhook, …"; a request that is only sent starts nothing."""
    found = (
        m for m in _WEBHOOK.finditer(text) if not _is_target(text, m) and not _ASKS.match(m[0])
    )
    webhook = next(found, None)
    if webhook is None:
        return None
    front = text[: webhook.start()]
    told = _TOLD_WHEN.match(front)
    brought = _BROUGHT.match(front) if _CARRIES.match(webhook[0]) else None
    received = _RECEIVED.search(webhook[0])
    if brought and (named := event_of(brought["what"].lower(), "received")):
        subject = named[1]
    elif received:
        subject = singular(received["noun"].lower())
    elif told and (named := read_event(told["event"], certain=True)):
        subject = named[1]
    else:
        subject = "payload"
    start = 0 if told or brought else webhook.start()
    rest = without(text, start, webhook.end())
    taken = _TAKEN.match(rest)
    if taken and (named := event_of(taken["what"], "received")):
        rest, subject = rest[taken.end() :], named[1]
    return Start(Trigger(kind="webhook"), rest, subject)


def told_by_webhook(told: str) -> bool:
    """Whether a text only says in passing that a webhook starts it: "webhook-driven"."""
    return bool(_BY_WEBHOOK.search(told))


def _is_target(text: str, webhook: re.Match[str]) -> bool:
    """Whether the webhook is where something is sent to, not what starts the workflow."""
    after = text[webhook.end() : webhook.end() + 3]
    clause = re.split(r"[,.;:→\n]", text[: webhook.start()])[-1].lower().split()
    verbs = (lexicon().verbs.get(word) for word in clause)
    sends = any(verb and lexicon().roles.get(verb.action) == "sink" for verb in verbs)
    carried = _CARRIES.match(webhook[0])
    return bool(MARK.search(after)) or bool(sends and carried) or "call" in clause
