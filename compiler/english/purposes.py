"""What a step is for, when that is a step of its own: "pull the figures to build a report"."""

import re

from compiler.english.lexicon import lexicon
from compiler.english.verbs import read_opening

_PURPOSE = re.compile(
    r",? (?:in order |so as )?to (?P<deed>(?P<verb>[a-z-]+) (?:an?|the|its|their|our|my|each|it"
    r"|them|[a-z]+s|key|new|short|weekly|daily|monthly|structured|personali[sz]ed|[a-z-]+ed)\b.*)$",
    re.IGNORECASE,
)
_DETERMINED = re.compile(
    r"[a-z-]+ (?:an?|the|its|their|our|my|each|it|them|[a-z]+ed|new|short) ", re.IGNORECASE
)
_MAKERS = frozenset(
    {"generate", "summarize", "classify", "translate", "score", "extract", "analyze", "create"}
)
_WORKS_ON = frozenset({"process", "handle", "parse", "transcribe", "compare", "match", "combine"})
_ACTS_OF_ITSELF = frozenset({"see", "get", "find", "keep", "make", "help", "let", "use", "allow"})


def purpose(text: str) -> tuple[str, str] | None:
    """Return a reading step and the step that it is done for; None when it is one step."""
    opening = read_opening(text)
    if opening is None or opening.tool:
        return None
    reads = lexicon().roles.get(opening.verb.action) == "source"
    joins = opening.verb.action == "aggregate" or opening.verb.base in _WORKS_ON
    if not reads and not joins:
        return None
    match = _PURPOSE.search(text)
    verb = lexicon().verbs.get(match["verb"].lower()) if match else None
    if match is None or verb is None or verb.base != match["verb"].lower():
        return None
    if verb.is_noun and not _DETERMINED.match(match["deed"]):
        return None
    computes = joins and verb.base in ("calculate", "compute", "send", "notify", "email", "alert")
    if (
        not (verb.action in _MAKERS or computes)
        or verb.base in _ACTS_OF_ITSELF
        or verb.base == opening.verb.base
    ):
        return None
    return text[: match.start()], match["deed"]


_MEANS = re.compile(
    r"^(?P<deed>.+?),? by (?:first )?(?P<word>[a-z]+ing) (?P<what>[^,;].+)$", re.IGNORECASE
)


def means(text: str) -> tuple[str, str] | None:
    """Return the reading and the deed of "prepare a digest by scanning recent posts"."""
    match = _MEANS.match(text)
    opening = read_opening(text) if match else None
    verb = lexicon().verbs.get(match["word"].lower()) if match else None
    if match is None or opening is None or verb is None:
        return None
    reads = lexicon().roles.get(verb.action) == "source"
    if not reads or opening.verb.action not in _MAKERS or opening.verb.base == verb.base:
        return None
    return f"{verb.base} {match['what']}", match["deed"]
