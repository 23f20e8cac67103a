"""No page in the browser reaches what the egress guard refuses, whatever way it tries."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from agents.browser import Browser, open_browser
from agents.egress import Egress
from tests.agents.website import Reply, Site, page

QUIET_MS = 10_000
WAYS = {
    "frame": '<iframe src="{inner}"></iframe>',
    "redirected frame": '<iframe src="/redirect"></iframe>',
    "object": '<object data="{inner}"></object>',
    "image": '<img src="{inner}">',
    "style": '<link rel=stylesheet href="{inner}">',
    "script": '<script src="{inner}"></script>',
    "module": '<script type=module>import "{inner}";</script>',
    "preconnect": '<link rel=preconnect href="{inner}"><link rel=dns-prefetch href="{inner}">',
    "prefetch": '<link rel=prefetch href="{inner}"><link rel=preload as=fetch href="{inner}">',
    "speculation": '<script type=speculationrules>'
    '{{"prefetch":[{{"source":"list","urls":["{inner}"]}}]}}</script>',
    "refresh": '<meta http-equiv=refresh content="0;url={inner}">',
    "form": '<form method=post action="{inner}"></form><script>document.forms[0].submit()</script>',
    "fetch": '<script>fetch("{inner}", {{mode: "no-cors"}}).catch(() => 0)</script>',
    "beacon": '<script>navigator.sendBeacon("{inner}", "x")</script>',
    "event source": '<script>new EventSource("{inner}")</script>',
    "web socket": '<script>new WebSocket("ws://{host}/")</script>',
    "popup": '<script>window.open("{inner}")</script>',
    "download": '<a download href="{inner}"></a><script>document.links[0].click()</script>',
    "data frame": """<iframe src="data:text/html,<img src='{inner}'>"></iframe>""",
    "worker of a blob": """<script>new Worker(URL.createObjectURL(new Blob(
        ["fetch('{inner}', {{mode: 'no-cors'}})"])))</script>""",
    "peer": """<script>const p = new RTCPeerConnection({{iceServers: [{{urls:
        ["turn:{host}?transport=tcp"], username: "u", credential: "c"}}]}});
        p.createDataChannel("x"); p.createOffer().then(o => p.setLocalDescription(o))</script>""",
}  # fmt: skip


@pytest.fixture
async def browser(chromium: str, inner: Site) -> AsyncIterator[Browser]:
    """A browser that may reach loopback, but for the inner site."""
    egress = Egress(allow_loopback=True, blocked_ports=frozenset({inner.port}))
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_browser(egress, chromium, 1))


@pytest.mark.requirement("NFR-4.5")
async def test_no_way_out_of_a_page_reaches_the_inside(
    browser: Browser, site: Site, inner: Site
) -> None:
    """Frames, links, scripts, sockets, workers and popups: not one connection arrives."""
    host = f"127.0.0.1:{inner.port}"
    site.replies["/redirect"] = Reply(status=302, headers={"Location": inner.url()})
    for name, html in WAYS.items():
        site.replies["/"] = page(html.format(inner=inner.url(), host=host))
        async with browser.context() as context:
            opened = await context.new_page()
            await opened.goto(site.url(), wait_until="commit")
            await opened.wait_for_load_state("networkidle", timeout=QUIET_MS)
        assert inner.asked == [], name
        assert inner.connections == 0, name


@pytest.mark.requirement("NFR-4.5")
async def test_page_starts_no_service_worker(browser: Browser, site: Site) -> None:
    """A page's worker, which would make requests of its own later, is not registered."""
    site.replies["/worker.js"] = Reply("", headers={"Content-Type": "text/javascript"})
    site.replies["/"] = page("hello")
    async with browser.context() as context:
        opened = await context.new_page()
        await opened.goto(site.url())
        await opened.evaluate("navigator.serviceWorker.register('/worker.js').catch(() => 0)")
        count = "navigator.serviceWorker.getRegistrations().then(found => found.length)"
        assert await opened.evaluate(count) == 0
        assert context.service_workers == []
    assert "/worker.js" not in site.paths()


async def test_what_a_page_opened_is_closed_with_it(browser: Browser, site: Site) -> None:
    """Popups do not stay for the other pages of an attempt."""
    site.replies["/"] = page('<script>window.open("/other")</script>')
    site.replies["/other"] = page("other")
    async with browser.context() as context:
        async with (
            browser.page(context, UUID(int=1)) as opened,
            context.expect_page(lambda one: one.url.endswith("/other")),
        ):
            await opened.goto(site.url())
        assert context.pages == []
