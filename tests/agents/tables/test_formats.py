"""Tables come in and go out as JSON, JSON lines, CSV, text and Parquet."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import polars
import pytest

from agents.errors import AgentError
from tests.agents.conftest import Run

pytestmark = pytest.mark.requirement("FR-3.3")


def file(content: bytes) -> dict[str, str]:
    """Return bytes as a value of a workflow."""
    return {"base64": base64.b64encode(content).decode()}


async def read(run: Run, data: Any, form: str, **parameters: Any) -> Any:
    """Return the rows of a text or file."""
    return (await run("data_processing", {"data": data, "input_format": form, **parameters})).output


async def write(run: Run, rows: Any, form: str, **parameters: Any) -> Any:
    """Return rows as a text or file."""
    given = {"data": rows, "output_format": form, **parameters}
    return (await run("data_processing", given)).output


async def test_csv_dialects(run: Run) -> None:
    """Delimiter, quotes and column names are what they are said to be."""
    text = "'a;b';2\nc;'it''s'\n"
    dialect = {"delimiter": ";", "quote": "'", "header": False}
    expected = [{"column_1": "a;b", "column_2": "2"}, {"column_1": "c", "column_2": "it's"}]
    assert await read(run, text, "csv", csv=dialect) == expected
    named = await read(run, text, "csv", csv={**dialect, "columns": ["name", "count"]})
    assert [row["name"] for row in named] == ["a;b", "c"]
    assert await write(run, named, "csv", csv=dialect) == "'a;b';2\nc;'it''s'\n"


async def test_csv_of_uneven_lines(run: Run) -> None:
    """Short lines have nulls, long ones more columns, and names that repeat are told apart."""
    rows = await read(run, "a,a,\n1\n\n1,2,3,4\n", "csv")
    assert rows == [
        {"a": "1", "a_2": None, "column_3": None, "column_4": None},
        {"a": "1", "a_2": "2", "column_3": "3", "column_4": "4"},
    ]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("näme\nÜ".encode("cp1252"), "cp1252"),
        ("näme\nÜ".encode("utf-8-sig"), "ascii"),
        ("näme\nÜ".encode("utf-16"), "utf-8"),
    ],
)
async def test_csv_encodings(run: Run, content: bytes, encoding: str) -> None:
    """Bytes are read in the encoding that is named, unless they begin with a mark of theirs."""
    rows = await read(run, file(content), "csv", csv={"encoding": encoding})
    assert rows == [{"näme": "Ü"}]


async def test_text_may_begin_with_a_mark(run: Run) -> None:
    """A byte order mark is no part of the first name."""
    assert await read(run, "\ufeffa\n1", "csv") == [{"a": "1"}]


@pytest.mark.parametrize("encoding", ["no-such", "ascii", "rot13", "zlib_codec"])
async def test_wrong_encoding_is_told(run: Run, encoding: str) -> None:
    """An encoding that is none, or does not fit, is final and says what to set."""
    with pytest.raises(AgentError, match=r"csv\.encoding"):
        await read(run, file("ä".encode()), "csv", csv={"encoding": encoding})


async def test_json_lines(run: Run) -> None:
    """Each line is a value; a broken one is named."""
    rows = [{"a": 1}, {"a": "ü"}]
    text = await write(run, rows, "jsonl")
    assert text == '{"a":1}\n{"a":"ü"}\n'
    assert await read(run, f"{text}\n", "jsonl") == rows
    with pytest.raises(AgentError, match="Line 2 is not JSON"):
        await read(run, '{"a": 1}\n{"a":', "jsonl")


async def test_parquet_there_and_back(run: Run) -> None:
    """Rows become a file that other agents take, and the file becomes the same rows."""
    rows = [{"n": 1, "t": "ü", "f": 0.5, "b": True, "l": [1, 2], "x": None},
            {"n": None, "t": "", "f": 2.0, "b": None, "l": [], "x": None}]  # fmt: skip
    made = await write(run, rows, "parquet")
    assert made["filename"] == "data.parquet"
    assert await read(run, made, "parquet") == rows
    assert await read(run, made["base64"], "parquet", limit=1) == rows[:1]


async def test_parquet_of_others(run: Run) -> None:
    """Times, decimals and bytes take their form in JSON."""
    out = BytesIO()
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    polars.DataFrame({"at": [at], "price": [Decimal("1.50")], "raw": [b"\xff"], "big": [2**62]}
                     ).write_parquet(out)  # fmt: skip
    rows = await read(run, file(out.getvalue()), "parquet")
    assert rows == [{"at": "2026-01-02T03:04:00+00:00", "price": 1.5, "raw": "/w==", "big": 2**62}]


async def test_parquet_columns_have_one_kind(run: Run) -> None:
    """A column of several kinds is refused by name."""
    with pytest.raises(AgentError, match="`v` holds values of several kinds"):
        await write(run, [{"v": 1}, {"v": "a"}], "parquet")


async def test_small_file_that_holds_too_much_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is of what a file becomes, not of the file."""
    monkeypatch.setattr("agents.tables.formats.TABLE_BYTES", 1_000_000)
    out = BytesIO()
    polars.DataFrame({"v": ["x" * 100] * 200_000}).write_parquet(out)
    assert len(out.getvalue()) < 10_000
    with pytest.raises(AgentError, match="holds more than"):
        await read(run, file(out.getvalue()), "parquet")


@pytest.mark.parametrize("data", ["not base64!", "bm8gcGFycXVldA=="])
async def test_what_is_no_parquet_is_told(run: Run, data: str) -> None:
    """Text that is no file is final."""
    with pytest.raises(AgentError, match="is not"):
        await read(run, data, "parquet")


async def test_script_reads_and_writes_formats(run: Run) -> None:
    """A script's data was read, and what it returns is written."""
    script = "return [row['b'] for row in data]"
    parameters = {"data": "a;b\n1;2", "input_format": "csv", "output_format": "jsonl",
                  "csv": {"delimiter": ";"}, "script": script}  # fmt: skip
    assert (await run("data_processing", parameters)).output == '"2"\n'
