"""Insights of a list of results, and the report that tells them in Markdown.

Reads what maps give: sentiment objects, numbers, objects with numeric fields, texts. It counts;
it makes nothing up.
"""

import re
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from agents.arithmetic import numbers_in
from agents.offline.keywords import topics
from agents.offline.summary import summarize
from agents.offline.text import readable, shorten, subject
from agents.scope import dig

_LABELS = ("positive", "neutral", "negative")
_LABEL = re.compile(r"\b(positive|negative|neutral|mixed)\b", re.IGNORECASE)
_SCORE = re.compile(r"\(?\s*(?:score:?\s*)?([-+]?[01](?:\.\d+)?)\s*\)?")
_QUOTES = 3
_TOPICS = 8
_MIN_TOPIC_CHARACTERS = 100
_MAX_CATEGORIES = 12
_MAX_CHARACTERS = 300_000


@dataclass(frozen=True, slots=True)
class Quote:
    """What someone wrote, and the score it was given."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Insights:
    """What a list says: counts and extremes, all of them computed."""

    count: int
    failed: int = 0
    sentiments: Mapping[str, int] = field(default_factory=dict)
    average_score: float | None = None
    best: tuple[Quote, ...] = ()
    worst: tuple[Quote, ...] = ()
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the insights that there are, as JSON."""
        parts = {
            "failed": self.failed,
            "sentiments": dict(self.sentiments),
            "average_score": self.average_score,
            "most_positive": [{"text": q.text, "score": q.score} for q in self.best],
            "most_negative": [{"text": q.text, "score": q.score} for q in self.worst],
            "statistics": {name: dict(entry) for name, entry in self.numbers.items()},
            "categories": {name: dict(entry) for name, entry in self.categories.items()},
            "keywords": list(self.keywords),
            "summary": list(self.summary),
        }
        return {"count": self.count, **{name: part for name, part in parts.items() if part}}


@dataclass(frozen=True, slots=True)
class _Judged:
    label: str
    score: float | None
    text: str


def insights(items: list[Any]) -> Insights:
    """Return what a list of results says."""
    present = [item for item in items if item is not None and not _is_failure(item)]
    judged = [entry for item in present if (entry := _judged(item))]
    texts = [entry.text for entry in judged] if judged else [_body(item) for item in present]
    text = "\n\n".join(part for part in texts if part)[:_MAX_CHARACTERS]
    common: dict[str, Any] = {
        "count": len(present),
        "failed": len(items) - len(present),
        "keywords": _topics(text),
    }
    if judged and len(judged) >= len(present) / 2:
        return Insights(**common, **_sentiment_parts(judged))
    return Insights(
        **common,
        numbers=_statistics(present),
        categories=_categories(present),
        summary=tuple(summarize(text, 5)) if len(text) > 200 else (),
    )


def _topics(text: str) -> tuple[str, ...]:
    return tuple(topics(text, _TOPICS)) if len(text) >= _MIN_TOPIC_CHARACTERS else ()


def _sentiment_parts(judged: list[_Judged]) -> dict[str, Any]:
    counts = Counter(entry.label for entry in judged)
    labels = [*_LABELS, *(label for label in counts if label not in _LABELS)]
    quotes = [Quote(e.text, e.score) for e in judged if e.score is not None and e.text]
    ordered = sorted(quotes, key=lambda quote: quote.score, reverse=True)
    scores = [entry.score for entry in judged if entry.score is not None]
    return {
        "sentiments": {label: counts[label] for label in labels},
        "average_score": round(statistics.fmean(scores), 2) if scores else None,
        "best": tuple(quote for quote in ordered if quote.score > 0)[:_QUOTES],
        "worst": tuple(quote for quote in reversed(ordered) if quote.score < 0)[:_QUOTES],
    }


def _judged(item: Any) -> _Judged | None:
    """Read one sentiment: an object with `sentiment`, or a text that begins with the label."""
    if isinstance(item, Mapping):
        label = item.get("sentiment") or item.get("label")
        match = _LABEL.search(label) if isinstance(label, str) else None
        if not match:
            return None
        text = item.get("text") or (subject(item["item"]) if item.get("item") else "")
        numbers = numbers_in([item], "score")
        score = numbers[0] if numbers else None
        return _Judged(match.group(1).lower(), score, shorten(str(text)))
    if not isinstance(item, str):
        return None
    match = _LABEL.search(item[:120])
    if not match:
        return None
    rest = item[match.end() :]
    score_match = _SCORE.match(rest.lstrip(" :,-"))
    score = float(score_match.group(1)) if score_match else None
    quote = rest.lstrip(" :,-")[score_match.end() :] if score_match else rest
    return _Judged(match.group(1).lower(), score, shorten(quote.strip(" :,-.\n")))


def _is_failure(item: Any) -> bool:
    return (
        isinstance(item, Mapping)
        and set(item) <= {"error", "item", "index", "map_index"}
        and ("error" in item)
    )


def _body(item: Any) -> str:
    if isinstance(item, int | float):
        return ""
    if isinstance(item, Mapping) and not any(isinstance(value, str) for value in item.values()):
        return ""
    return subject(item) if isinstance(item, str | Mapping) else readable(item)


def _statistics(items: list[Any]) -> dict[str, dict[str, float]]:
    names = _columns(items)
    columns = {name: numbers_in(items, name) for name in names} if names else {}
    if not names:
        columns = {"value": numbers_in(items)}
    return {
        name: {
            "count": len(numbers),
            "sum": round(sum(numbers), 4),
            "average": round(statistics.fmean(numbers), 4),
            "median": round(statistics.median(numbers), 4),
            "min": min(numbers),
            "max": max(numbers),
        }
        for name, numbers in columns.items()
        if numbers and len(numbers) >= len(items) / 2
    }


def _categories(items: list[Any]) -> dict[str, dict[str, int]]:
    """Count the values of fields that repeat themselves: labels, not texts."""
    found = {}
    for name in _columns(items):
        values = [dig(item, name) for item in items]
        texts = [value for value in values if isinstance(value, str | bool) and str(value)]
        counts = Counter(str(value) for value in texts if len(str(value)) <= 60)
        repeated = len(counts) <= _MAX_CATEGORIES and len(counts) < len(texts)
        if repeated and len(texts) >= len(items) / 2:
            found[name] = dict(counts.most_common())
    return found


def _columns(items: list[Any]) -> list[str]:
    rows = [item for item in items if isinstance(item, Mapping)]
    return list(dict.fromkeys(str(name) for row in rows for name in row))[:50]


def render(found: Insights, title: str, computed: Mapping[str, Any] | None = None) -> str:
    """Return the report in Markdown; `computed` values stand at its beginning, by heading."""
    lines = [f"# {title}", "", _headline(found), ""]
    for heading, value in (computed or {}).items():
        entries = value if isinstance(value, Mapping) else {heading: value}
        rows = [f"| {_cell(str(name))} | {_shown(entry)} |" for name, entry in entries.items()]
        lines += _section(heading, ["|  |  |", "| --- | ---: |", *rows])
    if found.sentiments:
        lines += _sentiment_lines(found)
    for name, entry in found.numbers.items():
        lines += [f"## {name.replace('_', ' ').capitalize()}", "", *_table(entry), ""]
    for name, counts in found.categories.items():
        lines += [f"## By {name.replace('_', ' ')}", "", *_table(counts, shares=True), ""]
    lines += _section("What they say", [f"- {part}" for part in found.summary])
    lines += _section("Frequent topics", [f"- {part}" for part in found.keywords])
    return "\n".join(lines).rstrip() + "\n"


def render_parts(parts: Mapping[str, Any], title: str) -> str:
    """Return a report with a section for each part: labels counted, lists as lists, texts whole."""
    lines = [f"# {title}", ""]
    for name, part in parts.items():
        lines += _section(name.replace("_", " ").capitalize(), _part_lines(part))
    return "\n".join(lines).rstrip() + "\n"


def _part_lines(part: Any) -> list[str]:
    if isinstance(part, str):
        return [part.strip()]
    if not isinstance(part, list):
        return [f"- {name}: {_shown(value)}" for name, value in _entries(part)]
    present = [item for item in part if item is not None and not _is_failure(item)]
    counts = Counter(item for item in present if isinstance(item, str))
    if counts and sum(counts.values()) == len(present) > len(counts) <= _MAX_CATEGORIES:
        return _table(dict(counts.most_common()), shares=True)
    judged = [entry for item in present if isinstance(item, Mapping) and (entry := _judged(item))]
    if judged and len(judged) == len(present):
        return _table(_sentiment_parts(judged)["sentiments"], shares=True)
    return [f"- {_shown(item)}" for item in present]


def _entries(value: Any) -> list[tuple[str, Any]]:
    named = value if isinstance(value, Mapping) else {"value": value}
    return [(str(name).replace("_", " "), entry) for name, entry in named.items()]


def _headline(found: Insights) -> str:
    noun = "item" if found.count == 1 else "items"
    text = f"**{found.count}** {noun} analysed"
    if found.failed:
        text += f", {found.failed} more could not be"
    if found.sentiments:
        label = max(found.sentiments, key=found.sentiments.__getitem__)
        text += f"; most are **{label}** ({_share(found.sentiments[label], found.count)})"
    if found.average_score is not None:
        text += f"; the average score is **{found.average_score:+.2f}** (from -1 to +1)"
    return text + "."


def _sentiment_lines(found: Insights) -> list[str]:
    lines = ["## Sentiment", "", *_table(found.sentiments, shares=True), ""]
    for heading, quotes in (("Most positive", found.best), ("Most negative", found.worst)):
        entries = [f"> {quote.text} ({quote.score:+.2f})\n" for quote in quotes]
        lines += _section(heading, entries)
    return lines


def _table(entries: Mapping[str, float], *, shares: bool = False) -> list[str]:
    total = sum(entries.values())
    head = (
        ["|  | Count | Share |", "| --- | ---: | ---: |"]
        if shares
        else ["|  |  |", "| --- | ---: |"]
    )
    rows = []
    for name, value in entries.items():
        row = f"| {_cell(name)} | {value:,.10g} |"
        rows.append(f"{row} {_share(value, total)} |" if shares else row)
    return [*head, *rows]


def _shown(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.10g}"
    return shorten(_cell(value if isinstance(value, str) else orjson.dumps(value).decode()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _section(heading: str, entries: list[str]) -> list[str]:
    return [f"## {heading}", "", *entries, ""] if entries else []
