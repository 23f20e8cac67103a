"""What the terminal shows of a workflow and its execution: graph, live table, output, cost.

It draws what it is given and asks nobody. Whatever comes from a workflow is text, never markup,
and loses its control characters: a scraped page must not move the reader's cursor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from weft.records import Approval, Event, Execution, ExecutionRow, NodeState, Question
from weft.texts import Texts

from serve.cli_kept import readable

STYLES = {
    "pending": ("·", "dim"),
    "running": ("▶", "bold cyan"),
    "waiting": ("⏸", "bold magenta"),
    "retrying": ("↻", "bold yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "cancelled": ("⊘", "yellow"),
    "skipped": ("-", "dim"),
}
ERROR_LETTERS = 90
"""How much of a node's error its line shows; the whole stands in the summary and the logs."""
TEXT_LINES, TEXT_LETTERS, TEXTS_SHOWN = 6, 1000, 4
"""How much of a text that grows is shown, from its end."""
_UNKNOWN = ("?", "")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STATUS_AFTER = {
    "node_started": "running",
    "node_progress": "running",
    "node_completed": "completed",
    "node_failed": "failed",
    "node_retrying": "retrying",
    "approval_requested": "waiting",
    "children_started": "waiting",
}


def plain(value: object) -> str:
    """Return a value as text without control characters."""
    return _CONTROL.sub("", str(value))


def bare_table() -> Table:
    """Return a table without lines; its columns are added by whoever fills it."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def format_seconds(seconds: float | None) -> str:
    """Return a duration as a person reads it: `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def format_usd(usd: float | None) -> str:
    """Return an amount of dollars, with as many digits as small sums need."""
    if not usd:
        return "$0" if usd == 0 else ""
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}"


def status_text(status: str) -> Text:
    """Return a status with its sign and colour."""
    sign, style = STYLES.get(status, _UNKNOWN)
    return Text(f"{sign} {plain(status)}", style=style)


class ExecutionView:
    """An execution as last fetched, kept current by its events in between."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.texts = Texts()
        self._nodes: dict[str, NodeState] = {}
        self.replace(execution)

    def replace(self, execution: Execution) -> None:
        """Take a newer status document."""
        self.execution = execution
        self._nodes = {node["node_id"]: node.copy() for node in execution.get("nodes", ())}
        for node in execution.get("specification", {}).get("nodes", ()):
            if node.get("pattern") != "map" and node["id"] in self._nodes:
                self._nodes[node["id"]].pop("items", None)

    def apply(self, event: Event) -> None:
        """Take what an event says about its node; one that the document knows changes nothing."""
        self.texts.accept(event)
        node = self._nodes.get(event.get("node_id", ""))
        status = _STATUS_AFTER.get(event.get("type", ""))
        if node is None or status is None:
            return
        if (node.get("completed_at") or "") >= event.get("timestamp", "9"):
            return
        known = {
            key: event[key]
            for key in ("attempt", "duration_seconds", "cost_usd", "error")
            if event.get(key) is not None
        }
        if event["type"] in ("node_started", "node_progress") and "items" in event:
            known["items"] = {
                "count": event["items"],
                "completed": event.get("completed", 0),
                "failed": event.get("failed", 0),
            }
        if event["type"] == "node_started":
            known |= {"started_at": event.get("timestamp"), "duration_seconds": None}
        self._nodes[event["node_id"]] = cast("NodeState", {**node, **known, "status": status})

    @property
    def nodes(self) -> list[NodeState]:
        """The nodes in the order of the graph's levels."""
        order = [node_id for level in self.execution.get("levels", ()) for node_id in level]
        place = {node_id: index for index, node_id in enumerate(order)}
        return sorted(self._nodes.values(), key=lambda node: place.get(node["node_id"], len(place)))


def graph_tree(
    levels: Sequence[Sequence[str]],
    nodes: Sequence[Mapping[str, Any]],
    edges: Sequence[Mapping[str, Any]],
) -> RenderableType:
    """Draw a graph: one level below the other, what runs beside each other in one bracket.

    Args:
        levels: The node ids by their distance from the start.
        nodes: The specification's nodes (`id`, `agent`, `pattern`).
        edges: Its edges (`from`, `to`, `condition`).
    """
    by_id = {str(node["id"]): node for node in nodes}
    conditions = {str(e["to"]): str(e["condition"]) for e in edges if e.get("condition")}
    width = max((len(node_id) for node_id in by_id), default=0)
    lines: list[Text] = []
    for depth, level in enumerate(levels):
        if depth:
            lines.append(Text("  │", style="dim"))
        for index, node_id in enumerate(level):
            lines.append(
                Text.assemble(
                    (f"  {_bracket(index, len(level))} ", "dim"),
                    (plain(node_id).ljust(width), "bold"),
                    ("  " + _about(by_id.get(node_id, {})), "cyan"),
                    (f"  if {plain(conditions[node_id])}" if node_id in conditions else "", "dim"),
                )
            )
    return Group(*lines)


def _bracket(index: int, count: int) -> str:
    if count == 1:
        return "●"
    if index == 0:
        return "┌"
    return "└" if index == count - 1 else "├"


def _about(node: Mapping[str, Any]) -> str:
    each = ", each item" if node.get("pattern") == "map" else ""
    return plain(node.get("agent", "")) + each


def question_text(question: Question) -> Text:
    """Return a question with its suggestions, numbered from 1."""
    text = Text.assemble(("? ", "bold magenta"), (plain(question["text"]), "bold"))
    for number, suggestion in enumerate(question.get("suggestions") or (), 1):
        text.append(f"\n    {number}  {plain(suggestion)}", style="cyan")
    return text


def progress_table(view: ExecutionView, now: datetime | None = None) -> Table:
    """Return a table of an execution's nodes: status, items, time, cost.

    Args:
        view: What to show.
        now: The time against which running nodes are measured; None: the clock's.
    """
    moment = now or datetime.now(UTC)
    table = bare_table()
    table.add_column("node", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("items", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("", style="red")
    for node in view.nodes:
        table.add_row(
            Text(plain(node["node_id"])),
            _live_status(node),
            _items(node),
            format_seconds(_elapsed(node, moment)),
            format_usd(node.get("cost_usd")) if node.get("cost_usd") else "",
            Text(_short(error_message(node.get("error")))),
        )
    return table


def _live_status(node: NodeState) -> RenderableType:
    status = node.get("status", "pending")
    text = status_text(status)
    if node.get("attempt", 1) > 1:
        text.append(f" (attempt {node['attempt']})")
    if status != "running":
        return text
    return Spinner("dots", text=Text(text.plain[2:], style=text.style), style=text.style)


def _short(message: str) -> str:
    first = plain(message).partition("\n")[0]
    return first if len(first) <= ERROR_LETTERS else f"{first[:ERROR_LETTERS]}…"


def _items(node: NodeState) -> RenderableType:
    items = node.get("items")
    if not items or not items.get("count"):
        return ""
    done = items.get("completed", 0) + items.get("failed", 0)
    failed = f" {items['failed']} failed" if items.get("failed") else ""
    cell = Table.grid(padding=(0, 1))
    cell.add_row(
        ProgressBar(total=items["count"], completed=done, width=12),
        Text(f"{done}/{items['count']}{failed}"),
    )
    return cell


def _elapsed(node: NodeState, now: datetime) -> float | None:
    started = node.get("started_at")
    if node.get("status") not in ("running", "waiting") or not started:
        return node.get("duration_seconds")
    return max(0.0, (now - datetime.fromisoformat(started)).total_seconds())


def error_message(error: object) -> str:
    """Return the sentence in an error, whether it is a text or an object with a message."""
    if isinstance(error, Mapping):
        place = f"{error['node_id']}: " if error.get("node_id") else ""
        return f"{place}{error.get('message') or dict(error)}"
    return str(error or "")


def live_view(view: ExecutionView) -> RenderableType:
    """Return the table; below it why it queues, what models write, and the open approvals."""
    return Group(
        progress_table(view),
        *queue_lines(view.execution),
        *growing_texts(view),
        *open_questions(view),
    )


def growing_texts(view: ExecutionView) -> Iterator[Text]:
    """Yield the ends of the texts that language models are writing just now, the first of many."""
    growing = list(view.texts.by_name.items())
    most = TEXT_LINES if len(growing) == 1 else max(1, TEXT_LINES // 2)
    for name, text in growing[:TEXTS_SHOWN]:
        lines = plain(text).splitlines()[-most:]
        yield Text(f"\n{plain(name)}", style="bold")
        yield Text("\n".join(lines)[-TEXT_LETTERS:], style="dim")


def queue_lines(execution: Execution) -> list[Text]:
    """Return why an execution does not run yet; nothing when it does."""
    queued = execution.get("queued")
    return [Text(f"· {plain(queued['message'])}", style="yellow")] if queued else []


def open_questions(view: ExecutionView) -> list[Text]:
    """Return what an execution asks just now, each with the command that answers it."""
    execution_id = view.execution["execution_id"]
    parts: list[Text] = []
    for approval in view.execution.get("approvals", ()):
        if approval.get("status") != "pending":
            continue
        text = Text.assemble(
            ("\n⏸ ", "bold magenta"),
            (plain(approval["message"]), "bold"),
            f"\n  {_how_to_answer(execution_id, approval.get('approval_type', ''))}",
        )
        options = approval.get("options")
        if options:
            text.append("\n  options: " + plain(", ".join(map(str, options))), style="cyan")
        if fields := (approval.get("schema") or {}).get("properties"):
            text.append("\n  fields: " + plain(", ".join(fields)), style="cyan")
        if approval.get("required", 1) > 1:
            text.append("\n  " + plain(_votes(approval)), style="cyan")
        parts.append(text)
    return parts


def _votes(approval: Approval) -> str:
    votes = approval.get("votes", [])
    told = ", ".join(f"{vote['by']}: {vote['decision']}" for vote in votes)
    count = f"{len(votes)} of {approval['required']} answers"
    return f"{count} ({told})" if told else count


def _how_to_answer(execution_id: str, approval_type: str) -> str:
    if approval_type == "text_input":
        return f"weft approve {execution_id} --value TEXT"
    if approval_type == "form":
        return f"weft approve {execution_id} --input NAME=VALUE"
    if approval_type == "multiple_choice":
        return f"weft approve {execution_id} --choose OPTION"
    return f"weft approve {execution_id}   (or with --reject)"


def cost_table(execution: Execution) -> Table:
    """Return a table of each node's status, time, tokens, calls and cost, and of the whole's."""
    table = bare_table()
    table.add_column("node", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in ("time", "tokens", "calls", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for node in ExecutionView(execution).nodes:
        table.add_row(
            Text(plain(node["node_id"])),
            status_text(node.get("status", "pending")),
            format_seconds(node.get("duration_seconds")),
            str(node.get("llm_tokens") or ""),
            str(node.get("api_calls") or ""),
            format_usd(node.get("cost_usd")),
        )
    cost = execution.get("cost", {})
    table.add_row(
        "total",
        "",
        format_seconds(execution.get("duration_seconds")),
        str(cost.get("llm_tokens", 0)),
        str(cost.get("api_calls", 0)),
        format_usd(cost.get("total_usd", 0)),
        style="bold",
    )
    return table


def output_view(output: Any) -> RenderableType:
    """Return an output as a person reads it: texts as Markdown, everything else as JSON."""
    if isinstance(output, str):
        return Markdown(plain(output))
    if isinstance(output, Mapping) and output:
        parts: list[RenderableType] = []
        for key, value in output.items():
            parts.append(Text(plain(key), style="bold"))
            parts.append(Padding(output_view(value), (0, 0, 1, 2)))
        return Group(*parts)
    return Syntax(as_json(output), "json", background_color="default", word_wrap=True)


def as_json(value: Any) -> str:
    """Return a value as indented JSON whose texts hold no control characters but escapes."""
    return _CONTROL.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, indent=2, ensure_ascii=False)
    )


def workflow_of(execution: Execution | ExecutionRow) -> str:
    """Return which workflow an execution runs, and which version of it."""
    told = (execution.get("workflow_name"), execution.get("workflow_version"))
    return " ".join(plain(part) for part in told if part)


def summary(execution: Execution) -> RenderableType:
    """Return how an execution ended: its status, its error or its output, its cost."""
    parts: list[RenderableType] = [Rule(style="dim")]
    headline = status_text(execution["status"])
    headline.append(f"  {workflow_of(execution)}", style="default")
    headline.append(f"  {execution['execution_id']}", style="dim")
    parts.append(headline)
    if origin := execution.get("origin"):
        parts.append(Text(f"{origin['kind']} of {plain(origin['execution_id'])}", style="dim"))
    if execution.get("error"):
        parts.append(Text(plain(error_message(execution["error"])), style="red"))
    if execution.get("output") is not None:
        parts += [Text(), output_view(readable(execution["output"]))]
    parts += [Text(), cost_table(execution)]
    return Group(*parts)
