"""The specification while it is written: names taken, inputs declared, questions asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from compiler.inflection import item_names, singular
from compiler.names import RESERVED

OutputKind = Literal[
    "list", "text", "object", "response", "rows", "label", "number", "approval", "answer"
]

_RESERVED = RESERVED | {"data", "results"}


@dataclass(frozen=True, slots=True)
class Question:
    """What the text leaves open and a person must or may say."""

    id: str
    text: str
    field: str
    """Where the answer goes: a node's parameter such as `send_email.to`, or `description`."""
    suggestions: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Output:
    """A value that later steps can read."""

    key: str
    """The state key, or `input.<name>`."""
    kind: OutputKind
    words: frozenset[str] = frozenset()
    """Nouns by which the text may mean it, singular."""
    node_id: str = ""
    mapped: bool = False
    """It holds one result for each item of a list."""
    task: str | None = None
    """What made it, for conditions on it: `sentiment`, `uptime`."""
    about: str = ""
    """The thing that was looked at, as a sentence calls it: `website`."""
    field: str = ""
    """The field in which a ready agent gives what matters."""
    service: str = ""
    """The service whose ready agent made it."""
    fields: tuple[str, ...] = ()
    """The only fields that it has, where they are known."""

    @property
    def value(self) -> str:
        """The path of what matters in it: the body of a response, the rows of a query."""
        if self.field:
            return f"{self.key}.{self.field}"
        ending = {"response": ".body", "rows": ".rows", "answer": ".value"}.get(self.kind, "")
        return f"{self.key}{ending}"

    @property
    def item(self) -> str:
        """The name of one element inside a map over it."""
        names = [name for name in item_names(self.value) if name not in ("item", "row", "body")]
        return names[-1] if names and self.kind == "list" else "item"

    @property
    def noun(self) -> str:
        """What it is called in a sentence."""
        return self.key.rpartition(".")[2].replace("_", " ")


@dataclass(frozen=True, slots=True)
class Made:
    """What a ready agent did on the way to a step, for later steps of its service."""

    service: str
    key: str
    """Where its output stands."""
    fields: tuple[str, ...]
    """The fields of that output; none for a map, and for a list that was read."""
    words: frozenset[str]
    """Nouns by which the text may mean what it made, singular."""
    values: Mapping[str, Any]
    """The parameters that all steps of the service share."""


@dataclass(slots=True)
class Draft:
    """Everything about the specification that is not a node or an edge yet."""

    answers: Mapping[str, str]
    ids: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=lambda: set(_RESERVED))
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    optional_inputs: set[str] = field(default_factory=set)
    questions: list[Question] = field(default_factory=list)

    def new_id(self, wanted: str) -> str:
        """Return an unused node id like the wanted one."""
        return _unused(wanted, self.ids)

    def new_key(self, wanted: str) -> str:
        """Return an unused state key like the wanted one."""
        return _unused(wanted, self.keys)

    def input(self, name: str, description: str, schema: Mapping[str, Any] | None = None) -> str:
        """Declare an input of the workflow and return the reference to it."""
        self.inputs.setdefault(
            name,
            {
                **({"type": "string"} if schema is None else schema),
                "description": description,
            },
        )
        return f"{{input.{name}}}"

    def ask(
        self,
        place: str,
        text: str,
        *,
        default: str,
        suggestions: tuple[str, ...] = (),
        required: bool = True,
    ) -> str:
        """Return the answer that was given for a place; else ask and return the default."""
        answer = self.answers.get(place, "").strip()
        if answer:
            return answer
        self.questions.append(Question(place, text, place, suggestions, required))
        return default

    def ask_input(
        self,
        place: str,
        text: str,
        name: str,
        *,
        suggestions: tuple[str, ...] = (),
        required: bool = True,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """Ask for a value; until it is answered, an input of the workflow stands in its place."""
        answer = self.answers.get(place, "").strip()
        if answer:
            return answer
        self.questions.append(Question(place, text, place, suggestions, required))
        return self.input(name, text, schema)

    def state_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the execution's input; empty when nothing is needed."""
        if not self.inputs:
            return {}
        required = [name for name in self.inputs if name not in self.optional_inputs]
        schema: dict[str, Any] = {"type": "object", "properties": dict(self.inputs)}
        if required:
            schema["required"] = required
        return schema


def unknown_id(text: str) -> str:
    """Return the id of the question about a part that nobody understood."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return f"part.{'_'.join(words[:6]) or 'text'}"


def _unused(wanted: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", wanted.lower()).strip("_")[:60] or "step"
    name = name if re.match(r"[a-z_]", name) else f"step_{name}"
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate)
    return candidate


def escaped(text: str) -> str:
    """Return a person's words as literal text of a template."""
    return text.replace("{", "{{").replace("}", "}}")


def escaped_url(url: str) -> str:
    """Return a URL as a template in which only the workflow's inputs are references."""
    return re.sub(r"\{\{(input\.\w+)\}\}", r"{\1}", escaped(url))


def nouns_in(*names: str | None) -> frozenset[str]:
    """Return the singular words of some names, for matching mentions of them."""
    return frozenset(singular(word) for name in names if name for word in name.lower().split("_"))
