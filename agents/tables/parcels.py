"""Values as parts of JSON text that can be made and read a part at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

ROWS_A_PART = 5_000
"""How many rows a part has: some milliseconds of work for who makes or reads it."""
_LIST, _VALUE = b"list", b"value"


def pack(value: Any) -> Iterator[bytes]:
    """Yield a value's parts: what it is, then its text, of a list in slices."""
    if not isinstance(value, list):
        yield _VALUE
        yield _text(value)
        return
    yield _LIST
    for start in range(0, len(value), ROWS_A_PART):
        yield _text(value[start : start + ROWS_A_PART])


def unpack(parts: Sequence[bytes]) -> Any:
    """Return the value that parts hold."""
    if parts[0] == _VALUE:
        return orjson.loads(parts[1])
    found: list[Any] = []
    for rows in unpacked_slices(parts):
        found += rows
    return found


def unpacked_slices(parts: Sequence[bytes]) -> Iterator[list[Any]]:
    """Yield what parts hold, a slice at a time."""
    if parts[0] == _VALUE:
        yield [orjson.loads(parts[1])]
        return
    for part in parts[1:]:
        yield orjson.loads(part)


def is_list(parts: Sequence[bytes]) -> bool:
    """Whether parts hold a list."""
    return parts[0] == _LIST


def _text(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
