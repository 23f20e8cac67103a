"""Events as the outside sees them."""

from typing import Any

import orjson

from store.records import Event

TERMINAL = frozenset({"workflow_completed", "workflow_failed", "workflow_cancelled"})
"""The types of an execution's last event."""

TOKEN = "token"  # noqa: S105 - of a text, not of a login
"""The type of a message that is no event: a piece of a text that grows, in no row and without a
number."""


def event_message(event: Event) -> dict[str, Any]:
    """Return an event as a WebSocket message: its payload with type, number, ids and time."""
    return event.payload | _head(event)


def event_text(event: Event) -> bytes:
    """Return `event_message` as JSON text, without reading the payload."""
    head = orjson.dumps(_head(event))
    payload = event.payload_json.encode("utf-8")
    return head if payload == b"{}" else head[:-1] + b"," + payload.lstrip()[1:]


def _head(event: Event) -> dict[str, Any]:
    head: dict[str, Any] = {
        "type": event.event_type,
        "seq": event.seq,
        "event_id": f"evt_{event.event_id.hex}",
        "execution_id": f"exec_{event.execution_id.hex}",
        "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
    }
    if event.node_id:
        head["node_id"] = event.node_id
    return head
