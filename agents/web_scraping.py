"""The web_scraping agent: the texts or objects that pages hold."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urljoin

from pydantic import Field, model_validator
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.bound import SecretRefused
from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.manners import Manners, origin_of
from agents.markup import markdown, node_text, page_text, parse
from agents.page_parts import links, tables
from agents.pages import Loader, Page, Wish, open_loader
from agents.pagination import next_page, without_fragment
from agents.repeated import Pattern, find_items, item_value
from agents.scope import RARE
from agents.xpath import Finds, Search, is_xpath

_DEFAULT_PAGES = 20
Extracted = Literal["text", "html", "markdown", "tables", "links"]


class WebScrapingParameters(Parameters):
    """Which pages, and what of them."""

    url: str | None = Field(default=None, description="The page; or `urls`.")
    urls: tuple[str, ...] | str | None = Field(default=None, description="Several pages.")
    selector: str | None = Field(
        default=None, min_length=1, description="CSS or XPath (`//h2`) of the wanted elements."
    )
    items: str | None = Field(
        default=None,
        min_length=1,
        description="A plural noun such as `reviews`: its elements are found automatically.",
    )
    fields: dict[str, str] | None = Field(
        default=None,
        description="Names, and CSS (`a.title`, `a@href`) or XPath (`.//a/@href`) in each element.",
    )
    limit: int | None = Field(default=None, ge=1, le=100_000, description="At most so many.")
    wait_for_load: bool = Field(default=True, description="Wait for what scripts bring.")
    screenshot: bool = False
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds to load one page.")
    mode: Literal["browser", "http", "auto"] = Field(
        default="auto",
        description="`http` runs no scripts, and shares no cookies with the execution's nodes.",
    )
    max_pages: int | None = Field(
        default=None, ge=1, le=1000, description="Pages to follow by their `next` links."
    )
    format: Extracted = Field(
        default="text", description="What is taken out of the page, or of each element."
    )
    respect_robots: bool = Field(
        default=True,
        json_schema_extra=RARE,
        description="Read no page that the site's robots.txt disallows, nor one that leads to "
        "such a page, and keep its crawl delay.",
    )
    delay_seconds: float | None = Field(
        default=None,
        ge=0,
        le=60,
        json_schema_extra=RARE,
        description="The least time between two pages of a host; 0.1 when left out.",
    )

    @model_validator(mode="after")
    def _some_address(self) -> Self:
        if not self.url and not self.urls:
            raise ValueError("give `url` or `urls`")
        if self.search is not None and self.mode == "http":
            raise ValueError("XPath is evaluated by the browser: leave `mode: http` out")
        if self.search is not None and self.items and not self.selector:
            raise ValueError("fields in XPath go with `selector`, not with `items`")
        return self

    @property
    def search(self) -> Search | None:
        """What the browser itself has to find: there is XPath among it."""
        paths = {name: path for name, path in (self.fields or {}).items() if is_xpath(path)}
        if paths or (self.selector and is_xpath(self.selector)):
            return Search(self.selector, paths)
        return None

    @property
    def addresses(self) -> list[str]:
        """All the addresses to begin at, each once."""
        given = [self.urls] if isinstance(self.urls, str) else list(self.urls or ())
        if self.url:
            given.insert(0, self.url)
        return list(dict.fromkeys(url.strip() for url in given))

    @property
    def pages(self) -> int:
        """How many pages to follow from each address."""
        if self.max_pages is not None:
            return self.max_pages
        return _DEFAULT_PAGES if self.items or self.limit else 1


@dataclass(slots=True)
class _Harvest:
    """What one address gave."""

    values: list[Any] = field(default_factory=list)
    pages: int = 0


class WebScraping:
    """Loads pages in a browser (or by plain HTTP) and takes the wanted elements out."""

    name: ClassVar[str] = "web_scraping"
    description: ClassVar[str] = "Scrapes web pages, those made by JavaScript included."
    parameters: ClassVar[type[Parameters]] = WebScrapingParameters
    side_effect: ClassVar[SideEffect] = "reads"
    default_timeout_seconds: ClassVar[float] = 300.0
    output_fields: ClassVar[tuple[str, ...]] = ()
    estimated_seconds: ClassVar[float] = 5.0

    async def run(self, parameters: WebScrapingParameters, context: AgentContext) -> AgentResult:
        """Return a list of texts, or of objects for `fields` and microdata.

        Of several addresses, those that are gone for good are left out and named in the metadata,
        as long as one of them works.

        Raises:
            AgentError: An address is refused or gone (final), or does not answer (retryable).
        """
        mode = "browser" if parameters.search else parameters.mode
        async with open_loader(context, mode) as (loader, reason):
            scraper = _Scraper(parameters, loader, await context.services.manners(), context)
            harvests, failed = await scraper.run()
        values = [value for harvest in harvests for value in harvest.values]
        metadata: dict[str, Any] = {
            "mode": loader.mode,
            "pages": sum(harvest.pages for harvest in harvests),
            "items": len(values),
        }
        if reason:
            metadata["browser_missing"] = reason
        if failed:
            metadata["failed"] = failed
        usage = Usage(api_calls=sum(harvest.pages for harvest in harvests))
        return AgentResult(values[: parameters.limit], usage, metadata)


class _Scraper:
    def __init__(
        self,
        parameters: WebScrapingParameters,
        loader: Loader,
        manners: Manners,
        context: AgentContext,
    ) -> None:
        self._context = context
        self._parameters = parameters
        self._manners = manners
        self._loader = loader
        self._seen: set[str] = set()

    async def run(self) -> tuple[list[_Harvest], list[dict[str, str]]]:
        """Scrape all addresses, at once as far as the browser has room, in order."""
        addresses = self._parameters.addresses
        tasks: list[asyncio.Task[_Harvest | AgentError]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks.extend(group.create_task(self._address(url)) for url in addresses)
        except* AgentError as errors:
            raise _first(errors) from errors
        results = [task.result() for task in tasks]
        harvests = [result for result in results if isinstance(result, _Harvest)]
        failures = [result for result in results if isinstance(result, AgentError)]
        if failures and not harvests:
            raise failures[0]
        failed = [
            {"url": url, "error": str(result)}
            for url, result in zip(addresses, results, strict=True)
            if isinstance(result, AgentError)
        ]
        return harvests, failed

    async def _address(self, url: str) -> _Harvest | AgentError:
        try:
            return await self._follow(url)
        except (EgressRefused, SecretRefused):
            raise
        except AgentError as error:
            if error.retryable:
                raise
            return error

    async def _follow(self, url: str) -> _Harvest:
        """Scrape a page and those that its `next` links lead to."""
        parameters, harvest = self._parameters, _Harvest()
        pattern: Pattern | None = None
        following: str | None = url
        while following and harvest.pages < parameters.pages:
            if not self._first_visit(following):
                break
            await self._turn(following)
            wish = self._wish(following, known=pattern)
            page = await self._loader.load(following, wish)
            harvest.pages += 1
            self._seen.add(without_fragment(page.url))
            read = partial(_read_page, page, parameters, pattern)
            values, pattern, following = await asyncio.to_thread(read)
            harvest.values.extend(values)
            if parameters.limit is not None and len(harvest.values) >= parameters.limit:
                break
        return harvest

    async def _turn(self, url: str) -> None:
        await self._manners.turn(
            url,
            self._context,
            respect_robots=self._parameters.respect_robots,
            gap_seconds=self._parameters.delay_seconds,
        )

    async def _led(self, start: str, url: str) -> None:
        """A page leads to another address: another site's has its turn, each is asked about."""
        if origin_of(url) != origin_of(start):
            await self._turn(url)
        elif self._parameters.respect_robots:
            await self._manners.check(url)

    def _first_visit(self, url: str) -> bool:
        bare = without_fragment(url)
        if bare in self._seen:
            return False
        self._seen.add(bare)
        return True

    def _wish(self, url: str, known: Pattern | None) -> Wish:
        parameters = self._parameters
        wish = Wish(
            timeout_seconds=parameters.timeout,
            wait=parameters.wait_for_load,
            selector=None if parameters.search else parameters.selector,
            screenshot=parameters.screenshot,
            search=parameters.search,
            led=partial(self._led, url),
        )
        if parameters.items and not parameters.selector:
            return replace(wish, complete=partial(_holds, parameters.items, known))
        return wish


def _holds(noun: str, known: Pattern | None, html: str) -> bool:
    return bool(find_items(parse(html), noun, known, guess=False)[0])


def _read_page(
    page: Page, parameters: WebScrapingParameters, known: Pattern | None
) -> tuple[list[Any], Pattern | None, str | None]:
    """Return the page's values, the pattern of its items, and the next page's address."""
    try:
        document = parse(page.html)
        following = next_page(document, page.url) if parameters.pages > 1 else None
        values, pattern = _values(document, page, parameters, known)
    except RecursionError as error:
        raise AgentError(f"The page {page.url} is nested too deeply to be read.") from error
    if page.screenshot:
        values = [{"url": page.url, "content": values, "screenshot": page.screenshot}]
    return values, pattern, following


def _values(
    document: LexborHTMLParser, page: Page, parameters: WebScrapingParameters, known: Pattern | None
) -> tuple[list[Any], Pattern | None]:
    pattern: Pattern | None = None
    if page.finds is not None:
        return _found(document, page, page.finds, parameters), None
    if parameters.selector:
        nodes = _css(document, parameters.selector)
    elif parameters.items or parameters.limit:
        nodes, pattern = find_items(document, parameters.items, known)
        if not nodes and known is None and not parameters.fields:
            return _whole(document, page, parameters), None
    elif parameters.fields:
        body = document.body
        nodes = [body] if body is not None else []
    else:
        return _whole(document, page, parameters), None
    if parameters.fields:
        return [_object(node, parameters.fields, page.url) for node in nodes], pattern
    if parameters.format != "text":
        found = [_formatted(node, parameters.format, page.url) for node in nodes]
        return _flat(found, parameters.format), pattern
    if parameters.selector:
        return [text for node in nodes if (text := node_text(node))], None
    return [item_value(node) for node in nodes], pattern


def _found(
    document: LexborHTMLParser, page: Page, finds: Finds, parameters: WebScrapingParameters
) -> list[Any]:
    """The values of what the browser found."""
    elements = finds.elements(document)
    values: list[Any] = []
    for one in finds.found:
        node = elements.get(one.number)
        if not one.is_element:
            values.append(one.value)
        elif node is None:
            continue
        elif parameters.fields:
            plain = {n: path for n, path in parameters.fields.items() if n not in one.fields}
            given = {**_object(node, plain, page.url), **one.fields}
            values.append({name: given[name] for name in parameters.fields})
        elif parameters.format == "text":
            values.append(node_text(node))
        else:
            values.append(_formatted(node, parameters.format, page.url))
    return _flat(values, parameters.format)


def _whole(document: LexborHTMLParser, page: Page, parameters: WebScrapingParameters) -> list[Any]:
    if parameters.format == "html":
        return [page.html]
    body = document.body
    if parameters.format == "markdown" and body is not None:
        return [markdown(body)]
    if parameters.format in ("tables", "links") and body is not None:
        return _flat([_formatted(body, parameters.format, page.url)], parameters.format)
    text = page_text(document)
    return [text] if text else []


def _formatted(node: LexborNode, form: Extracted, base: str) -> Any:
    if form == "html":
        return node.html or ""
    if form == "tables":
        return tables(node)
    return links(node, base) if form == "links" else markdown(node)


def _flat(found: list[Any], form: Extracted) -> list[Any]:
    """Tables and links of several elements stand one after another."""
    return [one for part in found for one in part] if form in ("tables", "links") else found


def _object(node: LexborNode, fields: dict[str, str], base: str) -> dict[str, Any]:
    return {name: _field(node, selector, base) for name, selector in fields.items()}


def _field(node: LexborNode, selector: str, base: str) -> Any:
    """The text (or attribute) of what a field's selector finds; several make a list."""
    css, _, attribute = selector.partition("@")
    found = _css(node, css.strip()) if css.strip() else [node]
    values = [_attribute(entry, attribute.strip(), base) for entry in found]
    return values if len(values) > 1 else next(iter(values), None)


def _attribute(node: LexborNode, name: str, base: str) -> str | None:
    if not name:
        return node_text(node)
    value = node.attributes.get(name)
    return urljoin(base, value) if value and name in ("href", "src") else value


def _css(node: LexborNode | LexborHTMLParser, selector: str) -> list[LexborNode]:
    try:
        return node.css(selector)
    except (SelectolaxError, ValueError) as error:
        raise AgentError(
            f"`{selector}` is not a CSS selector.", remedy="Write it as in a style sheet."
        ) from error


def _first(errors: ExceptionGroup[AgentError]) -> AgentError:
    """The error to report: a final one before one that may pass."""
    found = [error for error in errors.exceptions if isinstance(error, AgentError)]
    return next((error for error in found if not error.retryable), found[0])
