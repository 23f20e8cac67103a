"""Templates that something outside starts or lets go on, and that start others."""

from typing import Any

from tests.actors.templates.cases import TEAM, case
from tests.actors.templates.world import Answer, World
from tests.actors.workflows import Document
from tests.agents.website import json_reply


def mailbox_of(name: str) -> str:
    """The address of a department."""
    return f"{name}@example.com"


@case("ticket-triage")
async def ticket_triage(world: World) -> None:
    """Each ticket goes to the team that it is for, and to the front desk when it is for none."""
    teams = {name: mailbox_of(name) for name in ("billing", "technical", "sales", "desk")}
    tickets = {
        "billing": "My card was charged twice for the same invoice. Please refund one payment.",
        "technical": "The app crashes with an error when I log in.",
        "sales": "We would like to buy licenses, please send a quote and a discount offer.",
        "desk": "Hello there.",
    }
    for text in tickets.values():
        ticket = {"subject": "Help", "text": text, "customer": "jo@example.com"}
        ended = await world.run("ticket-triage", {**ticket, **teams})
        assert ended.status == "completed", ended.error
    assert [mail.to for mail in world.mails()] == [[mailbox_of(name)] for name in tickets]
    assert "From jo@example.com:" in world.mails()[0].text
    rows = await world.rows("SELECT topic FROM weft_tickets ORDER BY came_at")
    assert rows == [("billing",), ("technical",), ("sales",), ("other",)]


@case("lead-qualification")
async def lead_qualification(world: World) -> None:
    """Every lead is kept once with its points; sales hears of hot ones only."""
    lead = {"company": "Acme", "email": "Ann@acme.example", "sales": mailbox_of("sales")}
    cold = await world.run("lead-qualification", lead)
    assert cold.output["score"] == {"points": 15, "reasons": ["an address of their own"]}
    hot = {**lead, "employees": 80, "budget": 20000, "message": "Can we see a demo?"}
    ended = await world.run("lead-qualification", hot)
    assert ended.output["score"]["points"] == 100
    free = {**hot, "email": "ann@gmail.com", "budget": 0, "company": "None"}
    await world.run("lead-qualification", free)
    [mail] = world.mails()
    assert mail.subject == "Hot lead: Acme (100 points)"
    assert "wants to buy" in mail.text
    rows = await world.rows("SELECT email, points FROM weft_leads ORDER BY email")
    assert rows == [("ann@acme.example", 100), ("ann@gmail.com", 55)]


@case("order-saga")
async def order_saga(world: World) -> None:
    """All three systems have the order, or none of them keeps it."""
    refuses: set[str] = set()

    def system(asked: Any) -> Any:
        name = asked.path.split("/")[1]
        if asked.method == "POST" and name in refuses:
            return json_reply({"error": "no"}, 409)
        return json_reply({"id": "A-1", "system": name}, 201)

    for path in ("/stock", "/pay", "/ship", "/stock/A-1", "/pay/A-1"):
        world.site.replies[path] = system
    inputs = {
        "order_id": "A-1", "sku": "CHAIR", "quantity": 2, "amount": 249,
        "inventory_url": world.site.url("/stock"), "payment_url": world.site.url("/pay"),
        "shipping_url": world.site.url("/ship"),
    }  # fmt: skip
    ended = await world.run("order-saga", inputs)
    assert ended.output["shipment"] == {"id": "A-1", "system": "ship"}
    assert world.site.paths() == ["/stock", "/pay", "/ship"]
    assert world.site.asked[0].json == {"id": "A-1", "sku": "CHAIR", "quantity": 2}
    for refusing, undone in (("ship", ["/pay/A-1", "/stock/A-1"]), ("stock", [])):
        world.site.asked.clear()
        refuses.clear()
        refuses.add(refusing)
        failed = await world.run("order-saga", inputs)
        assert (failed.status, "409" in str(failed.error)) == ("failed", True)
        deleted = [asked.path for asked in world.site.asked if asked.method == "DELETE"]
        assert deleted == undone


@case("payment-reminder")
async def payment_reminder(world: World) -> None:
    """Who pays in time is thanked, who does not is reminded; others' payments are not it."""
    inputs = {"number": "R-1", "amount": 480, "customer": "cy@example.com"}
    paid = await world.run("payment-reminder", inputs)
    late = await world.run("payment-reminder", {**inputs, "number": "R-2"})
    assert (paid.status, late.status) == ("waiting", "waiting")
    assert "Please pay 480 EUR within 14 days." in world.mails()[0].text
    await world.signal("payment_received", "R-3")
    assert len(world.mails()) == 2
    await world.signal("payment_received", "R-1", {"amount": 480})
    await world.let_time_pass()
    assert (await world.ended(paid.id)).output == {"timed_out": False}
    assert (await world.ended(late.id)).output == {"timed_out": True}
    assert [mail.subject for mail in world.mails()[2:]] == [
        "Thank you for paying R-1", "Reminder: invoice R-2",
    ]  # fmt: skip


@case("demo-follow-up")
async def demo_follow_up(world: World) -> None:
    """A day later whoever liked it gets an offer, and sales hears of the others."""
    inputs = {"name": "Ann", "email": "ann@example.com", "sales": mailbox_of("sales")}
    said = ("That was great, I love it!", "Terrible, a waste of time.", "We saw the second part.")
    for feedback in said:
        ended = await world.run("demo-follow-up", {**inputs, "feedback": feedback})
        assert ended.status == "waiting"
    assert world.mails() == []
    await world.let_time_pass()
    assert [(mail.to[0], mail.subject) for mail in world.mails()] == [
        ("ann@example.com", "Your next step, Ann"),
        ("sales@example.com", "Please call Ann"),
        ("ann@example.com", "Thank you, Ann"),
    ]


@case("run-for-each")
async def run_for_each(world: World) -> None:
    """Each entry is an execution; those that fail are named, the others' outputs are there."""
    child: Document = {
        "metadata": {"name": "Greet"},
        "state_schema": {"input": {"properties": {"name": {}}}},
        "nodes": [
            {"id": "greeting", "agent": "data_processing",
             "parameters": {"script": "return 'Hi ' + input['name']"}},
        ],
    }  # fmt: skip
    await world.make_workflow(child, name="Greet")
    entries = [{"name": "Ann"}, {"name": 3}, {"name": "Bo"}]
    inputs = {"workflow": "Greet", "entries": entries, "recipient": TEAM}
    ended = await world.run("run-for-each", inputs)
    assert ended.output["results"] == [{"greeting": "Hi Ann"}, None, {"greeting": "Hi Bo"}]
    [failed] = ended.output["failed"]
    assert failed["index"] == 1
    [mail] = world.mails()
    assert mail.subject == "Greet: all have ended"
    assert mail.text.startswith("2 of 3 went well.\n- entry 2: ")
    await world.run("run-for-each", {**inputs, "entries": entries[:1]})
    assert world.mails()[-1].text.strip() == "1 of 1 went well."


@case("text-desk")
async def text_desk(world: World) -> None:
    """Each order is done by the worker that it names."""
    orders = [
        {"worker": "mood", "text": "I love this product."},
        {"worker": "facts", "text": "Yesterday Acme Ltd paid $12,000 on 1 March 2027."},
        {"worker": "keywords", "text": "The coffee harvest of the valley was large this year."},
        {"worker": "summary", "text": "Trains were late. Nobody knew why. It was the snow."},
    ]
    ended = await world.run("text-desk", {"orders": orders})
    mood, facts, keywords, summary = ended.output["results"]
    assert mood["sentiment"] == "positive"
    assert facts["money"] == ["$12,000"]
    assert any("coffee" in keyword for keyword in keywords)
    assert "Trains were late." in summary
    assert ended.output["failed"] == []


@case("employee-onboarding")
async def employee_onboarding(world: World) -> None:
    """All three are prepared at once; what is missing is said to the manager."""
    world.site.replies["/accounts"] = json_reply({"id": 1}, 201)
    inputs = {
        "name": "Ann Archer", "email": "ann@example.com", "first_day": "2027-03-01",
        "manager": "boss@example.com", "it": "it@example.com",
        "accounts_url": world.site.url("/accounts"),
    }  # fmt: skip
    place = Answer("answer", value="room 7")
    await world.run("employee-onboarding", inputs, {"equipment": ["approve"], "desk": [place]})
    [account] = world.site.asked
    assert account.json == {
        "name": "Ann Archer", "email": "ann@example.com", "from": "2027-03-01",
    }  # fmt: skip
    order, welcome, told = world.mails()
    assert order.to == ["it@example.com"]
    assert "Your desk: room 7." in welcome.text
    assert "Still missing: []" in told.text
    world.site.replies["/accounts"] = json_reply({}, 500)
    await world.run("employee-onboarding", inputs, {"equipment": ["reject"], "desk": [place]})
    assert 'missing: ["account (status 500)","equipment"]' in world.mails()[-1].text


@case("backlog-alert")
async def backlog_alert(world: World) -> None:
    """The channel hears of it when too many wait; the address stays a secret."""
    await world.database.execute(
        "CREATE TABLE jobs (created_at timestamptz, finished_at timestamptz)"
    )
    await world.database.execute(
        "INSERT INTO jobs VALUES (now() - interval '90 minutes', NULL), "
        "(now() - interval '40 minutes', NULL), (now(), NULL), "
        "(now() - interval '90 minutes', now())"
    )
    world.site.replies["/hook"] = json_reply({"ok": True})
    calm = await world.run("backlog-alert", {"most": 2})
    assert (calm.nodes[-1], world.site.asked) == ("too_many", [])
    loud = await world.run("backlog-alert", {"most": 1})
    [said] = world.site.asked
    assert said.json == {
        "text": "2 jobs have waited for more than 30 minutes, the oldest for 90.",
    }  # fmt: skip
    for log in await world.look.logs(loud.id):
        assert world.site.url("/hook") not in str(dict(log))
