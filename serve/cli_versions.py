"""The commands that change workflows and look at their versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text
from weft import Client, WeftError
from weft.records import Change, Widening
from weft.versions import UpdatedWorkflow

from serve.cli_follow import MAX_ROUNDS, ask, show_reading
from serve.cli_options import Answers, AsJson, Offline, WorkflowId, is_interactive, parse_answers
from serve.progress import as_json, plain

versioning = typer.Typer()
console = Console(highlight=False, markup=False, emoji=False)

VersionNumber = Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.0.1.")]
SHOWN_CHARACTERS = 300


@versioning.command()
def edit(
    workflow_id: WorkflowId,
    instruction: Annotated[
        str,
        typer.Argument(
            metavar="INSTRUCTION", help="“Change step 2 to use GPT-3.5 instead of GPT-4”."
        ),
    ],
    answer: Answers = None,
    offline: Offline = False,
    increment: Annotated[
        Literal["patch", "minor", "major"] | None,
        typer.Option("--increment", help="Which part of the version rises."),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what changes.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also if it widens what the workflow touches.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Change a workflow in English; show what differs."""
    options: dict[str, Any] = {
        "description": instruction, "version_increment": increment, "draft": draft,
        "dry_run": dry_run, "confirm": yes, "offline": offline,
    }  # fmt: skip
    interactive = is_interactive(console) and not json_
    with Client() as client:
        done = _edit_by_asking(
            client, workflow_id, options, parse_answers(answer), interactive=interactive
        )
    if json_:
        typer.echo(as_json(done))
        return
    show_changes(done["changes"], done["widens"])
    show_reading(console, done.get("reading"))
    for problem in done.get("problems", ()):
        console.print(Text(f"  ✗ {plain(problem['path'])}: {plain(problem['message'])}", "red"))
    if draft and not dry_run:
        published = f"weft publish {workflow_id} {done['version']}"
        console.print(f"{done['version']} is a draft; make it the current one: {published}")
    else:
        verb = "would become" if dry_run else "becomes"
        console.print(f"{done['previous_version']} {verb} {done['version']}.")


def _edit_by_asking(
    client: Client,
    workflow_id: str,
    options: dict[str, Any],
    answers: dict[str, str],
    *,
    interactive: bool,
) -> UpdatedWorkflow:
    """Change a workflow, asking a person what is open or has to be confirmed."""
    for _ in range(MAX_ROUNDS):
        try:
            return client.update(workflow_id, answers=answers, **options)
        except WeftError as error:
            fresh = [question for question in error.questions if question["id"] not in answers]
            if error.widens:
                show_changes(error.changes, error.widens)
                if interactive and typer.confirm("Is that meant?"):
                    options["confirm"] = True
                    continue
            if not (interactive and fresh):
                raise
            answers |= {question["id"]: ask(console, question) for question in fresh}
    return client.update(workflow_id, answers=answers, **options)


def show_changes(changes: Sequence[Change], widens: Sequence[Widening]) -> None:
    """Show what differs, one field a line, and what comes within the workflow's reach."""
    if not changes:
        console.print("Nothing differs.")
    for change in changes:
        place = ".".join(part for part in (change["node_id"], change["field"]) if part)
        console.print(Text(plain(place), style="bold"))
        if change["old_value"] is not None:
            console.print(Text(f"  - {_shown(change['old_value'])}", style="red"))
        if change["new_value"] is not None:
            console.print(Text(f"  + {_shown(change['new_value'])}", style="green"))
    for widening in widens:
        node = f" ({widening['node_id']})" if widening["node_id"] else ""
        said = f"! widens: {widening['kind']} {widening['value']}{node}"
        console.print(Text(plain(said), style="bold yellow"))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


@versioning.command()
def versions(
    workflow_id: WorkflowId,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
    json_: AsJson = False,
) -> None:
    """List a workflow's versions, the highest first."""
    with Client() as client:
        page = client.versions(workflow_id, limit=limit)
    if json_:
        typer.echo(as_json(page))
        return
    for version in page["versions"]:
        mark = "current" if version["current"] else version["state"]
        console.print(
            Text(f"{plain(version['version']):<12}{mark:<11}{plain(version['summary'])}".rstrip())
        )
    console.print(f"{len(page['versions'])} of {page['total']}", style="dim")


@versioning.command()
def diff(
    workflow_id: WorkflowId,
    from_version: VersionNumber,
    to_version: VersionNumber,
    json_: AsJson = False,
) -> None:
    """Show what differs between two versions of a workflow."""
    with Client() as client:
        difference = client.diff(workflow_id, from_version, to_version)
    if json_:
        typer.echo(as_json(difference))
        return
    show_changes(difference["changes"], difference["widens"])


@versioning.command()
def publish(workflow_id: WorkflowId, version: VersionNumber) -> None:
    """Make a draft the version that starts use."""
    with Client() as client:
        moved = client.publish(workflow_id, version)
    console.print(f"{moved['previous_version']} becomes {moved['current_version']}.")


@versioning.command()
def rollback(workflow_id: WorkflowId, version: VersionNumber) -> None:
    """Make a former version the one that starts use; later versions stay."""
    with Client() as client:
        moved = client.rollback(workflow_id, version)
    console.print(f"{moved['previous_version']} becomes {moved['current_version']}.")
