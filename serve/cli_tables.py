"""The command line's lists: workflows, executions, and the attempts of one execution."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from weft.records import ExecutionRow, NodeLog, Workflow

from serve.progress import as_json, format_seconds, format_usd, plain, status_text

NAME_LETTERS = 50


def workflow_table(workflows: Sequence[Workflow]) -> Table:
    """Return a table of workflows."""
    table = _table("workflow", "status", "name", "version", "runs", "last run")
    for workflow in workflows:
        table.add_row(
            plain(workflow["workflow_id"]),
            plain(workflow["status"]),
            _name(workflow["name"]),
            plain(workflow["version"]),
            str(workflow.get("executions_count", 0)),
            _moment(workflow.get("last_executed")),
        )
    return table


def execution_table(executions: Sequence[ExecutionRow]) -> Table:
    """Return a table of executions."""
    table = _table("execution", "status", "workflow", "time", "cost", "started")
    for execution in executions:
        table.add_row(
            plain(execution["execution_id"]),
            status_text(execution["status"]),
            _name(execution.get("workflow_name")),
            format_seconds(execution.get("duration_seconds")),
            format_usd(execution.get("cost_usd")),
            _moment(execution.get("started_at")),
        )
    return table


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
            shown = value if isinstance(value, str) else as_json(value)
            lines.append(Text.assemble((f"  {label}: ", "cyan"), plain(shown)))
    return Group(*lines)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True, overflow="fold")
    for name in others:
        # Only names may be long: on a narrow terminal they wrap, and the rest stays whole.
        table.add_column(name, no_wrap=name not in ("name", "workflow"))
    return table


def _name(name: str | None) -> Text:
    text = plain(name or "")
    return Text(text if len(text) <= NAME_LETTERS else f"{text[:NAME_LETTERS]}…")


def _moment(timestamp: str | None) -> str:
    return plain(timestamp or "")[:19].replace("T", " ")
