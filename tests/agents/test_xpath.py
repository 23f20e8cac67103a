"""XPath finds elements, attributes and values in pages, scripts' work included."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.errors import AgentError
from agents.web_scraping import WebScrapingParameters
from agents.xpath import is_xpath
from tests.agents.conftest import Run
from tests.agents.website import Site, page

pytestmark = pytest.mark.requirement("FR-3.2")

SHOP = (
    '<table><tr class="p"><td>Pen</td><td><a href="/pen">2</a></td></tr></table><div id=more></div>'
    '<script>document.getElementById("more").innerHTML ='
    '\'<p class="p">Desk <a href="/desk">150</a></p>\'</script>'
)


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        ({"selector": "//*[contains(@class, 'p')]"}, ["Pen 2", "Desk 150"]),
        ({"selector": "//a/@href"}, ["/pen", "/desk"]),
        ({"selector": "xpath=//td[1]/text()"}, ["Pen"]),
        ({"selector": "(//a)[last()]", "format": "links"}, [{"url": "/desk", "text": "150"}]),
        ({"selector": "//tr", "format": "markdown"}, ["Pen [2](/pen)"]),
        ({"selector": "/html/body/none"}, []),
        (
            {"selector": "//*[@class='p']", "fields": {"price": ".//a", "url": ".//a/@href"}},
            [{"price": "2", "url": "/pen"}, {"price": "150", "url": "/desk"}],
        ),
        (
            {"selector": ".p", "fields": {"url": "a@href", "n": "./descendant::a/text()"}},
            [{"url": "/pen", "n": "2"}, {"url": "/desk", "n": "150"}],
        ),
        (
            {"fields": {"all": "//a/@href", "first": "xpath=string(//td)", "none": "//b"}},
            [{"all": ["/pen", "/desk"], "first": "Pen", "none": None}],
        ),
        ({"selector": "//a", "limit": 1}, ["2"]),
    ],
)
async def test_xpath_finds(
    run: Run, site: Site, chromium: str, parameters: dict[str, Any], output: list[Any]
) -> None:
    """Elements are read as CSS finds them; attributes, texts and values as they are."""
    site.replies["/"] = page(SHOP)
    result = await run("web_scraping", {"url": site.url(), "respect_robots": False, **parameters})
    assert _plain(result.output, site) == output
    assert result.metadata["mode"] == "browser"


def _plain(value: Any, site: Site) -> Any:
    """The value with the site's address left out of it."""
    if isinstance(value, dict):
        return {name: _plain(one, site) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, site) for one in value]
    return value.replace(site.url(""), "") if isinstance(value, str) else value


async def test_what_is_no_xpath_is_final(run: Run, site: Site, chromium: str) -> None:
    """The expression is named."""
    site.replies["/"] = page(SHOP)
    with pytest.raises(AgentError, match=r"`//\[` is neither XPath") as wrong:
        await run("web_scraping", {"url": site.url(), "selector": "//["})
    assert not wrong.value.retryable


@pytest.mark.parametrize(
    "parameters",
    [{"selector": "//a", "mode": "http"}, {"items": "reviews", "fields": {"a": ".//a"}}],
)
def test_xpath_goes_with_the_browser(parameters: dict[str, Any]) -> None:
    """What cannot be done is said when the workflow is checked."""
    with pytest.raises(ValidationError, match=r"XPath"):
        WebScrapingParameters.model_validate({"url": "https://example.com", **parameters})


def test_css_is_no_xpath() -> None:
    """Selectors of style sheets are told from expressions."""
    for selector in ("a", ".a", "#a", "*", "[href]", ":is(a)", "a > b"):
        assert not is_xpath(selector)
