"""Parameters of steps that bring data: web_scraping, api and database as sources."""

import re
from typing import Any

from compiler.english.draft import Output, OutputKind, escaped, escaped_url, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.nouns import is_plural, listed, words_of
from compiler.english.placing import Place, Written, output_key
from compiler.english.statements import is_table, select_rows
from compiler.inflection import plural, singular

_LINKS = frozenset({"url", "link", "page", "website", "site"})
_URLS = {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1}
_CHECK_TIMEOUT_SECONDS = 5


def write_scraping(place: Place) -> Written:
    """Return the parameters of a web_scraping node."""
    step, reading = place.step, place.reading
    noun = step.noun
    parameters: dict[str, Any] = {}
    from_list = _addresses(place, parameters)
    items = _items(place)
    if items:
        parameters["items"] = items.replace("_", " ")
    if step.count:
        parameters["limit"] = step.count
    if from_list and step.count:
        parameters["max_pages"] = 1
    if "screenshot" in step.words or "screenshots" in step.words:
        parameters["screenshot"] = True
    key = output_key(place, _scraped_noun(noun, items))
    words = nouns_in(noun, items, *listed(step.rest)) or nouns_in("page", "content")
    return Written(parameters, Output(key, "list", words, place.node_id, reading.mapped))


def _scraped_noun(noun: str | None, items: str | None) -> str:
    if items:
        return items
    if noun and noun not in lexicon().words("whole_pages"):
        return noun
    return "page_content"


def _addresses(place: Place, parameters: dict[str, Any]) -> bool:
    """Write `url` or `urls`; return whether they are a list given by the input or a step before."""
    step = place.step
    if place.reading.outputs:
        parameters["urls"] = f"{{{place.reading.outputs[-1].key}}}"
        return True
    given = step.urls or step.inputs
    if step.each in _LINKS and not given:
        parameters["urls"] = place.draft.input("urls", "The URLs to read", _URLS)
        return True
    if given:
        urls = [escaped_url(url) for url in given]
        parameters["url" if len(urls) == 1 else "urls"] = urls[0] if len(urls) == 1 else urls
        return False
    noun = step.noun or "page"
    one = singular(noun)
    if is_plural(noun) and one.rpartition("_")[2] in lexicon().pages and one not in ("url", "link"):
        parameters["urls"] = place.draft.input(
            f"{one}_urls",
            f"The URLs of the {noun.replace('_', ' ')}",
            _URLS,
        )
        return True
    about = (
        f" with the {noun.replace('_', ' ')}" if noun not in lexicon().words("whole_pages") else ""
    )
    parameters["url"] = place.draft.input(
        "url", f"The URL of the page{about}", {"type": "string", "format": "uri"}
    )
    return False


def _items(place: Place) -> str | None:
    """Return the plural noun of the repeated things on the page, when the text names some."""
    noun = place.step.noun
    if not noun or place.step.action == "research" or place.reading.outputs:
        return None
    last = noun.rpartition("_")[2]
    if last in lexicon().words("whole_pages") or singular(last) in lexicon().words("whole_pages"):
        return None
    one = singular(noun)
    if not place.step.urls and not place.step.inputs and one in lexicon().pages:
        return None
    return plural(noun)


def write_api_read(place: Place) -> Written:
    """Return the parameters of an api node that reads something."""
    step = place.step
    checked = step.action == "check"
    parameters = _request(place)
    if checked:
        parameters["timeout"] = _CHECK_TIMEOUT_SECONDS
    noun = step.noun or (step.product.key if step.product else None)
    noun = noun or ("site" if checked else "source_data")
    key = output_key(place, f"{re.sub('_status$', '', noun)}_status" if checked else noun)
    words = nouns_in(noun, key) | {"status"} if checked else nouns_in(noun)
    task = "uptime" if checked else None
    about = _looked_at(place) if checked or step.urls else ""
    kind: OutputKind = "list" if place.reading.mapped else "response"
    output = Output(key, kind, words, place.node_id, place.reading.mapped, task, about)
    return Written(parameters, output)


def _looked_at(place: Place) -> str:
    """Return what a check looks at: "website" for "check website uptime"."""
    words = [
        w
        for w in words_of(place.step.phrase)
        if w not in ("uptime", "status", "health", "availability")
    ]
    if words:
        return " ".join(words)
    return place.step.urls[0] if place.step.urls else "site"


def _request(place: Place) -> dict[str, Any]:
    step = place.step
    if step.urls or step.inputs:
        return {"url": escaped_url((step.urls or step.inputs)[0]), "method": "GET"}
    if step.product and step.product.read:
        return declare_inputs(place, dict(step.product.read))
    if step.product:
        name = step.product.name
        url = place.draft.ask_input(
            f"{place.node_id}.url",
            f"Which URL of {name} gives {_the(step.noun)}?",
            f"{step.product.key}_url",
        )
        return {"url": url, "method": "GET", "auth": bearer(step.product.key)}
    schema = {"type": "string", "format": "uri"}
    return {
        "url": place.draft.input("url", f"The URL that gives {_the(step.noun)}", schema),
        "method": "GET",
    }


def _the(noun: str | None) -> str:
    return f"the {noun.replace('_', ' ')}" if noun else "the data"


def bearer(product: str) -> dict[str, str]:
    """Return the authentication of a service whose token is a secret of its name."""
    return {"type": "bearer", "token": f"{{secrets.{product}_token}}"}


def declare_inputs(place: Place, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a product's recipe; the inputs that it refers to are declared."""
    for name in dict.fromkeys(re.findall(r"\{input\.(\w+)\}", str(recipe))):
        place.draft.input(name, name.replace("_", " ").capitalize())
    return recipe


def write_database_read(place: Place) -> Written:
    """Return the parameters of a database node that reads rows."""
    step = place.step
    noun = step.noun if step.noun not in lexicon().names("places", "database") else None
    noun = None if noun in ("postgres", "postgresql") else noun
    table = named_table(step.marked) or (noun if is_plural(noun) else None)
    sql = next((quote for quote in step.quotes if re.match(r"(?i)\s*(select|with)\b", quote)), None)
    database = database_of(place)
    query: Any
    if database != "postgresql":
        query = _asked_command(place, database, table)
    elif sql is not None:
        query = escaped(sql)
    elif table and is_table(table):
        query = select_rows(table, step.count)
    else:
        query = _asked_query(place, noun)
    parameters = {"database": database, **connection(database), "query": query}
    key = output_key(place, noun or "rows")
    words = nouns_in(noun, table) or frozenset({"row"})
    kind: OutputKind = "list" if place.reading.mapped else "rows"
    return Written(parameters, Output(key, kind, words, place.node_id, place.reading.mapped))


def connection(database: str) -> dict[str, str]:
    """Return where a database is: only PostgreSQL has a default."""
    return {} if database == "postgresql" else {"connection_string": f"{{secrets.{database}_url}}"}


def _asked_command(place: Place, database: str, collection: str | None) -> Any:
    """Return the command that reads a collection of MongoDB; any other is asked for."""
    if database == "mongodb" and collection and is_table(collection):
        return {"find": collection, **({"limit": place.step.count} if place.step.count else {})}
    example = '{"find": "records"}' if database == "mongodb" else "GET name"
    return escaped(
        place.draft.ask(
            f"{place.node_id}.query",
            f"Which {database} command is meant?",
            default=example,
            suggestions=(example,),
        )
    )


def _asked_query(place: Place, noun: str | None) -> str:
    searched = _FOR.search(place.step.rest)
    noun = searched["noun"].lower() if searched else noun
    answer = place.draft.ask(
        f"{place.node_id}.query",
        "Which rows should be read? Give the table or the SQL query.",
        default="SELECT 1",
        suggestions=(select_rows(noun or "records"),),
    )
    return select_rows(answer) if is_table(answer) else answer


_FOR = re.compile(r"\bfor (?:the |all |new |our )*(?P<noun>[a-z_]+s)\b", re.IGNORECASE)
_TABLE = re.compile(
    r"\b(?:table (?:called |named )?(?P<after>[a-z_]\w*)|(?:the|my|our|a|an|into|from|to|in) "
    r"(?P<before>[a-z_][\w-]*) (?:postgres |sql |database )?tables?)\b",
    re.IGNORECASE,
)


def named_table(text: str) -> str | None:
    """Return the table that a text names: "the leads table", "table orders"."""
    match = _TABLE.search(text)
    while match:
        name = (match["before"] or match["after"] or "").lower().replace("-", "_")
        if name and name not in lexicon().words("not_tables"):
            return name
        # "the database table orders": what is no name ends where the name begins.
        match = _TABLE.search(text, match.start() + 1)
    return None


def database_of(place: Place) -> str:
    """Return the kind of database; asks when the text names one that cannot be used."""
    product = place.step.product
    key = product.key if product and product.kind == "database" else "postgresql"
    if key in ("postgresql", "mongodb", "redis"):
        return key
    place.draft.ask(
        f"{place.node_id}.database",
        f"{product.name if product else key} cannot be used yet. Use PostgreSQL instead?",
        default="postgresql",
        suggestions=("postgresql",),
    )
    return "postgresql"
