"""What a model answers when it plans a workflow, and what becomes of it.

The answer holds the specification's own models, so it can say nothing that a specification cannot.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compiler.english.draft import Question
from compiler.specification import (
    Edge,
    Metadata,
    Node,
    PatternName,
    Settings,
    Specification,
    StateSchema,
    Trigger,
)
from compiler.text import load_document, to_document


class Answered(BaseModel):
    """Base of what a model answers: unknown fields are refused, null is the same as left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return _said(data) if isinstance(data, dict) else data


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is null, and in nodes and edges as well; never within parameters."""
    said = {name: value for name, value in data.items() if value is not None}
    for name in ("nodes", "edges"):
        if isinstance(said.get(name), list):
            said[name] = [
                {key: value for key, value in one.items() if value is not None}
                if isinstance(one, dict)
                else one
                for one in said[name]
            ]
    return said


class OpenQuestion(Answered):
    """Something that the text leaves open and only a person can say."""

    field: str = Field(max_length=200)
    """Where the answer goes: node id and parameter, such as `send_email.to`."""
    text: str = Field(max_length=1000)
    suggestions: tuple[str, ...] = Field(default=(), max_length=10)
    required: bool = True
    """Whether the workflow makes no sense without the answer."""


class WorkflowAnswer(Answered):
    """A whole workflow, and what its description leaves open."""

    name: str = Field(min_length=1, max_length=255)
    """A title of at most six words."""
    pattern: PatternName = "sequential"
    trigger: Trigger | None = None
    state_schema: StateSchema = StateSchema()
    nodes: tuple[Node, ...] = Field(default=(), max_length=200)
    """Empty only when the text describes no workflow at all; then ask what is meant."""
    edges: tuple[Edge, ...] = Field(default=(), max_length=1000)
    settings: Settings = Settings()
    questions: tuple[OpenQuestion, ...] = Field(default=(), max_length=20)

    def specification(self, text: str, name: str | None) -> Specification:
        """Return the specification that the answer describes.

        Args:
            text: The description, which becomes the workflow's own.
            name: The workflow's name; None: the answer's.

        Raises:
            SpecificationError: It holds values that no specification may.
        """
        metadata = Metadata(name=name or self.name, description=" ".join(text.split()))
        return load_document(
            to_document(
                Specification(
                    metadata=metadata,
                    pattern=self.pattern,
                    trigger=self.trigger,
                    state_schema=self.state_schema,
                    nodes=self.nodes,
                    edges=self.edges,
                    settings=self.settings,
                )
            )
        )


def open_questions(
    asked: tuple[OpenQuestion, ...], answers: Mapping[str, str]
) -> tuple[Question, ...]:
    """Return a model's questions as others ask them; what was answered is not asked again."""
    return tuple(
        Question(one.field, one.text, one.field, one.suggestions, one.required)
        for one in asked
        if not answers.get(one.field, "").strip()
    )
