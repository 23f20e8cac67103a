"""Instructions about where a step reads from: another URL, one more."""

import re

from compiler.editing.finding import find_steps, words_of
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.value_rules import does, reads_url
from compiler.editing.wording import URL
from compiler.english.lexicon import lexicon

_A_URL = re.compile(URL, re.IGNORECASE)
_URL_WORDS = re.compile(
    r"\b(?:use|as|the|source|site|website|page|url|instead|from|of|at|it|new)\b|,", re.IGNORECASE
)
_ADDS = re.compile(r"\b(?:also|too|as well|additionally|add|another)\b", re.IGNORECASE)


def _one_more(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Add a URL to a step that takes several; of one that takes one, ask what comes of it."""
    url = match["url"]
    several = [(node.id, name, held) for node in reader.specification.body
               for name, held in node.parameters.items()
               if isinstance(held, list) and held and str(held[0]).startswith("http")]  # fmt: skip
    if len(several) == 1:
        id, name, held = several[0]
        return [SetField(id, ("parameters", name), [*held, url])]
    single = [node.id for node in reader.specification.body
              if str(node.parameters.get("url", "")).startswith("http")]  # fmt: skip
    if single:
        reader.ask(
            "source",
            f"{' and '.join(f'`{id}`' for id in single[:3])} takes one URL. Say what is done "
            f"with {url}, and where.",
            (f"use {url} instead", f"scrape {url} in parallel with {single[0]}"),
        )
    return None


def _url(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another URL in the place of the one that a step has."""
    said = match["said"]
    urls = _A_URL.findall(said)
    if len(urls) != 1 or _ADDS.search(said):
        return None
    places = [node for node in reader.specification.body if reads_url(node)]
    words = _URL_WORDS.sub(" ", said.replace(urls[0], " "))
    ids = [node.id for node in places]
    if words_of(words):
        meant = find_steps(words, reader.specification, ids, least=0.4).node_ids
        ids = [id for id in ids if id in meant] or [
            node.id for node in places if does(node, words) or _reads(words, len(places))
        ]  # fmt: skip
    if not ids:
        return None
    chosen = reader.one_of("step.url", "The URL of which step is meant?", ids)
    return [SetField(chosen, ("parameters", "url"), urls[0])]


def _reads(words: str, places: int) -> bool:
    """Whether words are only a verb that reads, where one step alone reads a URL."""
    verb = lexicon().verbs.get(words.strip().lower())
    return places == 1 and verb is not None and lexicon().roles.get(verb.action) == "source"


def _url_of_a_source(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “pull from URL instead of the front page”: the only step that reads."""
    verb = lexicon().verbs.get(match["said"].split(" ", 1)[0].lower())
    places = [node.id for node in reader.specification.body if reads_url(node)]
    if len(places) != 1 or verb is None or lexicon().roles.get(verb.action) != "source":
        return None
    found = find_steps(match["old"], reader.specification, least=0.7).one
    if found not in (None, places[0]) or _ADDS.search(match["said"]):
        return None
    urls = _A_URL.findall(match["said"])
    return [SetField(places[0], ("parameters", "url"), urls[0])] if len(urls) == 1 else None


def _sources(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Ask what one more source of what is there already means: “check URL as well”."""
    urls = _A_URL.findall(match["said"])
    words = _ADDS.sub(" ", _URL_WORDS.sub(" ", match["said"].replace(urls[0], " "))).strip()
    places = [node.id for node in reader.specification.body
              if str(node.parameters.get("url", "")).startswith("http")]  # fmt: skip
    if len(urls) != 1 or not places or not words or re.search(r"\b(?:and|then)\b", words):
        return None
    meant = find_steps(words, reader.specification, places, least=0.9).one
    if meant not in places:
        return None
    reader.ask(
        "source",
        f"`{meant}` takes one URL. Say where a step for {urls[0]} comes, or “instead”.",
        (f"{words} {urls[0]} instead", f"{words} {urls[0]} in parallel with {meant}",
         f"after {meant}, {words} {urls[0]}"),
    )  # fmt: skip
    return None


RULES: tuple[Rule, ...] = rules(
    (rf"(?P<said>.*?{URL}.*?),? instead", _url),
    (rf"(?P<said>.*?{URL}.*?),? (?:instead of|rather than|in place of) "
     r"(?P<old>(?!.*(?:https?:|@|#)).+)", _url_of_a_source),
    (rf"(?:use|take|read from) (?P<said>(?:the )?(?:url |source |site |page )?{URL}"
     r"(?: as (?:the |its )?\w+)?)", _url),
    (rf"point (?:the )?(?P<said>.+? (?:at|to) {URL})", _url),
    (rf"(?:also )?add (?:the |another )?(?:source |page |site |url )?(?P<url>{URL})"
     r"(?: (?:as|to|too|as well).*)?", _one_more),
    (rf"(?P<said>(?=.*\b(?:also|too|as well)\b).*{URL}.*)", _sources),
)  # fmt: skip
