"""The parameters of a ready agent's node: from the words of the step, and from the steps before.

A value that nobody said becomes an input of the workflow, and a question that may be answered.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compiler.english.draft import Made, Output, OutputKind, escaped, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.messages import capitalised, message_text, message_title, recipients
from compiler.english.nouns import is_plural
from compiler.english.placing import Place, Written, output_key, with_step
from compiler.english.ready_agents import ReadyAgent, ReadyParameter
from compiler.english.ready_values import Said, has_shape, is_allowed, typed

_NOT_SAID = None
_DATA_IN_TEMPLATE = re.compile(r"\$(?:title|text|data|address)")


def write_ready(place: Place, agent: ReadyAgent, made: Sequence[Made]) -> Written:
    """Return the parameters of a ready agent's node, and what it gives."""
    filling = _Filling(place, agent, made)
    parameters = filling.parameters()
    return Written(parameters, _output(place, agent), tuple(filling.keys))


def made_by(agent: ReadyAgent, written: Written, key: str, words: frozenset[str],
            *, mapped: bool) -> Made:  # fmt: skip
    """Return what later steps of the service may know of a node."""
    shared = {
        name: written.parameters[name]
        for name, parameter in agent.parameters.items()
        if parameter.shared and name in written.parameters
    }
    lists = agent.reads and is_plural(agent.gives)
    return Made(agent.service, key, () if mapped or lists else agent.fields, words, shared)


def _output(place: Place, agent: ReadyAgent) -> Output | None:
    if not agent.reads:
        return None
    mapped, step = place.reading.mapped, place.step
    noun = step.noun if step.role == "source" else None
    fields = "" if mapped else agent.gives
    noun = noun or (_thing(agent) if step.role != "process" else None)
    key = output_key(place, noun)
    kind: OutputKind = "list" if mapped or is_plural(agent.gives) else "object"
    kind = "text" if kind == "object" and agent.gives else kind
    words = nouns_in(noun, key, agent.gives)
    return Output(key, kind, words, place.node_id, mapped, field=fields, service=agent.service)


def _thing(agent: ReadyAgent) -> str:
    """Return what an agent gives as people call it: "contacts", not "results"."""
    things = next((form.things for form in agent.forms if form.things), ())
    several = next((thing for thing in things if is_plural(thing)), None)
    thing = several if is_plural(agent.gives) else None
    return (thing or agent.gives).replace(" ", "_")


class _Filling:
    """The parameters of one node while they are filled in."""

    def __init__(self, place: Place, agent: ReadyAgent, made: Sequence[Made]) -> None:
        self.place, self.agent = place, agent
        self.made = next((m for m in reversed(made) if m.service == agent.service), None)
        self.keys: list[str] = []
        """What is read beside the reading: what the service's step before has made."""
        self.said = Said(place.step, place.text, place.step.marked)
        self.titled = self._title() if self._has_title() else _NOT_SAID

    def parameters(self) -> dict[str, Any]:
        """Return the values of all parameters that have one, in the order of the schema."""
        known = self.agent.parameters
        found = {name: self._named(name, parameter) for name, parameter in known.items()}
        for name, parameter in known.items():
            if found[name] is _NOT_SAID:
                value = self._from_data(parameter)
                found[name] = value if is_allowed(value, parameter.schema) else _NOT_SAID
            if found[name] is _NOT_SAID and parameter.required:
                found[name] = self._asked(name, parameter)
        return {name: value for name, value in found.items() if value is not _NOT_SAID}

    def _has_title(self) -> bool:
        told = [(one.role, str(one.value)) for one in self.agent.parameters.values()]
        return any(role.startswith("title") or "$title" in value for role, value in told)

    def _title(self) -> str | None:
        """Return the title that the words give; a quote that is not said is one."""
        if (found := self.said.of_role("title")) is not None:
            return found
        body = self.said.of_role("said") if self._one_quote_is_said() else _NOT_SAID
        self.said.left = self.place.step.marked if body else self.said.left
        return None if body else self.said.of_role("quote") or self._topic()

    def _one_quote_is_said(self) -> bool:
        return len(self.place.step.quotes) == 1

    def _topic(self) -> str | None:
        about = self.said.of_role("topic")
        words = set(re.findall(r"[a-z]+", (about or "").lower()))
        known = {word for output in self.place.reading.outputs for word in output.words}
        return capitalised(about) if about and not words & known else _NOT_SAID

    def _named(self, name: str, parameter: ReadyParameter) -> Any:
        """Return what is known without the data: a secret, what is said, what was said before."""
        if parameter.secret:
            return f"{{secrets.{parameter.secret}}}"
        value = self._said(name, parameter)
        if value is _NOT_SAID:
            value = self._of_service(name, parameter)
        return value

    def _said(self, name: str, parameter: ReadyParameter) -> Any:
        if has_shape(parameter.role) and parameter.role != "title":
            value = self.said.of_role(parameter.role)
            if value is not None:
                return _valid(typed(value, parameter), parameter)
        if values := self.said.of_names(parameter):
            kind = parameter.schema.get("type")
            named = values if kind == "array" else typed(",".join(values), parameter)
            return _valid(named, parameter)
        return self.said.of_choices(parameter.schema)

    def _of_service(self, name: str, parameter: ReadyParameter) -> Any:
        """Return a value that the service's step before has given, or was given."""
        item = next(iter(self.place.reading.outputs), None)
        if parameter.fields and item and self.place.reading.mapped:
            return f"{{{item.item}.{parameter.fields[0]}}}" if self._is_own(item) else _NOT_SAID
        if self.made is None:
            return _NOT_SAID
        given = next((field for field in parameter.fields if field in self.made.fields), None)
        if given:
            self.keys = [self.made.key]
            return f"{{{self.made.key}.{given}}}"
        return self.made.values.get(name) if parameter.shared else _NOT_SAID

    def _is_own(self, output: Output) -> bool:
        return output.service == self.agent.service

    @property
    def works_on_items(self) -> bool:
        """Whether what is read is the thing that is changed, not what is written to it."""
        reading, made = self.place.reading, self.made
        if not any(parameter.fields for parameter in self.agent.parameters.values()):
            return False
        first = next(iter(reading.outputs), None)
        if first is None or not self._is_own(first):
            return False
        return reading.mapped or (made is not None and first.key == made.key and bool(made.fields))

    def _from_data(self, parameter: ReadyParameter) -> Any:
        fill = ROLES.get(parameter.role)
        value = fill(self) if fill else _NOT_SAID
        if value is _NOT_SAID and parameter.value is not None:
            value = self._template(parameter.value)
        return value if value is _NOT_SAID else _shaped(value, parameter)

    def _asked(self, name: str, parameter: ReadyParameter) -> Any:
        """Return an input of the workflow, or the answer to the question for it."""
        noun = name.replace("_", " ")
        service = re.sub(r"\W+", "_", self.agent.service.lower())
        owner = service if parameter.shared else self.place.node_id
        wanted = re.sub(r"\W", "_", name if name.startswith(owner) else f"{owner}_{name}")
        step, service = self.place.step.text, self.agent.service
        text = f"“{step}” leaves open the {noun} for {service}. {parameter.description}"
        value = self.place.draft.ask_input(
            f"{self.place.node_id}.{name}",
            text,
            wanted,
            required=False,
            schema=parameter.schema,
        )
        return value if value.startswith("{input.") else typed(value, parameter)

    def _template(self, value: Any) -> Any:
        """Return a template with the step's words and data; None when they give too little."""
        if isinstance(value, dict):
            filled = {name: self._template(one) for name, one in value.items()}
            known = {name.removesuffix("?"): one for name, one in filled.items()
                     if one is not _NOT_SAID or not name.endswith("?")}  # fmt: skip
            return _NOT_SAID if _NOT_SAID in known.values() else known
        if isinstance(value, list):
            parts = [self._template(one) for one in value]
            return _NOT_SAID if _NOT_SAID in parts else parts
        if isinstance(value, str) and _DATA_IN_TEMPLATE.fullmatch(value):
            return ROLES[value[1:]](self)
        return value

    @property
    def rest(self) -> Place:
        """The step without the values that were taken."""
        return with_step(self.place, self.said.remaining())


def _title(filling: _Filling) -> str | None:
    if filling.titled is not _NOT_SAID:
        return filling.titled
    place = filling.place
    if place.reading.mapped or not (place.reading.outputs or place.circumstance):
        return _NOT_SAID
    title = message_title(filling.rest)
    return _NOT_SAID if title == "{workflow.name}" else title


def _text(filling: _Filling) -> str | None:
    said = filling.said.of_role("said")
    if said is not None:
        return capitalised(said)
    rest = filling.rest
    known = rest.circumstance or (rest.reading.outputs and not filling.works_on_items)
    return message_text(rest) if rest.step.quotes or known else _NOT_SAID


def _title_or_text(filling: _Filling) -> str | None:
    found = filling.titled
    return found if found is not _NOT_SAID else _text(filling)


def _data(filling: _Filling) -> str | None:
    """Return the whole value that the step reads; a quote stands for it."""
    reading = filling.place.reading
    if reading.mapped:
        return f"{{{reading.outputs[0].item}}}"
    if reading.outputs:
        return f"{{{reading.outputs[-1].value}}}"
    quotes = filling.rest.step.quotes
    return escaped(quotes[0]) if quotes else _NOT_SAID


def _list(filling: _Filling) -> str | None:
    return _data(filling) if filling.place.reading.outputs else _NOT_SAID


def _texts(filling: _Filling) -> Any:
    value, reading = _data(filling), filling.place.reading
    if value is _NOT_SAID:
        return _NOT_SAID
    several = bool(reading.outputs) and reading.outputs[-1].kind == "list" and not reading.mapped
    return value if several else [value]


def _cells(filling: _Filling) -> Any:
    """Return one row: what the step reads, a cell for each."""
    reading = filling.place.reading
    if reading.mapped or not reading.outputs:
        value = _data(filling)
        return _NOT_SAID if value is _NOT_SAID else [[value]]
    return [[f"{{{output.value}}}" for output in reading.outputs]]


def _record(filling: _Filling) -> str | None:
    """Return data that has fields: an item of a list, or an object."""
    outputs = filling.place.reading.outputs
    if filling.place.reading.mapped or (outputs and outputs[-1].kind in ("object", "response")):
        return _data(filling)
    return _NOT_SAID


def _address(filling: _Filling) -> str | None:
    rest = filling.rest
    if rest.step.emails:
        return rest.step.emails[0]
    if rest.reading.mapped:
        return f"{{{rest.reading.outputs[0].item}.email}}"
    return _NOT_SAID


def _recipient(filling: _Filling) -> str:
    found = recipients(filling.rest)
    return found if isinstance(found, str) else ", ".join(found)


def _recipients(filling: _Filling) -> list[str]:
    found = recipients(filling.rest)
    return [found] if isinstance(found, str) else found


def _amount(filling: _Filling) -> Any:
    money = filling.said.money()
    if money is None:
        return _NOT_SAID
    whole = lexicon().names("ready", "whole_currencies")
    return money[0] * (1 if money[1] in whole else 100), money[0]


def _currency(filling: _Filling) -> str | None:
    money = filling.said.money()
    return money[1] if money else _NOT_SAID


def _currency_upper(filling: _Filling) -> str | None:
    currency = _currency(filling)
    return currency.upper() if currency else _NOT_SAID


def _count(filling: _Filling) -> int | None:
    """Return how many are asked for; a page holds so many at most, and the others follow it."""
    count = filling.place.step.count
    bounds = (
        one.schema["maximum"]
        for one in filling.agent.parameters.values()
        if one.role == "count" and "maximum" in one.schema
    )
    return min(count, *bounds, count) if count else _NOT_SAID


def _found_text(filling: _Filling) -> str | None:
    """Return the words to look for: those that stand in the data, where the step names none."""
    outputs = filling.place.reading.outputs
    return _data(filling) if outputs and outputs[-1].kind != "list" else _NOT_SAID


ROLES: Mapping[str, Callable[[_Filling], Any]] = {
    "title": _title,
    "text": _text,
    "title_or_text": _title_or_text,
    "data": _data,
    "list": _list,
    "texts": _texts,
    "cells": _cells,
    "record": _record,
    "address": _address,
    "recipient": _recipient,
    "recipients": _recipients,
    "amount": _amount,
    "currency": _currency,
    "currency_upper": _currency_upper,
    "query": _found_text,
    "search": _found_text,
    "subject": _found_text,
    "count": _count,
    "language": lambda filling: filling.said.language(),
}


def _shaped(value: Any, parameter: ReadyParameter) -> Any:
    """Return an amount as its parameter counts: in the smallest unit, or in whole ones."""
    if not isinstance(value, tuple):
        return value
    smallest, plain = value
    return int(smallest) if parameter.schema.get("type") == "integer" else f"{plain:.2f}"


def _valid(value: Any, parameter: ReadyParameter) -> Any:
    return value if is_allowed(value, parameter.schema) else _NOT_SAID
