"""The command line's lists: workflows, executions, and the attempts of one execution."""

import json
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from weft.records import Checkpoint, ExecutionRow, Item, NodeLog, Workflow

from serve.cli_kept import readable
from serve.progress import (
    as_json,
    bare_table,
    format_seconds,
    format_usd,
    plain,
    status_text,
    workflow_of,
)

NAME_LETTERS = 50
ID_LETTERS = 37
OUTCOME_LETTERS = 400
"""How much of an item's output its line shows at most, on the widest terminal."""


def workflow_table(workflows: Sequence[Workflow]) -> Table:
    """Return a table of workflows."""
    table = _table("workflow", "status", "version", "runs", "last run")
    for workflow in workflows:
        table.add_row(
            _named(workflow["name"], workflow["workflow_id"]),
            plain(workflow["status"]),
            plain(workflow["version"]),
            str(workflow.get("executions_count", 0)),
            _moment(workflow.get("last_executed")),
        )
    return table


def execution_table(executions: Sequence[ExecutionRow]) -> Table:
    """Return a table of executions."""
    table = _table("execution", "status", "time", "cost", "started")
    for execution in executions:
        table.add_row(
            _named(workflow_of(execution), execution["execution_id"]),
            status_text(execution["status"]),
            format_seconds(execution.get("duration_seconds")),
            format_usd(execution.get("cost_usd")),
            _moment(execution.get("started_at")),
        )
    return table


def item_table(items: Sequence[Item]) -> Table:
    """Return a table of a map node's items: what each answered, or why it failed."""
    table = bare_table()
    table.add_column("item", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("attempt", justify="right", no_wrap=True)
    table.add_column("output or error", overflow="ellipsis", no_wrap=True)
    for item in items:
        table.add_row(
            str(item["index"]), status_text(item["status"]), str(item["attempt"]), _outcome(item)
        )
    return table


def checkpoint_table(checkpoints: Sequence[Checkpoint]) -> Table:
    """Return a table of checkpoints: what had ended at each, and where."""
    table = bare_table()
    for name in ("checkpoint", "after node", "in branch", "time"):
        table.add_column(name, no_wrap=name != "after node", overflow="fold")
    for checkpoint in checkpoints:
        table.add_row(
            str(checkpoint["checkpoint_number"]),
            plain(checkpoint["node_id"] or "none yet"),
            plain(checkpoint["branch"] or ""),
            plain(checkpoint["created_at"])[11:23],
        )
    return table


def _outcome(item: Item) -> Text:
    if item.get("error") is not None:
        return Text(plain(item["error"]), style="red")
    if item.get("output") is None and (item.get("output_bytes") or 0) > len("null"):
        return Text(f"{item['output_bytes']} bytes of JSON", style="dim")
    return Text(plain(json.dumps(item.get("output"), ensure_ascii=False))[:OUTCOME_LETTERS])


def log_view(log: NodeLog) -> RenderableType:
    """Return one attempt at a node: how it went, its input, output and facts."""
    headline = status_text(log["status"])
    headline.append(f"  {plain(log['node_id'])}  ", style="bold default")
    about = f"{plain(log.get('agent', ''))}, attempt {log.get('attempt', 1)}"
    headline.append(f"{about}, {format_seconds(log.get('duration_seconds'))}", style="dim")
    lines = [headline]
    if log.get("error_message"):
        lines.append(Text(f"  {plain(log['error_message'])}", style="red"))
    parts = {"input": log.get("input"), "output": log.get("output"), "facts": log.get("metadata")}
    for label, value in parts.items():
        if value not in (None, {}):
            value = readable(value)
            shown = value if isinstance(value, str) else as_json(value)
            lines.append(Text.assemble((f"  {label}: ", "cyan"), plain(shown)))
    return Group(*lines)


def _table(first: str, *others: str) -> Table:
    table = bare_table()
    # Only names may be long: on a narrow terminal they wrap, and the ids stay whole.
    table.add_column(first, overflow="fold", min_width=ID_LETTERS)
    for name in others:
        table.add_column(name, no_wrap=True)
    return table


def _named(name: str | None, identifier: str) -> Text:
    """A name with its id below: side by side they would not fit a terminal of 80 columns."""
    text = plain(name or "")
    shown = text if len(text) <= NAME_LETTERS else f"{text[:NAME_LETTERS]}…"
    return Text.assemble(shown, "\n", (plain(identifier), "dim"))


def _moment(timestamp: str | None) -> str:
    """Month, day and minute: with more, a line would not fit a terminal of 80 columns."""
    return plain(timestamp or "")[5:16].replace("T", " ")
