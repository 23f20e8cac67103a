"""The catalog's files: their names at once, what each holds when it is first asked for."""

from functools import cache
from importlib import resources

import yaml
from pydantic import ValidationError

from agents.catalog.entry import Entry

_SUFFIX = ".yaml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CatalogError(Exception):
    """A catalog file is wrong; says which, where and why."""


@cache
def catalog_names() -> tuple[str, ...]:
    """Return the names of all ready agents, sorted, without reading a file."""
    files = resources.files("agents.catalog").iterdir()
    names = (file.name for file in files if file.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names))


@cache
def catalog_entry(name: str) -> Entry:
    """Return what a file says.

    Raises:
        CatalogError: It does not have the form of a catalog file.
    """
    file = resources.files("agents.catalog") / f"{name}{_SUFFIX}"
    return read_entry(name, file.read_text(encoding="utf-8"))


def read_entry(name: str, text: str) -> Entry:
    """Read the text of a catalog file.

    Raises:
        CatalogError: It does not have the form, or another name than its file.
    """
    try:
        # CSafeLoader, where libyaml is there, else SafeLoader: both make plain values only.
        entry = Entry.model_validate(yaml.load(text, _LOADER))  # noqa: S506
    except (ValidationError, yaml.YAMLError, ValueError) as error:
        raise CatalogError(f"{name}{_SUFFIX}: {error}") from error
    if entry.name != name:
        raise CatalogError(f"{name}{_SUFFIX}: its name is {entry.name}; name the file so.")
    return entry
