"""The commands on what is kept: large values, and old executions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from weft import Client

from serve.cli_options import ExecutionId

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(m|h|d|w|y)")
_DAYS = {"m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}


def artifact(
    execution_id: ExecutionId,
    sha256: Annotated[
        str, typer.Argument(metavar="SHA256", help="As logs and events name the value.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file.", dir_okay=False)
    ] = None,
) -> None:
    """Print a large value that logs or events only name, as JSON."""
    with Client() as client:
        text = client.artifact(execution_id, sha256)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text, encoding="utf-8")
        typer.echo(f"{output}: {size(len(text.encode('utf-8')))}")


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Such as 30d, 12h, 2w or 1y.", metavar="AGE")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Delete executions that ended longer ago, with their logs, events, state and artifacts."""
    days = parse_days(older_than)
    with Client() as client:
        if dry_run:
            left = client.prune(days, dry_run=True)["left"]
            typer.echo(f"{left} executions ended more than {older_than} ago.")
            return
        deleted = 0
        while (batch := client.prune(days))["deleted"]:
            deleted += batch["deleted"]
    typer.echo(f"{deleted} executions deleted.")
    if batch["left"]:
        typer.echo(f"{batch['left']} are held by others just now: try again.")


def parse_days(text: str) -> float:
    """Return an age such as `30d` in days.

    Raises:
        typer.BadParameter: It is not one.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not an age such as 30d, 12h, 2w or 1y")
    return float(match[1]) * _DAYS[match[2]]


def size(count: int) -> str:
    """Return a number of bytes as a person reads it: `512 bytes`, `1.2 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def readable(value: Any) -> Any:
    """Return a value with each reference in it as a text: how it begins, and where the rest is."""
    if isinstance(value, list):
        return [readable(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    told = value.get("$artifact")
    if value.keys() != {"$artifact", "preview"} or not isinstance(told, Mapping):
        return {name: readable(item) for name, item in value.items()}
    execution_id, _, sha256 = str(told.get("url", "EXECUTION//")).rsplit("/", 2)
    command = f"weft artifact {execution_id.rsplit('/', 1)[-1]} {told.get('sha256', sha256)}"
    return f"{value['preview']}… ({size(int(told.get('bytes', 0)))}: {command})"
