"""XPath without a browser finds what the browser's finds, and never looks at too much."""

from typing import Any

import pytest
from playwright.async_api import Browser

from agents.errors import AgentError
from agents.markup import parse
from agents.web_scraping import WebScrapingParameters
from agents.xpath import Search, find, find_in
from agents.xpath_paths import NotUnderstood, compiled
from tests.agents.conftest import Run
from tests.agents.website import Site, page
from tests.chromium import open_chromium

pytestmark = pytest.mark.requirement("FR-3.2")

PAGE = """<!DOCTYPE html><html><head><title>Shop</title></head><body>
<h1 id="top">Prices <em>of</em> today</h1><!-- no comment -->
<table><tbody><tr class="row new" data-n="1"><td>Pen</td><td><a href="/pen">2</a></td></tr>
<tr class="row" data-n="2"><td>Desk</td><td><a href="/desk" title="big">150</a></td></tr>
<tr class="sum"><td>All</td><td>152</td></tr></tbody></table>
<div><p>One</p><p>Two <b>bold</b></p><div><p>Three</p></div></div><ul><li>a<li>b<li></ul>
</body></html>"""
PATHS = [
    "//a", "//a/@href", "//tr[1]/td", "//td[1]/text()", "(//td)[1]", "(//a)[last()]",
    "//td[last()]", "/html/body/h1", "//h1//text()", "//tr[@class]", "//tr[@class='row']/td/a",
    "//tr[contains(@class, 'row')][2]", '//tr[starts-with(@class, "row")]/@data-n',
    "//a[text()='2']", "//a[. = '150']/@title", "//tr[td[1]='Desk']//a", "//a/..",
    "//a/../../td[1]", "//b/ancestor::div", "//b/ancestor::*[1]", "//p[1]",
    "//div/p[position() = 2]", "//div//p", "//tr[not(@data-n)]", "//tr[@data-n > 1]",
    "//tr[@data-n <= '1']", "//h1 | //p | //h1", "//p[normalize-space() = 'Two bold']",
    "//td/following-sibling::td", "//td/preceding-sibling::td[1]",
    "//li[string-length(normalize-space()) = 0]", "//*[@id='top']", "//div[p and div]",
    "//*[self::p or self::b]", "string(//h1)", "count(//p)", "normalize-space(//h1)", "//none",
    "//a/@*", "count(//p) = 3", "//td[a][1]", "//descendant::p[2]", "/descendant::p[2]",
    "//p/node()", "(//div | //ul)[2]/li", "//tr[count(td) = 2 and @data-n]", "//p[../b]",
    "//em/parent::h1", "//p[2]/b/ancestor-or-self::*[@*]", "//div[.//b]",
]  # fmt: skip


@pytest.fixture
async def browser(chromium: str) -> Any:
    """A Chromium to compare with."""
    async with open_chromium() as opened:
        yield opened


def told(found: Any) -> list[Any]:
    """Return what was found, elements by nothing but being there."""
    return [("element", one.fields) if one.is_element else one.value for one in found.found]


async def test_paths_find_what_the_browser_finds(browser: Browser) -> None:
    """Of each path the same elements and values come, in the same order."""
    shown = await browser.new_page()
    differing = []
    for path in PATHS:
        await shown.set_content(PAGE)
        search = Search(f"xpath={path}", {"text": "string()", "n": "@data-n"})
        theirs = told(await find(shown, search))
        ours = told(find_in(parse(PAGE), "about:blank", search))
        if ours != theirs:
            differing.append((path, ours, theirs))
    assert differing == []


@pytest.mark.parametrize(
    "path",
    ["//[", "//a[", "a[1", "//a]", "//a[foo()]", "//a[@]", "//a | ", "$x", "//a[1 + 1]", "//",
     "contains('a')", "//a['x]", "(" * 40 + "//a" + ")" * 40, "//a" * 1000, "string(//a)/"],
)  # fmt: skip
def test_what_is_not_understood_is_said(path: str) -> None:
    """The check of a workflow names it, and what to do."""
    with pytest.raises(NotUnderstood):
        compiled(path)
    with pytest.raises(ValueError, match="leave `mode: http` out"):
        WebScrapingParameters(url="https://a.example", selector=f"xpath={path}", mode="http")


@pytest.mark.parametrize(
    "path",
    ["count(//*[count(//*) > 0])", "//*[//*[//*]]", "//*[contains(., //*)]", "//p[//p = //p]"],
)  # fmt: skip
def test_expensive_paths_end(path: str) -> None:
    """A path that looks at everything again and again is cut off."""
    document = parse("<html><body>" + "<div><p>text</p>" * 300 + "</body></html>")
    with pytest.raises(AgentError, match="too much of the page"):
        find_in(document, "about:blank", Search(f"xpath={path}"))


@pytest.mark.parametrize(
    "parameters",
    [{"selector": "(string(//p))/b"}, {"selector": "p[", "fields": {"a": ".//a"}}],
    ids=["value", "css"],
)
async def test_what_cannot_be_searched_is_final(
    run: Run, site: Site, parameters: dict[str, Any]
) -> None:
    """What is found out only at the page is told as well."""
    site.replies["/"] = page(PAGE)
    with pytest.raises(AgentError, match="cannot be searched") as wrong:
        await run("web_scraping", {"url": site.url(), "mode": "http", **parameters})
    assert not wrong.value.retryable


async def test_plain_http_takes_paths(run: Run, site: Site) -> None:
    """A page by plain HTTP gives what its paths find, with addresses made whole."""
    site.replies["/"] = page(PAGE)
    parameters = {
        "url": site.url(), "mode": "http", "selector": "//tr[@data-n]",
        "fields": {"name": "./td[1]", "url": ".//a/@href", "price": "a"},
    }  # fmt: skip
    result = await run("web_scraping", parameters)
    assert result.output == [
        {"name": "Pen", "url": site.url("/pen"), "price": "2"},
        {"name": "Desk", "url": site.url("/desk"), "price": "150"},
    ]
    assert result.metadata["mode"] == "http"
    texts = await run("web_scraping", {"url": site.url(), "mode": "http", "selector": "//p"})
    assert texts.output == ["One", "Two bold", "Three"]
