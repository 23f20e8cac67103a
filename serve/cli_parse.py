"""The command that reads descriptions from a file and writes what was understood of each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from weft import WeftError

from compiler.english.parser import Parsed
from compiler.english.parser import parse as parse_english
from compiler.english.summary import summary
from compiler.text import specification_hash, to_document
from serve.settings import load_settings

if TYPE_CHECKING:
    from agents.planner import Planner

AT_ONCE = 4
"""How many descriptions models read at once."""


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
        bool, typer.Option("--offline", help="Use no model and no network.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", help="Only this model reads; else it is an error.")
    ] = None,
) -> None:
    """Read descriptions and write a specification, a summary and the open questions for each.

    The models that are configured read them, and offline what none of them can; no platform is
    needed.
    """
    if offline and model:
        raise typer.BadParameter("--offline and --model exclude each other")
    items = [
        _item(line, number)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]
    if offline:
        answers = [_answer(item, parse_english(item["text"])) for item in items]
    else:
        answers = asyncio.run(_read_with_models(items, model))
    out.write_text("".join(f"{json.dumps(a, ensure_ascii=False)}\n" for a in answers), "utf-8")
    built = sum(1 for answer in answers if answer["specification"])
    typer.echo(f"{out}: {len(answers)} descriptions, {built} specifications")


def _item(line: str, number: int) -> dict[str, Any]:
    try:
        item = json.loads(line)
        text = item["text"]
        identifier = item.get("id", number)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise typer.BadParameter(f'line {number} is not {{"id": …, "text": …}}') from error
    if not isinstance(text, str):
        raise typer.BadParameter(f"line {number}: `text` must be a text")
    return {"id": identifier, "text": text}


async def _read_with_models(
    items: Sequence[dict[str, Any]], model: str | None
) -> list[dict[str, Any]]:
    """Read descriptions a few at a time; the answers keep their order.

    Raises:
        WeftError: The one model that may read could not.
    """
    # What agents and models take is seconds to import, which no other command needs.
    told = import_module("serve.agent_settings")
    planning = import_module("agents.planner")
    signatures = import_module("agents.registry").builtin_registry().signatures
    settings = load_settings()
    turns = asyncio.Semaphore(AT_ONCE)
    async with planning.open_planner(
        told.planner_settings(settings), told.reader_settings(settings, frozenset()), signatures
    ) as planner:
        await planner.load()

        async def read(item: dict[str, Any]) -> dict[str, Any]:
            async with turns:
                return await _read(planner, item, model)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(read(item)) for item in items]
        except* planning.PlannerError as errors:
            detail = str(errors.exceptions[0])
            raise WeftError("The model did not read it", detail=detail) from None
    return [task.result() for task in tasks]


async def _read(planner: Planner, item: dict[str, Any], model: str | None) -> dict[str, Any]:
    planned = await planner.plan(item["text"], only=model)
    parsed = Parsed(planned.specification, planned.questions, ())
    if planned.reading.by == "offline":
        # It knows which words became which step, and so tells decisions from the steps before.
        parsed = parse_english(item["text"])
    return {**_answer(item, parsed), "reading": planned.reading.to_document()}


def _answer(item: dict[str, Any], parsed: Parsed) -> dict[str, Any]:
    specification = parsed.specification
    return {
        "id": item["id"],
        **summary(parsed),
        "hash": specification_hash(specification) if specification else None,
        "specification": to_document(specification) if specification else None,
        "questions": [asdict(question) for question in parsed.questions],
    }
