"""A step in its place: what its writer is given, what it gives back, and what it is called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from compiler.english.draft import Draft, Output, nouns_in
from compiler.english.links import Reading
from compiler.english.normalise import Text
from compiler.english.nouns import noun_key, object_phrase
from compiler.english.steps import Step
from compiler.english.tool_phrases import call_of
from compiler.inflection import plural


@dataclass(frozen=True, slots=True)
class Place:
    """One step, what it reads, and where it stands."""

    step: Step
    reading: Reading
    draft: Draft
    text: Text
    node_id: str
    circumstance: str = ""
    """The condition under which it runs, as a sentence without a period; empty when always."""
    subject: str | None = None
    """What the event that starts the workflow is about."""


def with_step(place: Place, step: Step) -> Place:
    """Return the same place with other words."""
    return replace(place, step=step)


@dataclass(frozen=True, slots=True)
class Written:
    """A node's parameters and what it puts into the state."""

    parameters: Mapping[str, Any]
    output: Output | None = None
    keys: tuple[str, ...] = field(default=())
    """Input keys beside those of the reading."""


_ACTION_NOUNS = {
    "summarize": "summary",
    "classify": "category",
    "translate": "translation",
    "score": "score",
    "analyze": "analysis",
    "generate": "text",
    "extract": "details",
    "aggregate": "combined",
    "filter": "filtered",
    "sort": "sorted",
    "dedupe": "unique",
    "transform": "result",
    "fetch": "source_data",
    "check": "site",
    "scrape": "page_content",
    "research": "research",
}
_MESSENGERS = frozenset({"slack", "teams", "discord", "telegram", "whatsapp", "twilio", "sms"})
_IN_PLACE = frozenset({"summarize", "classify", "translate", "score", "transform", "aggregate"})
_PREFIXED = {"filter": "filtered", "sort": "sorted", "dedupe": "unique"}


def output_noun(step: Step, reading: Reading) -> str:
    """Return what a step's output is called: a noun from the text, else one of its action."""
    own = step.noun
    known = {word for output in reading.outputs for word in output.words}
    if step.action in _PREFIXED:
        noun = own or (reading.outputs[-1].key.rpartition(".")[2] if reading.outputs else "items")
        noun = re.sub(r"^(?:filtered|sorted|unique)_", "", noun)
        return f"{_PREFIXED[step.action]}_{noun}"
    if own is None or (own and nouns_in(own) <= known) or step.action in _IN_PLACE:
        return _ACTION_NOUNS.get(step.action, "result")
    return own


def output_key(place: Place, noun: str | None = None) -> str:
    """Return an unused state key for a step's output; plural for a map."""
    noun = noun or output_noun(place.step, place.reading)
    return place.draft.new_key(plural(noun) if place.reading.mapped else noun)


def wanted_id(step: Step, reading: Reading) -> str:
    """Return the id that a step's node should have: verb_noun; an own agent's is its name."""
    if step.own:
        return step.own.partition("@")[0]
    if step.call:
        return f"call_{call_of(step.call).tool}" if call_of(step.call).tool else "list_tools"
    if step.agent in ("email", "human_loop"):
        return "send_email" if step.agent == "email" else human_id(step.marked)
    if step.agent == "api" and step.role == "sink":
        return _message_id(step)
    if step.agent == "wait":
        return "wait"
    if step.action == "store":
        return "log_to_db" if step.verb in ("log", "record") else f"save_{step.noun or 'results'}"
    noun = output_noun(step, reading) if step.role == "process" else step.noun
    if step.agent == "aggregator" and step.action in ("generate", "summarize"):
        return f"aggregate_{re.sub('_?(report|summary)$', '', noun or '') or 'results'}"
    if step.agent == "llm" and reading.mapped and step.action == "analyze":
        return f"map_{noun}"
    if step.action in _IN_PLACE or step.action in _PREFIXED:
        noun = step.noun or (
            reading.outputs[-1].key.rpartition(".")[2] if reading.outputs else noun
        )
    verb = "query" if step.agent == "database" else step.verb
    return f"{verb}_{noun or _ACTION_NOUNS.get(step.action, 'data')}"


def _message_id(step: Step) -> str:
    if step.product is None:
        return f"{step.verb}_{step.noun or 'data'}"
    if step.action == "create" or (step.action == "store" and step.noun):
        return f"{step.verb}_{step.product.key}_{step.noun or 'record'}"
    if step.product.key not in _MESSENGERS:
        return f"{step.verb}_to_{step.product.key}"
    return f"send_{step.product.key}_{'alert' if is_alert(step) else 'message'}"


_ASKED = re.compile(
    r"\b(?:ask|prompt)s? (?:me|us|the user|someone|a human|my \w+|the \w+)"
    r"(?: to (?:enter|provide|give|type|supply|fill in)| for)\s+"
    r"(?!(?:an? |the |my |final )?(?:approval|permission|confirmation|sign-?off|review"
    r"|ok)\b)(?P<what>.+)$",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\b(?:choose|select|pick|decide) (?:between|from|among|one of|either)\s+(?P<options>.+)$",
    re.IGNORECASE,
)


def asked_for(marked: str) -> str | None:
    """Return what a person is asked to type, such as "a topic"; None for an approval."""
    match = _ASKED.search(marked)
    return match["what"] if match else None


def choice_of(marked: str) -> str | None:
    """Return the options that a person is given, as written; None when there are none."""
    match = _CHOICE.search(marked)
    return match["options"] if match else None


def human_id(marked: str) -> str:
    """Return the id of a step that asks a person."""
    if choice_of(marked):
        return "request_choice"
    asked = asked_for(marked)
    return f"ask_{noun_key(object_phrase(asked)) or 'answer'}" if asked else "request_approval"


def is_alert(step: Step) -> bool:
    """Whether a step warns of something instead of passing data on."""
    return bool(step.words & {"alert", "alerts", "warn", "warning", "notify", "notification"})
