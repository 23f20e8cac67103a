"""One clause that reads from several places: a clause for each of them."""

import re

from compiler.english.lexicon import Product, lexicon
from compiler.english.normalise import MARK
from compiler.english.verbs import Opening, read_opening
from compiler.inflection import singular

_PLACE = r"(?=[^\ue000-\ue003]+\b(?:from|at|on)\s+[\ue000-\ue003])"
_FROM_PLACES = re.compile(rf",?\s+and\s+{_PLACE}|,\s+{_PLACE}")
_FROM = re.compile(
    r"\b(?:from|across|in|(?<!based )(?<!depending )on)\s+(?:both\s+)?", re.IGNORECASE
)
_MOST_COUNTED = 6
_COUNTED = re.compile(
    r"(?P<n>two|three|four|five|six|[2-6]) (?:different |separate |several |public )?"
    r"(?P<kind>apis|sources|llms|models|endpoints|sites|websites|feeds|databases|services"
    r"|agents)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:the |an? |our |my )?[A-Z][\w.]*(?: [A-Z][\w.]*)*(?: (?:api|feed|page))?")
_NAMES = re.compile(
    r"\b(?:for|of|in|into|about|on|from) (?P<names>[A-Z][\w.]*(?: [A-Z][\w.]*)*(?:(?:, (?:and )?|"
    r" and | & )[A-Z][\w.]*(?: [A-Z][\w.]*)*)+)"
)
_RUNS = re.compile(
    r"^(?P<verb>runs?|executes?|performs?|starts?) (?P<what>(?:the |an? )?[\w-]+(?: [\w-]+)?"
    r"(?:(?:, (?:and )?| and )(?:the |an? )?[\w-]+(?: [\w-]+)?)+)$",
    re.IGNORECASE,
)
_BY_COLON = re.compile(
    r"^(?P<deed>[^:]+? (?:of|for|on|from|in|to|across)) (?:the )?(?:following )?(?:[\w-]+"
    r" ){0,2}[\w-]+s:\s+"
    r"(?P<names>[^:;]+)$",
    re.IGNORECASE,
)
_SOURCES_END = re.compile(r"\s+(?:into|to|in|with|by|using|as|for|via)\b", re.IGNORECASE)
_LISTED = re.compile(r",\s*(?:and\s+)?|\s+and\s+|\s+&\s+", re.IGNORECASE)
_STORES = frozenset(
    ["database", "db", "crm", "warehouse", "spreadsheet", "table", "rss", "api", "feed", "feeds"]
)


def from_several(text: str, opening: Opening) -> list[str]:
    """Cut "pull the data from Stripe and our database" into a clause for each source."""
    match = _FROM.search(text)
    if match is None:
        return _of_kinds(opening)
    if counted := _COUNTED.match(text[match.end() :]):
        word = counted["n"].lower()
        number = int(word) if word.isdigit() else int(lexicon().names("numbers")[word])
        kind = singular(counted["kind"].lower())
        one = [
            f"{text[: match.end()]}{kind} {place + 1}{text[match.end() + counted.end() :]}"
            for place in range(number)
        ]
        return one if number <= _MOST_COUNTED else []
    front, verb = text[: match.end()], opening.verb.base
    parts = [part.strip() for part in _LISTED.split(text[match.end() :]) if part.strip()]
    places = [part for part in parts if _is_place(part)]
    if len(places) < 2 or any(len(part.split()) > 3 for part in parts if part not in places):
        return []
    rest = [
        f"{verb} {part}" if _FROM.search(part) else f"{front.strip()} {part}" for part in parts[1:]
    ]
    return [f"{front}{parts[0]}", *rest]


def _of_kinds(opening: Opening) -> list[str]:
    """Cut "collect my unread mails and today's calendar events" into one for each source."""
    parts = [part.strip() for part in _LISTED.split(opening.rest) if part.strip()]
    if (
        "(" in opening.rest
        or not 1 < len(parts) <= _MOST_COUNTED
        or any(len(part.split()) > 6 for part in parts)
    ):
        return []
    kinds = [_kind(part) for part in parts]
    if None in kinds or len(set(kinds)) < len(parts):
        return []
    return [f"{opening.verb.base} {part}" for part in parts]


def _kind(part: str) -> str | None:
    """Return where a thing is kept: a service, or a place that everybody has."""
    named = products(part)
    if named:
        return named[0][2].key
    words = re.findall(r"[a-z]+", part.lower())
    return next((word for word in words if word in lexicon().words("own_sources")), None)


def of_several(text: str, opening: Opening) -> list[str]:
    """Cut "summarize the updates from GitHub, Jira and Slack" into reading each and doing it."""
    match = _FROM.search(opening.rest)
    if match is None:
        whole = read_opening(f"fetch {opening.rest}")
        kinds = _of_kinds(whole) if whole and opening.verb.action == "summarize" else []
        return [*kinds, f"{opening.verb.base} them"] if kinds else [text]
    stop = _SOURCES_END.search(opening.rest, match.end())
    end = stop.start() if stop else len(opening.rest)
    reading = f"fetch {opening.rest[:end]}"
    read = read_opening(reading)
    parts = from_several(reading, read) if read else []
    return [*parts, f"{opening.verb.base} them{opening.rest[end:]}"] if len(parts) > 1 else [text]


def about_several(text: str) -> list[str]:
    """Cut "fetch the weather for Berlin and Paris", told to be side by side, into one for each."""
    if run := _RUNS.match(text):
        return [f"{run['verb']} {what}" for what in _LISTED.split(run["what"])]
    if listed := _BY_COLON.match(text):
        return [
            f"{listed['deed']} {name}" for name in _LISTED.split(listed["names"]) if name.strip()
        ]
    if things := _of_things(text):
        return things
    match = _NAMES.search(text)
    names = _LISTED.split(match["names"]) if match else []
    if match is None or not 1 < len(names) <= _MOST_COUNTED:
        return []
    return [f"{text[: match.start('names')]}{name}{text[match.end() :]}" for name in names]


def _of_things(text: str) -> list[str]:
    """Cut "fetch the user data and the order data", told to be side by side, into one for each."""
    opening = read_opening(text)
    if opening is None or opening.tool:
        return []
    stop = _SOURCES_END.search(opening.rest) or _FROM.search(opening.rest)
    end = stop.start() if stop else len(opening.rest)
    parts = [part for part in _LISTED.split(opening.rest[:end]) if part.strip()]
    if not 1 < len(parts) <= _MOST_COUNTED or any(len(part.split()) > 4 for part in parts):
        return []
    return [f"{opening.verb.base} {part}{opening.rest[end:]}" for part in parts]


def _is_place(text: str) -> bool:
    """Whether a part of a list names a service or a database, perhaps after what comes from it."""
    text = _FROM.split(text)[-1]
    named = lexicon().product_pattern.search(text)
    words = set(re.findall(r"[a-z]+", text.lower()))
    if _NAME.fullmatch(text.strip()):
        return True
    return len(words) <= 6 and (named is not None or bool(words & _STORES))


def from_places(text: str, opening: Opening) -> list[str]:
    """Cut "fetch the weather from … and the news from …" into one clause for each place."""
    first, *others = [part for part in _FROM_PLACES.split(text) if part]
    if not others or not MARK.search(first):
        return [text]
    return [first, *(f"{opening.verb.base} {other}" for other in others)]


def products(text: str) -> list[tuple[int, int, Product]]:
    """Return the services that a text names, with where each name begins and ends."""
    words = lexicon()
    common = frozenset(words.names("common_names"))
    found = [
        (match.start(), match.end(), words.products[match[1].lower()])
        for match in words.product_pattern.finditer(text)
        if match[1].lower() not in common or match[1][:1].isupper()
    ]
    return [entry for entry in found if entry[2].kind != "llm"]
