"""Sites are read as their robots.txt files allow, and not faster than they like."""

import pytest

from agents.errors import AgentError
from agents.manners import Manners, RobotsRefused
from agents.robots import parse_robots
from agents.services import Services
from tests.agents.conftest import Run
from tests.agents.website import Reply, Site, page

pytestmark = pytest.mark.requirement("FR-3.2")


def robots(text: str, status: int = 200) -> Reply:
    """A robots.txt."""
    return Reply(text, status, headers={"Content-Type": "text/plain"})


@pytest.mark.parametrize(
    ("text", "path", "refused"),
    [
        ("", "/a", None),
        ("User-agent: *\nDisallow: /", "/a", "Disallow: /"),
        ("User-agent: *\nDisallow:", "/a", None),
        ("User-agent: *\nDisallow: /a", "/abc", "Disallow: /a"),
        ("User-agent: *\nDisallow: /a/", "/a", None),
        ("user-AGENT : *\ndisallow:/a # no\n", "/a", "Disallow: /a"),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", None),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", None),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf", "Disallow: /*.pdf$"),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf?a", None),
        ("User-agent: *\nDisallow: /x$", "/x", "Disallow: /x$"),
        ("User-agent: *\nDisallow: /x$", "/xy", None),
        ("User-agent: *\nDisallow: /*a*b", "/1a2c", None),
        ("User-agent: *\nDisallow: /*?sort=", "/list?sort=up", "Disallow: /*?sort="),
        ("User-agent: *\nDisallow: /ü", "/%C3%BC", "Disallow: /ü"),
        ("User-agent: *\nDisallow: /", "/robots.txt", None),
        ("User-agent: other\nDisallow: /", "/a", None),
        ("User-agent: other\nUser-agent: Weft/2.0\nDisallow: /a", "/a", "Disallow: /a"),
        ("User-agent: *\nDisallow: /\n\nUser-agent: weft\nDisallow: /b", "/a", None),
        ("User-agent: weft\nDisallow: /a\nUser-agent: *\nDisallow: /\n"
         "User-agent: weft\nDisallow: /b", "/b", "Disallow: /b"),
        ("Disallow: /", "/a", None),
        ("<html>not found</html>", "/a", None),
    ],
)  # fmt: skip
def test_rules_of_the_standard(text: str, path: str, refused: str | None) -> None:
    """Our own groups go before everybody's, the longest pattern decides, a tie allows."""
    assert parse_robots(text).refusing(f"https://example.com{path}") == refused


def test_crawl_delay_is_bounded() -> None:
    """The delay of our group counts, a minute at most; what is no number counts nothing."""
    for text, seconds in (("2.5", 2.5), ("100000", 60), ("soon", 0), ("-1", 0)):
        assert parse_robots(f"User-agent: *\nCrawl-delay: {text}").delay_seconds == seconds


def test_pattern_of_many_stars_is_quick() -> None:
    """A hostile file cannot keep a process busy: no pattern is tried twice at a place."""
    text = f"User-agent: *\nDisallow: /{'*a' * 5_000}b$"
    assert parse_robots(text).refusing("https://example.com/" + "a" * 100_000) is None


@pytest.mark.parametrize("mode", ["http", "browser"])
async def test_disallowed_page_is_not_loaded(
    run: Run, site: Site, chromium: str, mode: str
) -> None:
    """The error names the rule and is final; whoever may do without says so."""
    site.replies |= {"/robots.txt": robots("User-agent: *\nDisallow: /private"),
                     "/private": page("<p>Secret</p>")}  # fmt: skip
    parameters = {"url": site.url("/private"), "mode": mode}
    with pytest.raises(AgentError, match=r"robots\.txt says `Disallow: /private`") as refused:
        await run("web_scraping", parameters)
    assert not refused.value.retryable
    assert site.paths() == ["/robots.txt"]
    allowed = await run("web_scraping", {**parameters, "respect_robots": False})
    assert allowed.output == ["Secret"]
    agents = {asked.headers["user-agent"] for asked in site.asked}
    assert all(agent.endswith("weft/0.1") for agent in agents)


async def test_disallowed_page_of_several_is_left_out(run: Run, site: Site) -> None:
    """Of several pages those that are allowed are read; robots.txt is asked for once."""
    site.replies |= {"/robots.txt": robots("User-agent: *\nDisallow: /b"), "/a": page("A")}
    urls = [site.url("/a"), site.url("/b"), site.url("/a?again")]
    result = await run("web_scraping", {"urls": urls, "mode": "http"})
    assert result.output == ["A", "A"]
    assert "Disallow: /b" in result.metadata["failed"][0]["error"]
    assert site.paths().count("/robots.txt") == 1


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (503, False)])
async def test_robots_that_cannot_be_read(run: Run, site: Site, status: int, allowed: bool) -> None:
    """No file allows everything; a site that fails allows nothing until it is well again."""
    site.replies |= {"/robots.txt": robots("", status), "/": page("<p>Read me</p>")}
    parameters = {"url": site.url(), "mode": "http"}
    if allowed:
        assert (await run("web_scraping", parameters)).output == ["Read me"]
        return
    with pytest.raises(AgentError, match=r"robots\.txt cannot be read \(status 503\)") as failed:
        await run("web_scraping", parameters)
    assert failed.value.retryable
    site.replies["/robots.txt"] = robots("")
    assert (await run("web_scraping", parameters)).output == ["Read me"]


async def test_pages_of_a_host_keep_their_distance(services: Services, site: Site) -> None:
    """Whoever asks at once goes one after the other: by the site's delay, or the node's."""
    site.replies["/robots.txt"] = robots("User-agent: *\nCrawl-delay: 40")
    manners = Manners(await services.http())
    turns = [
        await manners.turn(site.url(), respect_robots=respect, gap_seconds=gap_seconds)
        for respect, gap_seconds in ((True, None), (True, 1.0), (False, 50.0), (False, None))
    ]
    assert turns[0] == 0
    assert [round(turn, -1) for turn in turns[1:]] == [40, 80, 130]


async def test_other_hosts_are_not_waited_for(services: Services, site: Site, inner: Site) -> None:
    """The distance is that of one host alone."""
    manners = Manners(await services.http())
    for url in (site.url(), inner.url()):
        assert await manners.turn(url, respect_robots=False, gap_seconds=60) == 0


async def test_refusal_names_the_rule() -> None:
    """What to do is told as well."""
    assert "respect_robots" in str(RobotsRefused("https://example.com/a", "Disallow: /"))
