"""Noun phrases: what a step is about, and the name that its output gets."""

import re

from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.inflection import plural, singular

_STOP = re.compile(
    r"(?<![\w-])(?:from|at|on|in|into|onto|to|with|using|via|by|for|through|per|about|as"
    r"|that|which|who|whose|where|"
    r"so|because|if|when|than|between|across|inside|within|based|against|after|before|under|over|"
    r"has|have|is|are|was|were|titled|entitled|named|called|saying|including|regarding|related|like|containing"
    r"|mentioning)(?![\w-])|[,;:()→]|[\ue000-\ue003]",
    re.IGNORECASE,
)  # fmt: skip
_CONTAINER = re.compile(
    r"^(?:(?:a|an|the|all|any|some)\s+)*(?:list|lists|set|number|batch|copy|text|contents?"
    r"|series|collection|couple|range|all|some|both|pieces?)\s+of\s+",
    re.IGNORECASE,
)
_OF = re.compile(r"\s+of\s+", re.IGNORECASE)
_EACH = re.compile(
    r"\b(?:for )?(?:each|every|per)\b(?: (?:single|individual|new|and every))?(?: one)?(?: "
    r"of)?(?: the| these| those)?(?P<noun>(?: [\w'-]+){0,4})",
    re.IGNORECASE,
)
_ONE_BY_ONE = re.compile(r"\b(?:one by one|individually|one at a time|separately)\b", re.IGNORECASE)
_COUNT = re.compile(
    r"(?<![\w$€£.#-])(?:top |first |last |latest |newest |best "
    r")?(?P<count>\d{1,6})(?![\w%.:/-]|,\d)(?= [a-z])",
    re.IGNORECASE,
)
_COUNT_WORD = re.compile(
    r"\b(?:top|first|last|latest) (?P<word>three|five|ten|twenty|two|four|six|seven|eight|nine)\b",
    re.IGNORECASE,
)


BY_FIELD = re.compile(
    r"\bby (?:(?:the|their|its|each) )?(?P<field>[a-z][\w ]*?)(?:,|$| (?:and|in|with|from"
    r"|descending|ascending)\b)",
    re.IGNORECASE,
)


def words_of(phrase: str) -> list[str]:
    """Return the words of a phrase that carry meaning, lower case."""
    skip = lexicon().skip
    plain = MARK.sub(" ", phrase).replace("'s", "")
    found = re.findall(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z]+)*", plain)
    return [word.lower() for word in found if word.lower() not in skip]


def object_phrase(rest: str) -> str:
    """Return the noun phrase at the front: up to a preposition, a comma or a clause."""
    rest = re.sub(
        r"^(?:for|out|up|to|me|us|in|on|down|back|of)\s+(?=\S)",
        "",
        rest.strip(),
        flags=re.IGNORECASE,
    )
    rest = _CONTAINER.sub("", _ONE_BY_ONE.sub("", rest)).strip()
    stop = _STOP.search(rest)
    phrase = rest[: stop.start()] if stop else rest
    return re.split(r"\s+and\s+|\s+or\s+|\s+&\s+", phrase)[0].strip(" .")


def noun_key(phrase: str) -> str | None:
    """Return the snake_case name for a noun phrase; None when it names nothing.

    `a markdown insights report` gives `insights_report`, `10 LinkedIn profiles` gives `profiles`.
    """
    head = _OF.split(phrase)[0]
    words = words_of(head)
    spoken = re.findall(r"[a-z]+", MARK.sub(" ", head).lower())
    if spoken and spoken[-1] in lexicon().words("writings") and spoken[-1:] != words[-1:]:
        words.append(spoken[-1])
    if not words:
        return None
    if words[-1] in lexicon().generic and len(words) == 1:
        return None
    chosen = words[-2:] if len(words) > 1 and words[-1] in lexicon().weak_heads else words[-1:]
    return _identifier("_".join(chosen))


def _identifier(text: str) -> str | None:
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:40].strip("_")
    return name if re.match(r"[a-z_]", name) else None


def listed(rest: str) -> list[str]:
    """Return the names of the things listed at the front: "names, emails and phone numbers"."""
    stop = re.search(
        r"\b(?:from|at|on|in|into|to|with|using|via|by|for|through|as|that|which|of)\b"
        r"|[;:()→]|[\ue000-\ue003]",
        rest,
        re.IGNORECASE,
    )
    phrase = rest[: stop.start()] if stop else rest
    parts = re.split(r",\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+|\s+&\s+", phrase)
    keys = [_identifier("_".join(words_of(part)[-2:])) for part in parts if part.strip()]
    return [key for key in dict.fromkeys(keys) if key]


def is_plural(key: str | None) -> bool:
    """Whether a name is a plural noun."""
    return bool(key) and singular(str(key)) != key and plural(str(key)) == key


def each_noun(text: str) -> str | None:
    """Return the noun after "each", "every" or "per"; "" when it only says "each"; else None."""
    for match in _EACH.finditer(text):
        stop = _STOP.search(match["noun"])
        phrase = match["noun"][: stop.start()] if stop else match["noun"]
        words = words_of(re.split(r"\s+and\s+", phrase)[0])
        if words and words[0] in lexicon().words("time_units"):
            continue
        if not words or words[-1] in lexicon().generic:
            return ""
        return singular(
            words[0] if words[0] not in lexicon().verbs or len(words) == 1 else words[-1]
        )
    return "" if _ONE_BY_ONE.search(text) else None


def count_of(text: str) -> int | None:
    """Return how many things a text speaks of: "100 reviews", "top 5 articles"."""
    for match in _COUNT.finditer(MARK.sub("\ue00f", text)):
        following = text_after(text, match)
        if following not in lexicon().words("not_counted") and int(match["count"]) > 0:
            return int(match["count"])
    word = _COUNT_WORD.search(text)
    return int(lexicon().names("numbers")[word["word"].lower()]) if word else None


def text_after(text: str, match: re.Match[str]) -> str:
    """Return the word after a match, lower case."""
    rest = re.findall(r"[A-Za-z]+", MARK.sub("\ue00f", text)[match.end() :])
    return rest[0].lower() if rest else ""


def title_of(phrase: str) -> str:
    """Return a phrase as a title: `insights_report` gives `Insights Report`."""
    words = re.sub(r"[_\s]+", " ", phrase).strip().split(" ")
    return " ".join(word if not word.islower() else word.capitalize() for word in words)
