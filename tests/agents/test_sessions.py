"""Nodes of an execution share the cookies of pages in the browser, and nobody else has them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from agents.bound import reaching
from agents.browser_keeper import open_keeper
from agents.errors import AgentError
from agents.services import Services, open_services
from agents.sessions import MOST_BYTES, MOST_SESSIONS, Sessions, reachable_cookies
from agents.settings import AgentSettings
from agents.web_scraping import WebScraping, WebScrapingParameters
from tests.agents.conftest import context_of
from tests.agents.test_browser_keeper import At
from tests.agents.website import Asked, Reply, Site, page

pytestmark = pytest.mark.requirement("FR-3.2")


def cookie(name: str, value: str = "v", domain: str = "shop.example") -> dict[str, Any]:
    """Return a cookie as Playwright tells it."""
    return {"name": name, "value": value, "domain": domain, "path": "/"}


def names(cookies: Any) -> list[str]:
    """Return what cookies are called and worth."""
    return [f"{one['name']}={one['value']}" for one in cookies]


def test_nodes_go_on_with_what_others_left() -> None:
    """What a node sets, changes or removes is so for the nodes that begin later."""
    sessions = Sessions()
    assert sessions.begin("e", "a", 1) == []
    sessions.end("e", "a", [cookie("login"), cookie("seen", "1")])
    assert names(sessions.begin("e", "b", 1)) == ["login=v", "seen=1"]
    sessions.end("e", "b", [cookie("seen", "2")])
    assert names(sessions.begin("e", "c", 1)) == ["seen=2"]
    assert sessions.begin("other", "c", 1) == []


def test_branches_keep_what_the_other_changed() -> None:
    """Of two nodes at the same time each hands over what it has changed itself."""
    sessions = Sessions()
    for node in ("a", "b"):
        sessions.begin("e", node, 1)
    sessions.end("e", "a", [cookie("a")])
    sessions.end("e", "b", [cookie("b")])
    assert names(sessions.begin("e", "c", 1)) == ["a=v", "b=v"]


def test_second_attempt_begins_as_the_first() -> None:
    """What others did meanwhile is not seen by a retry, and is by the node's next visit."""
    sessions = Sessions()
    sessions.begin("e", "a", 1)
    sessions.end("e", "b", [cookie("b")])
    assert sessions.begin("e", "a", 2) == []
    assert names(sessions.begin("e", "a", 1)) == ["b=v"]


def test_sessions_are_bounded() -> None:
    """Old ones are forgotten, those of many cookies keep what they had, and many displace one."""
    short = Sessions(kept_seconds=0)
    short.end("e", "a", [cookie("a")])
    assert not short
    sessions = Sessions()
    sessions.end("e", "a", [cookie("a")])
    sessions.end("e", "a", [cookie("a"), cookie("large", "x" * MOST_BYTES)])
    assert names(sessions.begin("e", "b", 1)) == ["a=v"]
    for number in range(MOST_SESSIONS):
        sessions.begin(f"e{number}", "a", 1)
    assert sessions.begin("e", "c", 1) == []


def test_cookies_go_where_the_attempt_may() -> None:
    """An attempt gets the cookies of hosts that its list has, and none beside."""
    given = [cookie("own", domain="shop.example"), cookie("wide", domain=".example.org"),
             cookie("other", domain="other.example")]  # fmt: skip
    for hosts, found in (
        (None, ["own", "wide", "other"]),
        (("shop.example",), ["own"]),
        (("www.example.org",), ["wide"]),
        (("*.example.org",), ["wide"]),
        (("notexample.org",), []),
        ((), []),
    ):
        assert [one["name"] for one in reachable_cookies(given, hosts)] == found


class TestPages:
    """Pages in Chromium, of two processes with one keeper."""

    @pytest.fixture
    async def processes(
        self, settings: AgentSettings, chromium: str
    ) -> AsyncIterator[tuple[Services, Services]]:
        """The services of two processes of a machine."""
        async with AsyncExitStack() as stack:
            at = At(await stack.enter_async_context(open_keeper(chromium, 2)))
            one, other = [
                await stack.enter_async_context(open_services(settings, keepers=at))
                for _ in range(2)
            ]
            yield one, other

    @pytest.fixture
    def shop(self, site: Site) -> Site:
        """A site that greets whoever was let in."""

        def home(asked: Asked) -> Reply:
            return page(f"<p>{asked.headers.get('cookie', 'Who are you?')}</p>")

        site.replies["/in"] = page("<p>Welcome</p>", Set_Cookie="user=ann; Path=/")
        site.replies["/home"] = home
        return site

    async def read(self, services: Services, url: str, **context: Any) -> Any:
        """Read a page's paragraphs in the browser."""
        parameters = WebScrapingParameters(url=url, selector="p", mode="browser", delay_seconds=0)
        context = {"node_id": url, **context}
        return (await WebScraping().run(parameters, context_of(services, **context))).output

    async def test_login_is_known_to_later_nodes(
        self, processes: tuple[Services, Services], shop: Site
    ) -> None:
        """A later node is known to the site, also in another process; nobody else is."""
        one, other = processes
        await self.read(one, shop.url("/in"))
        assert await self.read(one, shop.url("/home")) == ["user=ann"]
        assert await self.read(other, shop.url("/home")) == ["user=ann"]
        for stranger in (
            {"execution_id": UUID(int=8)}, {"tenant_id": UUID(int=8)}, {"map_index": 0},
        ):  # fmt: skip
            assert await self.read(one, shop.url("/home"), **stranger) == ["Who are you?"]

    async def test_failed_attempt_leaves_nothing(
        self, processes: tuple[Services, Services], shop: Site
    ) -> None:
        """What an attempt got before it failed is not in the session, and not in its retry."""
        one, _other = processes
        parameters = WebScrapingParameters.model_validate(
            {"urls": [shop.url("/in"), shop.url("/broken")], "mode": "browser"}
        )
        shop.replies["/broken"] = Reply("Later", status=503)
        with pytest.raises(AgentError, match="503"):
            await WebScraping().run(parameters, context_of(one))
        assert await self.read(one, shop.url("/home")) == ["Who are you?"]

    async def test_odd_cookies_break_nothing(
        self, settings: AgentSettings, chromium: str, shop: Site
    ) -> None:
        """A cookie that Chromium does not take is left out, and too many of them are not kept."""

        def many(asked: Asked) -> Reply:
            name = asked.path.partition("?")[2]
            return page("<p>x</p>", Set_Cookie=f"{name}={'x' * 3_900}; Path=/{name}")

        shop.replies["/many"] = many
        async with open_keeper(chromium, 2) as keeper:
            execution = f"{UUID(int=0)} {UUID(int=7)}"
            _, writer = await asyncio.open_unix_connection(keeper.address)
            odd = {**cookie("odd", domain="127.0.0.1"), "expires": -5}
            fine = {**cookie("fine", domain="127.0.0.1"), "expires": -1}
            told = {"ends": [execution, "before"], "cookies": [odd, fine]}
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()
            async with open_services(settings, keepers=At(keeper)) as services:
                assert await self.read(services, shop.url("/home")) == ["fine=v"]
                urls = [shop.url(f"/many?n{number}") for number in range(20)]
                parameters = WebScrapingParameters.model_validate(
                    {"urls": urls, "mode": "browser", "delay_seconds": 0, "wait_for_load": False}
                )
                await WebScraping().run(parameters, context_of(services, node_id="many"))
                assert await self.read(services, shop.url("/home")) == ["fine=v"]
            writer.close()

    async def test_list_of_hosts_bounds_the_session(
        self, processes: tuple[Services, Services], shop: Site, inner: Site
    ) -> None:
        """Cookies of a host that the next attempt may not reach stay behind."""
        one, _other = processes
        await self.read(one, shop.url("/in", host="localhost"))
        seen: list[Any] = []
        browser = await one.browser()
        for hosts in (("127.0.0.1",), ("127.0.0.1", "localhost")):
            attempt = context_of(one, node_id=str(hosts))
            with reaching(hosts):
                async with browser.context() as context, browser.session(context, attempt):
                    seen.append([c["name"] for c in await context.cookies()])
        assert seen == [[], ["user"]]
