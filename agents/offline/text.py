"""Text as the offline model sees it: sentences, words, and the readable text of a JSON value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TEXT_FIELDS = (
    "reviewbody",
    "articlebody",
    "text",
    "body",
    "content",
    "comment",
    "message",
    "description",
    "review",
    "feedback",
)
_TITLE_FIELDS = ("headline", "title", "name", "subject", "summary")
_ABBREVIATIONS = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|approx|No|Inc|Ltd|Co|e\.g|i\.e)\.$")
_BOUNDARY = re.compile(
    r"(?<=[.!?…])[\"'”\u2019)\]]*\s+(?=[\"'“\u2018(\[]?[A-Z0-9])|\n{2,}|\n(?=\s*[-*•\dA-Z\"'])"
)
_SENTENCE_END = re.compile(r"(?<=\w\w)[.!?…][\"'”\u2019)]*(?=\s)")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_TAG = re.compile(r"<[^<>]{1,500}>")

_STOPWORD_LIST = """
a about above after again all also am an and any are as at be because been before being
below between both but by can could did do does doing down during each even ever every few for
from further get got had has have having he her here hers him his how i if in into is it its
just like made make many may me might more most much must my no nor not now of off on once one
only or other our out over own same she should so some still such than that the their them
then there these they this those through to too under until up us use used very was we were
what when where which while who whom why will with would you your yours
"""
STOPWORDS = frozenset(_STOPWORD_LIST.split())


def sentences(text: str) -> list[str]:
    """Split running text into sentences."""
    found: list[str] = []
    for part in _BOUNDARY.split(text):
        part = " ".join(part.split())
        if not part:
            continue
        if found and _ABBREVIATIONS.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found


def words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation."""
    return [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning, plurals cut to the singular."""
    return [stem(word) for word in words(text) if word not in STOPWORDS and len(word) > 1]


def stem(word: str) -> str:
    """Cut the commonest English endings, so that forms of one word compare equal."""
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + replacement
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def plain(text: str) -> str:
    """Return text without HTML tags when it looks like HTML."""
    return _TAG.sub(" ", text) if text.count("<") > 2 and "</" in text else text


def readable(value: Any) -> str:
    """Return all the text in a JSON value, one piece a line."""
    return "\n".join(piece for piece in _pieces(value) if piece.strip())


def subject(value: Any) -> str:
    """Return the text that an item is about: its body rather than its ratings, names and dates."""
    if isinstance(value, str):
        return plain(value)
    if not isinstance(value, Mapping):
        return readable(value)
    named = {str(key).lower().replace("_", ""): entry for key, entry in value.items()}
    body = next((named[name] for name in _TEXT_FIELDS if isinstance(named.get(name), str)), None)
    if body is None:
        inner = named.get("item")
        return subject(inner) if inner is not None else readable(value)
    title = next((named[name] for name in _TITLE_FIELDS if isinstance(named.get(name), str)), "")
    return plain(f"{title}. {body}" if title and title not in body else body)


def shorten(text: str, length: int = 200) -> str:
    """Return the text in one line of at most `length` characters, cut at a sentence or a word."""
    parts = [" ".join(part.split()) for part in text.split("\n") if part.strip()]
    ended = (f"{part}." if part[-1].isalnum() else part for part in parts[:-1])
    line = " ".join([*ended, *parts[-1:]])
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    whole = max((match.end() for match in _SENTENCE_END.finditer(cut)), default=0)
    if whole > length / 2:
        return line[:whole]
    return cut.rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield plain(value)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(entry, Mapping | list):
                yield from _pieces(entry)
            elif entry is not None:
                yield f"{key}: {entry}"
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _pieces(entry)
    elif value is not None:
        yield str(value)
