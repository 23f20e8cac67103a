"""What several commands take: an execution, an input, and whether they answer JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Input = Annotated[
    str | None,
    typer.Option("--input", "-i", help="The input as JSON, or @FILE.", metavar="JSON"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the platform's JSON.")]
ExecutionId = Annotated[
    str, typer.Argument(metavar="EXECUTION", help="Its id, such as exec_0199a1b2…")
]


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
