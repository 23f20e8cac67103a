"""The words that instructions share: verbs of change, addresses, numbers, durations, values."""

import json
import re
from typing import Any

from compiler.english.lexicon import lexicon

ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\{(?:input|user|secrets)\.\w+\}"
_PERSON = rf"(?:(?:the )?[A-Z]\w*(?: [A-Z]\w*)? )?\(?(?:{ADDRESS})\)?(?: \([A-Z][\w ]*\))?"
ADDRESSES = rf"{_PERSON}(?:(?:,| and|, and) {_PERSON})*"
URL = r"https?://[^\s,;]*[^\s,;.]"
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
MODEL = (
    r"(?:gpt|claude|gemini|llama|mistral|qwen|deepseek|o\d)[\w.:/-]*"
    r"(?: (?:opus|sonnet|haiku|turbo|mini|nano|pro|flash|large|small|\d[\w.]*))*"
)
COUNT = r"(?:\d{1,3}|once|twice|one|two|three|four|five|six|seven|eight|nine|ten)"
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|weeks?)"
DURATION = (
    rf"(?:\d+(?:\.\d+)? ?|(?:an?|one|two|three|four|five|six|seven|eight|ten|twelve) ){_UNIT}"
)
LANGUAGES = (
    r"(english|german|french|spanish|italian|portuguese|dutch|polish|japanese|chinese"
    r"|korean|russian|arabic|turkish|swedish|danish|norwegian|finnish|greek|czech|hungarian|hindi"
    r"|ukrainian|romanian)"
)
TO_SET = (
    r"(?:change|set|update|switch|increase|decrease|raise|lower|reduce|make|put|adjust|bump|cut)"
)
TO_RUN = r"(?:run|start|execute|launch|trigger|call)"
TO_REMOVE = (
    r"(?:remove|delete|drop|clear|cancel|undo|disable|get rid of|take out|take away|leave out"
    r"|turn off|switch off|unset)"
)
INSTEAD = r"(?:,? instead(?: of .+)?)"
_UNITS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "m": 60, "hour": 3600,
          "hr": 3600, "h": 3600, "day": 86_400, "week": 604_800}  # fmt: skip


def value_of(text: str) -> Any:
    """Return a value as it is said: a number, a truth, a duration in seconds, a text."""
    text = text.strip()
    if len(text) > 1 and text[0] in "\"'“`" and text[-1] in "\"'”`":
        return text[1:-1]
    if (seconds := seconds_of(text)) is not None:
        return seconds
    if thousands := re.fullmatch(r"(\d+(?:\.\d+)?)k", text, re.IGNORECASE):
        number = float(thousands[1]) * 1000
        return int(number) if number.is_integer() else number
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    try:
        return json.loads(text)
    except ValueError:
        return text


def seconds_of(text: str) -> float | int | None:
    """Return a duration in seconds; None: the text is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|[a-z]+) ?([a-z]+?)s?", text.strip(), re.IGNORECASE)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        return None
    if match[1][0].isdigit():
        seconds = float(match[1]) * unit
    elif (number := number_of(match[1])) is not None:
        seconds = float(number * unit)
    else:
        return None
    return int(seconds) if seconds.is_integer() else seconds


def number_of(word: str) -> int | None:
    """Return a whole number that is said in figures or as a word: three, twice, a."""
    word = word.lower()
    if word.isdigit():
        return int(word)
    known: dict[str, int] = lexicon().names("numbers")
    return {"a": 1, "an": 1, "once": 1, "twice": 2, **known}.get(word)


def addresses_in(text: str) -> list[str]:
    """Return the addresses in a text, in order."""
    return re.findall(ADDRESS, text)


def left_out(words: str, made: Any) -> bool:
    """Whether words name a URL, an address or a channel that what was made of them lacks."""
    named = re.findall(rf"{URL}|{ADDRESS}|(?<!\w)#[A-Za-z][\w-]*", words)
    held = json.dumps(made, ensure_ascii=False)
    return any(one not in held for one in named)


def cased(new: Any, old: str) -> Any:
    """Write a model's name, such as GPT-4, the way that the former one was written: gpt-3.5."""
    if not isinstance(new, str) or not re.fullmatch(MODEL, new, re.IGNORECASE):
        return new
    name = re.sub(r"\s+", "-", new)
    return name.lower() if old == old.lower() else name


def as_list(value: Any) -> list[str]:
    """Return the addresses of a field, which is one text with commas or a list."""
    texts = value if isinstance(value, list) else [value] if value else []
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]
