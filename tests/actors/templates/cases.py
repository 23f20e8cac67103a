"""What each template is given, and what must have happened in the world when it has ended."""

from collections.abc import Awaitable, Callable

from tests.actors.templates.world import World
from tests.agents.website import json_reply, page

Case = Callable[[World], Awaitable[None]]
CASES: dict[str, Case] = {}
"""The cases by the ids of their templates."""
TEAM = "team@example.com"


def case(template_id: str) -> Callable[[Case], Case]:
    """Make a function the case of a template."""

    def register(function: Case) -> Case:
        CASES[template_id] = function
        return function

    return register


@case("scrape-process-notify")
async def scrape_process_notify(world: World) -> None:
    """Each article counts once, and the mail says what they are about."""
    articles = [
        "The new coffee harvest of the valley is the largest in ten years.",
        "A museum of clocks opens its doors in the old railway station.",
    ]
    shown = "".join(f"<article>{text}</article>" for text in [*articles, articles[0]])
    world.site.replies["/news"] = page(f"<main>{shown}</main>")
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
    down, *slow = world.mails()
    assert down.subject == f"DOWN: {world.site.url('/gone')}"
    assert "status 404 instead of 200" in down.text
    assert [mail.subject.split(":")[0] for mail in slow] == ["SLOW"]


@case("map-reduce-list")
async def map_reduce_list(world: World) -> None:
    """Each text is judged by itself, and the report counts all of them."""
    texts = ["Wonderful, I love it.", "Terrible, broken after a day.", "Excellent service!"]
    ended = await world.run("map-reduce-list", {"texts": texts})
    assert ended.output["counts"] == {"positive": 2, "negative": 1}
    assert ended.output["report"].startswith("# What people say")
    assert "**3** items analysed" in ended.output["report"]
