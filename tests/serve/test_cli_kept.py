"""How large values and ages are read and shown by the commands on what is kept."""

import pytest
import typer

from serve.cli_kept import parse_days, readable, size


def test_an_age_is_a_number_with_a_unit() -> None:
    """Minutes to years; anything else is refused with an example."""
    assert [parse_days(text) for text in ("30d", "36h", "2w", "1.5y")] == [30, 1.5, 14, 547.5]
    for wrong in ("30", "d", "-1d", "1 month"):
        with pytest.raises(typer.BadParameter, match="30d"):
            parse_days(wrong)


def test_sizes_read_well() -> None:
    """Bytes, kilobytes and megabytes; and what is no reference stays as it is."""
    assert [size(n) for n in (12, 1200, 3_400_000)] == ["12 bytes", "1.2 kB", "3.4 MB"]
    assert readable([{"a": 1}, {"$artifact": 1}, "x"]) == [{"a": 1}, {"$artifact": 1}, "x"]
