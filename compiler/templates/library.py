"""The templates: reads the YAML files beside it once. What one is called is its file's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from compiler.errors import Problem, SpecificationError
from compiler.specification import Specification
from compiler.suggestions import did_you_mean
from compiler.text import load


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow that many need, with typed inputs for what differs between them."""

    id: str
    """Such as `monitor-alert`."""
    text: str
    """Its YAML, comments included."""
    specification: Specification


@cache
def templates() -> Mapping[str, Template]:
    """Return all templates by id, in the order of their ids."""
    files = sorted(resources.files("compiler.templates").iterdir(), key=lambda file: file.name)
    found = (
        (file.name.removesuffix(".yaml"), file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".yaml")
    )
    return {id: Template(id, text, load(text)) for id, text in found}


def find_template(id: str) -> Template:
    """Return the template of an id.

    Raises:
        SpecificationError: There is none; names the ones that are spelled like it.
    """
    if found := templates().get(id):
        return found
    message = f"There is no template `{id:.100}`."
    problem = Problem("template", "unknown_template", message, did_you_mean(id, templates()))
    raise SpecificationError([problem])
