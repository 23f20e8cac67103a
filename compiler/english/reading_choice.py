"""Which agent reads: a service, a database, the web, or a model that finds a thing in a text."""

import re

from compiler.english.facts import Facts
from compiler.english.lexicon import lexicon

AS_FILE = r"\b(?:as|to|in|into) (?:an? )?(?:json|csv)\b"
"""Words that ask for a file, not for a place to put a thing."""


_FROM_SERVICE = re.compile(
    r"\bfrom (?:an?|the|our|your|its|several|multiple|two|three)? ?(?:[\w.-]+ ){0,4}?(?:apis?"
    r"|endpoints?|feeds?)\b",
    re.IGNORECASE,
)


_TOLD = re.compile(
    r"(?:an?|the) (?:[\w-]+ )?(?:e-?mail|notification|alert|sms|text|message|reminder|ping)\b(?!"
    r" from)"
    r"(?:\W*$| (?:if|when|whenever|about|with|that|on|via|by|for)\b)",
    re.IGNORECASE,
)


_FROM_FILE = re.compile(
    r"(?:the )?(?:data|rows|records|values) from (?:an? |the )?(?:[\w-]+ ){0,2}?(?:csv|tsv|json"
    r"|xml|excel|width"
    r"|parquet) files?\b",
    re.IGNORECASE,
)


def fetch(action: str, facts: Facts) -> tuple[str, str]:
    """Who fetches: where the thing is kept decides."""
    product, urls = facts.product, facts.urls
    if facts.verb in ("get", "receive") and _TOLD.match(facts.rest):
        return (
            ("email", "email")
            if re.search(r"\be?-?mail", facts.rest, re.I)
            else ("notify", "email")
        )
    if facts.verb == "export" and not product and re.search(AS_FILE, facts.rest, re.I):
        return "transform", "data_processing"
    if facts.verb == "find" and re.match(
        r"(?:newly|those|ones|only|matching|duplicates)\b", facts.rest
    ):
        return "filter", "data_processing"
    if lexicon().words("keyword_lists").intersection(facts.object_words) and not (product or urls):
        return "extract", "llm"
    if product:
        return action, "database" if product.kind == "database" else "api"
    if urls:
        return (
            (action, "api")
            if any(_is_endpoint(url) for url in urls)
            else ("scrape", "web_scraping")
        )
    if facts.place("database") and not facts.has("spreadsheet", "spreadsheets", "sheet"):
        return action, "database"
    if facts.has(
        "spreadsheet",
        "spreadsheets",
        "sheet",
        "api",
        "endpoint",
        "rss",
        "feed",
        "feeds",
        "inbox",
        "json",
    ):
        return action, "api"
    if facts.place("web_scraping") or _searched(facts):
        return "scrape", "web_scraping"
    return action, "api"


def _searched(facts: Facts) -> bool:
    """Whether the web is searched: not for records, which lie in some service."""
    if facts.verb == "search online":
        return True
    records = lexicon().words("records") | lexicon().words("own_sources")
    kept = facts.has(*records) or re.search(
        r"\bby (?:name|id|number|e-?mail|title|key)\b"
        r"|\bin (?:an?|the) (?:sprint|board|project|account|list)\b",
        facts.rest,
    )
    return facts.verb == "search for" and not kept


def scrape(action: str, facts: Facts) -> tuple[str, str]:
    """Who reads a page: an endpoint is no page."""
    endpoint = facts.has("api", "endpoint") and not facts.place("web_scraping")
    return ("fetch", "api") if endpoint else (action, "web_scraping")


def _is_endpoint(url: str) -> bool:
    return bool(
        re.search(
            r"//api\.|/api(?:/|\b)|/v\d+(?:/|$)|/graphql\b|\.(?:json|csv|xml|rss|txt)(?:$"
            r"|\?)|/rss\b|/feed\b|/health\b|/status\b",
            url,
        )
    )


def extract(action: str, facts: Facts) -> tuple[str, str]:
    """Who extracts: from a service or a database it is fetched, from a text a model finds it."""
    if facts.product and facts.product.kind == "database":
        return "fetch", "database"
    if not facts.product and _FROM_FILE.match(facts.rest):
        return "transform", "data_processing"
    if not facts.product and _FROM_SERVICE.search(facts.rest):
        return "fetch", "api"
    mail = facts.product and facts.product.kind == "email"
    whole = facts.product and re.match(
        r"(?:all |the )*(?:data|records|rows|everything) from\b", facts.rest
    )
    if mail or whole:
        return "fetch", "api"
    return action, "llm"
