"""The terminal's conversations: creating from a sentence, following an execution, errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text
from weft import Client, WeftError
from weft.records import (
    TERMINAL_STATUSES,
    CreatedWorkflow,
    Event,
    Execution,
    Plan,
    Question,
    Reading,
)

from serve.cli_options import typed
from serve.progress import (
    ExecutionView,
    error_message,
    format_seconds,
    format_usd,
    graph_tree,
    live_view,
    open_questions,
    plain,
    question_text,
    queue_lines,
    status_text,
    summary,
    workflow_of,
)

MAX_ROUNDS = 5
"""How often a sentence is sent again with more answers."""
REFRESH_SECONDS = 0.5
"""The least time between two fetches of a running execution's costs."""
QUEUE_SECONDS = 2.0
"""The time between two looks at the place of a queued execution."""
FETCH_AFTER = frozenset({"node_completed", "node_failed"})
FETCH_AT_ONCE = frozenset({"approval_requested", "approval_vote", "approval_decided"})


def show_error(console: Console, error: WeftError) -> None:
    """Say what is wrong, where, and what to do about it."""
    console.print(Text.assemble(("✗ ", "bold red"), (plain(_title(error)), "bold")))
    if error.detail and not error.questions:
        console.print(Text(f"  {plain(error.detail)}"))
    for problem in error.problems:
        line = f" (line {problem['line']})" if problem.get("line") else ""
        console.print(Text(f"  • {plain(problem.get('path', ''))}{line}", style="bold"))
        console.print(Text(f"    {plain(problem.get('message', ''))}"))
        console.print(Text(f"    → {plain(problem.get('remedy', ''))}", style="green"))
    for question in error.questions:
        console.print(question_text(question))
        console.print(Text(f"    → --answer {plain(question['id'])}=TEXT", style="green"))
    show_reading(console, error.reading)
    if remedy := _remedy(error):
        console.print(Text(f"  → {plain(remedy)}", style="green"))


def _title(error: WeftError) -> str:
    """What a person at a terminal calls it, where HTTP has a phrase of its own."""
    if error.questions:
        return "The sentence leaves something open"
    titles = {401: "The token is not accepted", 422: "It cannot be used as it stands"}
    return titles.get(error.status, error.title)


def _remedy(error: WeftError) -> str:
    """The platform's remedy, or how to follow it with this command line."""
    if names := _inputs_in(error):
        return f"Give it with {_input_option(names)}, or --input @FILE."
    if error.status == 401:
        return "Set WEFT_TOKEN, or WEFT_HOME to the platform's folder; `weft token` prints its key."
    if error.widens:
        return "If that is meant, say it again with --yes."
    return "" if error.questions else error.remedy


def _input_option(names: Iterable[str]) -> str:
    fields = ", ".join(f'"{plain(name)}": …' for name in names)
    return f"--input '{{{fields}}}'"


def how_to_execute(workflow: CreatedWorkflow) -> str:
    """Return the command that starts a workflow, with the input that it needs."""
    schema = workflow["parsed_specification"].get("state_schema", {}).get("input", {})
    needed = schema.get("required", ())
    option = f" {_input_option(needed)}" if needed else ""
    return f"weft execute {workflow['workflow_id']}{option}"


def follow_to_the_end(client: Client, console: Console, execution_id: str) -> None:
    """Show an execution until it ends; the command's exit code is 0 only when it completed.

    Raises:
        typer.Exit: Always, at its end.
    """
    execution = follow(client, console, execution_id)
    raise typer.Exit(0 if execution["status"] == "completed" else 1)


def show_graph(console: Console, shape: CreatedWorkflow | Plan) -> None:
    """Draw the graph of a workflow that was created or planned."""
    specification = shape["parsed_specification"]
    nodes, edges = specification["nodes"], specification.get("edges", [])
    console.print(
        Text(f"{specification.get('pattern', '')}, {len(nodes)} nodes".replace("_", "-"), "dim")
    )
    console.print(graph_tree(shape.get("levels", []), nodes, edges))


def show_reading(console: Console, reading: Reading | None) -> None:
    """Say which model read a sentence, what it cost, and why others were left."""
    if reading is None or (reading["by"] == "offline" and not reading["notes"]):
        return
    seconds = format_seconds(reading["ms"] / 1000)
    cost = f"{reading['llm_tokens']} tokens, {format_usd(reading['cost_usd'])}"
    console.print(Text(f"read by {plain(reading['by'])} in {seconds}, {cost}", "dim"))
    for note in reading["notes"]:
        console.print(Text(f"  left {plain(note)}", "yellow"))


def ask(console: Console, question: Question) -> str:
    """Ask a person a question; a number chooses a suggestion."""
    console.print(question_text(question))
    suggestions = question.get("suggestions") or []
    default = suggestions[0] if suggestions else None
    answer = str(typer.prompt("  answer", default=default)).strip()
    if answer.isdecimal() and 1 <= int(answer) <= len(suggestions):
        return suggestions[int(answer) - 1]
    return answer


def create_by_asking(
    client: Client,
    console: Console,
    source: Mapping[str, Any],
    answers: Mapping[str, str],
    *,
    interactive: bool,
) -> CreatedWorkflow:
    """Create a workflow, asking a person what the sentence leaves open.

    Args:
        client: The platform.
        console: Where to ask.
        source: The arguments of `Client.create` beside the answers.
        answers: Answers that are known already, by question id.
        interactive: Whether a person is there; otherwise open questions are an error.

    Raises:
        WeftError: The sentence cannot be used, or leaves something open.
    """
    known = dict(answers)
    for _ in range(MAX_ROUNDS):
        try:
            return client.create(**source, answers=known)
        except WeftError as error:
            fresh = [question for question in error.questions if question["id"] not in known]
            if not (interactive and fresh):
                raise
            known |= {question["id"]: ask(console, question) for question in fresh}
    return client.create(**source, answers=known)


def execute_by_asking(
    client: Client,
    console: Console,
    workflow: CreatedWorkflow,
    given: Mapping[str, Any],
    *,
    interactive: bool,
) -> str:
    """Start a workflow, asking a person for the input that it misses; return the execution's id.

    Raises:
        WeftError: The input does not fit, and nobody is there or nothing of it is missing.
    """
    try:
        return client.execute(workflow["workflow_id"], dict(given))["execution_id"]
    except WeftError as error:
        missing = [name for name in _inputs_in(error) if name not in given]
        if not (interactive and missing):
            raise
    schema = workflow["parsed_specification"].get("state_schema", {}).get("input", {})
    found = dict(given)
    for name in missing:
        about = schema.get("properties", {}).get(name, {})
        console.print(Text(f"? {plain(about.get('description') or name)}", style="bold"))
        found[name] = typed(str(typer.prompt(f"  {name}")), about)
    return client.execute(workflow["workflow_id"], found)["execution_id"]


def _inputs_in(error: WeftError) -> list[str]:
    """The names of an execution's input that an error speaks of."""
    paths = [str(problem.get("path", "")) for problem in error.problems]
    return [path.removeprefix("input.") for path in paths if path.startswith("input.")]


def follow(client: Client, console: Console, execution_id: str) -> Execution:
    """Show an execution until it has ended, and return it.

    An interrupt leaves the execution running, says how to go on watching, and exits with 130.

    Raises:
        WeftError: There is no such execution, or the platform did not come back.
    """
    try:
        view = ExecutionView(client.execution(execution_id))
        if console.is_terminal:
            with Live(get_renderable=lambda: live_view(view), console=console) as live:
                _stand_in_queue(client, view, live.refresh)
                _watch(client, view, lambda event: live.refresh())
        else:
            _stand_in_queue(client, view, lambda: console.print(*queue_lines(view.execution)))
            _watch(client, view, lambda event: _print_event(console, view, event))
    except KeyboardInterrupt:
        console.print(f"\nThe execution goes on. Watch it:  weft watch {execution_id}")
        console.print(f"                       Cancel it: weft cancel {execution_id}")
        raise typer.Exit(130) from None
    console.print(summary(view.execution))
    return view.execution


def _stand_in_queue(client: Client, view: ExecutionView, on_change: Callable[[], None]) -> None:
    """Follow an execution through the queue, where no event tells how those before it go on."""
    told = None
    while queued := view.execution.get("queued"):
        if queued != told:
            told = queued
            on_change()
        time.sleep(QUEUE_SECONDS)
        view.replace(client.execution(view.execution["execution_id"]))


def _watch(client: Client, view: ExecutionView, on_event: Any) -> None:
    execution_id = view.execution["execution_id"]
    fetched = time.monotonic()
    for event in client.stream(execution_id):
        view.apply(event)
        kind = event.get("type")
        due = time.monotonic() - fetched > REFRESH_SECONDS
        if kind in FETCH_AT_ONCE or (kind in FETCH_AFTER and due):
            view.replace(client.execution(execution_id))
            fetched = time.monotonic()
        on_event(event)
    view.replace(client.wait(execution_id))


def _print_event(console: Console, view: ExecutionView, event: Event) -> None:
    kind = event.get("type", "")
    if kind in ("node_progress", "token"):
        return
    line = Text(f"{event.get('timestamp', '')[11:19]}  ", style="dim")
    subject = "workflow" if kind.startswith("workflow_") else event.get("node_id") or ""
    line.append(f"{plain(subject):24}", style="bold")
    line.append(kind.removeprefix("workflow_").removeprefix("node_").replace("_", " "))
    seconds = event.get("duration_seconds")
    details = [format_seconds(seconds) if seconds else "", error_message(event.get("error"))]
    line.append("".join(f"  {plain(detail)}" for detail in details if detail))
    console.print(line)
    if kind == "approval_requested":
        for question in open_questions(view):
            console.print(question)


def show_status(console: Console, execution: Execution) -> None:
    """Show an execution as it stands now."""
    if execution["status"] in TERMINAL_STATUSES:
        console.print(summary(execution))
        return
    progress = execution.get("progress", {})
    headline = status_text(execution["status"])
    headline.append(
        f"  {progress.get('completed_nodes', 0)} of {progress.get('total_nodes', 0)} nodes"
        f"  {workflow_of(execution)}",
        style="default",
    )
    console.print(headline)
    console.print(live_view(ExecutionView(execution)))
