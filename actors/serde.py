"""Checkpoint values as JSON text.

JSON values stand for themselves. What LangGraph keeps beside them is an object with the one key
`$weft` and a tag: sets, tuples, bytes, `Send`, `Interrupt`, and our `StoredValue` and `Reference`.
An object of the user's that has that key is wrapped, so that data can never be read as a tag. There
is no pickle and no import by name.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from langgraph.types import Interrupt, Send

from store.artifacts import Reference
from store.json_values import dumps, jsonable

TAG = "$weft"
_SCALARS = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class StoredValue:
    """Stands in a channel for a list whose items are rows: the results of a map.

    Attributes:
        task_id: The graph task that planned the map; its rows carry it.
        count: How many items there are.
        failed: How many of them have no result.
    """

    task_id: str
    count: int
    failed: int


def dump(value: Any) -> str:
    """Return the value's JSON text, fit for a jsonb parameter."""
    return dumps(value if _plain(value) else _encode(value))


def load(text: str | bytes) -> Any:
    """Return the value of a JSON text that `dump` made."""
    value = orjson.loads(text)
    # Going through a million rows takes a second; a text without a tag has nothing to decode.
    tag = TAG if isinstance(text, str) else TAG.encode("ascii")
    return _decode(value) if tag in text else value  # type: ignore[operator]


def _plain(value: Any) -> bool:
    """Whether the value is JSON as it stands, without anything that looks like a tag."""
    kind = type(value)
    if kind is dict:
        return (
            TAG not in value
            and all(type(key) is str for key in value)
            and all(map(_plain, value.values()))
        )
    return all(map(_plain, value)) if kind is list else kind in _SCALARS


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return jsonable(value)
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        plain = {jsonable(str(key)): _encode(item) for key, item in value.items()}
        return {TAG: "object", "value": plain} if TAG in plain else plain
    return _encode_tagged(value)


def _encode_tagged(value: Any) -> Any:
    if isinstance(value, tuple):
        return {TAG: "tuple", "value": [_encode(item) for item in value]}
    if isinstance(value, set | frozenset):
        name = "set" if isinstance(value, set) else "frozenset"
        return {TAG: name, "value": sorted((_encode(item) for item in value), key=str)}
    if isinstance(value, bytes):
        return {TAG: "bytes", "value": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Send):
        return {TAG: "send", "node": value.node, "value": _encode(value.arg)}
    if isinstance(value, Interrupt):
        return {TAG: "interrupt", "id": value.id, "value": _encode(value.value)}
    if isinstance(value, StoredValue):
        return {TAG: "stored", "task": value.task_id, "count": value.count,
                "failed": value.failed}  # fmt: skip
    if isinstance(value, Reference):
        return {TAG: "artifact", "sha256": value.sha256, "bytes": value.size_bytes}
    if isinstance(value, BaseException):
        return {TAG: "error", "value": jsonable(f"{type(value).__name__}: {value}")}
    return jsonable(value)


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "object": lambda data: {key: _decode(item) for key, item in data["value"].items()},
    "tuple": lambda data: tuple(_decode(item) for item in data["value"]),
    "set": lambda data: {_decode(item) for item in data["value"]},
    "frozenset": lambda data: frozenset(_decode(item) for item in data["value"]),
    "bytes": lambda data: base64.b64decode(data["value"]),
    "send": lambda data: Send(data["node"], _decode(data["value"])),
    "interrupt": lambda data: Interrupt(value=_decode(data["value"]), id=data["id"]),
    "stored": lambda data: StoredValue(data["task"], data["count"], data["failed"]),
    "artifact": lambda data: Reference(data["sha256"], data["bytes"]),
    "error": lambda data: RuntimeError(data["value"]),
}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        if TAG in value:
            return _DECODERS[value[TAG]](value)
        return {key: _decode(item) for key, item in value.items()}
    return value
