"""The hint that ends a remedy: the known name that a wrong one was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_COMPARED = 100


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names the closest known word, or else lists the known ones."""
    names = sorted(set(known))
    if not names:
        return ""
    lowered = {name.lower(): name for name in _candidates(word, names)}
    close = get_close_matches(word[:100].lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{lowered[close[0]]}`?"
    shown = ", ".join(f"`{name}`" for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"Known: {shown}{more}."


def _candidates(word: str, names: list[str]) -> list[str]:
    """Keep the comparison quick when a large workflow has the same fault a thousand times."""
    if len(names) <= _MOST_COMPARED:
        return names
    first = word[:1].lower()
    return [name for name in names if name[:1].lower() == first][:_MOST_COMPARED]
