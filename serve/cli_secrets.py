"""The commands on secrets: names and hosts are shown, what a secret holds never is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from weft import Client, WeftError
from weft.secrets import Secret

from serve.cli_options import AsJson
from serve.progress import as_json, bare_table, plain
from serve.settings import load_settings

secrets = typer.Typer(help="Keys and passwords for the services that nodes call.")
console = Console(highlight=False, markup=False, emoji=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What {secrets.NAME} says.")]


@secrets.command("list")
def list_(json_: AsJson = False) -> None:
    """List the organization's secrets with the hosts that they are sent to."""
    with Client() as client:
        found = client.secrets()
    if json_:
        typer.echo(as_json({"secrets": found}))
        return
    console.print(secret_table(found) if found else "There are no secrets yet.")


@secrets.command("set")
def set_(
    name: Name,
    host: Annotated[
        list[str],
        typer.Option("--host", help="Where it may be sent: api.example.com, *.example.com."),
    ],
) -> None:
    """Set a secret; what it holds comes from standard input, or is asked for without an echo."""
    value = _value(name)
    with Client() as client:
        told = client.set_secret(name, value, host)
    console.print(f"{plain(told['name'])} is set for {plain(', '.join(told['hosts']))}.")


@secrets.command()
def delete(name: Name) -> None:
    """Delete a secret."""
    with Client() as client:
        client.delete_secret(name)
    console.print(f"{plain(name)} is deleted.")


@secrets.command()
def rotate() -> None:
    """Change the master key of all organizations, or go over to KMS, where the platform runs."""
    settings = load_settings()
    module = import_module("serve.rotation")
    try:
        count = module.rotate_secrets(settings)
    except module.RotationError as error:
        raise WeftError("The master key was not changed", detail=str(error)) from error
    key = settings.secrets_kms_key
    told = f"{plain(key)} is the master key" if key else "There is a new master key"
    console.print(f"{told}; it wraps the keys of {count} secrets.")


def _value(name: str) -> str:
    """Read what a secret holds; the end of its last line does not belong to it."""
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {name}", hide_input=True)
        return value
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def secret_table(found: Sequence[Secret]) -> Table:
    """Return a table of secrets."""
    table = bare_table()
    table.add_column("secret", no_wrap=True, style="bold")
    table.add_column("hosts")
    table.add_column("set", no_wrap=True)
    table.add_column("last used", no_wrap=True)
    for secret in found:
        used = (secret["last_used_at"] or "never")[:16].replace("T", " ")
        changed = secret["updated_at"][:16].replace("T", " ")
        table.add_row(plain(secret["name"]), plain(", ".join(secret["hosts"])), changed, used)
    return table
