"""An organization's own agents, as a sentence names them: "score each with score_text".

A name counts where it can be nothing else: as one word with an underscore, or where an agent is
spoken of ("use lead scoring on …", "the lead-scoring agent"). Which names there are is asked of
whoever knows the organization; what is found becomes a literal of the text.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from compiler.signature import AgentSignature

MOST_NAMES = 100
"""So many names of one text are looked up."""
_MOST_WORDS = 5
_MOST_PARAMETERS = 40
_MAY_NAME = re.compile(r"_|\b(?:agent|tool|function)\b", re.IGNORECASE)
_WORD = r"[A-Za-z][A-Za-z0-9_-]*(?:@\d{1,9})?(?![\w@])(?!\.\w)"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}(?:@\d{1,9})?")
_KIND = r"(?P<kind>(?: custom)? (?:agent|tool|function))\b"
_NO_NAME = (
    r"(?:field|column|table|key|variable|collection|index|file|schema|bucket|queue|topic|branch)s?"
)
_ONE_WORD = re.compile(
    rf"(?<![\w.@/#{{-])(?P<name>[A-Za-z][A-Za-z0-9]{{0,99}}_\w{{1,99}}(?:@\d{{1,9}})?)(?![\w@/(])(?!\.\w|-\w)"
    rf"(?! ?(?:[<>=!]=?|(?:is|are|was|exceeds|equals)\b))(?! {_NO_NAME}\b)",
)
_BEFORE_A_FIELD = re.compile(
    rf"\b(?:{_NO_NAME}|sort|group|order)(?: (?:called|named|by|it|them))* $", re.IGNORECASE
)
_SPOKEN = re.compile(
    rf"\b(?P<led>with|using|uses?|by|via|through|to|runs?|running|calls?|calling|invok(?:es?|ing)"
    rf"|appl(?:y|ies|ying)|execut(?:es?|ing)|asks?|lets?|have|tells?|gets?)"
    rf" (?:(?:the|our|my|an?) )?(?=(?P<words>{_WORD}(?: {_WORD}){{0,{_MOST_WORDS - 1}}}))",
    re.IGNORECASE,
)  # fmt: skip
_CALLED = re.compile(
    rf"\b(?:the|our|my|an?) (?=(?P<words>{_WORD}(?: {_WORD}){{0,{_MOST_WORDS}}}))", re.IGNORECASE
)
_LABELLED = re.compile(
    rf"\b(?:the|our|my|an?) (?:custom )?(?:agent|tool|function)(?: called| named)?"
    rf" (?P<words>{_WORD})",
    re.IGNORECASE,
)
_LISTED = re.compile(
    rf"\btools:? (?P<words>{_WORD}(?:(?:, and |, | and ){_WORD}){{0,20}})", re.IGNORECASE
)
_CALLED_AGENT = re.compile(
    r"(?<![\w.@/#{-])(?P<name>[A-Za-z][A-Za-z0-9]{0,99}_\w{1,99}) (?:agent|tool|function)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"(?P<led>\b(?:using|uses?|runs?|calls?|invokes?|with|by|agent|tool|function|called|named)"
    r" (?:the )?)?"
    rf"\ue002(?P<literal>\d+)\ue00f(?:{_KIND})?",
    re.IGNORECASE,
)
_OF_A_KIND = re.compile(_KIND, re.IGNORECASE)
_ENDED = re.compile(
    r" ?(?:$|[,.;:!?→()\n]|[\ue000-\ue00f])| (?:on|over|for|to|and|then|in|from|with|against|at"
    r"|after|before|if|when|each|every|all|it|them|this|these|the|an?|instead|so|or|using|through"
    r"|as|about|per|afterwards|first|again|which|that|where|across)\b",
    re.IGNORECASE,
)
_DONE_BY = re.compile(r"\b\w+(?:ed|en|wn|un|ut) $", re.IGNORECASE)
_BY_FIELD = re.compile(
    r"\b(?:sort|group|order|rank|split|filter|merge|join|dedupe)\w*\b[^,.;]*$", re.IGNORECASE
)
_ARTICLE = re.compile(r"\b(?:the|our|my|an?) $", re.IGNORECASE)
_LOOKED_BACK = 60
_THE = r"(?:the |an? )?"
_VALUE = (
    r"(?: ?(?:=|:)| (?:is|of|set to)\b"
    r"| (?!(?:me|us|it|them|him|her|the|an?|each|every|all|my|our|your|to|on|in|for|with|from|and"
    r"|or|that|which)\b)[\w\ue000-\ue003-])"
)
"""What comes after the name of a parameter that is given a value."""


@dataclass(frozen=True, eq=False, slots=True)
class Own:
    """The agents of an organization that a text may name, as they are checked."""

    agents: Mapping[str, AgentSignature] = field(default_factory=dict)
    """By what a node's `agent` says: `name`, or `name@2` for a fixed version."""


NONE = Own()


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a text may name an agent."""

    start: int
    end: int
    name: str
    sure: bool
    """It is written with an underscore, or called an agent."""


def mentions(marked: str, quotes: Mapping[int, str]) -> Iterator[Mention]:
    """Yield where a text may name agents; of several at one place the longest first.

    Args:
        marked: The text with its literals marked.
        quotes: What stands in quotes, by the numbers of the marks.
    """
    for match in _ONE_WORD.finditer(marked):
        before = marked[max(0, match.start() - _LOOKED_BACK) : match.start()]
        if not _BEFORE_A_FIELD.search(before) and not (
            before.endswith(" by ") and _BY_FIELD.search(before)
        ):
            yield from _spanned(marked, match.start("name"), match.end("name"), match["name"])
    for match in _LABELLED.finditer(marked):
        yield from _named(match.start(), match.end("words"), match["words"], sure=True)
    for match in _LISTED.finditer(marked):
        for one in re.finditer(_WORD, match["words"]):
            start = match.start("words") + one.start()
            yield from _named(start, start + len(one[0]), one[0], sure=True)
    for pattern in (_SPOKEN, _CALLED):
        for match in pattern.finditer(marked):
            yield from _prefixes(marked, match)
    for match in _QUOTED.finditer(marked):
        value = quotes.get(int(match["literal"]), "")
        if match["kind"] or (match["led"] and "_" in value):
            start = marked.index("\ue002", match.start())
            yield from _named(start, match.end(), value, sure=bool(match["kind"]))


def _prefixes(marked: str, match: re.Match[str]) -> Iterator[Mention]:
    """Yield the names that the words after "use" or "the" may begin with."""
    led = (match.groupdict().get("led") or "").lower()
    words = match["words"].split(" ")
    start = match.start("words")
    before = marked[max(0, start - _LOOKED_BACK) : match.start()]
    for count in range(min(len(words), _MOST_WORDS), 0, -1):
        said = " ".join(words[:count])
        end = start + len(said)
        kind = _OF_A_KIND.match(marked, end)
        if kind:
            yield from _named(start, kind.end(), said, sure=True)
        elif led and _ENDED.match(marked, end) and not _may_be_a_field(led, before):
            if led == "to" and "_" not in said and "-" not in said:
                continue
            yield from _named(start, end, said)


def _may_be_a_field(led: str, before: str) -> bool:
    """Whether "by score" says in which order, and not who does it."""
    return led == "by" and (not _DONE_BY.search(before) or bool(_BY_FIELD.search(before)))


def _spanned(marked: str, start: int, end: int, said: str) -> Iterator[Mention]:
    kind = _OF_A_KIND.match(marked, end)
    yield from _named(start, kind.end() if kind else end, said)


def _named(start: int, end: int, said: str, *, sure: bool = False) -> Iterator[Mention]:
    name = re.sub(r"[\s-]+", "_", said.lower())
    if _NAME.fullmatch(name):
        yield Mention(start, end, name, sure or "_" in said)


def found_in(
    marked: str, quotes: Mapping[int, str], own: Own, ready: Container[str]
) -> list[Mention]:
    """Return where a text names agents that there are, in order and none within another.

    Args:
        marked: The text with its literals marked.
        quotes: What stands in quotes, by the numbers of the marks.
        own: The organization's agents.
        ready: The catalog's, which many words may mean: they count only where they are sure.
    """
    if not own.agents and not _MAY_NAME.search(marked):
        return []
    found = [
        one for one in mentions(marked, quotes)
        if one.name in own.agents or (one.sure and one.name in ready)
    ]  # fmt: skip
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Mention] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return [_with_article(marked, one) for one in kept]


def _with_article(marked: str, one: Mention) -> Mention:
    """Return a mention with the article before it, which is part of the name."""
    article = _ARTICLE.search(marked, max(0, one.start - _LOOKED_BACK), one.start)
    return replace(one, start=article.start()) if article else one


def unknown_in(marked: str, ready: Container[str], blocks: Container[str]) -> list[str]:
    """Return the names that a text calls agents and that are none: "the score_txt agent".

    Args:
        marked: The text in which the agents that there are are marks already.
        ready: The catalog's agents.
        blocks: The building blocks.
    """
    if not _MAY_NAME.search(marked):
        return []
    named = (match["name"] for match in _CALLED_AGENT.finditer(marked))
    names = (one.lower() for one in named if one)
    return [name for name in dict.fromkeys(names) if name not in ready and name not in blocks]


def spoken_forms(name: str) -> tuple[str, ...]:
    """Return how people write the name of a parameter, in lower case."""
    return tuple(dict.fromkeys((name.lower(), name.lower().replace("_", " "))))


def spoken_of(names: Iterable[str], words: str) -> list[str]:
    """Return the names whose words all stand in some words; so many are looked for at most.

    Schemas are as long as whoever registers them likes, and each name is a pattern.
    """
    known = frozenset(re.findall(r"\w+", words.lower()))
    told = (name for name in names if name and known.issuperset(re.findall(r"\w+", name.lower())))
    spaced = (
        name
        for name in names
        if "_" in name.strip("_") and known.issuperset(name.lower().split("_"))
    )
    return list(dict.fromkeys(islice(chain(told, spaced), _MOST_PARAMETERS)))


def joined(after: str, names: Iterable[str]) -> str:
    """Return the words after an agent's name with its parameters, by name, in one phrase.

    "With threshold 0.8 and limit 10" would be cut at "and", since "limit" may be a step.
    """
    forms = [form for name in spoken_of(names, after) for form in spoken_forms(name)]
    if not forms:
        return after
    nouns = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    sentence = re.match(r"[^.;\n→]*(?:\.\d[^.;\n→]*)*", after)
    end = sentence.end() if sentence else 0
    said = re.compile(rf"(?:,? and |, )(?={_THE}(?:{nouns})\b{_VALUE})", re.IGNORECASE)
    return f"{said.sub(' with ', after[:end])}{after[end:]}"
