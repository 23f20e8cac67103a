"""What a site's robots.txt allows (RFC 9309), as pure functions of its text."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

PRODUCT = "weft"
"""Our name among a robots.txt's groups."""
LONGEST_DELAY_SECONDS = 60.0
MOST_CHARACTERS = 500 * 1024
"""As much of it is read as the standard asks for at least."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line that allows or disallows what begins so."""

    line: str
    allows: bool
    path: str

    def fits(self, path: str) -> bool:
        """Whether a path begins so: `*` stands for anything, `$` at the end for the end."""
        ends = self.path.endswith("$")
        first, *others = self.path.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        # The first place of each part is the best one, so this never goes back.
        at = len(first)
        for part in others[:-1]:
            at = path.find(part, at) + len(part)
            if at < len(part):
                return False
        last = others[-1] if others else ""
        if ends:
            return (
                at + len(last) <= len(path) and path.endswith(last) if others else at == len(path)
            )
        return path.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts for us."""

    rules: tuple[Rule, ...] = ()
    delay_seconds: float = 0.0
    """What it asks for between two requests."""

    def refusing(self, url: str) -> str | None:
        """Return the line that disallows a URL; None when it is allowed.

        The longest pattern that fits decides; of two that are as long, the one that allows.
        """
        parts = urlsplit(url)
        path = _normal((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        if path == "/robots.txt":
            return None
        fitting = [rule for rule in self.rules if rule.fits(path)]
        best = max(fitting, key=lambda rule: (len(rule.path), rule.allows), default=None)
        return None if best is None or best.allows else best.line


def parse_robots(text: str) -> Rules:
    """Read a robots.txt: the groups of our name, or else those of everybody."""
    own: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    targets: list[list[tuple[str, str]]] = []
    named, naming = False, False
    for line in text[:MOST_CHARACTERS].removeprefix("\ufeff").splitlines():
        key, colon, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        key = key.lower()
        if not colon:
            continue
        if key == "user-agent":
            if not naming:
                targets = []
            naming = True
            product = re.split(r"[/\s]", value.lower())[0]
            if product == PRODUCT:
                named = True
                targets.append(own)
            elif product == "*":
                targets.append(others)
        elif key in ("allow", "disallow", "crawl-delay"):
            naming = False
            for target in targets:
                target.append((key, value))
    return _rules(own if named else others)


def _rules(lines: list[tuple[str, str]]) -> Rules:
    delay_seconds = 0.0
    rules = []
    for key, value in lines:
        if key == "crawl-delay":
            delay_seconds = max(delay_seconds, _seconds(value))
        elif value:
            rules.append(Rule(f"{key.capitalize()}: {value[:200]}", key == "allow", _normal(value)))
    return Rules(tuple(rules), delay_seconds)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\d+(\.\d+)?", text)
    return min(float(text), LONGEST_DELAY_SECONDS) if match else 0.0


def _normal(path: str) -> str:
    """Return a path with everything escaped alike."""
    return quote(unquote(path, errors="replace"), safe="/*$?=&;:@!'(),+~#[]%")
