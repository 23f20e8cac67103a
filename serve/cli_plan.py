"""The command that says what a workflow would do, without doing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from weft import Client, WeftError
from weft.records import Plan

from serve.cli_follow import MAX_ROUNDS, ask, show_reading
from serve.cli_options import (
    Answers,
    AsJson,
    Inputs,
    Offline,
    TemplateId,
    WorkflowFile,
    is_interactive,
    parse_answers,
    parse_inputs,
    source_of,
)
from serve.plan_view import plan_view
from serve.progress import as_json

planning = typer.Typer()
console = Console(highlight=False, markup=False, emoji=False)

_WORKFLOW_ID = re.compile(r"wf_[0-9a-f]{32}")


@planning.command()
def plan(
    subject: Annotated[
        str | None,
        typer.Argument(metavar="[SENTENCE|WORKFLOW]", help="What should happen, or a wf_… id."),
    ] = None,
    file: WorkflowFile = None,
    template: TemplateId = None,
    input_: Inputs = None,
    answer: Answers = None,
    offline: Offline = False,
    json_: AsJson = False,
) -> None:
    """Say what a workflow would do, touch, take and cost; nothing is called.

    The exit code is 1 when it has problems.
    """
    interactive = is_interactive(console) and not json_
    with Client() as client:
        if subject is not None and _WORKFLOW_ID.fullmatch(subject):
            if file or template:
                raise typer.BadParameter("give one of a workflow, a sentence, -f and --template")
            specification = client.get(subject)["specification"] if input_ else {}
            schema = specification.get("state_schema", {}).get("input")
            found = client.plan(subject, parse_inputs(input_, schema))
        else:
            source = source_of(subject, file, template)
            schema = client.template(template)["input_schema"] if template and input_ else None
            source["input"] = parse_inputs(input_, schema)
            found = plan_by_asking(
                client, console, {**source, "offline": offline}, parse_answers(answer),
                interactive=interactive,
            )  # fmt: skip
    show_plan(console, found, json_)


def plan_by_asking(
    client: Client,
    console: Console,
    source: Mapping[str, Any],
    answers: Mapping[str, str],
    *,
    interactive: bool,
) -> Plan:
    """Plan a workflow that is not stored, asking a person what its sentence leaves open.

    Raises:
        WeftError: The sentence cannot be used, or says too little to be planned at all.
    """
    known = dict(answers)
    found: Plan | None
    for _ in range(MAX_ROUNDS):
        try:
            found = client.dry_run(**source, answers=known)
            asked = [one for one in found.get("questions") or () if one["required"]]
        except WeftError as error:
            if not (interactive and error.questions):
                raise
            found, asked = None, list(error.questions)
        fresh = [question for question in asked if question["id"] not in known]
        if found is not None and not (interactive and fresh):
            return found
        known |= {question["id"]: ask(console, question) for question in fresh}
    return client.dry_run(**source, answers=known)


def show_plan(console: Console, found: Plan, json_: bool) -> None:
    """Show a plan, or print it as JSON.

    Raises:
        typer.Exit: With 1, when it has problems.
    """
    if json_:
        typer.echo(as_json(found))
    else:
        console.print(plan_view(found))
        show_reading(console, found.get("reading"))
    if found.get("problems") or found["plan"].get("problems"):
        raise typer.Exit(1)
