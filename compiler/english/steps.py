"""Third stage: what one clause asks for: its action, its agent, its object, its product."""

import re
from dataclasses import dataclass, replace
from functools import cache

from compiler.english.lexicon import Product, lexicon
from compiler.english.normalise import Text
from compiler.english.nouns import count_of, each_noun, noun_key, object_phrase, words_of
from compiler.english.verbs import Opening, is_human, read_opening, strip_leading


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, read from one clause."""

    text: str
    """The clause as written, without leading words."""
    marked: str
    """The same with its literals marked."""
    action: str
    agent: str
    verb: str
    rest: str
    """What follows the verb, marked."""
    phrase: str
    """The object: the noun phrase after the verb, marked."""
    noun: str | None
    """The object's name, snake_case; None when it only points back ("it", "the results")."""
    each: str | None
    """The noun after "each"; "" when it names none; None without "each"."""
    parallel: bool
    count: int | None
    product: Product | None
    model: str | None
    urls: tuple[str, ...]
    emails: tuple[str, ...]
    quotes: tuple[str, ...]
    inputs: tuple[str, ...]
    """References such as `{input.city}` that the person wrote."""

    @property
    def role(self) -> str:
        """Whether the step brings data (source), changes it (process) or takes it away (sink)."""
        return lexicon().roles.get(self.action, "control")

    @property
    def words(self) -> frozenset[str]:
        """The words of the clause, lower case, for rules that look at all of them."""
        return frozenset(re.findall(r"[a-z][a-z0-9-]*", self.marked.lower()))


def read_step(clause: str, text: Text, parallel: bool = False) -> Step | None:
    """Return the step that a clause asks for; None when it holds no known verb or noun of action."""
    clause = strip_leading(clause.strip(" ,.!"))
    opening = read_opening(clause)
    if is_human(clause):
        return _step(clause, text, "approve", "approve", clause, parallel)
    if opening:
        return _opened(clause, opening, text, parallel)
    nominal = _nominal(clause)
    return _step(clause, text, nominal[0], nominal[1], clause, parallel) if nominal else None


def _opened(clause: str, opening: Opening, text: Text, parallel: bool) -> Step:
    rest = f"{opening.rest} with {opening.tool}" if opening.tool else opening.rest
    if opening.verb.base == "turn" and re.search(r"\binto\b", rest):
        rest = re.split(r"\binto\b", rest, maxsplit=1)[1].strip()
    marked = f"{opening.verb.base} {rest}" if opening.tool or opening.gerund else clause
    return _step(marked, text, opening.verb.action, opening.verb.base, rest, parallel)


def _step(marked: str, text: Text, action: str, verb: str, rest: str, parallel: bool) -> Step:
    product = _product(marked, action)
    phrase = object_phrase(rest)
    action, agent = _resolve(action, verb, marked, rest, phrase, product, text)
    return Step(
        text=text.restore(marked),
        marked=marked,
        action=action,
        agent=agent,
        verb=verb,
        rest=rest,
        phrase=phrase,
        noun=noun_key(_without_product(phrase, product)),
        each=each_noun(rest),
        parallel=parallel,
        count=count_of(rest),
        product=product,
        model=model_of(marked),
        urls=text.literals_in(marked, "url"),
        emails=text.literals_in(marked, "email"),
        quotes=text.literals_in(marked, "quote"),
        inputs=text.literals_in(marked, "reference"),
    )


def _nominal(clause: str) -> tuple[str, str] | None:
    """Return action and verb of a clause without a verb, such as "Slack alert" or "sentiment analysis"."""
    words = re.findall(r"[a-z][a-z-]*", object_phrase(clause).lower())
    nouns: dict[str, str] = lexicon().names("nominal")
    if words and len(words) <= 6 and words[-1] in nouns:
        return nouns[words[-1]], nouns[words[-1]]
    product = _product(clause, "send")
    if product and len(clause.split()) <= 4:
        return ("send", "send") if product.kind in ("api", "email") else ("store", "store")
    return None


@cache
def _models() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    return tuple(
        (
            re.compile(rf"(?<!\w){entry['pattern']}", re.IGNORECASE),
            entry["model"],
            entry.get("bare", ""),
        )
        for entry in lexicon().names("models")
    )


def model_of(text: str) -> str | None:
    """Return the language model that a text names, as an agent's `model` parameter says it."""
    for pattern, model, bare in _models():
        match = pattern.search(text)
        if match:
            group = match[1] if match.groups() else None
            if group is None and "{0}" in model:
                return bare
            return model.format((group or "").lower().rstrip("."))
    return None


def _product(marked: str, action: str) -> Product | None:
    """Return the service that the clause is about: of several, the one the action goes to."""
    words = lexicon()
    common = frozenset(words.names("common_names"))
    found: list[tuple[int, Product]] = []
    for match in words.product_pattern.finditer(marked):
        name, following = match[1], marked[match.end() :].split()[:1]
        product = words.products[name.lower()]
        product = replace(product, name=name) if not name.islower() else product
        capital = name[:1].isupper() and match.start() > 0
        thing = bool(following) and following[0].lower().strip(",.") in ("folder", "file", "files")
        if product.kind != "llm" and (name.lower() not in common or capital or thing):
            found.append((match.start(), product))
    if not found:
        return None
    target = r"\b(?:to|into|in|on|via|with|using|through)(?: [\w'-]+){0,3}? $"
    aimed = [p for start, p in found if re.search(target, marked[:start], re.IGNORECASE)]
    role = words.roles.get(action)
    if role == "sink" and aimed:
        return aimed[-1]
    return found[0][1] if role != "sink" else found[-1][1]


def _without_product(phrase: str, product: Product | None) -> str:
    return lexicon().product_pattern.sub("", phrase).strip() or phrase if product else phrase


def _resolve(
    action: str, verb: str, marked: str, rest: str, phrase: str, product: Product | None, text: Text
) -> tuple[str, str]:
    """Return the action as the whole clause means it, and the agent that does it."""
    facts = _Facts(verb, rest, frozenset(words_of(marked)), words_of(phrase), product, text, marked)
    chooser = {
        "notify": _send,
        "send": _send,
        "email": _email,
        "store": _store,
        "create": _create,
        "fetch": _fetch,
        "scrape": _scrape,
        "check": _check,
        "generate": _generate,
        "transform": _transform,
    }.get(action)
    return chooser(action, facts) if chooser else (action, lexicon().agents[action])


@dataclass(frozen=True, slots=True)
class _Facts:
    verb: str
    rest: str
    words: frozenset[str]
    object_words: list[str]
    product: Product | None
    text: Text
    marked: str

    def has(self, *names: str) -> bool:
        return not self.words.isdisjoint(names)

    def place(self, agent: str) -> bool:
        return not self.words.isdisjoint(lexicon().names("places", agent))

    def urls(self) -> tuple[str, ...]:
        return self.text.literals_in(self.marked, "url")

    def emails(self) -> tuple[str, ...]:
        return self.text.literals_in(self.marked, "email")


def _email(action: str, facts: _Facts) -> tuple[str, str]:
    if facts.product and facts.product.kind == "api" and not facts.emails() and _aimed(facts):
        return "send", "api"
    return action, "email"


def _aimed(facts: _Facts) -> bool:
    name = facts.product.name.lower() if facts.product else ""
    return bool(re.search(rf"\b(?:to|in|on|into)\b[^,]*\b{re.escape(name)}", facts.marked.lower()))


def _send(action: str, facts: _Facts) -> tuple[str, str]:
    kind = facts.product.kind if facts.product else None
    if kind == "api":
        return action, "api"
    if kind == "database":
        return "store", "database"
    if kind == "email" or facts.emails():
        return "email", "email"
    if facts.place("database") and re.search(r"\b(?:to|in|into)\b", facts.rest):
        return "store", "database"
    if (
        facts.verb == "text"
        or facts.urls()
        or facts.has("webhook", "sms", "endpoint", "text message")
    ):
        return action, "api"
    if facts.verb in ("post", "publish", "push", "upload", "submit") and not facts.has(
        "email", "mail"
    ):
        return action, "api"
    return action, "email"


def _store(action: str, facts: _Facts) -> tuple[str, str]:
    if facts.product:
        return action, "database" if facts.product.kind == "database" else "api"
    if facts.place("database"):
        return action, "database"
    if facts.urls():
        return "send", "api"
    if facts.place("data_processing"):
        return "transform", "data_processing"
    if facts.verb in ("update", "add", "move", "put", "append", "sync", "copy", "index", "archive"):
        return "create", "api"
    return action, "database"




def _create(action: str, facts: _Facts) -> tuple[str, str]:
    if facts.product:
        return action, "database" if facts.product.kind == "database" else "api"
    written = not lexicon().words("texts").isdisjoint(facts.object_words[-2:])
    if facts.verb in ("create", "make") and written:
        return _generate("generate", facts)
    if facts.place("database") and facts.verb in ("delete", "remove", "create"):
        return "store", "database"
    return action, "api"


def _fetch(action: str, facts: _Facts) -> tuple[str, str]:
    product, urls = facts.product, facts.urls()
    if product:
        return action, "database" if product.kind == "database" else "api"
    if urls:
        return (
            (action, "api")
            if any(_is_endpoint(url) for url in urls)
            else ("scrape", "web_scraping")
        )
    if facts.place("database"):
        return action, "database"
    if facts.has("api", "endpoint", "rss", "feed", "feeds", "inbox", "json"):
        return action, "api"
    if facts.place("web_scraping"):
        return "scrape", "web_scraping"
    return action, "api"


def _scrape(action: str, facts: _Facts) -> tuple[str, str]:
    endpoint = facts.has("api", "endpoint") and not facts.place("web_scraping")
    return ("fetch", "api") if endpoint else (action, "web_scraping")


def _is_endpoint(url: str) -> bool:
    return bool(
        re.search(
            r"//api\.|/api(?:/|\b)|/v\d+(?:/|$)|/graphql\b|\.(?:json|csv|xml|rss|txt)(?:$|\?)|/rss\b|/feed\b|/health\b|/status\b",
            url,
        )
    )


def _check(action: str, facts: _Facts) -> tuple[str, str]:
    if facts.product:
        return "fetch", "database" if facts.product.kind == "database" else "api"
    looked = {
        "website",
        "site",
        "url",
        "uptime",
        "server",
        "api",
        "endpoint",
        "health",
        "status",
        "page",
    }
    if facts.urls() or facts.has(*looked):
        return action, "api"
    if facts.place("database"):
        return "fetch", "database"
    if facts.has(
        "price", "prices", "weather", "inbox", "stock", "feed", "feeds", "balance", "usage", "disk"
    ):
        return "fetch", "api"
    return "analyze", "llm"


def _generate(action: str, facts: _Facts) -> tuple[str, str]:
    target = r"\b(?:back )?(?:to|into|in)\b (?:an?|the|my|our)? ?"
    if facts.verb == "write" and re.search(
        rf"{target}[\w -]*\b(?:table|database|db|tables|warehouse)\b", facts.rest, re.I
    ):
        return "store", "database"
    if facts.verb == "write" and facts.product and _aimed(facts):
        return _store("store", facts)
    if facts.object_words[-1:] in (["summary"], ["summaries"]):
        return "summarize", "llm"
    return "generate", "llm"


def _transform(action: str, facts: _Facts) -> tuple[str, str]:
    if facts.verb in ("calculate", "compute") and facts.has("average", "mean", "sum", "total"):
        return "aggregate", "aggregator"
    return action, "data_processing"
