"""Pages are scraped in a real Chromium and by plain HTTP, and never inside the network."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.settings import AgentSettings
from agents.web_scraping import WebScrapingParameters
from tests.agents.conftest import Run
from tests.agents.website import Reply, Site, page

REVIEWS = ["Great sound and a long battery life.", "Broke after two days, poor build.", "It is ok."]
MICRODATA = """
<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Lamp</h1>{}</div>
"""
REVIEW = """
<article itemprop="review" itemscope itemtype="https://schema.org/Review">
  <h3 itemprop="name">Title {n}</h3>
  <span itemprop="author" itemscope itemtype="https://schema.org/Person">
    <span itemprop="name">Ann {n}</span></span>
  <div itemprop="reviewRating" itemscope itemtype="https://schema.org/Rating">
    <meta itemprop="ratingValue" content="{n}"></div>
  <p itemprop="reviewBody">Body <b>number</b> {n}.</p>
</article>
"""


def cards(*texts: str, name: str = "review") -> str:
    """Return elements as a shop writes them."""
    return "".join(
        f'<div class="{name} card"><h4 class="{name}-title">Title</h4>'
        f'<p class="{name}-body">{text}</p></div>'
        for text in texts
    )


def scripted(texts: list[str], delay_ms: int = 0) -> str:
    """Return a page that a script fills from the server, after a while."""
    return f"""<html><body><nav><a href="/a">Home</a></nav><main id="list"></main><script>
      setTimeout(async () => {{
        const texts = await (await fetch('/data.json')).json();
        for (const text of texts) {{
          const card = document.createElement('div');
          card.className = 'review';
          card.textContent = text;
          document.querySelector('#list').append(card);
        }}
      }}, {delay_ms});
    </script></body></html>"""


@pytest.mark.requirement("FR-3.2")
@pytest.mark.parametrize("mode", ["http", "browser"])
async def test_selector_of_several_urls(run: Run, site: Site, chromium: str, mode: str) -> None:
    """The document's parameters give the texts of the elements, page by page in order."""
    for name in ("one", "two"):
        site.replies[f"/{name}"] = page(f'<p>x</p><div class="profile-section">I am {name}</div>')
    parameters = {
        "urls": [site.url("/one"), site.url("/two")],
        "selector": ".profile-section",
        "mode": mode,
    }
    result = await run("web_scraping", parameters)
    assert result.output == ["I am one", "I am two"]
    assert result.metadata["mode"] == mode


@pytest.mark.requirement("FR-3.2")
async def test_scripts_run(run: Run, site: Site, chromium: str) -> None:
    """What a script brings later is seen by the browser."""
    site.replies["/"] = page(scripted(REVIEWS, delay_ms=800))
    site.replies["/data.json"] = Reply(
        '["' + '","'.join(REVIEWS) + '"]', headers={"Content-Type": "application/json"}
    )
    result = await run("web_scraping", {"url": site.url(), "items": "reviews"})
    assert result.output == REVIEWS


@pytest.mark.requirement("FR-3.2")
async def test_microdata_makes_objects(run: Run, site: Site) -> None:
    """Schema.org properties become fields, those of the rating and the author among them."""
    reviews = "".join(REVIEW.format(n=n) for n in (1, 2))
    site.replies["/"] = page(MICRODATA.format(reviews))
    parameters = {"url": site.url(), "items": "reviews", "mode": "http"}
    output = (await run("web_scraping", parameters)).output
    assert output == [
        {
            "name": f"Title {n}",
            "author": f"Ann {n}",
            "ratingValue": f"{n}",
            "reviewBody": f"Body number {n}.",
        }
        for n in (1, 2)
    ]


@pytest.mark.requirement("FR-3.2")
@pytest.mark.parametrize(
    ("html", "items"),
    [
        (cards(*REVIEWS), "reviews"),
        (cards(*REVIEWS, name="product"), "products"),
        (
            "<ul>"
            + "".join(f'<li data-testid="customer-review">{t}</li>' for t in REVIEWS)
            + "</ul>",
            "customer reviews",
        ),
        (
            '<header class="reviews"><a>All reviews</a></header><main>'
            + "".join(f'<section id="review-{i}">{t}</section>' for i, t in enumerate(REVIEWS))
            + "</main>",
            "reviews",
        ),
        (
            "<nav>"
            + "<a>Long navigation entry of the page</a>" * 9
            + "</nav><div>"
            + "".join(f"<div><p>{t}</p></div>" for t in REVIEWS)
            + "</div>",
            "reviews",
        ),
        ("<table>" + "".join(f"<tr><td>{t}</td></tr>" for t in REVIEWS) + "</table>", "reviews"),
    ],
    ids=["class", "other noun", "data attribute", "id", "repeated siblings", "table"],
)
async def test_items_are_found(run: Run, site: Site, html: str, items: str) -> None:
    """Elements are found by what the page says of them, or by their repetition."""
    site.replies["/"] = page(html)
    parameters = {"url": site.url(), "items": items, "mode": "http"}
    output = (await run("web_scraping", parameters)).output
    assert [text.removeprefix("Title\n") for text in output] == REVIEWS


@pytest.mark.requirement("FR-3.2")
@pytest.mark.parametrize(
    "link",
    [
        '<a rel="next" href="/?page={n}">2</a>',
        '<a href="?page={n}">Next →</a>',
        '<a aria-label="Next page" href="/?page={n}"><img></a>',
        '<ul><li class="next"><a href="/?page={n}">more of it</a></li></ul>',
    ],
)
async def test_next_links_are_followed(run: Run, site: Site, link: str) -> None:
    """Pages are followed to the last, also when it holds one element only."""
    site.replies["/"] = page(cards("a first text", "a second text") + link.format(n=2))
    site.replies["/?page=2"] = page(cards("a third text", "a fourth text") + link.format(n=3))
    site.replies["/?page=3"] = page(cards("a fifth text") + link.format(n=1))
    site.replies["/?page=1"] = site.replies["/"]
    parameters = {"url": site.url("/?page=1"), "items": "reviews", "mode": "http"}
    result = await run("web_scraping", parameters)
    assert len(result.output) == 5
    assert result.output[-1] == "Title\na fifth text"
    assert result.metadata["pages"] == 3


async def test_limit_ends_the_search(run: Run, site: Site) -> None:
    """No page is loaded beyond the limit."""
    for n in range(1, 9):
        site.replies[f"/{n}"] = page(cards(*REVIEWS) + f'<a rel="next" href="/{n + 1}">next</a>')
    parameters = {"url": site.url("/1"), "limit": 5, "mode": "http"}
    result = await run("web_scraping", parameters)
    assert len(result.output) == 5
    assert site.paths() == ["/robots.txt", "/1", "/2"]


@pytest.mark.requirement("FR-3.2")
async def test_fields_make_objects(run: Run, site: Site) -> None:
    """Selectors of fields read texts, attributes and several values."""
    html = "".join(
        f'<li class="book"><a href="/b/{n}">Book {n}</a><i>x</i><i>y</i></li>' for n in (1, 2)
    )
    site.replies["/"] = page(f"<ul>{html}</ul>")
    parameters = {
        "url": site.url(),
        "selector": "li.book",
        "fields": {"title": "a", "link": "a@href", "tags": "i", "price": ".price"},
        "mode": "http",
    }
    output = (await run("web_scraping", parameters)).output
    assert output[1] == {
        "title": "Book 2",
        "link": site.url("/b/2"),
        "tags": ["x", "y"],
        "price": None,
    }


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "Title\nOne link.\na\nb"),
        ("markdown", "## Title\n\nOne [link](/x).\n\n- a\n- **b**"),
    ],
)
async def test_whole_page(run: Run, site: Site, form: str, expected: str) -> None:
    """Without a selector the page itself is the value, in the form asked for."""
    html = '<h2>Title</h2><p>One <a href="/x">link</a>.</p><ul><li>a<li><b>b</b></ul>'
    site.replies["/"] = page(html + "<script>var x = 1;</script><style>p {}</style>")
    parameters = {"url": site.url(), "format": form, "mode": "http"}
    assert (await run("web_scraping", parameters)).output == [expected]


async def test_screenshot(run: Run, site: Site, chromium: str) -> None:
    """A screenshot comes with the page's values."""
    site.replies["/"] = page("<p>Hello</p>")
    output = (await run("web_scraping", {"url": site.url(), "screenshot": True})).output
    assert output[0]["content"] == ["Hello"]
    assert output[0]["screenshot"].startswith("data:image/jpeg;base64,")


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(
    ("mode", "status", "retryable"),
    [
        ("http", 403, False),
        ("http", 404, False),
        ("http", 429, True),
        ("http", 500, True),
        ("browser", 404, False),
        ("browser", 503, True),
    ],
)
async def test_error_status(
    run: Run, site: Site, chromium: str, mode: str, status: int, retryable: bool
) -> None:
    """A missing page is final, a troubled server is tried again after the time it names."""
    site.replies["/"] = Reply("x", status, {"Content-Type": "text/html", "Retry-After": "7"})
    with pytest.raises(AgentError, match=f"status {status}") as caught:
        await run("web_scraping", {"url": site.url(), "mode": mode})
    assert caught.value.retryable is retryable
    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize("mode", ["http", "browser"])
async def test_site_that_is_down_is_retried(
    run: Run, chromium: str, dead_port: int, mode: str
) -> None:
    """A refused connection may work later."""
    url = f"http://127.0.0.1:{dead_port}/"
    with pytest.raises(AgentError, match="could not be loaded") as caught:
        await run("web_scraping", {"url": url, "mode": mode})
    assert caught.value.retryable


@pytest.mark.parametrize("mode", ["http", "browser"])
async def test_silent_site_is_retried(run: Run, site: Site, chromium: str, mode: str) -> None:
    """A URL that never answers ends at the timeout."""
    site.replies["/"] = Reply(hang=True)
    with pytest.raises(AgentError, match="could not be loaded") as caught:
        await run("web_scraping", {"url": site.url(), "mode": mode, "timeout": 0.5})
    assert caught.value.retryable


async def test_one_missing_page_of_several_is_told(run: Run, site: Site) -> None:
    """The pages that are there are scraped, the one that is gone is named."""
    site.replies["/here"] = page("<p>Here</p>")
    parameters = {"urls": [site.url("/here"), site.url("/gone")], "mode": "http"}
    result = await run("web_scraping", parameters)
    assert result.output == ["Here"]
    assert result.metadata["failed"][0]["url"] == site.url("/gone")


async def test_bad_selector_is_final(run: Run, site: Site) -> None:
    """A selector that is none is told."""
    site.replies["/"] = page("<p>x</p>")
    with pytest.raises(AgentError, match="is not a CSS selector"):
        await run("web_scraping", {"url": site.url(), "selector": "p[[", "mode": "http"})


async def test_endlessly_nested_page_is_final(run: Run, site: Site) -> None:
    """A page made to exhaust the stack is refused."""
    site.replies["/"] = page("<div>" * 20_000 + "x")
    with pytest.raises(AgentError, match="nested too deeply"):
        await run("web_scraping", {"url": site.url(), "mode": "http"})


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("mode", ["http", "browser"])
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:text/html,hi", "http://10.0.0.1/", "javascript:alert(1)"]
)
async def test_inner_addresses_are_refused(run: Run, chromium: str, mode: str, url: str) -> None:
    """Files, inline data and addresses of the network are not loaded."""
    with pytest.raises(EgressRefused):
        await run("web_scraping", {"url": url, "mode": mode})


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("mode", ["http", "browser"])
async def test_redirect_inside_is_refused(run: Run, site: Site, chromium: str, mode: str) -> None:
    """A redirect to an address of the network is not followed."""
    site.replies["/"] = Reply(status=302, headers={"Location": "http://169.254.169.254/latest"})
    with pytest.raises(EgressRefused):
        await run("web_scraping", {"url": site.url(), "mode": mode})


class TestInsidePages:
    """What a page itself tries to reach."""

    @pytest.fixture
    def settings(self, inner: Site) -> AgentSettings:
        """Settings under which the inner site is the platform's own."""
        return AgentSettings(allow_loopback=True, blocked_ports=frozenset({inner.port}))

    @pytest.mark.requirement("NFR-4.5")
    async def test_page_cannot_reach_the_platform(
        self, run: Run, site: Site, inner: Site, chromium: str
    ) -> None:
        """Frames, images, scripts and sockets of a page do not reach blocked addresses."""
        inner.replies["/"] = Reply(
            "secret", headers={"Access-Control-Allow-Origin": "*", "Content-Type": "text/html"}
        )
        target = inner.url()
        site.replies["/"] = page(f"""<html><body><p id="out">nothing</p>
          <iframe src="{target}"></iframe><img src="{target}x.png">
          <script>
            new WebSocket("{target.replace("http", "ws")}").onopen = () => {{
              document.querySelector('#out').textContent = 'socket'; }};
            fetch("{target}").then(r => r.ok ? r.text() : 'refused ' + r.status)
              .catch(() => 'refused')
              .then(text => {{ document.querySelector('#out').textContent = text; }});
          </script></body></html>""")
        parameters = {"url": site.url(), "selector": "#out", "mode": "browser"}
        output = (await run("web_scraping", parameters)).output
        assert output[0].startswith("refused")
        assert inner.asked == []


class TestWithoutChromium:
    """A machine without a browser."""

    @pytest.fixture
    def settings(self) -> AgentSettings:
        """Settings that name a browser which is not there."""
        return AgentSettings(allow_loopback=True, chromium_path="/nowhere/chromium")

    async def test_auto_falls_back_to_http(self, run: Run, site: Site) -> None:
        """Plain HTTP does what it can, and the log says why."""
        site.replies["/"] = page("<p>Hello</p>")
        result = await run("web_scraping", {"url": site.url()})
        assert result.output == ["Hello"]
        assert result.metadata["mode"] == "http"
        assert "no browser at /nowhere" in result.metadata["browser_missing"]

    async def test_browser_mode_says_how_to_get_one(self, run: Run, site: Site) -> None:
        """A node that insists on a browser fails with the remedy."""
        with pytest.raises(AgentError, match="apt-get install chromium"):
            await run("web_scraping", {"url": site.url(), "mode": "browser"})


@pytest.mark.parametrize(
    "parameters", [{}, {"urls": []}, {"url": "http://x", "limit": 0}, {"url": "x", "mode": "fast"}]
)
def test_parameters_are_checked(parameters: dict[str, Any]) -> None:
    """An address is needed, and bounds hold."""
    with pytest.raises(ValidationError):
        WebScrapingParameters.model_validate(parameters)


@pytest.mark.requirement("FR-3.2")
async def test_pages_of_an_attempt_share_a_session(run: Run, site: Site, chromium: str) -> None:
    """A site that gives a cookie gets it with the next page, and from no other execution."""
    site.replies["/1"] = page('<p>One</p><a rel="next" href="/2">next</a>', **{"Set-Cookie": "s=1"})
    site.replies["/2"] = page("<p>Two</p>")
    parameters = {"url": site.url("/1"), "mode": "browser", "max_pages": 2, "selector": "p"}
    for number in range(2):
        result = await run("web_scraping", parameters, execution_id=UUID(int=number))
        assert result.output == ["One", "Two"]
    cookies = [a.headers.get("cookie") for a in site.asked if a.path in ("/1", "/2")]
    assert cookies == [None, "s=1", None, "s=1"]
