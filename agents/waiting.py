"""How long another side asks to wait before it is asked again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may find the other side better."""
LONGEST_SECONDS = 86_400.0
"""The longest wait that is believed."""


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what a `Retry-After` header says, in seconds or as a time; None when it says nothing.

    Args:
        headers: The answer's, with names in lower case.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), LONGEST_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_SECONDS)
