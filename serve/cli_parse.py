"""The command that reads descriptions from a file and writes what was understood of each."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.english.parser import parse as parse_english
from compiler.english.summary import summary
from compiler.text import specification_hash, to_document


def parse(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="IN.jsonl", help="Lines of {id, text}.", exists=True, dir_okay=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the answers go, a line each.", dir_okay=False)
    ],
    offline: Annotated[
        bool, typer.Option("--offline", help="Use no model and no network; it never does.")
    ] = True,
) -> None:
    """Read descriptions and write a specification, a summary and the open questions for each."""
    answers = [
        _answer(line, number)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]
    out.write_text("".join(f"{json.dumps(a, ensure_ascii=False)}\n" for a in answers), "utf-8")
    built = sum(1 for answer in answers if answer["specification"])
    typer.echo(f"{out}: {len(answers)} descriptions, {built} specifications")


def _answer(line: str, number: int) -> dict[str, Any]:
    try:
        item = json.loads(line)
        text = item["text"]
        identifier = item.get("id", number)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise typer.BadParameter(f'line {number} is not {{"id": …, "text": …}}') from error
    if not isinstance(text, str):
        raise typer.BadParameter(f"line {number}: `text` must be a text")
    parsed = parse_english(text)
    specification = parsed.specification
    return {
        "id": identifier,
        **summary(parsed),
        "hash": specification_hash(specification) if specification else None,
        "specification": to_document(specification) if specification else None,
        "questions": [asdict(question) for question in parsed.questions],
    }
