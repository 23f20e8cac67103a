"""The hosts that an organization or an installation allows: no agent goes further."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from agents.api import Api
from agents.api_parameters import ApiParameters
from agents.bound import HostRefused, check_reachable, covered, reaching
from agents.egress import EgressRefused
from agents.services import Services, open_services
from agents.settings import AgentSettings
from tests.agents.conftest import Run, context_of
from tests.agents.website import Reply, Site, page

ELSEWHERE = ["api.example.com"]
HERE = ["127.0.0.1"]


@pytest.mark.requirement("NFR-4.5")
def test_only_hosts_of_the_list_are_reached() -> None:
    """Without a list it is every host, with an empty one it is none."""
    with reaching(["a.example", "*.b.example"]):
        for host in ("a.example", "A.example.", "x.b.example"):
            check_reachable(host)
        for host in ("b.example", "x.a.example", "127.0.0.1"):
            with pytest.raises(HostRefused):
                check_reachable(host)
    with reaching([]), pytest.raises(HostRefused, match="weft egress show"):
        check_reachable("a.example")
    with reaching(None):
        check_reachable("a.example")


@pytest.mark.parametrize(
    ("pattern", "by", "expected"),
    [
        ("a.example", ["a.example"], True),
        ("x.a.example", ["*.a.example"], True),
        ("a.example", ["*.a.example"], False),
        ("*.a.example", ["*.a.example"], True),
        ("*.x.a.example", ["*.a.example"], True),
        ("*.a.example", ["a.example", "*.x.a.example"], False),
        ("*.xa.example", ["*.a.example"], False),
        ("a.example", [], False),
    ],
)
def test_a_pattern_within_others_is_known(pattern: str, by: list[str], expected: bool) -> None:
    """What it names must be named by one of them whole."""
    assert covered(pattern, by) == expected


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("agent", "more"),
    [
        ("api", {}),
        ("web_scraping", {"mode": "http"}),
        ("web_scraping", {"mode": "browser"}),
        ("database", {"connection_string": "postgresql://u:p@127.0.0.1:1/d", "query": "SELECT 1"}),
    ],
)
async def test_no_agent_goes_beyond_the_list(
    run: Run, site: Site, chromium: str, agent: str, more: dict[str, str]
) -> None:
    """The refusal is final and comes before anything is sent."""
    parameters = more if agent == "database" else {"url": site.url(), **more}
    with reaching(ELSEWHERE), pytest.raises(HostRefused) as caught:
        await run(agent, parameters)
    assert not caught.value.retryable
    assert site.connections == 0


@pytest.mark.requirement("NFR-4.5")
async def test_a_connection_that_is_there_already_is_no_way_around(run: Run, site: Site) -> None:
    """One organization's attempt leaves a connection that another's may not use."""
    site.replies["/"] = Reply("hello")
    with reaching(HERE):
        await run("api", {"url": site.url()})
    with reaching(ELSEWHERE), pytest.raises(HostRefused):
        await run("api", {"url": site.url()})
    assert len(site.asked) == 1


@pytest.mark.requirement("NFR-4.5")
async def test_a_redirect_does_not_leave_the_list(run: Run, site: Site) -> None:
    """The first host is called, the one that it leads to is not."""
    site.replies["/"] = Reply(status=302, headers={"Location": site.url(host="localhost")})
    with reaching(HERE), pytest.raises(HostRefused, match="localhost"):
        await run("api", {"url": site.url()})


@pytest.mark.requirement("NFR-4.5")
async def test_each_page_reaches_what_its_attempt_may(
    run: Run, site: Site, inner: Site, chromium: str
) -> None:
    """Pages share a browser; a page's frames, scripts and images stay on its own list."""
    address = inner.url("/", host="localhost")
    site.replies["/"] = page(
        f"<p>hello</p><iframe src='{address}'></iframe><img src='{address}'>"
        f"<script>fetch('{address}', {{mode: 'no-cors'}}).catch(() => 0)</script>"
    )
    parameters = {"url": site.url(), "mode": "browser"}
    with reaching(HERE):
        await run("web_scraping", parameters)
    assert inner.connections == 0
    with reaching(["127.0.0.1", "localhost"]):
        await run("web_scraping", parameters)
    assert inner.connections > 0
    before = inner.connections
    with reaching(HERE):
        result = await run("web_scraping", parameters)
    assert "hello" in result.output[0]
    assert inner.connections == before


@pytest.fixture
async def operators() -> AsyncIterator[Services]:
    """Services of an installation with a list of its own."""
    settings = AgentSettings(allow_loopback=True, allowed_hosts=("localhost", "*.example.com"))
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_services(settings))


@pytest.mark.requirement("NFR-4.5")
async def test_the_operators_list_bounds_that_of_the_organization(
    operators: Services, site: Site
) -> None:
    """A host must be on both; what the operator configured is reached all the same."""
    site.replies["/"] = Reply("hello")
    context, near = context_of(operators), ApiParameters(url=site.url(host="localhost"))
    with reaching(["127.0.0.1", "localhost"]):
        with pytest.raises(EgressRefused, match="WEFT_ALLOWED_HOSTS"):
            await Api().run(ApiParameters(url=site.url()), context)
        result = await Api().run(near, context)
        assert result.output["status_code"] == 200
    with reaching(["x.example.com"]), pytest.raises(HostRefused):
        await Api().run(near, context)
    trusted = [("127.0.0.1", site.port)]
    with reaching([]):
        async with operators.egress.client(trusted=trusted) as client:
            assert (await client.get(site.url())).text == "hello"
