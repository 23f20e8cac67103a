"""Sources that a text implies: "summarize https://…" reads the page before it summarizes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK, Text
from compiler.english.nouns import is_plural
from compiler.english.steps import Step, read_step
from compiler.inflection import plural, singular

_AS_TOOL = re.compile(
    r"\b(?:with|using|via|by|through|to|into|in|on)(?: (?:the|an?|my|our))? (?:[\w-]+ )?$",
    re.IGNORECASE,
)
_COMPLEMENT = re.compile(r"\b(?:from|of|in|about|based on|on)\s+(?P<rest>[^,;]+)", re.IGNORECASE)
_OF_ITEMS = re.compile(
    r"\bof (?:(?:the|all|these|our|my) )*(?P<noun>[a-z]+) (?:at|on|from|in) [\ue000-\ue003]",
    re.IGNORECASE,
)
_MEMBERS = re.compile(
    r"^(?:new |single |individual )*(?P<noun>[\w-]+(?: [\w-]+){0,2}?) (?:in|of|from|on|inside"
    r"|within) (?P<place>[^,;:]+)$",
    re.IGNORECASE,
)
_STORED = re.compile(
    r"\b(?:spreadsheet|sheet|table|database|folder|inbox|mailbox|feed|csv|excel|file|bucket"
    r"|repository"
    r"|queue|crm|warehouse|store|shop|calendar|board|channel|drive|catalog(?:ue)?|backlog)\b",
    re.IGNORECASE,
)
_READS = frozenset(
    {"analyze", "extract", "summarize", "classify", "translate", "score", "filter", "sort"}
)

P = TypeVar("P")


@dataclass(slots=True)
class Sources:
    """What has been read so far, while the steps of a text go by."""

    text: Text
    urls: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)

    def before(self, step: Step) -> list[Step]:
        """Return the step that must come before this one to read what it works on."""
        found = self._page(step) or self._service(step)
        self.urls.update(step.urls)
        if step.product:
            self.products.add(step.product.key)
        return [found] if found else []

    def of_condition(self, condition: str) -> list[Step]:
        """Return the look at a URL that a condition speaks of: "if the page at … mentions X"."""
        fresh = [url for url in self.text.literals_in(condition, "url") if url not in self.urls]
        if not fresh:
            return []
        self.urls.update(fresh)
        states = lexicon().data["conditions"]
        tells_state = any(
            re.search(rf"(?<!\w){re.escape(phrase)}\W*$", condition.lower())
            for phrase in (*states["failing"], *states["working"])
        )
        marks = [m[0] for m in MARK.finditer(condition) if self.text.literals_in(m[0], "url")]
        step = read_step(f"{'check' if tells_state else 'scrape'} {marks[0]}", self.text)
        return [step] if step else []

    def of_loop(self, phrase: str, fresh: bool) -> str | None:
        """Return the reading that "for each product in my Shopify store" takes first.

        Args:
            phrase: What follows "for each".
            fresh: Whether nothing was read before.
        """
        match = _MEMBERS.match(phrase)
        named = lexicon().product_pattern.search(phrase)
        if match is None and named and fresh:
            return f"fetch the {_several(phrase)}"
        if match is None:
            return None
        if named and fresh and named.end() <= match.end("noun"):
            return f"fetch the {_several(match['noun'])}{phrase[match.end('noun') :]}"
        named = lexicon().product_pattern.search(match["place"])
        known = named is not None and lexicon().products[named[1].lower()].key in self.products
        stored = _STORED.search(match["place"]) if fresh else None
        if known or not (named or stored):
            return None
        return f"fetch the {_several(match['noun'])} from {match['place']}"

    def _page(self, step: Step) -> Step | None:
        fresh = [url for url in step.urls if url not in self.urls]
        reads = step.role == "process" or step.action == "email"
        if not reads or not fresh:
            return None
        marks = [m[0] for m in MARK.finditer(step.marked) if self.text.literals_in(m[0], "url")]
        noun = f"{step.noun} from " if step.role != "process" and step.noun else ""
        if (items := _OF_ITEMS.search(step.rest)) and is_plural(items["noun"].lower()):
            noun = f"{items['noun']} from "
        return read_step(f"get {noun}{' and '.join(marks)}", self.text)

    def _service(self, step: Step) -> Step | None:
        product = step.product
        if (
            product is None
            or product.kind not in ("api", "database")
            or product.key in self.products
        ):
            return None
        if step.action not in _READS and step.agent != "email":
            return None
        match = lexicon().product_pattern.search(step.marked)
        complement = _COMPLEMENT.search(step.rest)
        if (
            complement
            and lexicon().product_pattern.search(complement["rest"])
            and step.noun != "issues"
        ):
            return read_step(f"fetch {complement['rest']}", self.text)
        if match is None or _AS_TOOL.search(step.marked[: match.start()]):
            return None
        return read_step(f"fetch {step.phrase}", self.text)


def _several(phrase: str) -> str:
    """Return a phrase whose last word is many: "open issue" gives "open issues"."""
    head, space, last = phrase.rpartition(" ")
    return f"{head}{space}{plural(singular(last)) if last.isalpha() else last}"


def infer_items(parts: Sequence[P]) -> tuple[P, ...]:
    """Let a scraping step look for what the next step speaks of: "each review", "the jobs"."""
    found: list[P] = list(parts)
    for place, part in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else None
        bare = isinstance(part, Step) and part.agent == "web_scraping" and part.noun is None
        if not bare or not isinstance(part, Step) or not isinstance(following, Step):
            continue
        noun = following.each or (
            following.noun if following.action in _READS - {"extract"} else None
        )
        if noun and (following.each or is_plural(noun)):
            found[place] = replace(part, noun=plural(noun))
    return tuple(found)
