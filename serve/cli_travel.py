"""The commands that look back and go again: checkpoints, state, rerun, fork, retry."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from weft import Client
from weft.records import Execution

from serve.cli_follow import follow_to_the_end
from serve.cli_options import AsJson, ExecutionId, Input, parse_object
from serve.cli_tables import checkpoint_table
from serve.progress import as_json, plain

travel = typer.Typer()
console = Console(highlight=False, markup=False, emoji=False)

Number = Annotated[int, typer.Argument(metavar="CHECKPOINT", help="Its number.", min=1)]
State = Annotated[
    str | None,
    typer.Option(
        "--state", "-s", help="What replaces reused results, by key, as JSON, or @FILE.",
        metavar="JSON",
    ),
]  # fmt: skip
Wait = Annotated[bool, typer.Option("--wait", help="Show it until it ends.")]


@travel.command()
def checkpoints(
    execution_id: ExecutionId,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 100,
    offset: Annotated[int, typer.Option("--offset", min=0)] = 0,
    json_: AsJson = False,
) -> None:
    """List an execution's checkpoints, the first first."""
    with Client() as client:
        page = client.checkpoints(execution_id, limit=limit, offset=offset)
    if json_:
        typer.echo(as_json(page))
        return
    table = checkpoint_table(page["checkpoints"])
    console.print(table)
    console.print(f"{table.row_count} of {page['total']}", style="dim")
    if table.row_count:
        console.print(f"See the state at one: weft state {execution_id} NUMBER", style="dim")


@travel.command()
def state(
    execution_id: ExecutionId,
    checkpoint: Number,
    full: Annotated[bool, typer.Option("--full", help="Show mapped lists whole.")] = False,
    json_: AsJson = False,
) -> None:
    """Show what stood in an execution's state at a checkpoint."""
    with Client() as client:
        found = client.state(execution_id, checkpoint, full=full)
    if json_:
        typer.echo(as_json(found))
        return
    console.print(f"At checkpoint {checkpoint}, {found['created_at']}", style="dim")
    typer.echo(as_json(found["state"]))
    for node_id, message in found["failures"].items():
        console.print(f"✗ {plain(node_id)} had failed: {plain(message)}", style="red")
    console.print(f"Go on from here: weft fork {execution_id} {checkpoint}", style="dim")


@travel.command()
def rerun(
    execution_id: ExecutionId,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="The first node to run anew; without it, all.", metavar="NODE"),
    ] = None,
    visit: Annotated[
        int | None, typer.Option("--visit", help="Which of its visits in a loop.", min=1)
    ] = None,
    input_: Input = None,
    state: State = None,
    wait: Wait = False,
    json_: AsJson = False,
) -> None:
    """Run an execution anew from a node on; what is before it is reused.

    It becomes a new execution, and the old one stays as it is.
    """
    edits = parse_object(state, "state")
    given = None if input_ is None else parse_object(input_, "input")
    with Client() as client:
        made = client.rerun(execution_id, from_, visit=visit, input=given, state=edits or None)
        _made(client, made, wait, json_)


@travel.command()
def fork(
    execution_id: ExecutionId,
    checkpoint: Number,
    state: State = None,
    wait: Wait = False,
    json_: AsJson = False,
) -> None:
    """Go on from a checkpoint in a new execution; the old one may still run."""
    edits = parse_object(state, "state")
    with Client() as client:
        _made(client, client.fork(execution_id, checkpoint, state=edits or None), wait, json_)


@travel.command()
def retry(execution_id: ExecutionId, wait: Wait = False, json_: AsJson = False) -> None:
    """Go on in a new execution where one failed or was cancelled."""
    with Client() as client:
        _made(client, client.retry(execution_id), wait, json_)


def _made(client: Client, made: Execution, wait: bool, json_: bool) -> None:
    """Say what was made, and show it until it ends when that was asked for."""
    id = made["execution_id"]
    if json_:
        typer.echo(as_json(client.wait(id) if wait else made))
        return
    origin = made["origin"]
    source = origin["execution_id"] if origin else "another one"
    console.print(f"{id} has started, made of {source}.")
    if wait:
        follow_to_the_end(client, console, id)
    console.print(f"Watch it: weft watch {id}")
