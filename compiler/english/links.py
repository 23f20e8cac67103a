"""Data flow: which earlier outputs a step reads, and whether it runs once for each of a list."""

import re
from dataclasses import dataclass, replace

from compiler.english.draft import Draft, Made, Output, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.normalise import QUOTE
from compiler.english.nouns import words_of
from compiler.english.steps import Step
from compiler.english.tool_phrases import takes_data
from compiler.inflection import plural, singular

_MAPPABLE = frozenset({"llm", "api", "email", "database", "data_processing", "mcp"})
_LISTS = frozenset({"list", "rows", "response"})
PRONOUN = re.compile(
    r"\b(?:it|them|these|those|this|that|the results?|the output|everything)\b", re.IGNORECASE
)
_MANY = re.compile(r"(?:them|these|those)\b", re.IGNORECASE)
_FROM = re.compile(
    r"\b(?:from|of|in|about|on|for|based on|using|with|against)\s+(?P<rest>[^,;]+)", re.IGNORECASE
)

_EACH = re.compile(r"\b(?:each|every|per)\b", re.IGNORECASE)
"""In a reading's own words it means all that it reads, not a loop around it."""
_COMPLEMENT = re.compile(r"\b(?:from|about|on|for|in|of|to)\s+(?P<rest>[^,;]+)", re.IGNORECASE)
_BESIDE = re.compile(r"\b(?:with|using|by|via|and|in)\b")
_THE_DATA = re.compile(
    r"\b(?:from|on|of|in|over|to) (?:the|my|our|this|these) [a-z]", re.IGNORECASE
)
_OF_DATA = re.compile(r"\bof (?:the|my|our|this|these|all) [a-z]", re.IGNORECASE)
_OF = re.compile(r"\bof\s+(?P<rest>[^,;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a step reads."""

    outputs: tuple[Output, ...]
    mapped: bool = False
    """The step runs once for each element of the first output."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The node's input_keys."""
        first = self.outputs[:1] if self.mapped else ()
        paths = [output.value for output in first]
        paths += [
            output.key
            for output in self.outputs[len(first) :]
            if not output.key.startswith("input.")
        ]
        return tuple(dict.fromkeys(paths))


@dataclass(frozen=True, slots=True)
class Scope:
    """What stands before a step: outputs in order, and those of branches that just joined."""

    outputs: tuple[Output, ...] = ()
    joined: tuple[Output, ...] = ()
    made: tuple[Made, ...] = ()
    """What ready agents did, in order."""

    def with_output(self, output: Output | None) -> "Scope":
        """Return the scope after one more step."""
        return replace(self, outputs=(*self.outputs, output), joined=()) if output else self

    @property
    def data(self) -> tuple[Output, ...]:
        """The outputs that are data, not decisions."""
        return tuple(output for output in self.outputs if output.kind != "approval")

    @property
    def latest(self) -> Output | None:
        """The data made last."""
        return self.data[-1] if self.data else None


def find_reading(step: Step, scope: Scope, draft: Draft) -> Reading:
    """Return what a step reads, declaring inputs of the workflow for what nothing provides."""
    if step.own and step.role == "source":
        step = _as_work(step, scope)
    looped = step.each is not None and not _EACH.search(step.rest)
    if step.role == "source" and looped and step.agent in _MAPPABLE:
        return Reading((_looped(step.each or "item", scope, draft),), mapped=True)
    outputs = _outputs(step, scope)
    if step.own and _names_another(step, outputs):
        outputs = ()
    if (step.own and not outputs and not _names_data(step)) or (
        step.call and step.each is None and not takes_data(step.rest)
    ):
        return Reading(())
    if not outputs and step.role in ("process", "sink") and step.agent != "human_loop":
        outputs = _from_input(_for_agent(step) if step.own or _answers(step) else step, draft)
    if not outputs:
        return Reading(())
    source = _list_of(step, outputs, scope)
    if source and wants_map(step, source):
        others = tuple(output for output in outputs if output != source and output.kind == "text")
        return Reading((source, *others), mapped=True)
    return Reading(outputs)


def _as_work(step: Step, scope: Scope) -> Step:
    """Return "check it with A" as work on it: what an own agent looks up is made of something."""
    work = replace(step, action="transform")
    points = step.each is not None or PRONOUN.search(step.phrase)
    first = not scope.data and _OF_DATA.search(step.rest)
    return work if points or first or _mentioned(work, scope) else step


def _answers(step: Step) -> bool:
    """Whether a model that has tools is given what it answers: "answer the question"."""
    told = bool(step.noun) and not step.quotes
    return bool(step.tools) and told and step.verb in lexicon().words("answering")


def _names_another(step: Step, outputs: tuple[Output, ...]) -> bool:
    """Whether a step speaks of a thing that is none of the inputs which others read: "the body"."""
    given = all(output.key.startswith("input.") for output in outputs)
    known = {word for output in outputs for word in output.words}
    definite = re.match(r"(?:the|my|our) ", step.phrase, re.IGNORECASE)
    return bool(given and definite and step.noun) and not nouns_in(step.noun) & known


def _for_agent(step: Step) -> Step:
    """Return a named agent's step as work on what stands after "from the", "to the" or its verb."""
    after = _COMPLEMENT.search(step.rest) if _THE_DATA.search(step.rest) else None
    wanted = step.action in ("generate", "extract") or step.noun is None
    noun = _last_noun(_BESIDE.split(after["rest"])[0]) if after and wanted else None
    return replace(step, action="transform", noun=noun or step.noun)


def _names_data(step: Step) -> bool:
    """Whether an own agent's step says on what it works; else its parameters are asked for."""
    quoted = f"{step.phrase} {QUOTE}" in step.rest
    named = bool(step.noun) and not quoted
    return step.each is not None or bool(step.inputs) or named or bool(_THE_DATA.search(step.rest))


def _looped(noun: str, scope: Scope, draft: Draft) -> Output:
    """Return the list that a reading in a loop goes over: one of before, else one that is given."""
    lists = (o for o in reversed(scope.data) if o.kind in _LISTS and noun in o.words)
    return next(lists, None) or _given_list(noun, draft)


def _given_list(noun: str, draft: Draft) -> Output:
    name = plural(noun)
    schema = {"type": "array", "items": {}}
    draft.input(name, f"The {name.replace('_', ' ')} to work on", schema)
    return Output(f"input.{name}", "list", frozenset({singular(name)}))


def wants_map(step: Step, source: Output) -> bool:
    """Whether a step runs once for each element of a source."""
    many = step.action == "classify" and bool(_MANY.match(step.phrase))
    loops = step.each is not None or many or (step.parallel and step.role != "source")
    return loops and step.agent in _MAPPABLE and source.kind in _LISTS


def _list_of(step: Step, outputs: tuple[Output, ...], scope: Scope) -> Output | None:
    candidates = (*reversed(outputs), *reversed(scope.data))
    latest = scope.latest
    if latest and latest.mapped and PRONOUN.match(step.phrase):
        return latest
    if step.each:
        named = (o for o in candidates if step.each in o.words and o.kind in _LISTS)
        if found := next(named, None):
            return found
    return next((output for output in candidates if output.kind in _LISTS), None)


def _outputs(step: Step, scope: Scope) -> tuple[Output, ...]:
    if step.role == "source" and step.each is None:
        return _links(step, scope)
    mentioned = _mentioned(step, scope)
    if step.role == "process" and scope.joined and not mentioned:
        return scope.joined
    if mentioned and not (step.role == "sink" and PRONOUN.match(step.phrase)):
        return mentioned
    if scope.joined and step.role in ("process", "sink", "control"):
        return scope.joined
    latest = scope.latest
    if latest and step.role == "sink" and _is_verdict(latest):
        content = [output for output in scope.data if not _is_verdict(output)]
        return (*content[-1:], latest)
    return (latest,) if latest else ()


def _is_verdict(output: Output) -> bool:
    """Whether a value says something about data that goes along with it."""
    return output.kind == "label" or (output.kind == "number" and "score" in output.words)


def _links(step: Step, scope: Scope) -> tuple[Output, ...]:
    """Return earlier links that a scraping step without a URL follows."""
    if step.urls or step.inputs or step.agent != "web_scraping":
        return ()
    found = [o for o in scope.data if o.words & {"url", "link"}]
    if not found and PRONOUN.search(step.rest):
        found = [o for o in scope.data if o.kind == "list"]
    return tuple(found[-1:])


def _mentioned(step: Step, scope: Scope) -> tuple[Output, ...]:
    """Return the outputs whose nouns the step names, in order; the latest of each name."""
    words = {singular(word) for word in words_of(_spoken(step))}
    if step.each:
        words.add(step.each)
    found: dict[str, Output] = {}
    for output in scope.data:
        shared = output.words & words - {singular(w) for w in lexicon().generic}
        if shared:
            found[max(shared)] = output
    return tuple(dict.fromkeys(found.values()))


def _spoken(step: Step) -> str:
    """Return the part of a step that can name its sources: not the thing it makes itself."""
    rest = lexicon().product_pattern.sub(" ", step.rest)
    rest = re.sub(
        r"\b(?:to|into) (?:an?|the|my|our) [\w -]*(?:table|database|channel|sheet|folder|page)\b",
        " ",
        rest,
    )
    if step.action in lexicon().words("worked_on") or step.role in ("sink", "control"):
        return rest
    complements = " ".join(match["rest"] for match in _FROM.finditer(rest))
    if step.role == "process":
        return complements
    return f"{step.each or ''} {complements}"


def _from_input(step: Step, draft: Draft) -> tuple[Output, ...]:
    """Declare the data of a first step that processes something: "summarize the article"."""
    definite = re.match(
        r"(?:the|my|our|this|these|those|all) (?!(?:team|user|customer|client)s?\b)",
        step.phrase,
        re.IGNORECASE,
    )
    if step.role == "sink" and (step.agent == "human_loop" or not definite or not step.noun):
        return ()
    if step.action == "generate" and not re.search(
        r"\b(?:from|based on|to|for|of|about|using) (?:the|my|our|this|these)\b",
        step.rest,
        re.IGNORECASE,
    ):
        return ()
    if step.action == "notify" and step.noun in lexicon().words("jobs"):
        return ()
    if step.inputs:
        return tuple(Output(reference.strip("{}"), "text") for reference in step.inputs)
    noun = _input_noun(step)
    if step.each is not None:
        return (_given_list(step.each or noun or "item", draft),)
    name = noun or "text"
    draft.input(name, f"The {name.replace('_', ' ')} to work on", {})
    return (Output(f"input.{name}", "text", frozenset({singular(name)})),)


def _input_noun(step: Step) -> str | None:
    """Return what a first step works on: "resume" for "extract skills from the resume"."""
    if step.action in ("extract", "generate"):
        complement = _COMPLEMENT.search(step.rest)
        if complement is None:
            return None
        return _last_noun(_BESIDE.split(complement["rest"])[0])
    if (found := _OF.search(step.phrase)) and (noun := _last_noun(found["rest"])):
        return noun
    aspect = step.action in ("analyze", "score") and step.noun in lexicon().words("aspects")
    return None if aspect else step.noun


def _last_noun(phrase: str) -> str | None:
    words = [word for word in words_of(phrase) if word not in lexicon().generic]
    return re.sub(r"\W", "_", words[-1]) if words else None
