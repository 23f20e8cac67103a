"""The commands around templates: what there is, and what one of them is to be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from weft import Client, WeftError
from weft.records import CreatedWorkflow
from weft.templates import Template

from serve.cli_follow import MAX_ROUNDS
from serve.cli_options import AsJson, parse_inputs, typed
from serve.progress import as_json, bare_table, graph_tree, plain

templating = typer.Typer()
console = Console(highlight=False, markup=False, emoji=False)


@templating.command()
def templates(
    template_id: Annotated[
        str | None, typer.Argument(metavar="[TEMPLATE]", help="Show this one.")
    ] = None,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print its YAML.")] = False,
    json_: AsJson = False,
) -> None:
    """List the templates that workflows can be created of, or show one with its inputs."""
    if yaml and template_id is None:
        raise typer.BadParameter("--yaml needs a template")
    with Client() as client:
        if template_id is None:
            found = client.templates()
            shown: RenderableType = template_table(found)
            document: Any = {"templates": found, "total": len(found)}
        else:
            document = one = client.template(template_id)
            shown = template_view(one)
    if yaml:
        typer.echo(document["yaml"], nl=False)
    elif json_:
        typer.echo(as_json(document))
    else:
        console.print(shown)


def template_table(found: Sequence[Template]) -> Table:
    """Return a table of templates."""
    table = bare_table()
    table.add_column("template", no_wrap=True, style="bold")
    table.add_column("pattern", no_wrap=True)
    table.add_column("what it does")
    for template in found:
        pattern = template["pattern"].replace("_", "-")
        table.add_row(plain(template["template_id"]), pattern, plain(template["description"]))
    return table


def template_view(template: Template) -> RenderableType:
    """Return a template: what it does, its graph, and what it is to be given."""
    specification = template["specification"]
    schema = template["input_schema"]
    command = f"weft create --template {plain(template['template_id'])}"
    return Group(
        Text.assemble((plain(template["name"]), "bold"), f"  {plain(template['template_id'])}"),
        Text(plain(template["description"])),
        Text(plain(", ".join(template["tags"])), style="dim"),
        Text(),
        graph_tree(template["levels"], specification["nodes"], specification.get("edges", [])),
        Text("\nInputs", style="bold underline"),
        *(Padding(input_text(name, about, schema), (0, 0, 0, 2), expand=False)
          for name, about in schema.get("properties", {}).items()),
        Text(f"\nCreate a workflow of it: {command}"),
    )  # fmt: skip


def input_text(name: str, about: Mapping[str, Any], schema: Mapping[str, Any]) -> Text:
    """Return what one input is: its name, whether it is needed, its default, what it is for."""
    kind = about.get("format") or about.get("type") or "any value"
    if "default" in about:
        need = f"default {plain(_brief(about['default']))}"
    else:
        need = "required" if name in schema.get("required", ()) else "may be left out"
    text = Text.assemble((plain(name), "bold"), (f"  {plain(kind)}, {need}", "dim"))
    text.append(f"\n  {plain(about.get('description', ''))}")
    return text


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else " ".join(as_json(value).split())
    return text if len(text) <= 60 else f"{text[:60]}…"


def create_of_template(
    client: Client,
    console: Console,
    source: Mapping[str, Any],
    options: Sequence[str] | None,
    *,
    interactive: bool,
) -> CreatedWorkflow:
    """Create a workflow of a template, asking a person for what it has to be given.

    What is not answered stays open: then each execution is given it.

    Args:
        client: The platform.
        console: Where to ask.
        source: The arguments of `Client.create` beside the inputs.
        options: Inputs, as `parse_inputs` reads them.
        interactive: Whether a person is there.

    Raises:
        WeftError: There is no such template, or a value does not fit it.
    """
    schema = client.template(source["template"])["input_schema"]
    inputs = parse_inputs(options, schema)
    asked = [name for name in schema.get("required", ()) if name not in inputs]
    if not interactive:
        return client.create(**source, inputs=inputs)
    for _ in range(MAX_ROUNDS):
        inputs |= _answers(console, asked, schema)
        try:
            return client.create(**source, inputs=inputs)
        except WeftError as error:
            wrong = {problem["path"].removeprefix("inputs."): problem for problem in error.problems}
            if not wrong or not set(wrong) <= set(schema.get("properties", {})):
                raise
            asked = list(wrong)
            for problem in wrong.values():
                console.print(Text(f"  {plain(problem['message'])}", style="red"))
    return client.create(**source, inputs=inputs)


def _answers(console: Console, names: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for inputs; an empty answer leaves one open."""
    found: dict[str, Any] = {}
    for name in names:
        about = schema.get("properties", {}).get(name, {})
        title = about.get("title") or name
        console.print(Text.assemble(("? ", "bold magenta"), (plain(title), "bold")))
        console.print(Text(f"  {plain(about.get('description', ''))}"))
        if examples := about.get("examples"):
            console.print(Text(f"  such as {plain(_brief(examples[0]))}", style="dim"))
        text = str(
            typer.prompt("  answer (none: ask at each start)", default="", show_default=False)
        )
        if text.strip():
            found[name] = typed(text.strip(), about)
    return found
