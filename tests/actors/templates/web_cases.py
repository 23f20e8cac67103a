"""Templates that read web pages."""

from serve.demo_world import load_reviews, render_page
from tests.actors.templates.cases import TEAM, case
from tests.actors.templates.world import World
from tests.agents.website import json_reply, page

HARVEST = "The new coffee harvest of the valley is the largest in ten years."
MUSEUM = "A museum of clocks opens its doors in the old railway station."


def articles(*texts: str) -> str:
    """A page that lists articles, and calls them so: others are given time to load more."""
    found = "".join(f'<article class="article">{text}</article>' for text in texts)
    return f"<main>{found}</main>"


@case("scrape-process-notify")
async def scrape_process_notify(world: World) -> None:
    """Each article counts once, and the mail says what they are about."""
    world.site.replies["/news"] = page(articles(HARVEST, MUSEUM, HARVEST))
    ended = await world.run(
        "scrape-process-notify",
        {"url": world.site.url("/news"), "items": "articles", "recipient": TEAM},
    )
    [mail] = world.mails()
    assert (mail.to, mail.subject) == ([TEAM], "Summary of articles")
    assert mail.text.count("coffee harvest") == mail.text.count("museum of clocks") == 1
    assert ended.output["email_sent"] is True
    assert ended.output["summary"].startswith("- ")


@case("monitor-alert")
async def monitor_alert(world: World) -> None:
    """A healthy address is not told; one that is down, or slow, is."""
    world.site.replies["/health"] = json_reply({"ok": True})
    inputs = {"url": world.site.url("/health"), "recipient": TEAM}
    healthy = await world.run("monitor-alert", inputs)
    assert (healthy.nodes[-1], world.mails()) == ("note", [])
    await world.run("monitor-alert", {**inputs, "url": world.site.url("/gone")})
    await world.run("monitor-alert", {**inputs, "slow_after_ms": 0})
    down, slow = world.mails()
    assert down.subject == f"DOWN: {world.site.url('/gone')}"
    assert "status 404 instead of 200" in down.text
    assert slow.subject.startswith("SLOW: ")


@case("research-analyze-report")
async def research_analyze_report(world: World) -> None:
    """Each source is summed up; one that is gone is named and stops nothing."""
    world.site.replies["/a"] = page(f"<article><p>{HARVEST} {HARVEST}</p></article>")
    world.site.replies["/b"] = page(f"<article><p>{MUSEUM}</p></article>")
    urls = [world.site.url(path) for path in ("/a", "/gone", "/b")]
    inputs = {"topic": "Clocks and coffee", "urls": urls, "recipient": TEAM}
    ended = await world.run("research-analyze-report", inputs)
    report = ended.output["report"]
    assert report.startswith("# Clocks and coffee\n\n## Summaries")
    assert report.index("coffee harvest") < report.index("museum of clocks")
    assert "## Topics" in report
    [mail] = world.mails()
    assert mail.subject == "Research: Clocks and coffee"
    assert '"index":1' in mail.text
    assert "museum of clocks" in mail.text


@case("customer-feedback")
async def customer_feedback(world: World) -> None:
    """All forty reviews of four pages are judged; the bad ones are attached, the worst first."""
    for number in range(1, 5):
        path = "/?page=" + str(number) if number > 1 else "/"
        world.site.replies[path] = page(render_page(load_reviews(), number) or "")
    world.site.replies["/"] = page(render_page(load_reviews(), 1) or "")
    inputs = {"url": world.site.url("/"), "recipient": TEAM, "title": "Aurora"}
    ended = await world.run("customer-feedback", inputs)
    assert "**40** items analysed" in ended.output["report"]
    [mail] = world.mails()
    assert mail.subject == "Aurora"
    rows = mail.attachments["complaints.csv"].splitlines()
    assert rows[0] == "score,text"
    assert rows == ended.output["complaints"].splitlines()
    scores = [float(row.split(",")[0]) for row in rows[1:]]
    assert scores == sorted(scores)
    assert 8 <= len(scores) <= 20
    assert scores[-1] < 0


@case("news-digest")
async def news_digest(world: World) -> None:
    """Only what mentions a keyword is in it; without any there is no mail."""
    world.site.replies["/a"] = page(articles(HARVEST, MUSEUM, "A third article about trains."))
    world.site.replies["/b"] = page(articles(HARVEST, "The coffee price falls.", "Rain again."))
    urls = [world.site.url("/a"), world.site.url("/b")]
    inputs = {"urls": urls, "recipient": TEAM, "keywords": ["COFFEE"]}
    await world.run("news-digest", inputs)
    [mail] = world.mails()
    assert mail.text.count("coffee harvest") == 1
    assert "coffee price falls" in mail.text
    assert "museum" not in mail.text
    one = {"urls": urls[:1], "recipient": TEAM}
    nothing = await world.run("news-digest", {**one, "keywords": ["football"]})
    assert (nothing.status, nothing.nodes[-1]) == ("completed", "any_news")
    await world.run("news-digest", one)
    assert "museum" in world.mails()[-1].text
    assert len(world.mails()) == 2


@case("price-watch")
async def price_watch(world: World) -> None:
    """Prices are kept, however they are written, and a fall by enough is told once."""
    inputs = {"url": world.site.url("/product"), "recipient": TEAM, "drop_percent": 10}
    for shown in ("€ 1.299,00", "1,290.00 USD", "EUR 999"):
        world.site.replies["/product"] = page(f'<p class="price">{shown}</p>')
        await world.run("price-watch", inputs)
    rows = await world.rows("SELECT price::float FROM weft_prices ORDER BY seen_at")
    assert rows == [(1299.0,), (1290.0,), (999.0,)]
    [mail] = world.mails()
    assert mail.subject == "Now at 999"
    assert "before it was 1290" in mail.text
    world.site.replies["/product"] = page('<p class="price">sold out</p>')
    failed = await world.run("price-watch", inputs)
    assert failed.status == "failed"
    assert "there is no price" in str(failed.error)


@case("page-change-alert")
async def page_change_alert(world: World) -> None:
    """The first look is remembered; then only what came and went is told."""
    inputs = {"url": world.site.url("/terms"), "recipient": TEAM}
    world.site.replies["/terms"] = page("<p>Delivery is free.</p><p>Returns within 30 days.</p>")
    for _ in range(2):
        ended = await world.run("page-change-alert", inputs)
        assert ended.nodes[-1] == "changed"
    world.site.replies["/terms"] = page("<p>Delivery is free.</p><p>Returns within 14 days.</p>")
    await world.run("page-change-alert", inputs)
    [mail] = world.mails()
    assert mail.text.splitlines()[:4] == [
        "New:", "+ Returns within 14 days.", "Gone:", "- Returns within 30 days.",
    ]  # fmt: skip
    assert await world.rows("SELECT count(*) FROM weft_pages") == [(1,)]


@case("seo-audit")
async def seo_audit(world: World) -> None:
    """What is missing or too long is found on each page, and a page that is gone is one, too."""
    good = "<head><title>Good</title><meta name=description content=Fine></head><h1>Good</h1>"
    long = f"<head><title>{'long ' * 20}</title></head><h1>Here</h1>"
    world.site.replies["/good"] = page(f"<html>{good}</html>")
    world.site.replies["/long"] = page(f"<html>{long}</html>")
    urls = [world.site.url(path) for path in ("/good", "/long", "/gone")]
    ended = await world.run("seo-audit", {"urls": urls, "recipient": TEAM})
    assert ended.output["audit"]["checked"] == 3
    found = {(row["url"], row["finding"]) for row in ended.output["audit"]["findings"]}
    assert found == {
        (urls[1], "title has 99 characters, more than 60"), (urls[1], "no description"),
        (urls[2], "cannot be read"),
    }  # fmt: skip
    [mail] = world.mails()
    assert mail.attachments["findings.csv"].splitlines()[0] == "url,finding"
    assert len(mail.attachments["findings.csv"].splitlines()) == 4


@case("read-with-fallback")
async def read_with_fallback(world: World) -> None:
    """The other page is read when the first is gone; the operator hears of both ends."""
    world.site.replies["/mirror"] = page(f"<article><p>{HARVEST}</p></article>")
    world.site.replies["/first"] = page(f"<article><p>{MUSEUM}</p></article>")
    inputs = {
        "url": world.site.url("/first"), "fallback_url": world.site.url("/mirror"),
        "recipient": TEAM, "operator": "operator@example.com",
    }  # fmt: skip
    await world.run("read-with-fallback", inputs)
    await world.run("read-with-fallback", {**inputs, "url": world.site.url("/gone")})
    both_gone = {**inputs, "url": world.site.url("/gone"), "fallback_url": world.site.url("/too")}
    assert (await world.run("read-with-fallback", both_gone)).status == "failed"
    mails = world.mails()
    assert [mail.to[0].split("@")[0] for mail in mails] == [
        "team", "operator", "team", "operator", "operator",
    ]  # fmt: skip
    assert "museum of clocks" in mails[0].text
    assert "coffee harvest" in mails[2].text
    assert [mail.subject.split(": ")[1] for mail in mails if mail.to != [TEAM]] == [
        "completed", "completed", "failed",
    ]  # fmt: skip
    assert "null (null: no failure)" in mails[1].text
    assert "404" in mails[3].text
