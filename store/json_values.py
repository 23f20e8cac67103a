"""JSON as Postgres can hold it.

jsonb refuses three things that JSON-like Python values may carry. Their answer is defined here:
U+0000 and lone surrogates become U+FFFD (the replacement character), and NaN and the infinities
become null. Everything else that is not JSON (sets, dates, bytes, models) becomes its obvious
JSON form, or the text of it.
"""

import base64
import dataclasses
import datetime
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from store.errors import NestedTooDeep

LEVELS = 250
"""How deep values may be nested; the library that writes the text stops at 254."""
_NESTS = frozenset({dict, list})
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Replace what jsonb and text columns refuse: U+0000 and lone surrogates."""
    # Both are rare, and a long text is looked through faster so than by the expression.
    if "\x00" not in text and (text.isascii() or _is_encodable(text)):
        return text
    return _REFUSED.sub("\ufffd", text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def jsonable(value: Any, levels: int = LEVELS) -> Any:
    """Return the value as plain JSON data that jsonb accepts; what can change is copied.

    Args:
        value: Anything.
        levels: How deep lists and objects may be nested.

    Raises:
        NestedTooDeep: They are nested deeper.
    """
    if isinstance(value, dict | list):
        # Writing and reading it is ten times as fast as going through it.
        try:
            text = orjson.dumps(value, option=_PLAIN)
        except (TypeError, RecursionError):
            return _jsonable(value, levels)
        if b"\\u0000" not in text and not _is_deeper(read := orjson.loads(text), levels):
            return read
    return _jsonable(value, levels)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether JSON data is nested deeper."""
    level = [value]
    while level and levels >= 0:
        level = [
            item
            for nest in level
            for item in (nest.values() if type(nest) is dict else nest)
            if type(item) in _NESTS
        ]
        levels -= 1
    return bool(level)


def _jsonable(value: Any, levels: int) -> Any:
    if levels < 0:
        raise NestedTooDeep(LEVELS)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _jsonable(value.value, levels)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _jsonable(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item, levels - 1) for item in value]
    return _other(value, levels)


def _other(value: Any, levels: int) -> Any:
    if isinstance(value, BaseModel):
        return _jsonable(value.model_dump(mode="json"), levels)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _jsonable(dataclasses.asdict(value), levels)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    return clean_text(str(value))


def dumps(value: Any) -> str:
    """Return the value's JSON text, fit for a jsonb parameter."""
    try:
        text = orjson.dumps(value)
    except (TypeError, RecursionError):
        text = orjson.dumps(jsonable(value))
    else:
        # What Postgres refuses is rare; looking for it in the text is quick.
        if b"\\u0000" in text:
            text = orjson.dumps(jsonable(value))
    return text.decode("utf-8")


def canonical(value: Any) -> bytes:
    """Return the value's JSON text with sorted keys: the same for equal values."""
    return orjson.dumps(jsonable(value), option=orjson.OPT_SORT_KEYS)


def loads(text: str | bytes | None) -> Any:
    """Return what a jsonb column holds; None for SQL NULL."""
    return None if text is None else orjson.loads(text)
