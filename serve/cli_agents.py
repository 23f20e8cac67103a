"""The commands on agents: which there are, and registering and trying the own ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup
from weft import Client
from weft.agents import Agent, CustomAgent

from agents.custom.source import SourceError, definition_of
from serve.cli_options import AsJson, Input, parse_answers, parse_object
from serve.progress import as_json, bare_table, format_seconds, plain

IMPORT_SECONDS = 120.0
"""How long registering all operations of a document may take."""
ANSWER_SECONDS = 35.0
"""How much longer than the attempt itself the answer may take."""

console = Console(highlight=False, markup=False, emoji=False)


class _NamesToo(TyperGroup):
    """Takes what is no command for the name of an agent to show: `weft agents api`."""

    # Typer's own copy of click types it, which is private.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that a command line means."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


agents = typer.Typer(
    cls=_NamesToo,
    help="The agents that nodes may name: the platform's, and the organization's own.",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="What a node's `agent` says.")]
Status = Literal["active", "inactive", "deprecated"]


@agents.callback(invoke_without_command=True)
def list_agents(
    context: typer.Context,
    group: Annotated[
        str | None, typer.Option("--group", "-g", help="Only those of a group, such as crm.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """List the agents that nodes may name."""
    if context.invoked_subcommand is not None:
        return
    with Client() as client:
        found = [
            one for one in client.agents() if group is None or group.lower() == one["group"].lower()
        ]
        own = client.custom_agents(limit=1000) if group in (None, "custom") else []
    if json_:
        typer.echo(as_json({"agents": found, "total": len(found), "custom": own}))
        return
    if found or not own:
        console.print(agent_table(found))
    if own:
        console.print("\nThe organization's own:" if found else "The organization's own:")
        console.print(custom_table(own))


@agents.command()
def show(name: Name, json_: AsJson = False) -> None:
    """Show an agent with its parameters; NAME@2 shows version 2 of an own one."""
    with Client() as client:
        agent = client.agent(name)
    if json_:
        typer.echo(as_json(agent))
    else:
        console.print(agent_view(agent))


@agents.command()
def register(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A definition in YAML or JSON, or Python with `execute`.",
            exists=True,
            dir_okay=False,
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Its name; a Python file is called as its file.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Register an agent, or the next version of one."""
    definition = _read_definition(file, name)
    with Client() as client:
        told = client.register_agent(definition)
    if json_:
        typer.echo(as_json(told))
        return
    said = {
        "created": "is registered",
        "new_version": f"has version {told['version']} now",
        "unchanged": f"says this already, in version {told['version']}",
    }[told["outcome"]]
    console.print(f"{plain(told['agent_name'])} {said}.")


def _read_definition(file: Path, name: str | None) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        try:
            return definition_of(text, name or file.stem)
        except SourceError as error:
            raise typer.BadParameter(f"{file.name} is no agent: {error}.") from error
    try:
        definition = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"{file.name} is neither YAML nor JSON: {error}") from error
    if not isinstance(definition, dict):
        raise typer.BadParameter(f"{file.name} holds no object.")
    return {**definition, **({"agent_name": name} if name else {})}


@agents.command("import")
def import_(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="An OpenAPI 3 document in JSON or YAML.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    mcp: Annotated[
        str | None, typer.Option("--mcp", help="Instead of a file: an MCP server.", metavar="URL")
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--mcp-image", help="Or one that is a program in an image.", metavar="IMAGE"),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="A host that the image's program may reach."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", help="The secret that the MCP server wants.", metavar="SECRET"),
    ] = None,
    sse: Annotated[
        bool, typer.Option("--sse", help="The MCP server has the older transport.")
    ] = False,
    trust_hints: Annotated[
        bool, typer.Option("--trust-hints", help="Believe it which of its tools only read.")
    ] = False,
    server_url: Annotated[
        str | None, typer.Option("--server", help="Where a document's operations are called.")
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="How the names begin.")] = "",
    operation: Annotated[
        list[str] | None,
        typer.Option("--operation", "--tool", "-o", help="Only this one, by its id or name."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", help="The secret for a parameter.", metavar="PARAMETER=NAME"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what there is.")] = False,
    json_: AsJson = False,
) -> None:
    """Register an agent for each operation of an OpenAPI document, or each tool of a server."""
    if sum(one is not None for one in (file, mcp, image)) != 1:
        raise typer.BadParameter("Give either a FILE, --mcp URL or --mcp-image IMAGE.")
    secrets = parse_answers(secret, "PARAMETER=NAME")
    with Client(timeout=IMPORT_SECONDS) as client:
        if file is not None:
            told = client.import_agents(
                file.read_text(encoding="utf-8"), server_url=server_url, prefix=prefix,
                operations=operation or (), secrets=secrets, dry_run=dry_run,
            )  # fmt: skip
        else:
            server: dict[str, Any] = {"url": mcp, "transport": "sse" if sse else "http"}
            if image:
                server = {"container": {"image": image, "hosts": host or []}}
            if token:
                server["auth"] = {"type": "bearer", "token": f"{{secrets.{token}}}"}
            told = client.import_mcp(
                server, prefix=prefix, tools=operation or (), trust_hints=trust_hints,
                dry_run=dry_run,
            )  # fmt: skip
    if json_:
        typer.echo(as_json({"agents": told}))
        return
    table = bare_table()
    for column in ("agent", "outcome", "operation", "takes"):
        style = "bold" if column == "agent" else None
        table.add_column(column, no_wrap=column in ("agent", "outcome"), style=style)
    for one in told:
        takes = one["reason"] or ", ".join((one["parameters"] or {}).get("properties", {}))
        table.add_row(
            plain(one["agent_name"] or ""), one["outcome"].replace("_", " "),
            plain(one["operation"]), plain(takes),
        )  # fmt: skip
    console.print(table)


@agents.command()
def test(
    name: Name,
    input: Input = None,
    version: Annotated[int | None, typer.Option("--version", help="Not the current one.")] = None,
    timeout_seconds: Annotated[
        float, typer.Option("--timeout", help="Seconds that it may take.")
    ] = 60,
    json_: AsJson = False,
) -> None:
    """Make one attempt with an agent, as a node would; exits with 1 when it fails."""
    given = parse_object(input, "--input")
    with Client(timeout=timeout_seconds + ANSWER_SECONDS) as client:
        told = client.test_agent(name, given, version=version, timeout_seconds=timeout_seconds)
    if json_:
        typer.echo(as_json(told))
    elif told["status"] == "completed":
        console.print(f"Done after {format_seconds(told['seconds'])}.")
        typer.echo(as_json(told["output"]))
    else:
        console.print(f"Failed after {format_seconds(told['seconds'])}: {plain(told['error'])}")
    if told["status"] != "completed":
        raise typer.Exit(1)


@agents.command()
def versions(name: Name, json_: AsJson = False) -> None:
    """List the versions of one of the organization's own agents."""
    with Client() as client:
        found = client.agent_versions(name)
    if json_:
        typer.echo(as_json({"agent_name": name, "versions": found}))
        return
    table = bare_table()
    for column in ("version", "registered", "type", "what it does"):
        table.add_column(column, no_wrap=column != "what it does")
    for one in found:
        created = one["created_at"][:16].replace("T", " ")
        table.add_row(str(one["version"]), created, one["type"], plain(one["description"]))
    console.print(table)


@agents.command()
def change(
    name: Name,
    status: Annotated[Status | None, typer.Option("--status", help="What it is now.")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Who owns it from now on: user_0199a1b2…")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="The version for nodes that name none.")
    ] = None,
) -> None:
    """Change the status, the owner or the current version of one of the own agents."""
    if status is None and owner is None and version is None:
        raise typer.BadParameter("Give --status, --owner or --version.")
    with Client() as client:
        told = client.change_agent(name, status=status, owner_id=owner, current_version=version)
    console.print(f"{plain(name)}: version {told['version']}, {told['status']}.")


def custom_table(found: Sequence[CustomAgent]) -> Table:
    """Return a table of the organization's own agents."""
    table = bare_table()
    for column in ("agent", "type", "version", "status", "used", "what it does"):
        style = "bold" if column == "agent" else None
        table.add_column(column, no_wrap=column != "what it does", style=style)
    for agent in found:
        table.add_row(
            plain(agent["agent_name"]), agent["type"], str(agent["version"]), agent["status"],
            str(agent["usage_count"]), plain(agent["description"]),
        )  # fmt: skip
    return table


def agent_table(found: Sequence[Agent]) -> Table:
    """Return a table of agents."""
    table = bare_table()
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
    if own := agent.get("custom"):
        facts = f"version {own['version']} · {own['status']} · used {own['usage_count']} times"
        parts.append(Text(f"\n{own['type']} · {facts}", style="dim"))
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
