"""What the terminal shows of a plan, in the words of somebody who runs a business.

It draws what it is given and asks nobody; whatever comes from a workflow is text, never markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from weft.records import Plan

from serve.progress import format_seconds, format_usd, graph_tree, plain, question_text

VALUE_LETTERS = 100
"""How much of a parameter's value its line shows."""
LEAST_SECONDS = 0.01
"""What takes less takes no time worth telling."""
_EFFECTS = {"reads": "reads from", "writes": "writes to", "sends": "sends to"}
_SOURCES = {
    "catalogue": "the agents' own figures",
    "agent": "{samples} former runs of the same agents",
    "history": "{samples} former executions",
    "input": "the input",
}
_FAILURES = {
    "branch": "takes another way",
    "default": "goes on with a default",
    "continue": "goes on without it",
    "stop": "stops",
    "rollback": "undoes what was done and stops",
}


def plan_view(shape: Plan) -> RenderableType:
    """Return a plan: graph, steps, what is touched outside, time and cost, what is open."""
    plan, specification = shape["plan"], shape["parsed_specification"]
    nodes, edges = specification["nodes"], specification.get("edges", [])
    count = f"{len(nodes)} node" + ("" if len(nodes) == 1 else "s")
    pattern = str(specification.get("pattern", "")).replace("_", "-")
    version = f", version {plain(shape['version'])}" if "version" in shape else ""
    about = f"  {pattern}, {count}{version}"
    parts: list[RenderableType] = [
        Text.assemble((plain(plan.get("name", "")), "bold"), (about, "dim")),
        *_trigger(specification.get("trigger")),
        graph_tree(shape.get("levels", []), nodes, edges),
    ]
    described = {str(node["id"]): str(node.get("description", "")) for node in nodes}
    ordered = sorted(plan.get("nodes", ()), key=lambda node: node["level"])
    if ordered:
        parts += [_heading("Steps"), *(_step(node, described) for node in ordered)]
        parts += [_heading("Outside"), *_outside(plan)]
        parts += [_heading("Time and cost"), *_figures(plan)]
    parts += [*_open(shape, plan), *_faults(shape, plan)]
    if digest := plan.get("specification_hash"):
        parts.append(Text(f"\nPlan of the specification {plain(digest)}", style="dim"))
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold underline")


def _trigger(trigger: Mapping[str, Any] | None) -> Iterator[Text]:
    kind = (trigger or {}).get("kind", "manual")
    if trigger is None or kind == "manual":
        return
    details = {
        "schedule": f"on a schedule: {trigger.get('cron')} ({trigger.get('timezone', 'UTC')})",
        "event": f"by the event {trigger.get('event')}",
        "webhook": "by a webhook",
    }
    yield Text(plain(f"Started {details.get(kind, kind)}"), style="dim")


def _step(node: Mapping[str, Any], described: Mapping[str, str]) -> RenderableType:
    """Return one node: what it is called with, what it touches, takes, costs."""
    head = Text.assemble(("● ", "dim"), (plain(node["id"]), "bold"), ("  ", ""))
    head.append(plain(node["agent"]), style="cyan")
    if node.get("items"):
        head.append(f", each of {_count(node['items'])} items", style="cyan")
    if about := described.get(str(node["id"])):
        head.append(f"  {plain(about)}", style="dim")
    lines = [*_parameters(node.get("parameters", {}))]
    for name, worker in node.get("workers", {}).items():
        lines.append(
            Text.assemble((plain(f"worker {name}: "), ""), (plain(worker["agent"]), "cyan"))
        )
        lines += [Text(f"  {line}") for line in _parameters(worker["parameters"])]
    lines += _touched(node)
    if undo := node.get("compensation"):
        lines.append(Text(plain(f"undone by {undo['agent']}: {_short(undo['parameters'])}")))
    if node["on_failure"] not in ("stop", None):
        lines.append(Text(f"if it fails, the workflow {_FAILURES[node['on_failure']]}"))
    lines.append(Text(f"{_took(node['seconds'])}, {_cost(node['cost_usd'])}", style="dim"))
    return Group(head, *(Padding(line, (0, 0, 0, 4), expand=False) for line in lines))


def _parameters(parameters: Mapping[str, Any]) -> Iterator[Text]:
    for name, value in parameters.items():
        if name == "routes" and isinstance(value, list) and all(map(_is_way, value)):
            yield from (Text(plain(f"if {way['when']}: {way['to']}")) for way in value)
            continue
        yield Text.assemble((f"{plain(name)}: ", "dim"), plain(_short(value)))


def _is_way(value: Any) -> bool:
    return isinstance(value, Mapping) and {"when", "to"} <= value.keys()


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= VALUE_LETTERS else f"{line[:VALUE_LETTERS]}…"


def _touched(node: Mapping[str, Any]) -> Iterator[Text]:
    """Say what one node reads and writes outside."""
    verb = _EFFECTS.get(node["side_effect"])
    places = [*node["recipients"], *node["hosts"], *node["databases"]]
    if verb and places:
        yield Text(plain(f"{verb} {', '.join(places)}"), style="yellow")
    if node["secrets"]:
        yield Text(plain(f"needs the secret {', '.join(node['secrets'])}"), style="yellow")


def _outside(plan: Mapping[str, Any]) -> Iterator[Text]:
    rows = {
        "Hosts": plan["hosts"],
        "Recipients": plan["recipients"],
        "Databases": plan["databases"],
        "Secrets": [f"{name} (by name only)" for name in plan["secrets"]],
    }
    for name, found in rows.items():
        if found:
            yield Text.assemble((f"  {name:<12}", "dim"), plain(", ".join(found)))
    if not any(rows.values()):
        yield Text("  Nothing outside is touched.")


def _figures(plan: Mapping[str, Any]) -> Iterator[Text]:
    seconds, cost = plan["seconds"], plan["cost_usd"]
    yield Text(f"  An execution {_took(seconds)}{_from(seconds)}.")
    yield Text(f"  It {_cost(cost)}{_from(cost)}.")
    if not (seconds["bounded"] and cost["bounded"]):
        yield Text("  It may be more: a list or a loop has no known end.", style="yellow")


def _from(interval: Mapping[str, Any]) -> str:
    source = _SOURCES.get(str(interval.get("source")), "")
    return f" (from {source.format(samples=interval.get('samples', 0))})" if source else ""


def _took(interval: Mapping[str, Any]) -> str:
    low, high = format_seconds(interval["low"]), format_seconds(interval["high"])
    if interval["high"] < LEAST_SECONDS:
        return f"takes less than {format_seconds(LEAST_SECONDS)}"
    if interval["low"] < LEAST_SECONDS:
        return f"takes up to {high}"
    return f"takes about {high}" if low == high else f"takes {low} to {high}"


def _cost(interval: Mapping[str, Any]) -> str:
    low, high = interval["low"], interval["high"]
    if high == 0:
        return "costs nothing"
    if format_usd(low) == format_usd(high):
        return f"costs about {format_usd(high)}"
    return f"costs {format_usd(low)} to {format_usd(high)}"


def _count(items: Mapping[str, Any]) -> str:
    low, high = round(items["low"]), round(items["high"])
    if not items["bounded"]:
        return "perhaps up to " + str(high)
    return str(high) if low == high else f"{low} to {high}"


def _open(shape: Plan, plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Say what has to be answered or given before it can be executed."""
    missing: Sequence[str] = plan.get("missing_input", ())
    if missing:
        schema = shape["parsed_specification"].get("state_schema", {}).get("input", {})
        yield _heading("Still to be given with --input")
        for name in missing:
            about = schema.get("properties", {}).get(name, {})
            said = about.get("description") or about.get("title") or ""
            yield Text.assemble((f"  {plain(name)}", "bold"), f"  {plain(said)}")
    questions = shape.get("questions") or []
    if questions:
        yield _heading("Questions")
        yield from map(question_text, questions)


def _faults(shape: Plan, plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    problems = shape.get("problems") or plan.get("problems", [])
    for heading, found, style in (
        ("Problems", problems, "red"),
        ("Warnings", plan.get("warnings", []), "yellow"),
    ):
        if not found:
            continue
        yield _heading(heading)
        for fault in found:
            place = f" ({plain(fault['path'])})" if fault.get("path") else ""
            yield Text.assemble(("  ! ", style), plain(fault["message"]), (place, "dim"))
            yield Text(f"    → {plain(fault['remedy'])}", style="green")
