"""The SQL of a database node: written into a specification, never run here."""

import re
from collections.abc import Sequence


def is_table(name: str) -> bool:
    """Whether a name can stand in SQL as a table as it is, with or without a schema."""
    return bool(re.fullmatch(r"[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?", name))


def select_rows(table: str, limit: int | None = None) -> str:
    """Return the query for all rows of a table, or the first of them."""
    ending = f" LIMIT {limit}" if limit else ""
    return f"SELECT * FROM {table}{ending}"  # noqa: S608 - callers pass names that is_table accepts


def insert_row(table: str, columns: Sequence[str], time_column: str) -> str:
    """Return the statement that adds a row: parameters in order, then the time."""
    names = ", ".join([*columns, time_column])
    marks = ", ".join([f"${number}" for number in range(1, len(columns) + 1)] + ["NOW()"])
    return f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - as above
