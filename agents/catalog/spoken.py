"""How people ask for a ready agent in English: verbs, things, and what they call its parameters.

The words that many agents share (which verbs make a thing, how an amount is written) are the
compiler's lexicon; here stands only what is one agent's own.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Form(_Part):
    """One way in which a step asks for the agent: a verb, and mostly a thing."""

    verbs: tuple[str, ...] = Field(min_length=1, description="Verbs, or names of groups of them.")
    things: tuple[str, ...] = Field(default=(), description="Absent: whatever the verb is about.")
    named: str | None = Field(
        default=None, description="A parameter that the step must speak of, such as the channel."
    )


class SpokenParameter(_Part):
    """How a step says a parameter; the first of these that finds something counts."""

    role: str | None = Field(default=None, description="A kind of value that the compiler knows.")
    names: tuple[str, ...] = Field(default=(), description="Nouns before or after the value.")
    fields: tuple[str, ...] = Field(
        default=(), description="Output fields of the service's agent before that hold it."
    )
    value: Any = Field(default=None, description="A template of $title, $text, $data, $address.")
    shared: bool = Field(
        default=False, description="All steps of the service mean the same: one input for them."
    )


class Spoken(_Part):
    """All that English needs to find an agent and to fill its parameters."""

    forms: tuple[Form, ...] = Field(description="Empty: nobody asks for it by its service.")
    gives: str | None = Field(
        default=None, description="The output field that is meant; absent: the only one, or all."
    )
    parameters: Mapping[str, SpokenParameter] = {}
