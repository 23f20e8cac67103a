"""The shapes of the API's answers on templates; see `serve.answers`."""

from typing import Annotated, Any

from pydantic import Field

from compiler.specification import PatternName, Specification
from serve.answers import Answer, Levels


class TemplateSummary(Answer):
    """A workflow to begin with, as lists show it."""

    template_id: Annotated[str, Field(examples=["monitor-alert"])]
    name: str
    description: str
    tags: list[str]
    pattern: PatternName
    input_schema: dict[str, Any]
    """JSON Schema of its input: title, description, format, default and examples of each field."""


class TemplateList(Answer):
    """All templates, in the order of their ids."""

    templates: list[TemplateSummary]
    total: int


class Template(TemplateSummary):
    """A whole template."""

    specification: Specification
    levels: Levels
    yaml: str
