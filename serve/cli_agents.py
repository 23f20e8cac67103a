"""The command around agents: which there are, and what one of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from weft import Client
from weft.agents import Agent

from serve.cli_options import AsJson
from serve.progress import as_json, plain

agents_command = typer.Typer()
console = Console(highlight=False, markup=False, emoji=False)


@agents_command.command()
def agents(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this one.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", "-g", help="Only those of a group, such as crm.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """List the agents that nodes may name, or show one with its parameters."""
    with Client() as client:
        if name is None:
            found = [
                one
                for one in client.agents()
                if group is None or group.lower() == one["group"].lower()
            ]
            shown: RenderableType = agent_table(found)
            document: Any = {"agents": found, "total": len(found)}
        else:
            document = one = client.agent(name)
            shown = agent_view(one)
    if json_:
        typer.echo(as_json(document))
    else:
        console.print(shown)


def agent_table(found: Sequence[Agent]) -> Table:
    """Return a table of agents."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("agent", no_wrap=True, style="bold")
    table.add_column("group", no_wrap=True)
    table.add_column("effect", no_wrap=True)
    table.add_column("cost", no_wrap=True)
    table.add_column("what it does")
    for agent in found:
        table.add_row(
            plain(agent["name"]), agent["group"], agent["side_effect"],
            agent["cost_class"] or "", plain(agent["title"]),
        )  # fmt: skip
    return table


def agent_view(agent: Agent) -> RenderableType:
    """Return an agent: what it does, calls and takes, and an example."""
    facts = f"{agent['group']} · {agent['side_effect']}"
    if agent["cost_class"]:
        facts += f" · cost: {agent['cost_class']}"
    if agent["hosts"]:
        facts += f" · calls {', '.join(agent['hosts'])}"
    parts: list[RenderableType] = [
        Text.assemble((plain(agent["title"]), "bold"), f"  {plain(agent['name'])}"),
        Text(plain(agent["description"])),
        Text(plain(facts), style="dim"),
        Text("\nParameters", style="bold underline"),
    ]
    schema = agent["parameters"]
    required = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        text = parameter_text(name, about, required=name in required)
        parts.append(Padding(text, (0, 0, 0, 2), expand=False))
    if agent["output_fields"]:
        parts.append(Text(f"\nOutput: {', '.join(agent['output_fields'])}"))
    if agent["documentation"]:
        parts.append(Text(f"\n{plain(agent['documentation'])}", style="dim"))
    return Group(*parts)


def parameter_text(name: str, about: Mapping[str, Any], *, required: bool) -> Text:
    """Return what one parameter is: its name, its type, whether it is needed, what it is for."""
    kind = about.get("type") or ("one of a list" if "enum" in about else "any value")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "default" in about:
        need = f"default {' '.join(as_json(about['default']).split())}"
    else:
        need = "required" if required else "may be left out"
    text = Text.assemble((plain(name), "bold"), (f"  {plain(kind)}, {plain(need)}", "dim"))
    if "enum" in about:
        text.append(f"\n  one of {', '.join(map(str, about['enum']))}")
    if "x-secret" in about:
        text.append(f"\n  usually {{secrets.{about['x-secret']}}}")
    if about.get("description"):
        text.append(f"\n  {plain(about['description'])}")
    return text
