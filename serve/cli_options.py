"""What several commands take: an execution, an input, answers, and whether they answer JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Input = Annotated[
    str | None,
    typer.Option("--input", "-i", help="The input as JSON, or @FILE.", metavar="JSON"),
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


def parse_answers(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return answers by question id.

    Raises:
        typer.BadParameter: One of them is not `ID=TEXT`.
    """
    answers = {}
    for pair in pairs or ():
        question_id, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not ID=TEXT")
        answers[question_id.strip()] = text
    return answers
