"""No page in the browser shows a file, the browser's own pages, or anything but the web."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agents.browser import Browser, open_browser
from agents.egress import Egress, EgressRefused
from agents.errors import AgentError
from tests.agents.conftest import Run
from tests.agents.website import Reply, Site, page

MARKER = "what-the-file-holds"
QUIET_MS = 10_000
CLOSED = ("file:", "chrome:", "view-source:", "ftp:", "ws:", "javascript:", "devtools:")
"""Where no frame may ever be."""


def _targets(file: Path, site: Site) -> dict[str, str]:
    host = site.url("").removeprefix("http://")
    return {
        "file": file.as_uri(),
        "view-source": f"view-source:{file.as_uri()}",
        "chrome": "chrome://version/",
        "devtools": "devtools://devtools/bundled/inspector.html",
        "ftp": f"ftp://{host}/",
        "ws": f"ws://{host}/",
        "filesystem": f"filesystem:{file.as_uri()}",
        "data": f"data:text/html,<iframe src='{file.as_uri()}'></iframe>",
        "javascript": f"javascript:void(location.href='{file.as_uri()}')",
    }


def _each(template: str) -> Callable[[dict[str, str]], str]:
    return lambda targets: "".join(
        template.format(url=url, n=n) for n, url in enumerate(targets.values())
    )


WAYS: dict[str, Callable[[dict[str, str]], str]] = {
    "frame": _each('<iframe src="{url}"></iframe>'),
    "object": _each('<object data="{url}"></object><embed src="{url}">'),
    "window": _each('<script>try {{ window.open("{url}") }} catch (e) {{}}</script>'),
    "link": _each('<a id="l{n}" target=_blank href="{url}"></a><script>l{n}.click()</script>'),
    "form": _each(
        '<iframe name="f{n}"></iframe><form target="f{n}" action="{url}"></form>'
        "<script>document.forms[{n}].submit()</script>"
    ),
    "frame of a redirect": lambda targets: "".join(
        f'<iframe src="/redirect/{name}"></iframe>' for name in targets
    ),
    "frame of a blob": _each(
        """<script>document.body.append(Object.assign(document.createElement("iframe"),
        {{src: URL.createObjectURL(new Blob([`<iframe src="{url}"></iframe>`],
        {{type: "text/html"}}))}}))</script>"""
    ),
    "service worker": _each(
        '<script>try {{ navigator.serviceWorker.register("{url}").catch(() => 0) }}'
        " catch (e) {{}}</script>"
    ),
    "worker": _each('<script>try {{ new Worker("{url}") }} catch (e) {{}}</script>'),
}


GOING = {
    "script": '<script>location.href = "{url}"</script>',
    "refresh": '<meta http-equiv=refresh content="0;url={url}">',
    "form": '<form action="{url}"></form><script>document.forms[0].submit()</script>',
}


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser that may reach loopback."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            open_browser(Egress(allow_loopback=True), chromium, 1)
        )


@pytest.fixture
def file(tmp_path: Path, site: Site) -> Path:
    """A file of this machine; whatever shows it asks the site for `/leaked`."""
    path = tmp_path / "file.html"
    path.write_text(f"<p>{MARKER}</p><img src='{site.url('/leaked')}'>")
    return path


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("way", WAYS)
async def test_no_frame_leaves_the_web(browser: Browser, site: Site, file: Path, way: str) -> None:
    """Whatever a page opens, no frame of it is at another scheme, and no file is shown."""
    targets = _targets(file, site)
    for name, url in targets.items():
        site.replies[f"/redirect/{name}"] = Reply(status=302, headers={"Location": url})
    site.replies["/"] = page(WAYS[way](targets))
    async with browser.context() as context:
        opened = await context.new_page()
        await opened.goto(site.url(), wait_until="commit")
        await opened.wait_for_load_state("networkidle", timeout=QUIET_MS)
        frames = [frame for one in context.pages for frame in one.frames]
        assert frames
        for frame in frames:
            assert not frame.url.startswith(CLOSED), frame.url
        assert context.service_workers == []
    assert "/leaked" not in site.paths()


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    ("way", "scheme"),
    [
        *(("script", scheme) for scheme in ("file", "view-source", "chrome", "ftp", "javascript")),
        ("refresh", "file"),
        ("form", "file"),
        ("form", "data"),
    ],
)
async def test_a_page_goes_nowhere_but_to_the_web(
    run: Run, site: Site, file: Path, chromium: str, way: str, scheme: str
) -> None:
    """The agent gives what the page itself says, or fails; never what stands elsewhere."""
    url = _targets(file, site)[scheme]
    site.replies["/"] = page(f"<p>its own</p>{GOING[way].format(url=url)}")
    try:
        result = await run("web_scraping", {"url": site.url(), "mode": "browser", "timeout": 2})
    except AgentError as error:
        assert MARKER not in str(error)
    else:
        assert "its own" in str(result.output)
        assert MARKER not in str(result.output)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("mode", ["browser", "http"])
@pytest.mark.parametrize("scheme", _targets(Path("/"), Site()))
async def test_a_redirect_to_another_scheme_fails(
    run: Run, site: Site, file: Path, chromium: str, mode: str, scheme: str
) -> None:
    """A server cannot send a page there either."""
    url = _targets(file, site)[scheme]
    site.replies["/"] = Reply(status=302, headers={"Location": url})
    with pytest.raises(AgentError) as caught:
        await run("web_scraping", {"url": site.url(), "mode": mode})
    assert MARKER not in str(caught.value)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("mode", ["browser", "http"])
async def test_an_address_of_another_scheme_is_refused(
    run: Run, site: Site, file: Path, chromium: str, mode: str
) -> None:
    """It is never given to a browser."""
    for url in (*_targets(file, site).values(), "blob:http://127.0.0.1/x", "about:blank"):
        with pytest.raises(EgressRefused, match="only http and https"):
            await run("web_scraping", {"url": url, "mode": mode})


@pytest.mark.requirement("NFR-4.5")
async def test_a_page_that_turns_into_a_blob_is_refused(
    run: Run, site: Site, chromium: str
) -> None:
    """What has no address in the web is not taken for a page of it."""
    site.replies["/"] = page(
        """<script>location.href = URL.createObjectURL(
        new Blob(["<p>made up</p>"], {type: "text/html"}))</script>"""
    )
    with pytest.raises(EgressRefused, match="only http and https"):
        await run("web_scraping", {"url": site.url(), "mode": "browser"})
