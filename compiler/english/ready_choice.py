"""Which ready agent a step asks for: by the service that it names, its verb and its thing.

A step that names no service may mean that of the step before: "add a comment" for each issue.
Nothing is stretched: where no form of an agent fits, the step stays what it is.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from compiler.english.draft import Made
from compiler.english.lexicon import lexicon
from compiler.english.links import Reading
from compiler.english.normalise import MARK
from compiler.english.nouns import words_of
from compiler.english.ready_agents import Form, ReadyAgent, of_services
from compiler.english.ready_values import speaks_of
from compiler.english.steps import Step
from compiler.inflection import singular

_KINDS = {"api": ("api", "email", "llm"), "email": ("email",), "database": ("database",)}
"""Which kinds of products a step's building block may stand for."""
_AS_A = re.compile(r"\bas an? (?:new )?(?P<thing>[a-z][\w -]*)", re.IGNORECASE)
_FOR = re.compile(r"\bfor (?:the |all |some )?(?P<thing>[a-z]+(?: [a-z]+)?)", re.IGNORECASE)
"""What a search of a whole service is for: "search HubSpot for contacts at Acme"."""
_ONLY_TO = re.compile(r"(?:to|into) ", re.IGNORECASE)
_PRONOUN = re.compile(r"(?:it|them|this|that|these|those|each|each one)\b", re.IGNORECASE)


def choose_ready(step: Step, reading: Reading, made: Sequence[Made]) -> ReadyAgent | None:
    """Return the ready agent that a step asks for; None when the catalog has none.

    Args:
        step: The step.
        reading: What it reads.
        made: What ready agents did on the way to it.
    """
    for service, named in _services(step, reading, made):
        words = _words(step, reading, made, service)
        best: tuple[float, ReadyAgent] | None = None
        for agent in of_services().get(service, ()):
            fits = (_fit(form, agent, step, words, named) for form in agent.forms)
            score = max((fit for fit in fits if fit is not None), default=None)
            if score is not None and (best is None or score > best[0]):
                best = score, agent
        if best:
            return best[1]
    return None


def _services(
    step: Step, reading: Reading, made: Sequence[Made]
) -> Iterator[tuple[str, bool]]:  # fmt: skip
    """Yield the services that a step may mean, in lower case, and whether it names them."""
    names: dict[str, str] = lexicon().names("ready", "names")
    product = step.product
    if product:
        if product.kind in _KINDS.get(step.agent, ("api", "database")):
            yield names.get(product.name.lower(), product.name.lower()), True
        return
    if step.agent == "email":
        yield "e-mail", False
    for match in lexicon().product_pattern.finditer(step.marked):
        name = match[1].lower()
        if lexicon().products[name].kind == "llm":
            yield names.get(name, name), True
    if step.agent == "api" and not step.urls and not step.inputs:
        yield from ((one.service.lower(), False) for one in reading.outputs if one.service)
        yield from ((one.service.lower(), False) for one in reversed(made))


def _words(step: Step, reading: Reading, made: Sequence[Made], service: str) -> str:
    """Return the words for the thing that a step is about, between spaces."""
    # "Post to the channel": what it goes to is not what it is about.
    about = "" if _ONLY_TO.match(step.rest) else step.phrase
    phrase = re.sub(r"[^a-z/ -]", " ", MARK.sub(" ", about).lower())
    found = _AS_A.finditer(step.rest) if step.product else ()
    told = " ".join(match["thing"].lower() for match in found)
    if not phrase.strip(" ") or lexicon().product_pattern.fullmatch(phrase.strip(" ")):
        told += " ".join(match["thing"].lower() for match in _FOR.finditer(step.rest))
    if _PRONOUN.match(step.phrase):
        meant = [o.words for o in reading.outputs if o.service.lower() == service]
        meant += [one.words for one in reversed(made) if one.service.lower() == service][:1]
        told += " " + " ".join(sorted(word for words in meant[:1] for word in words))
    return f" {' '.join(phrase.split())} {told} "


def _fit(form: Form, agent: ReadyAgent, step: Step, words: str, named: bool) -> float | None:
    """Return how well a form fits a step; None when it does not."""
    explicit = step.verb in form.verbs or step.action in form.verbs
    if not explicit and not any(_in_group(step, verb) for verb in form.verbs):
        return None
    model = step.product is None and named
    if step.agent not in _KINDS and not ((explicit or model) and _gives_way(step)):
        return None
    if form.named and not speaks_of(agent.parameters[form.named].role, step.marked):
        return None
    thing = max((_matches(one, words) for one in form.things), default=0.0)
    known = named or (explicit and _PRONOUN.match(step.phrase))
    if (form.things or not known) and not thing:
        return None
    return thing + (2.0 if explicit else 0.0) + (0.5 if form.named else 0.0)


def _gives_way(step: Step) -> bool:
    """Whether a building block that thinks gives way to a service: "translate it with DeepL"."""
    return step.agent in ("llm", "data_processing")


def _in_group(step: Step, name: str) -> bool:
    group: dict[str, Any] = lexicon().names("ready", "verbs").get(name, {})
    if step.verb in group.get("except", ()):
        return False
    verb = lexicon().verbs.get(step.verb)
    # "Open an incident" makes one, though "open the page" reads it.
    same = verb is not None and lexicon().roles.get(verb.action) == step.role
    actions = {step.action, verb.action if verb and same else step.action}
    return not actions.isdisjoint(group.get("actions", ())) or step.verb in group.get("verbs", ())


def _matches(thing: str, words: str) -> float:
    """Return how surely words speak of a thing: as it is written, or one of it."""
    length = 3.0 * len(thing.split())
    if f" {thing} " in words:
        return 1.0 + length
    plain = " ".join(singular(word) for word in words.split())
    return length if f" {thing} " in f" {plain} " else 0.0


def thing_words(step: Step, agent: ReadyAgent) -> frozenset[str]:
    """Return the words by which later steps may mean what a ready agent made."""
    spoken = f" {' '.join(singular(word) for word in words_of(step.phrase))} "
    things = {singular(one.split()[-1]) for form in agent.forms for one in form.things}
    return frozenset(thing for thing in things if f" {thing} " in spoken)
