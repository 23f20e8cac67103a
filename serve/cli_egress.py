"""The commands on which hosts workflows may reach."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from weft import Client
from weft.egress import EgressHosts

from serve.cli_options import AsJson
from serve.progress import as_json, plain

egress = typer.Typer(help="Which hosts workflows may reach.")
console = Console(highlight=False, markup=False, emoji=False)


@egress.command()
def show(json_: AsJson = False) -> None:
    """Show which hosts the organization's workflows may reach."""
    with Client() as client:
        found = client.egress()
    if json_:
        typer.echo(as_json(found))
    else:
        _show(found)


@egress.command("set")
def set_(
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="One of them: api.example.com, *.example.com, an address."),
    ] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="No host at all.")] = False,
) -> None:
    """Let workflows reach these hosts only; it replaces what was set before."""
    if bool(host) == nothing:
        raise typer.BadParameter("Give --host, or --nothing.")
    with Client() as client:
        _show(client.set_egress(host or []))


@egress.command()
def clear() -> None:
    """Let workflows reach every public host."""
    with Client() as client:
        _show(client.set_egress(None))


def _show(found: EgressHosts) -> None:
    console.print(f"Workflows may reach {_hosts(found['hosts'])}.")
    if found["operator_hosts"] is not None:
        console.print(f"The installation allows {_hosts(found['operator_hosts'])}.")
    if found["loopback"]:
        console.print("This machine's own addresses may be reached (WEFT_ALLOW_LOOPBACK=0: not).")


def _hosts(hosts: list[str] | None) -> str:
    if hosts is None:
        return "every public host"
    return plain(", ".join(hosts)) if hosts else "no host"
