"""A checkpoint as its row keeps it: without values, whole or as what differs from its parent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.checkpoint.base import Checkpoint

from actors.journal import Entry
from store import json_values

DELTA = "$delta"
"""Marks a snapshot that says only what differs from its parent."""


@dataclass(slots=True)
class Place:
    """Where an execution stands in one namespace, as this process has written it.

    Attributes:
        checkpoint_id: The last checkpoint.
        versions: Its `channel_versions`.
        seen: Its `versions_seen`.
        full_bytes: How large the last whole snapshot was.
        delta_bytes: How large the differences since then are together.
        writes: Entries of the present superstep's tasks, with how many records are their writes.
    """

    checkpoint_id: str | None = None
    versions: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    full_bytes: int = 0
    delta_bytes: int = 0
    writes: list[tuple[Entry, int]] = field(default_factory=list)


def snapshot(place: Place, parent: str | None, checkpoint: Checkpoint) -> str:
    """Return a checkpoint without its values: whole, or what differs from its parent.

    Differences are written until they are as large as the last whole snapshot, so a chain of n
    nodes writes O(n), and reading one checkpoint reads at most twice its size.
    """
    versions = _changed(place.versions, checkpoint["channel_versions"])
    seen = _changed(place.seen, checkpoint["versions_seen"])
    # A difference can add and replace, not take away.
    grown = place.versions.keys() == checkpoint["channel_versions"].keys()
    grown = grown and place.seen.keys() == checkpoint["versions_seen"].keys()
    if not grown:
        place.versions = dict(checkpoint["channel_versions"])
        place.seen = {name: dict(entry) for name, entry in checkpoint["versions_seen"].items()}
    known = place.checkpoint_id is not None and place.checkpoint_id == parent and grown
    place.checkpoint_id = checkpoint["id"]
    # Most channels that merely trigger a node hold null: those need no row of their own.
    values = checkpoint["channel_values"]
    rest = {
        **checkpoint,
        "channel_values": {channel: None for channel, value in values.items() if value is None},
    }
    if known and place.delta_bytes < place.full_bytes:
        delta = {**rest, "channel_versions": versions, "versions_seen": seen, DELTA: True}
        text = json_values.dumps(delta)
        place.delta_bytes += len(text)
    else:
        text = json_values.dumps(rest)
        place.full_bytes, place.delta_bytes = len(text), 0
    return text


def _changed(before: dict[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that are new or other than before, and note them."""
    changed = {
        name: dict(entry) if isinstance(entry, Mapping) else entry
        for name, entry in now.items()
        if before.get(name) != entry
    }
    before.update(changed)
    return changed


def whole(rows: Sequence[Any]) -> dict[str, Any]:
    """Return a checkpoint from its row and those of its ancestors up to a whole one."""
    checkpoint: dict[str, Any] = json_values.loads(rows[-1]["state_snapshot"])
    for row in reversed(rows[:-1]):
        delta = json_values.loads(row["state_snapshot"])
        del delta[DELTA]
        checkpoint = {
            **delta,
            "channel_versions": checkpoint["channel_versions"] | delta["channel_versions"],
            "versions_seen": checkpoint["versions_seen"] | delta["versions_seen"],
        }
    return checkpoint
