"""Which step a few words mean: by number, by id, or by what it does and for which product."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from compiler.english.lexicon import lexicon
from compiler.inflection import singular
from compiler.specification import Node, Specification

_ORDINALS = {
    name: place
    for place, names in enumerate(
        (("first", "1st"), ("second", "2nd"), ("third", "3rd"), ("fourth", "4th"),
         ("fifth", "5th"), ("sixth", "6th"), ("seventh", "7th"), ("eighth", "8th"),
         ("ninth", "9th"), ("tenth", "10th"))
    )
    for name in names
}  # fmt: skip
_NUMBER = re.compile(r"(?:the )?(?:step|node) (?:number |no\.? |#)?(\d{1,3})", re.IGNORECASE)
_ORDINAL = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)}|last|final) (?:step|node)", re.IGNORECASE)
_SAME = (
    ("get", "list", "retrieve", "fetch", "read", "load", "pull", "look", "lookup"),
    ("create", "make"),
    ("email", "mail", "gmail", "outlook", "e-mail"),
    ("remove", "delete"),
    ("summary", "summarize", "summarise", "summarization"),
    ("scrape", "crawl"),
    ("send", "post", "notify", "publish", "go", "goes"),
    ("approval", "approve", "review"),
    ("pay", "paid"),
    ("database", "db"),
    ("compare", "comparison"),
    ("decide", "decision"),
    ("save", "store", "log", "record", "write", "keep", "upload"),
    ("alert", "warn"),
)
_IDLE = re.compile(
    r"the|an?|all|every|each|new|old|existing|other|step|node|steps|nodes|that|which|to|of|in|into"
    r"|on|from|with|and|for|by|using|via|it|its|this|these|those|is|are|be|then|just|only|some|any"
    r"|one|our|my|their|please|where|s|anymore|more|also|still|there|as|at|additional|entire"
    r"|whole|up|out|done|part|we|you|i|they|gets|being|was|were|been"
)
_AGENT_WORDS = {
    "email": "email mail message send",
    "llm": "llm model ai prompt",
    "web_scraping": "scrape website page",
    "human_loop": "approval person human",
    "database": "database sql query",
    "router": "condition branch decision router choice",
    "api": "api call",
    "data_processing": "transform data",
}


_KINDS_OF_PRODUCTS = {
    "crm": ("hubspot", "salesforce", "pipedrive", "zoho"),
    "chat": ("slack", "teams", "microsoft teams", "discord", "mattermost"),
    "spreadsheet": ("google sheets", "airtable", "excel", "smartsheet"),
    "wiki": ("notion", "confluence"),
    "tracker": ("jira", "linear", "github", "gitlab", "asana", "trello"),
    "helpdesk": ("zendesk", "freshdesk", "intercom", "servicenow"),
    "blog": ("wordpress", "ghost", "medium"),
}
"""What people call a product by its kind."""


@dataclass(frozen=True, slots=True)
class Found:
    """The steps that words may mean; one is an answer, several are a question."""

    node_ids: tuple[str, ...]
    exact: bool = False
    """By number or id, or every word was found."""

    @property
    def one(self) -> str | None:
        """The only step, if there is one."""
        return self.node_ids[0] if len(self.node_ids) == 1 else None


def find_steps(
    words: str, specification: Specification, among: Sequence[str] = (), least: float = 0.5
) -> Found:
    """Return the steps that fit words best.

    Args:
        words: Such as `step 2`, `the last step`, `summarize_page`, `the slack message`.
        specification: Whose steps.
        among: Only these, if any are given.
        least: Which share of the words must fit a step for it to be meant.
    """
    nodes = [
        node for node in specification.body if not among or node.id in among
    ] or list(specification.body)  # fmt: skip
    words = words.strip(" `'\"“”.,")
    named = _by_name(words, nodes, list(specification.body))
    if named is not None:
        return Found((named,), exact=True)
    wanted = _spoken(words)
    if not wanted:
        return Found(())
    scores = {node.id: _score(wanted, node) for node in nodes}
    best = max(scores.values())
    if best < least:
        return Found(())
    return Found(tuple(id for id, score in scores.items() if best - score < 0.01), best > 0.89)


def _by_name(words: str, nodes: Sequence[Node], counted: Sequence[Node]) -> str | None:
    """Return the step that words name, or number among all that are counted."""
    if match := _NUMBER.fullmatch(words):
        place = int(match[1]) - 1
        return counted[place].id if 0 <= place < len(counted) else None
    if match := _ORDINAL.fullmatch(words):
        place = _ORDINALS.get(match[1].lower(), len(counted) - 1)
        return counted[place].id if place < len(counted) else None
    bare = re.sub(r"^(?:the )?(?:step |node )?|(?: step| node)$", "", words, flags=re.IGNORECASE)
    plain = re.sub(r"[\s-]+", "_", bare.strip(" `'\"“”").lower())
    for node in nodes:
        if plain and plain in (node.id.lower(), (node.output_key or "").lower()):
            # “The translation” may be each of two, whose results are numbered.
            others = [one.key for one in nodes if re.fullmatch(rf"{re.escape(plain)}_\d+", one.key)]
            return None if others and plain != words.lower() else node.id
    return None


def covers(node: Node, words: str) -> bool:
    """Whether a step says all of some words, in its names, its description or its parameters."""
    said = f"{node.id} {node.description} {node.output_key or ''} {node.agent} "
    said += f"{_AGENT_WORDS.get(node.agent, '')} {' '.join((*_short_texts(node), *_kinds(node)))}"
    named = _by_name(words.strip(" `'\"“”.,"), [node], [node]) is not None
    numbered = re.search(r"\b(?:step|node) (?:number )?\d|\b(?:last|first|final)\b", words, re.I)
    return named or bool(numbered) or set(words_of(words)) <= set(words_of(said))


def _score(wanted: Sequence[str], node: Node) -> float:
    """Return which share of the words fits a node; the first, mostly the verb, counts more."""
    said = f"{node.id} {node.description} {node.output_key or ''}"
    strong = set(words_of(said))
    very = {stem(word) for word in _spoken(said)}
    weak = set(words_of(f"{node.agent} {_AGENT_WORDS.get(node.agent, '')}"))
    weak.update(words_of(" ".join(_short_texts(node))))
    weak.update(words_of(" ".join(_kinds(node))))
    total = found = 0.0
    for place, word in enumerate(wanted):
        weight = 1.5 if place == 0 and len(wanted) > 1 else 1.0
        total += weight
        if stem(word) in very:
            found += weight
        elif root(word) in strong:
            # The word itself says more than another that means the same.
            found += weight * 0.9
        elif root(word) in weak:
            found += weight * 0.6
    return found / total


def _kinds(node: Node) -> list[str]:
    """Return what the products that a step names are called by their kind."""
    said = f"{node.id} {node.description}".lower().replace("_", " ")
    return [kind for kind, names in _KINDS_OF_PRODUCTS.items()
            if any(re.search(rf"\b{name}\b", said) for name in names)]  # fmt: skip


def _short_texts(node: Node) -> list[str]:
    return [
        value for value in node.parameters.values() if isinstance(value, str) and len(value) < 100
    ]


@lru_cache(maxsize=10_000)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words that say something, each in one form."""
    return tuple(dict.fromkeys(root(word) for word in _spoken(text)))


@lru_cache(maxsize=10_000)
def _spoken(text: str) -> tuple[str, ...]:
    """Return the words that say something, as they are said."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=[a-z])\.(?=[a-z])", " ", text)
    spaced = re.sub(r"\bservice ?now\b", "servicenow", spaced, flags=re.IGNORECASE)
    found = re.findall(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", spaced.lower().replace("'s", ""))
    return tuple(dict.fromkeys(word for word in found if not _IDLE.fullmatch(word)))


@lru_cache(maxsize=10_000)
def root(word: str) -> str:
    """Return one form for the forms of a word: creating, creation, created, creates: creat."""
    bare = stem(word)
    return next((stem(same[0]) for same in _SAME if bare in _stems(same)), bare)


@lru_cache(maxsize=10_000)
def _stems(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(stem(word) for word in words)


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """Return the part that the forms of a word share; the noun of a verb is one of them."""
    word = word.lower()
    said = lexicon().participles.get(word)
    word = said.base if said else singular(word)
    if re.match(r"analy[sz]", word):
        return "analy"
    doer = next((base for base in (word[:-1], word[:-2]) if base in lexicon().verbs), None)
    if doer and word.endswith(("er", "or")):
        word = doer
    if word.endswith("ication"):
        word = f"{word[:-7]}y"
    if word.endswith("ment") and word[:-4] in lexicon().verbs:
        word = word[:-4]
    for ending in ("ation", "ion", "ing", "ed", "es", "e", "s"):
        if ending == "ation" and not word.endswith("ization"):
            continue
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word
