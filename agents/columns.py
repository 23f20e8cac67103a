"""Values between JSON and PostgreSQL: what a parameter's type asks for, and what a row holds."""

import base64
import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agents.errors import AgentError

_MAX_SAFE_INTEGER = 2**53


def bind(types: Sequence[asyncpg.Type], values: Sequence[Any]) -> list[Any]:
    """Return the values in the types that the statement's parameters have.

    Raises:
        AgentError: There are too few or too many, or one does not fit its type; always final.
    """
    if len(types) != len(values):
        raise AgentError(
            f"The query has {len(types)} parameters, but `params` has {len(values)} values.",
            remedy="Give one value for each of $1, $2 …",
        )
    pairs = zip(types, values, strict=True)
    return [_convert(kind, value, number) for number, (kind, value) in enumerate(pairs, 1)]


def plain(value: Any) -> Any:
    """Return a column's value as JSON."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, asyncpg.Record | dict):
        return {name: plain(entry) for name, entry in dict(value).items()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and abs(value) <= _MAX_SAFE_INTEGER:
        return int(value)
    return float(value) if len(value.as_tuple().digits) <= 15 else str(value)


def _convert(kind: asyncpg.Type, value: Any, number: int) -> Any:
    if value is None:
        return None
    name = str(kind.name)
    convert: Callable[[Any], Any] = _CONVERTERS.get(name.removesuffix("[]"), _text)
    try:
        if kind.kind == "array" and isinstance(value, list):
            return [None if entry is None else convert(entry) for entry in value]
        return convert(value)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise AgentError(
            f"The value of ${number} does not fit the type {name}: {str(value)[:100]!r}.",
            remedy="Give a value of that type, or cast the parameter in the query.",
        ) from error


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, dict | list | bool):
        text = orjson.dumps(value).decode()
    else:
        text = str(value)
    return text.replace("\x00", "")


def _json(value: Any) -> str:
    """A text that is JSON already is taken as it is; any other value is written as JSON."""
    if isinstance(value, str):
        try:
            orjson.loads(value)
            return value
        except orjson.JSONDecodeError:
            pass
    return orjson.dumps(value).decode()


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _truth(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "t", "yes", "1"):
            return True
        if word in ("false", "f", "no", "0"):
            return False
        raise ValueError(value)
    return bool(value)


def _instant(value: Any) -> datetime:
    """An aware time; one without a zone is taken as UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "int2": _whole,
    "int4": _whole,
    "int8": _whole,
    "oid": _whole,
    "float4": float,
    "float8": float,
    "numeric": lambda value: Decimal(str(value)),
    "bool": _truth,
    "json": _json,
    "jsonb": _json,
    "uuid": lambda value: UUID(str(value)),
    "timestamp": lambda value: _instant(value).astimezone(UTC).replace(tzinfo=None),
    "timestamptz": _instant,
    "date": lambda value: _instant(value).date(),
    "time": lambda value: time.fromisoformat(str(value)),
    "interval": lambda value: timedelta(seconds=float(value)),
    "bytea": lambda value: base64.b64decode(str(value), validate=True),
    "inet": lambda value: ipaddress.ip_interface(str(value)),
}
