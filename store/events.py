"""Events as the outside sees them."""

from typing import Any

from store.records import Event


def event_message(event: Event) -> dict[str, Any]:
    """Return an event as a WebSocket message: its payload with type, number, ids and time."""
    message: dict[str, Any] = {
        **event.payload,
        "type": event.event_type,
        "seq": event.seq,
        "event_id": f"evt_{event.event_id.hex}",
        "execution_id": f"exec_{event.execution_id.hex}",
        "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
    }
    if event.node_id:
        message["node_id"] = event.node_id
    return message
