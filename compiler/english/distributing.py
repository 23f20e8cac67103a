"""One clause that says several steps: several places, several targets, a source and a target."""

import re
from dataclasses import replace
from itertools import pairwise

from compiler.english.clause import Clause
from compiler.english.lexicon import lexicon
from compiler.english.own_openings import each_agent
from compiler.english.purposes import means, purpose
from compiler.english.reading_places import (
    about_several,
    from_places,
    from_several,
    of_several,
    products,
)
from compiler.english.verbs import Opening, opens_step, read_opening, strip_leading

_TO = r"\b(?:to|into|in|on|onto|with|inside)\b"
_MORE = re.compile(r" (?!(?:and|to|in|on|for|via|into|as|or|from|with|by)\b)[a-z]", re.IGNORECASE)
_LED = re.compile(
    r"\b(?:from|of|with|using|about|for (?:each|every))\s+(?:[\w'-]+\s+){0,3}?$", re.IGNORECASE
)
_PHRASE_END = re.compile(r",|\b(?:to|into|in|on|via)\b", re.IGNORECASE)
_AIMED = re.compile(
    rf"(?:{_TO}|\b(?:via|through|by)\b)(?: (?:the|an?|my|our|your|both))*\s*$", re.IGNORECASE
)
_TARGETS_JOINT = re.compile(
    r",?\s*(?:and|&|,|plus)\s+(?:(?:and|to|in|into|on|via|an?|the|my|our) )*", re.IGNORECASE
)
_TWO_WAYS = re.compile(
    r"^(?P<first>.+? (?:via|on|to|in|by|over|through|into) (?P<one>[^,]+?)),? and"
    r" (?P<second>(?:an? |the |another |its )?(?:[\w-]+ ){1,4}?(?:via|on|to|in|by|over|through"
    r"|into) (?P<other>[^,]+))$",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"\b(?:e-?mail|mail|sms|text message|phone)\b", re.IGNORECASE)
_CONTAINER = re.compile(
    r" (?:database|db|sheet|spreadsheet|channel|table|board|workspace|list|account|project"
    r"|bucket)\b",
    re.IGNORECASE,
)
_WORLD_NOUN = re.compile(
    r"^(?:the |today's |tomorrow's |my |all )*(?:[\w-]+ )?(?:weather|forecast|headlines|news"
    r"|exchange rates?|stock prices?)\b",
    re.IGNORECASE,
)
_SUMS_UP = re.compile(
    r"\b(?:summary|digest|recap|report|overview|briefing|list) of\b", re.IGNORECASE
)
_TO_ME = re.compile(
    r"^(?P<verb>send|email|mail|text|give|message|show)s? (?P<who>me|us|myself|the team)"
    r" (?P<what>[^,;]+?)(?P<rest>(?: (?:by|via|on|to) [^,;]+)?)$",
    re.IGNORECASE,
)
_POSTED = re.compile(
    r"^(?P<verb>send|post|share|publish|push|deliver)s? (?:out )?(?P<what>(?:the |our |my |all "
    r"|new )?[^,;]*?"
    r" (?:numbers|metrics|figures|stats|statistics|results|rows|issues|tickets|deals|orders"
    r"|errors|tasks|leads))"
    r" to (?P<where>#\S.*)$",
    re.IGNORECASE,
)
_DATA_NOUN = re.compile(
    r" (?:[\w-]+ )?(?:stories|issues|posts|orders|events|tickets|commits|deals|leads|tasks"
    r"|articles|videos|tweets|metrics"
    r"|sales|invoices|headlines|trends|rows|comments|mentions|jobs|listings)\b",
    re.IGNORECASE,
)
_PLAIN_TARGET = re.compile(
    r"\b(?:(?:local|shared|csv|json|log|internal) )*(?:file|database|crm|spreadsheet|warehouse"
    r"|data lake|wiki|e-?mail|sms|blog|website|newsletter|intranet)\b(?! (?:records?|tables?"
    r"|rows?|entr\w+|formats?|address\w*"
    r"|messages?|contacts?|cells?|fields?))",
    re.IGNORECASE,
)
_BY_MODEL = re.compile(
    r",?\s+(?P<verb>\w+ed)(?= (?:by|with|using|via)\b[^,]*\b(?:ai|llm|gpt\S*|claude"
    r"|openai|gemini|chatgpt)\b)(?P<how>[^,]*)$",
    re.IGNORECASE,
)
_BY_AI = re.compile(
    r"\b(?:ai|gpt|llm|claude)-(?:written|generated|powered|drafted|made|crafted|curated"
    r"|formatted|summarized) ",
    re.I,
)
_SOME = re.compile(
    r"^(?P<deed>.+?) for (?:(?:each|every|all|any) (?P<noun>[\w -]+?),? (?:that|which"
    r"|whose|who|where) (?P<which>.+)"
    r"|(?:(?:each|every|all|any) )?(?P<many>(?!each|every)[\w-]+(?: [\w-]+)?)"
    r" (?P<limit>(?:above|over|under|below|rated|marked|scored"
    r"|older than|newer than|due|larger than|with (?:more|less|fewer|an?) ).+))$",
    re.I,
)
_WORLD = re.compile(
    r"\bwith (?P<what>(?:the )?(?:[\w-]+ ){0,3}?(?:news|headlines|weather|forecast"
    r"|articles|stories|(?:stock|share) (?:quotes?|prices?)|exchange rates?)\b.*)$",
    re.I,
)


def distributed(clause: Clause) -> list[Clause]:
    """Return the clauses, one for each step, that one clause stands for."""
    agents = (replace(clause, text=text) for text in each_agent(clause.text))
    return [one for part in agents for one in _distributed(part)]


def _distributed(clause: Clause) -> list[Clause]:
    if not clause.worker and (aim := purpose(clause.text)):
        deed = replace(clause, text=aim[1], separator="then", parallel=False)
        return [*distributed(replace(clause, text=aim[0])), *distributed(deed)]
    if not clause.worker and (how := means(clause.text)):
        deed = replace(clause, text=how[1], separator="then", parallel=False)
        return [*distributed(replace(clause, text=how[0], parallel=False)), *distributed(deed)]
    opening = read_opening(clause.text, guess=True)
    if opening is None or clause.worker:
        return [clause]
    role = lexicon().roles.get(opening.verb.action)
    texts = _of_some(clause.text)
    if role == "source" and len(texts) == 1:
        texts = from_places(clause.text, opening)
        texts = (from_several(clause.text, opening) if len(texts) == 1 else []) or texts
    if role == "process" and len(texts) == 1:
        texts = of_several(clause.text, opening)
    if clause.parallel and len(texts) == 1:
        texts = about_several(clause.text) or texts
    if len(texts) == 1:
        texts = _moved(clause.text, opening)
    if role == "sink":
        texts = (
            [part for text in texts for part in _reading_first(text)] if len(texts) == 1 else texts
        )
        texts = [part for text in texts for part in _also(text, opening)]
        texts = [part for text in texts for part in _to_several(text)]
    if role != "process":
        texts = [*texts[:-1], *_made_by_model(texts[-1])]
    side = _last_beside(texts, opening, clause.parallel)
    return [
        replace(
            clause,
            text=text,
            separator=clause.separator if place == 0 else "comma",
            parallel=place == side,
        )
        for place, text in enumerate(texts)
    ]


def _last_beside(texts: list[str], opening: Opening, parallel: bool) -> int | None:
    """Return the place of the last text that stands beside those before it; None without any."""
    reads = lexicon().roles.get(opening.verb.action) == "source"
    if parallel or (reads and len(texts) > 1):
        return len(texts) - 1
    # Several places are read one beside the other, and what is done with them comes last.
    fetched = sum(text.startswith("fetch ") for text in texts[:-1])
    return fetched - 1 if fetched > 1 and fetched == len(texts) - 1 else None


def _reading_first(text: str) -> list[str]:
    """Cut "post a Slack overview of open Jira tickets" into reading and sending."""
    found = products(text)
    if (posted := _POSTED.match(text)) and products(posted["what"]):
        return [f"fetch {posted['what']}", f"{posted['verb']} the results to {posted['where']}"]
    told = _TO_ME.match(text)
    if told and not found and _WORLD_NOUN.search(told["what"]):
        return [f"fetch {told['what']}", f"{told['verb']} {told['who']} the results{told['rest']}"]
    if (
        told
        and len(found) == 1
        and not _SUMS_UP.search(told["what"])
        and _DATA_NOUN.match(text, found[0][1])
    ):
        return [f"fetch {told['what']}", f"{told['verb']} {told['who']} the results{told['rest']}"]
    world = _WORLD.search(text)
    if world and not products(world["what"]):
        return [f"fetch {world['what']}", text[: world.start()].strip()]
    for start, ended, source in found:
        led = _LED.search(text[:start])
        others = [product for _, _, product in found if product.key != source.key]
        tool = led is not None and re.match(r"(?:using|with)\b", led[0], re.I)
        alone = not _MORE.match(text[ended:])
        if led is None or not others or (tool and alone):
            continue
        stop = _PHRASE_END.search(text, start)
        end = stop.start() if stop else len(text)
        phrase = text[led.end() : end].strip(" ,.")
        parts = [part for part in re.split(r"\s+and\s+", phrase) if products(part)]
        whole = parts if len(parts) == len(re.split(r"\s+and\s+", phrase)) else [phrase]
        inside = re.match(r"\s*in\s+(?P<place>[\w ]+)$", text[end:])
        if inside and led[0].lower().startswith("from") and products(inside["place"]):
            return [f"fetch {phrase} from {inside['place']}", text[: led.start()].strip(" ,")]
        kept = text[: led.start()].strip(" ,")
        return [*(f"fetch {part}" for part in whole), f"{kept} {text[end:].lstrip()}".strip()]
    return [text]


def _also(text: str, opening: Opening) -> list[str]:
    """Cut "create a contact and also a file in Box" into a clause for each thing."""
    first, *others = re.split(
        r",?\s+(?:and also|as well as)\s+(?=(?:an?|the)\s)"
        r"|(?:,?\s+and\s+|,\s+)(?=an?\s[\w -]+ in (?:the )?[A-Z])",
        text,
    )
    if (
        not others
        and (pair := _TWO_WAYS.match(text))
        and not opens_step(pair["second"])
        and all(map(_is_channel, pair.group("one", "other")))
    ):
        first, others = pair["first"], [pair["second"]]
    return [first, *(f"{opening.verb.base} {other}" for other in others)]


def _is_channel(text: str) -> bool:
    """Whether a message can go there: a service, a mailbox, a phone."""
    return bool(products(text)) or bool(_CHANNEL.search(text))


def _of_some(text: str) -> list[str]:
    """Cut "create a ticket for each lead that is hot" into keeping those leads and doing it."""
    match = _SOME.match(text)
    if match is None or re.match(
        r"(?:for|search|query|look|monitor|watch|check|scrape|ask|wait|find|filter)",
        strip_leading(match["deed"]),
        re.I,
    ):
        return [text]
    if match["many"]:
        return [f"filter the {match['many']} {match['limit']}", match["deed"]]
    noun = match["noun"]
    return [f"filter the {noun}s whose {match['which']}", f"{match['deed']} for each {noun}"]


def _moved(text: str, opening: Opening) -> list[str]:
    """Cut "copy the leads from Marketo to Salesforce" into reading there and writing here."""
    if opening.verb.base not in lexicon().words("moves") or opening.tool:
        return [text]
    found = products(text)
    for (start, end, source), (later, _, target) in pairwise(found):
        joint = re.search(
            rf"{_TO}(?: (?:the|an?|my|our|your))?(?: [\w-]+)?\s*$", text[:later], re.I
        )
        if source.name == target.name or joint is None or joint.start() < end:
            continue
        led = re.search(
            r"\b(?:from|of|in)(?: (?:the|an?|my|our|your))?(?: [\w-]+)?\s*$", text[:start], re.I
        )
        if led is None and opening.verb.base not in lexicon().words("strict_moves"):
            continue
        verb = opening.verb.base if lexicon().roles.get(opening.verb.action) == "sink" else "save"
        rest = opening.rest[: len(opening.rest) - (len(text) - joint.start())]
        return [f"fetch {rest.strip()}", f"{verb} them {text[joint.start() :]}"]
    return [text]


def _targets(text: str) -> list[tuple[int, int, str]]:
    """Return where in a text things can be put, and what each place is."""
    services = [
        (start, _container_end(text, end), named.key) for start, end, named in products(text)
    ]
    taken = [range(start, end) for start, end, _ in services]
    plain = [
        (match.start(), match.end(), match[0].lower())
        for match in _PLAIN_TARGET.finditer(text)
        if not any(match.start() in span or match.end() - 1 in span for span in taken)
    ]
    return sorted(services + plain)


def _container_end(text: str, end: int) -> int:
    """Return where a name ends with what it names: "Notion database"."""
    container = _CONTAINER.match(text, end)
    return container.end() if container else end


def _to_several(text: str) -> list[str]:
    """Cut "post it to Slack and Teams" into a clause for each target."""
    found = _targets(text)
    for place, (start, _, _) in enumerate(found):
        if not _AIMED.search(text[:start]):
            continue
        run = [found[place]]
        for entry in found[place + 1 :]:
            joint = text[run[-1][1] : entry[0]]
            if not _TARGETS_JOINT.fullmatch(joint) or entry[2] == run[-1][2]:
                break
            run.append(entry)
        if len(run) > 1:
            front, tail = text[:start], text[run[-1][1] :]
            return [f"{front}{text[begin:end]}{tail}" for begin, end, _ in run]
    return [text]


def _made_by_model(text: str) -> list[str]:
    """Cut "send a digest, summarized with AI" into summarizing and sending."""
    match = _BY_MODEL.search(text)
    verb = lexicon().participles.get(match["verb"].lower()) if match else None
    if match and verb:
        return [f"{verb.base} it{match['how']}", text[: match.start()]]
    written = _BY_AI.search(text)
    if written is None:
        return [text]
    what = re.match(r"[\w -]+", text[written.end() :])
    phrase = (
        re.split(r"\b(?:of|to|from|that|with|via|in|on|about)\b", what[0])[0] if what else "text"
    )
    return [f"write the {phrase.strip()} with AI", text]
