"""Steps that route: "routes invoices to Xero and receipts to Sheets" as ways of a choice."""

import re
from dataclasses import dataclass

from compiler.english.verbs import is_human, strip_leading

_ROUTE = re.compile(
    r"^(?:(?:smart-?|auto-?)?routes?|directs?|branch(?:es)?|switch(?:es)?|fans? out"
    r"|splits? into branches)\b(?P<rest>.*)$",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"^(?:forwards?|sends?|assigns?|moves?|pushes|push|escalates?|hands?|delivers?|directs?"
    r"|posts?|files?)\b(?P<rest>(?=.*\bor\b)(?=.*\b(?:depending|based) (?:up)?on\b).*)$",
    re.IGNORECASE,
)
_TURNS = re.compile(r"^switch(?:es)? (?:[\w -]+ )?(?:on|off)\b", re.IGNORECASE)
_PAIR = re.compile(r"^(?P<what>[^,]+?) (?:to|into|via|through) (?P<where>.+)$", re.IGNORECASE)
_JOINT = re.compile(r",\s*(?:and\s+|or\s+)?|\s+and\s+|;\s*", re.IGNORECASE)
_BASIS = re.compile(
    r",?\s*(?:\b(?:based|depending) (?:up)?on\b|\baccording to\b|\bby (?!email)(?=\w)).*$",
    re.IGNORECASE,
)
_APPROVALS = re.compile(
    r"(?:(?:it|them) )?(?:for )?approvals? (?:based|depending) on (?P<basis>[^,;]+)$", re.IGNORECASE
)
_REST = re.compile(
    r"^(?:everything else|all others?|others|the rest|the others|anything else|all else)$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r",\s*(?:or\s+|and\s+)?|\s+or\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:either )?(?:the |an? |your |our |its |their )?", re.IGNORECASE)


UNKNOWN_WAY = "it is known how to route"
"""How the condition begins of what is routed without a word of where to."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way that something is routed."""

    condition: str
    """Empty for everything else."""
    deed: str
    """What happens there; empty when the text does not say where to."""


def find_routes(clause: str) -> list[Way]:
    """Return the ways of a clause that routes; none when it does something else."""
    clause = strip_leading(clause.strip(" ,."))
    match = _ROUTE.match(clause) or _SENT.match(clause)
    if match is None or _TURNS.match(clause) or is_human(clause):
        return []
    rest = match["rest"].strip()
    if approvals := _APPROVALS.match(rest):
        return [Way(f"{approvals['basis']} requires approval", "wait for approval")]
    if re.match(r"(?:the |each |your )?(?:call|request|traffic)s? through\b", rest):
        return []
    return _pairs(rest) or _targets(rest)


def _pairs(rest: str) -> list[Way]:
    """Read "JSON to the parser, images to S3 and everything else to SNS"."""
    parts = [part for part in _JOINT.split(rest) if part.strip()]
    found = [_PAIR.match(part.strip()) for part in parts]
    pairs = [pair for pair in found if pair]
    if len(pairs) < 2 or len(pairs) < len(parts):
        return []
    ways = [
        Way(
            "" if _REST.match(pair["what"].strip()) else pair["what"], f"push it to {pair['where']}"
        )
        for pair in pairs
    ]
    return sorted(ways, key=lambda way: not way.condition)


def _targets(rest: str) -> list[Way]:
    """Read "the lead to the sales or the support queue based on its size"."""
    basis = _BASIS.search(rest)
    bare = rest[: basis.start()] if basis else rest
    pair = _PAIR.match(f"it {bare}" if re.match(r"(?:in)?to\b", bare) else bare)
    if pair is None:
        return [Way(f"{UNKNOWN_WAY} {bare.strip() or 'it'}", "")]
    where = [_ARTICLE.sub("", target.strip()) for target in _SEVERAL.split(pair["where"])]
    where = [target for target in where if target]
    if len(where) < 2:
        return [Way(f"{pair['what']} belongs to {pair['where']}", f"push it to {pair['where']}")]
    head = where[-1].split()[-1]
    shared = len(where[-1].split()) > 1 and not any(t.endswith(head) for t in where[:-1])
    full = [f"{t} {head}" if shared and t != where[-1] else t for t in where]
    return [Way(target, f"push it to the {name}") for target, name in zip(where, full, strict=True)]
