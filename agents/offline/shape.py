"""Filling a JSON shape from text: labelled lines first, then what a field's name and type say."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.offline import entities
from agents.offline.classify import classify
from agents.offline.keywords import keywords
from agents.offline.sentiment import judge
from agents.offline.summary import summarize
from agents.offline.text import shorten, stem, words

_NUMBER = re.compile(r"-?\d+(?:[.,]\d{3})*(?:\.\d+)?")
_TRUE = frozenset({"yes", "true", "y", "1", "on"})
_FALSE = frozenset({"no", "false", "n", "0", "off"})
_LISTS: dict[str, str] = {
    "skill": "skills",
    "email": "emails",
    "url": "urls",
    "link": "urls",
    "date": "dates",
    "price": "money",
    "amount": "money",
    "phone": "phone_numbers",
    "people": "people",
    "person": "people",
    "name": "names",
    "company": "organizations",
    "organization": "organizations",
    "employer": "organizations",
}


def fill(schema: Mapping[str, Any], text: str) -> Any:
    """Return a value of the schema's shape; what the text does not say is null or left out."""
    kind = _type(schema)
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        filled = {name: _field(name, entry, text) for name, entry in properties.items()}
        required = schema.get("required", ())
        return {
            name: value
            for name, value in filled.items()
            if value is not None or name in required or _nullable(properties[name])
        }
    if kind == "array":
        items = schema.get("items") or {}
        if _type(items) == "object":
            blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
            return [entry for block in blocks if any((entry := fill(items, block)).values())]
        title = str(schema.get("title") or schema.get("description") or "keywords")
        return _list(title, text)
    return _field(str(schema.get("title") or schema.get("description") or "text"), schema, text)


def recognised(name: str) -> bool:
    """Whether a field's name says a kind of thing that has a shape of its own, such as e-mails."""
    return any(stem(word) in _LISTS for word in _parts(name))


def schema_of(fields: list[str]) -> dict[str, Any]:
    """Return the schema of an object with these fields, each of any type."""
    return {"type": "object", "properties": {name: {} for name in fields}}


def fields_named(instruction: str) -> list[str]:
    """Return the fields that an instruction lists: `as JSON with name, price and date`."""
    match = re.search(
        r"\b(?:fields?|keys?|properties|JSON(?: object)? with|columns?)\b:?\s*"
        r"((?:[\w\"'`-]{1,40}(?:\s*(?:,|\band\b|&)\s*)+)+[\w\"'`-]{1,40}|[\w\"'`-]{1,40})",
        instruction,
        re.IGNORECASE,
    )
    if not match:
        return []
    parts = re.split(r"\s*(?:,|\band\b|&)\s*", match.group(1))
    return [name for part in parts if (name := part.strip(" \"'`."))]


def _field(name: str, schema: Mapping[str, Any], text: str) -> Any:
    kind = _type(schema)
    if options := schema.get("enum"):
        return _choice(name, [str(option) for option in options], text)
    if kind == "object" and "properties" in schema:
        return fill(schema, text)
    if kind == "array":
        items = schema.get("items") or {}
        return fill(schema, text) if _type(items) == "object" else _list(name, text)
    labelled = _labelled(name, text)
    if kind in ("number", "integer"):
        return _number(name, labelled, text, whole=kind == "integer")
    if kind == "boolean":
        return _truth(labelled)
    return labelled if labelled is not None else _guess(name, text)


def _labelled(name: str, text: str) -> str | None:
    """Return what stands after `Name:` on a line, or as a key of JSON text."""
    spoken = r"[ _-]?".join(re.escape(part) for part in _parts(name))
    match = re.search(
        rf"(?:^|[\n;,{{•*-])\s*[\"'*]*{spoken}[\"'*]*\s*[:=]\s*[\"'*]*([^\n\"]+)",
        text,
        re.IGNORECASE,
    )
    return match.group(1).strip(" \t\"'*,;}") or None if match else None


def _guess(name: str, text: str) -> str | None:
    """Return a text that a field's name suggests."""
    finders: dict[str, Callable[[str], str | None]] = {
        "sentiment": lambda body: judge(body).label,
        "summary": lambda body: " ".join(summarize(body, 2)) or None,
        "abstract": lambda body: " ".join(summarize(body, 2)) or None,
        "title": lambda body: shorten(body.strip().split("\n")[0], 100) or None,
        "topic": lambda body: next((k.text for k in keywords(body, 1)), None),
        "category": lambda body: next((k.text for k in keywords(body, 1)), None),
        "author": lambda body: next(iter(entities.find("people", body)), None),
    }
    for word in _parts(name):
        root = stem(word)
        if word in finders:
            return finders[word](text)
        if root in _LISTS:
            kind = "people" if root == "name" else _LISTS[root]
            found = entities.find(kind, text) or (
                entities.find("names", text) if root == "name" else []
            )
            return found[0] if found else None
    return None


def _list(name: str, text: str) -> list[str]:
    for word in _parts(name):
        root = stem(word)
        if root in _LISTS:
            return entities.find(_LISTS[root], text)
        if root in ("keyword", "tag", "topic", "theme"):
            return [keyword.text for keyword in keywords(text, 10)]
        if root in ("summary", "point", "highlight", "sentence"):
            return summarize(text, 5)
    labelled = _labelled(name, text)
    if labelled is None:
        return []
    return [part for part in re.split(r"\s*(?:,|;|\band\b)\s*", labelled) if part]


def _choice(name: str, options: list[str], text: str) -> str | None:
    labelled = (_labelled(name, text) or "").lower()
    for option in options:
        if labelled and option.lower() == labelled:
            return option
    chosen = classify(text, options)
    return chosen.label if chosen.confidence > 0 else None


def _number(name: str, labelled: str | None, text: str, *, whole: bool) -> float | int | None:
    if labelled is None:
        spoken = r"[ _-]?".join(re.escape(part) for part in _parts(name))
        near = re.search(
            rf"\b{spoken}s?\b\D{{0,20}}({_NUMBER.pattern})|({_NUMBER.pattern})\s*{spoken}s?\b",
            text,
            re.IGNORECASE,
        )
        labelled = next((group for group in near.groups() if group), None) if near else None
    if labelled is None and {stem(part) for part in _parts(name)} & {"price", "amount", "cost"}:
        labelled = next(iter(entities.find("money", text)), None)
    if labelled is None and "score" in _parts(name):
        return None if whole else judge(text).score
    match = _NUMBER.search(labelled or "")
    if not match:
        return None
    number = float(match.group().replace(",", ""))
    return int(number) if whole or number.is_integer() else number


def _truth(labelled: str | None) -> bool | None:
    word = (labelled or "").lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _parts(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ")
    return words(spaced) or [name.lower()]


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return next((str(entry) for entry in kind if entry != "null"), "")
    return str(kind)


def _nullable(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return isinstance(kind, list) and "null" in kind
