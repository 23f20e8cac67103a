"""Tables from and to JSON, JSON lines, CSV, text and Parquet."""

import base64
import binascii
import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import orjson

from agents.errors import AgentError
from agents.tables.steps import CsvDialect

Format = Literal["json", "jsonl", "csv", "text", "parquet"]

CELL_CHARACTERS = 32 * 1024 * 1024
"""The longest field of CSV."""
TABLE_BYTES = 256 * 1024 * 1024
"""How much JSON a Parquet file may become; a small file can hold very much."""
_ROWS_AT_ONCE = 10_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(data: Any, form: Format, dialect: CsvDialect) -> Any:
    """Return what a text or file holds; what is no text is data already.

    Args:
        data: JSON of any kind, a text, or a file as `{base64}`.
        form: What a text or file is.
        dialect: How CSV is written.

    Raises:
        AgentError: It is not what it is said to be; always final.
    """
    if form == "parquet":
        return _parquet_rows(_bytes(data)) if isinstance(data, str | Mapping) else data
    if isinstance(data, Mapping) and isinstance(data.get("base64"), str):
        data = _decoded(_bytes(data), dialect.encoding)
    if not isinstance(data, str):
        return data
    data = data.removeprefix("\ufeff")
    if form == "csv":
        return _csv_rows(data, dialect)
    if form == "jsonl":
        return [
            _json(line, number) for number, line in enumerate(data.splitlines(), 1) if line.strip()
        ]
    if form == "json" and data.strip()[:1] in ("[", "{"):
        return _json(data)
    return data


def _bytes(data: Any) -> bytes:
    text = data.get("base64") if isinstance(data, Mapping) else data
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AgentError("The file is not base64.", remedy="Give {base64: …}.") from error


def _decoded(content: bytes, encoding: str) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), encoding)
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise AgentError(
            f"The file is not {encoding}: {error}.",
            remedy="Set `csv.encoding` to what it is written in, such as cp1252.",
        ) from error


def _json(text: str, line: int | None = None) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = "The data" if line is None else f"Line {line}"
        raise AgentError(
            f"{where} is not JSON: {error}.", remedy="Set input_format to csv or text."
        ) from error


def _csv_rows(text: str, dialect: CsvDialect) -> list[dict[str, Any]]:
    csv.field_size_limit(CELL_CHARACTERS)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote
    )
    rows: list[dict[str, Any]] = []
    names = list(dialect.columns or ())
    try:
        if dialect.header:
            first = next((line for line in reader if line), [])
            names = names or [name.strip() for name in first]
        names = list(_unlike(names))
        for line in reader:
            if not line:
                continue
            while len(names) < len(line):
                names.append(f"column_{len(names) + 1}")
            rows.append(dict(zip(names, line, strict=False)))
    except csv.Error as error:
        raise AgentError(f"Line {reader.line_num} is not CSV: {error}.") from error
    for row in rows:
        for name in names[len(row) :]:
            row[name] = None
    return rows


def _unlike(names: list[str]) -> Iterator[str]:
    """Yield names that differ: what is there already gets a number, what is empty a name."""
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        unlike, again = name or f"column_{number}", 2
        while unlike in seen:
            unlike, again = f"{name}_{again}", again + 1
        seen.add(unlike)
        yield unlike


def _parquet_rows(content: bytes) -> list[Any]:
    import polars  # noqa: PLC0415  # Large, and most processes never need it.

    try:
        frame = polars.read_parquet(io.BytesIO(content))
    except (polars.exceptions.PolarsError, OSError) as error:
        raise AgentError(f"The file is not Parquet: {error}.") from error
    rows: list[Any] = []
    left_bytes = TABLE_BYTES
    for part in frame.iter_slices(_ROWS_AT_ONCE):
        # Dates, decimals and bytes take their obvious form in JSON.
        text = orjson.dumps(part.to_dicts(), default=_plain)
        left_bytes -= len(text)
        if left_bytes < 0:
            raise AgentError(
                f"The Parquet file holds more than {TABLE_BYTES // 2**20} MiB of data.",
                remedy="Split it.",
            )
        rows += orjson.loads(text)
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def write(result: Any, form: Format, dialect: CsvDialect) -> Any:
    """Return the result in its format; Parquet as a file, `{filename, base64}`.

    Raises:
        AgentError: Parquet's columns would hold values of several kinds.
    """
    if form == "json":
        return result
    lines = result if isinstance(result, list) else [result]
    if form == "text":
        return "\n".join(line if isinstance(line, str) else compact_line(line) for line in lines)
    if form == "jsonl":
        return "".join(f"{compact_line(line)}\n" for line in lines)
    rows = [row if isinstance(row, Mapping) else {"value": row} for row in lines]
    if form == "csv":
        return _csv(rows, dialect)
    content = base64.b64encode(_parquet(rows)).decode()
    return {"filename": "data.parquet", "base64": content,
            "content_type": "application/vnd.apache.parquet"}  # fmt: skip


def _column_names(rows: list[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(name) for row in rows for name in row))


def _csv(rows: list[Mapping[str, Any]], dialect: CsvDialect) -> str:
    names = list(dialect.columns or _column_names(rows))
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=dialect.delimiter, quotechar=dialect.quote, lineterminator="\n"
    )
    if dialect.header:
        writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact_line(value) if isinstance(value, Mapping | list) else value


def compact_line(value: Any) -> str:
    """Return a value's JSON text on one line, its names in their order."""
    return orjson.dumps(value, default=str).decode()


def _parquet(rows: list[Mapping[str, Any]]) -> bytes:
    import polars  # noqa: PLC0415

    columns = {}
    for name in _column_names(rows):
        values = [row.get(name) for row in rows]
        if {type(value) for value in values} >= {int, float}:
            values = [float(value) if type(value) is int else value for value in values]
        try:
            columns[name] = polars.Series(name, values, strict=True)
        except (polars.exceptions.PolarsError, TypeError, OverflowError) as error:
            raise AgentError(
                f"`{name}` holds values of several kinds, which a column of Parquet cannot.",
                remedy=f"Cast it: `cast: {{{name}: text}}`.",
            ) from error
    out = io.BytesIO()
    polars.DataFrame(columns).write_parquet(out)
    return out.getvalue()
