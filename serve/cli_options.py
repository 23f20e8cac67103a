"""What several commands take: a workflow's source, an input, answers, and how they answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

Input = Annotated[
    str | None,
    typer.Option("--input", "-i", help="The input as JSON, or @FILE.", metavar="JSON"),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", help="An input: NAME=VALUE, JSON, or @FILE.", metavar="NAME=VALUE|JSON"
    ),
]
WorkflowFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A specification in YAML.", exists=True, dir_okay=False),
]
TemplateId = Annotated[
    str | None,
    typer.Option("--template", "-t", help="A template; `weft templates` lists them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the platform's JSON.")]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", "-a", help="Answer a question: ID=TEXT.", metavar="ID=TEXT"),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Read the sentence without a language model.")
]
WorkflowId = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its id, such as wf_0199a1b2…")]
ExecutionId = Annotated[
    str, typer.Argument(metavar="EXECUTION", help="Its id, such as exec_0199a1b2…")
]

_ANY_JSON = {"type": "json"}
"""The schema of a value of which nothing is known: JSON, if it is some."""


def parse_object(text: str | None, name: str) -> dict[str, Any]:
    """Return the JSON object of an option, written out or in a file; none is an empty one.

    Raises:
        typer.BadParameter: It is no JSON object.
    """
    if text is None:
        return {}
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"the {name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f'the {name} must be a JSON object such as {{"url": "http://…"}}')
    return value


def parse_answers(pairs: Sequence[str] | None, form: str = "ID=TEXT") -> dict[str, str]:
    """Return texts by name: answers by the ids of their questions, secrets by parameters.

    Args:
        pairs: Each a name and a text with `=` between them.
        form: How such a pair is written, for whoever writes another thing.

    Raises:
        typer.BadParameter: One of them is no pair.
    """
    found = {}
    for pair in pairs or ():
        name, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not {form}")
        found[name.strip()] = text
    return found


def parse_inputs(
    options: Sequence[str] | None, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the values that options give by name; a later one replaces an earlier one.

    Args:
        options: Each is NAME=VALUE, a JSON object, or @FILE with one.
        schema: The JSON Schema of the input, which says what a VALUE is; None: JSON, if it is some.

    Raises:
        typer.BadParameter: One of them is none of these.
    """
    found: dict[str, Any] = {}
    for option in options or ():
        if option.startswith(("{", "@", "[")):
            found |= parse_object(option, "input")
            continue
        name, equals, text = option.partition("=")
        if not equals:
            raise typer.BadParameter(f"{option!r} is neither NAME=VALUE nor JSON nor @FILE")
        about = schema.get("properties", {}).get(name.strip(), {}) if schema else _ANY_JSON
        found[name.strip()] = typed(text, about)
    return found


def typed(text: str, about: Mapping[str, Any]) -> Any:
    """Read what a person wrote as its JSON Schema wants it; what cannot be read stays text.

    A list may be JSON; otherwise it is addresses and the like with commas, or one text alone.
    """
    kind = about.get("type")
    if kind in (None, "string"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        if kind != "array":
            return text
    parts = text.split(",") if about.get("items", {}).get("format") else [text]
    return [part.strip() for part in parts if part.strip()]


def source_of(sentence: str | None, file: Path | None, template: str | None) -> dict[str, Any]:
    """Return what a workflow is made of, as the client takes it.

    Raises:
        typer.BadParameter: There is not exactly one source.
    """
    given = [sentence is not None, file is not None, template is not None]
    if sum(given) != 1 or (sentence is not None and not sentence.strip()):
        raise typer.BadParameter("give one of a sentence, -f FILE and --template ID")
    if file is not None:
        return {"yaml": file.read_text(encoding="utf-8")}
    return {"description": sentence} if template is None else {"template": template}


def is_interactive(console: Console) -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty() and console.is_terminal
