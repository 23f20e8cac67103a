"""What scripts give, as JSON.

A small value may hold the same part many times over, and in JSON each of them is written out: forty
lists that hold their predecessor twice are a million million. So a value is measured before it is
converted, each part once.
"""

import json
import math
import time
from collections.abc import Mapping
from typing import Any

from agents.errors import AgentError

MAX_RESULT_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 100
_PART_BYTES = 8
_NEST_BYTES = 64
"""What a list or object counts: about what it takes in memory."""
_MAX_INTEGER_BITS = 14_000
"""The longest integer that Python writes as text without being told to (4300 digits)."""
_PARTS_AT_ONCE = 2000
_PAUSE_SECONDS = 0.0001
_LISTS = (list, tuple, set, frozenset)


class TooLarge(AgentError):
    """A value would take more bytes than it may."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"The script's result is larger than {most_bytes} bytes.", remedy="Return less."
        )


def to_json(value: Any, most_bytes: int = MAX_RESULT_BYTES, *, pausing: bool = False) -> Any:
    """Return a script's value as JSON: tuples and sets become lists, dates become text.

    Args:
        value: The value.
        most_bytes: About how large its text may be.
        pausing: Let other threads go on in between, which wait 5 ms for each turn otherwise.

    Raises:
        AgentError: Part of it has no form in JSON, or its text would be too large.
    """
    writer = _JsonWriter(most_bytes, pausing)
    writer.measure(value, 0)
    return writer.convert(value, 0)


class _JsonWriter:
    """Measures and converts one value."""

    def __init__(self, most_bytes: int, pausing: bool) -> None:
        self._most = most_bytes
        self._pausing = pausing
        self._parts = 0
        self._sizes: dict[int, int] = {}
        """Of lists and objects by their identity: each is looked at once."""

    def measure(self, value: Any, depth: int) -> int:
        """Return about how many bytes the text of a part would take.

        Raises:
            AgentError: It would be too large, or is nested too deeply.
        """
        self._count_part()
        if isinstance(value, str):
            return self._within(_PART_BYTES + len(value))
        if isinstance(value, int):
            return self._within(_PART_BYTES + value.bit_length() // 3)
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return _PART_BYTES
        known = self._sizes.get(id(value))
        if known is not None:
            return known
        if depth > _MAX_DEPTH:
            raise AgentError("The script's result is nested too deeply.")
        size = _NEST_BYTES
        for item in value:
            size = self._within(size + self.measure(item, depth + 1))
        if isinstance(value, Mapping):
            for item in value.values():
                size = self._within(size + self.measure(item, depth + 1))
        self._sizes[id(value)] = size
        return size

    def convert(self, value: Any, depth: int) -> Any:
        """Return the JSON form of a part that stands so deep; it was measured before."""
        self._count_part()
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if depth > _MAX_DEPTH:
            raise AgentError("The script's result is nested too deeply.")
        if isinstance(value, Mapping):
            return {_key(key): self.convert(item, depth + 1) for key, item in value.items()}
        if isinstance(value, _LISTS):
            return [self.convert(item, depth + 1) for item in value]
        if hasattr(value, "isoformat"):
            return value.isoformat()
        raise AgentError(
            f"The script returned a {type(value).__name__}, which is not JSON.",
            remedy="Return numbers, text, lists and dictionaries.",
        )

    def _within(self, size_bytes: int) -> int:
        if size_bytes > self._most:
            raise TooLarge(self._most)
        return size_bytes

    def _count_part(self) -> None:
        self._parts += 1
        if self._pausing and self._parts % _PARTS_AT_ONCE == 0:
            time.sleep(_PAUSE_SECONDS)


def _key(key: Any) -> str:
    if isinstance(key, int):
        _integer(key)
    is_plain = isinstance(key, int | float) or key is None
    return json.dumps(key) if is_plain else str(key)


def _integer(value: int) -> int:
    if value.bit_length() > _MAX_INTEGER_BITS:
        raise AgentError(
            "The script returned an integer of more than 4200 digits.",
            remedy="Return it shortened, or as a float.",
        )
    return value
