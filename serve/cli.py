"""The command line: each command is one conversation with the platform through its client."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from weft import Client, Unreachable, WeftError
from weft.records import Execution, ExecutionPage, WorkflowPage

from serve.cli_agents import agents
from serve.cli_egress import egress
from serve.cli_follow import (
    create_by_asking,
    execute_by_asking,
    follow_to_the_end,
    how_to_execute,
    show_error,
    show_graph,
    show_reading,
    show_status,
)
from serve.cli_kept import artifact, prune
from serve.cli_options import (
    Answers,
    AsJson,
    ExecutionId,
    Input,
    Inputs,
    Offline,
    TemplateId,
    WorkflowFile,
    is_interactive,
    parse_answers,
    parse_inputs,
    parse_object,
    source_of,
)
from serve.cli_parse import parse
from serve.cli_plan import planning, show_plan
from serve.cli_platform import diagnose, run_demo, run_foreground, start_background, stop
from serve.cli_secrets import secrets
from serve.cli_tables import execution_table, item_table, log_view, workflow_table
from serve.cli_templates import create_of_template, templating
from serve.cli_travel import travel
from serve.cli_versions import versioning
from serve.progress import as_json, plain
from serve.settings import SettingsError, load_settings

app = typer.Typer(
    name="weft",
    help="From one English sentence to a durable execution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(travel)
app.add_typer(versioning)
app.add_typer(planning)
app.add_typer(templating)
app.add_typer(agents, name="agents")
app.add_typer(secrets, name="secrets")
app.add_typer(egress, name="egress")
console = Console(highlight=False, markup=False, emoji=False)
error_console = Console(stderr=True, highlight=False, markup=False, emoji=False)

Name = Annotated[str | None, typer.Option("--name", help="The workflow's name.")]
SENTENCE_HELP = "What should happen: “Summarize https://example.com → email it to me”."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit; an error of the platform is shown with its remedy and exits with 1.

    Args:
        arguments: The command line; None: the process's.
    """
    try:
        app(args=None if arguments is None else list(arguments))
    except WeftError as error:
        show_error(error_console, error)
    except SettingsError as error:
        show_error(error_console, WeftError("A setting is wrong", detail=str(error)))
    sys.exit(1)


@app.command()
def up() -> None:
    """Run the platform in the foreground; Ctrl-C stops all of it."""
    raise typer.Exit(run_foreground(load_settings()))


@app.command()
def down() -> None:
    """Stop the platform of this folder and everything that belongs to it."""
    console.print("Stopped." if stop(load_settings()) else "No platform runs here.")


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform up.")] = False,
) -> None:
    """Do the main job once, on a bundled web site."""
    raise typer.Exit(run_demo(keep))


@app.command()
def run(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help=SENTENCE_HELP)],
    input_: Input = None,
    answer: Answers = None,
    name: Name = None,
    offline: Offline = False,
) -> None:
    """Create a workflow from a sentence, execute it, and show its progress and output.

    Starts a platform when none answers. The exit code is 0 only when the execution completed.
    """
    given, answers = parse_object(input_, "input"), parse_answers(answer)
    if not sentence.strip():
        raise typer.BadParameter("say in a sentence what should happen")
    with _client_of_a_platform() as client:
        source = {"description": sentence, "name": name, "offline": offline}
        workflow = create_by_asking(client, console, source, answers, interactive=_interactive())
        console.print(Text(plain(workflow["name"]), style="bold"))
        show_graph(console, workflow)
        show_reading(console, workflow.get("reading"))
        console.print()
        execution_id = execute_by_asking(
            client, console, workflow, given, interactive=_interactive()
        )
        follow_to_the_end(client, console, execution_id)


def _client_of_a_platform() -> Client:
    client = Client()
    try:
        client.health()
    except Unreachable:
        address = client.connection.base_url
        if not client.connection.is_local:
            raise
        client.close()
        console.print(f"No platform answers at {address}: starting one.")
        client = Client(start_background(load_settings()))
        console.print(f"It runs at {client.connection.base_url} and stays up.")
    return client


@app.command()
def create(
    sentence: Annotated[
        str | None, typer.Argument(metavar="[SENTENCE]", help=SENTENCE_HELP)
    ] = None,
    file: WorkflowFile = None,
    template: TemplateId = None,
    input_: Inputs = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    name: Name = None,
    answer: Answers = None,
    offline: Offline = False,
    json_: AsJson = False,
) -> None:
    """Create a workflow from a sentence, a file or a template.

    The inputs are a template's: what is given becomes a default of the workflow's input.
    """
    source = {"name": name, "offline": offline, **source_of(sentence, file, template)}
    if input_ and template is None and not dry_run:
        raise typer.BadParameter("--input is for a template, or for a plan with --dry-run")
    answers = parse_answers(answer)
    interactive = _interactive() and not json_
    with Client() as client:
        if dry_run:
            schema = client.template(template)["input_schema"] if template and input_ else None
            # A template's own values are planned as its defaults.
            source["inputs" if template else "input"] = parse_inputs(input_, schema)
            show_plan(console, client.dry_run(**source, answers=answers), json_)
            return
        if template is not None:
            workflow = create_of_template(client, console, source, input_, interactive=interactive)
        else:
            workflow = create_by_asking(client, console, source, answers, interactive=interactive)
    if json_:
        typer.echo(as_json(workflow))
        return
    console.print(Text(f"{plain(workflow['name'])}  {workflow['workflow_id']}", style="bold"))
    show_graph(console, workflow)
    show_reading(console, workflow.get("reading"))
    console.print(f"Execute it: {how_to_execute(workflow)}")


@app.command()
def execute(
    workflow_id: Annotated[
        str, typer.Argument(metavar="WORKFLOW", help="Its id, such as wf_0199a1b2…")
    ],
    input_: Input = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show it until it ends.")] = False,
    json_: AsJson = False,
) -> None:
    """Start an execution of a workflow."""
    given = parse_object(input_, "input")
    with Client() as client:
        started = client.execute(workflow_id, given)
        execution_id = started["execution_id"]
        if json_:
            typer.echo(as_json(client.wait(execution_id) if wait else started))
        elif wait:
            follow_to_the_end(client, console, execution_id)
        else:
            verb = "queues" if started["status"] == "pending" else "has started"
            console.print(f"{execution_id} {verb}. Watch it: weft watch {execution_id}")


@app.command()
def status(execution_id: ExecutionId, json_: AsJson = False) -> None:
    """Show an execution as it stands."""
    with Client() as client:
        execution = client.execution(execution_id)
    if json_:
        typer.echo(as_json(execution))
    else:
        show_status(console, execution)


@app.command()
def watch(execution_id: ExecutionId) -> None:
    """Show an execution until it ends; the exit code is 0 only when it completed."""
    with Client() as client:
        follow_to_the_end(client, console, execution_id)


@app.command()
def logs(
    execution_id: ExecutionId,
    node: Annotated[str | None, typer.Option("--node", help="Only this node.")] = None,
    json_: AsJson = False,
) -> None:
    """Show every attempt at every node: its input, output and error."""
    with Client() as client:
        found = [log for log in client.logs(execution_id) if node in (None, log["node_id"])]
    if json_:
        typer.echo(as_json(found))
        return
    for log in found:
        console.print(log_view(log))
    if not found:
        console.print("No node has started yet.")


@app.command()
def items(
    execution_id: ExecutionId,
    node: Annotated[str, typer.Argument(metavar="NODE", help="A node with `pattern: map`.")],
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0)] = 0,
    json_: AsJson = False,
) -> None:
    """Show the items of a map node that have ended."""
    status = "failed" if failed else None
    with Client() as client:
        page = client.items(execution_id, node, status=status, limit=limit, offset=offset)
    if json_:
        typer.echo(as_json(page))
        return
    table = item_table(page["items"])
    console.print(table)
    console.print(f"{table.row_count} of {page['total']}", style="dim")


@app.command()
def cancel(execution_id: ExecutionId) -> None:
    """Cancel an execution."""
    with Client() as client:
        answer = client.cancel(execution_id)
    done, pending = answer.get("completed_nodes", 0), answer.get("pending_nodes", 0)
    console.print(f"{execution_id} is {answer['status']}: {done} nodes done, {pending} not begun.")


@app.command()
def approve(
    execution_id: ExecutionId,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    choose: Annotated[str | None, typer.Option("--choose", help="Choose an option.")] = None,
    value: Annotated[str | None, typer.Option("--value", help="Answer with a text.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            help="Answer a form: NAME=VALUE, JSON, or @FILE.",
            metavar="NAME=VALUE|JSON",
        ),
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Add a remark.")] = None,
    approval: Annotated[
        str | None, typer.Option("--approval", help="Which approval, when several are open.")
    ] = None,
) -> None:
    """Answer what an execution waits for."""
    if reject and (choose or value or inputs):
        raise typer.BadParameter("--reject stands alone")
    if inputs and (choose or value):
        raise typer.BadParameter("a form is answered by --input alone")
    decision = "reject" if reject else choose or "approve"
    with Client() as client:
        given = value if not inputs else parse_inputs(
            inputs, _form_of(client.execution(execution_id), approval)
        )  # fmt: skip
        answer = client.approve(
            execution_id, decision, approval_id=approval, value=given, comment=comment
        )
    told = answer["decision"] or f"{len(answer['votes'])} of {answer['required']} answers"
    console.print(f"{execution_id}: {plain(told)}. Watch it: weft watch {execution_id}")


def _form_of(execution: Execution, approval_id: str | None) -> dict[str, Any] | None:
    """Return the schema of the form that is open, which says what a VALUE is."""
    forms = [
        asked.get("schema")
        for asked in execution.get("approvals", ())
        if approval_id in (None, asked["approval_id"]) and asked["status"] == "pending"
    ]
    return forms[0] if len(forms) == 1 else None


@app.command("list")
def list_(
    executions: Annotated[
        bool, typer.Option("--executions", "-e", help="List executions instead.")
    ] = False,
    status: Annotated[str | None, typer.Option("--status", help="Only these.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    json_: AsJson = False,
) -> None:
    """List workflows, or executions, the newest first."""
    with Client() as client:
        page: ExecutionPage | WorkflowPage
        if executions:
            page = client.executions(status=status, limit=limit)
            table = execution_table(page["executions"])
        else:
            page = client.list(status=status, limit=limit)
            table = workflow_table(page["workflows"])
    if json_:
        typer.echo(as_json(page))
        return
    console.print(table)
    console.print(f"{table.row_count} of {page.get('total', table.row_count)}", style="dim")


app.command()(artifact)
app.command()(prune)
app.command()(parse)


@app.command()
def doctor() -> None:
    """Check everything the platform needs and say how to mend what is missing."""
    raise typer.Exit(diagnose(load_settings(), console))


@app.command()
def token() -> None:
    """Print the key of the platform on this machine, as the dashboard's login asks for it."""
    file = load_settings().home / "token"
    try:
        typer.echo(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise WeftError(
            "There is no token yet",
            detail=str(error),
            remedy="The first `weft up` makes one; WEFT_HOME says where it is kept.",
        ) from error


def _interactive() -> bool:
    return is_interactive(console)


if __name__ == "__main__":
    main()
