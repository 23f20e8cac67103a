"""Sites are read as their robots.txt files allow, and not faster than they like."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from agents.errors import AgentError
from agents.limits import LocalLimiter, Rate
from agents.manners import Manners, RobotsRefused
from agents.robots import parse_robots
from agents.services import Services
from agents.settings import AgentSettings
from agents.turns import Turns
from tests.agents.conftest import Run, context_of
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


class Noting(LocalLimiter):
    """Gives permits, and notes how long they are waited for instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def take(self, rates: Sequence[Rate], work: str, longest_seconds: float) -> float:
        """See `Limiter`."""
        self.waits.append(round(await super().take(rates, work, 1_000), -1))
        return 0.0


async def test_pages_of_a_host_keep_their_distance(services: Services, site: Site) -> None:
    """Whoever asks at once goes one after the other, by the site's delay."""
    site.replies["/robots.txt"] = robots("User-agent: *\nCrawl-delay: 40")
    limiter = Noting()
    manners = Manners(await services.http(), Turns(limiter, {}))
    for tenant, gap_seconds in ((1, None), (2, 1.0), (1, None)):
        context = context_of(services, tenant_id=UUID(int=tenant))
        await manners.turn(site.url(), context, respect_robots=True, gap_seconds=gap_seconds)
    assert limiter.waits == [0, 40, 80]


async def test_longer_distance_is_the_organizations(services: Services, site: Site) -> None:
    """A distance that a node asks for holds its organization's pages up, and nobody else's."""
    limiter = Noting()
    manners = Manners(await services.http(), Turns(limiter, {}))
    for tenant in (1, 1, 2, 1):
        context = context_of(services, tenant_id=UUID(int=tenant))
        await manners.turn(site.url(), context, respect_robots=False, gap_seconds=50)
    assert limiter.waits == [0, 50, 0, 100]


async def test_other_hosts_are_not_waited_for(services: Services, site: Site, inner: Site) -> None:
    """The distance is that of one host alone."""
    limiter = Noting()
    manners = Manners(await services.http(), Turns(limiter, {}))
    for url in (site.url(), inner.url()):
        await manners.turn(url, context_of(services), respect_robots=False, gap_seconds=60)
    assert limiter.waits == [0, 0]


@pytest.mark.parametrize("mode", ["http", "browser"])
@pytest.mark.parametrize("target", ["/private", "other host"])
async def test_page_that_leads_to_a_disallowed_one_is_not_read(
    run: Run, site: Site, inner: Site, chromium: str, mode: str, target: str
) -> None:
    """Each redirect is looked up in its site's robots.txt before it is followed."""
    for each in (site, inner):
        each.replies |= {"/robots.txt": robots("User-agent: *\nDisallow: /private"),
                         "/private": page("<p>Secret</p>")}  # fmt: skip
    leads = inner.url("/private") if target == "other host" else target
    site.replies["/open"] = Reply(status=302, headers={"Location": "/on"})
    site.replies["/on"] = Reply(status=302, headers={"Location": leads})
    parameters = {"url": site.url("/open"), "mode": mode}
    with pytest.raises(AgentError, match=r"private is not for robots") as refused:
        await run("web_scraping", parameters)
    assert not refused.value.retryable
    assert site.pages() == ["/open", "/on"]
    assert inner.pages() == []
    allowed = await run("web_scraping", {**parameters, "respect_robots": False})
    assert allowed.output == ["Secret"]


@pytest.mark.parametrize(
    "way",
    ['<meta http-equiv=refresh content="0;url=/private">', "<script>location='/private'</script>"],
    ids=["refresh", "script"],
)
async def test_page_that_goes_to_a_disallowed_one_by_itself(
    run: Run, site: Site, chromium: str, way: str
) -> None:
    """Where a page goes in the browser is looked up as well; its frames are its own matter."""
    site.replies |= {"/robots.txt": robots("User-agent: *\nDisallow: /private"),
                     "/private": page("<p>Secret</p>")}  # fmt: skip
    site.replies["/open"] = page(f"<html><head>{way}</head><body>Hello</body></html>")
    with pytest.raises(AgentError, match=r"private is not for robots"):
        await run("web_scraping", {"url": site.url("/open"), "mode": "browser"})
    assert "/private" not in site.pages()
    site.replies["/frames"] = page('<p>Framed</p><iframe src="/private"></iframe>')
    framed = await run("web_scraping", {"url": site.url("/frames"), "selector": "p"})
    assert framed.output == ["Framed"]


class TestOperatorsLimits:
    """A host's limit, set by the operator."""

    @pytest.fixture
    def settings(self) -> AgentSettings:
        """Settings with a limit for loopback."""
        return AgentSettings(allow_loopback=True, host_limits={"127.0.0.1": (1, 1000.0)})

    async def test_pages_and_calls_share_the_limit(self, run: Run, site: Site) -> None:
        """A page counts as a call does, and comes back for its turn when that is late."""
        site.replies["/"] = page("<p>Read me</p>")
        await run("api", {"url": site.url()})
        with pytest.raises(AgentError, match="rate limit of 127") as late:
            await run("web_scraping", {"url": site.url(), "mode": "http", "respect_robots": False})
        assert late.value.retryable
        assert late.value.retry_after_seconds == pytest.approx(1000, abs=10)
        assert site.pages() == ["/"]


async def test_refusal_names_the_rule() -> None:
    """What to do is told as well."""
    assert "respect_robots" in str(RobotsRefused("https://example.com/a", "Disallow: /"))
