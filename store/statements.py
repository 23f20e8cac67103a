"""The SQL of the product: one statement a file under `store/sql/`."""

from functools import cache
from importlib import resources


@cache
def statement(name: str) -> str:
    """Return the text of `store/sql/<name>.sql`.

    Raises:
        FileNotFoundError: There is no such statement.
    """
    return (resources.files("store") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
