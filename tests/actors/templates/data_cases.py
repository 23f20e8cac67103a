"""Templates that work on data: lists, tables, documents, interfaces."""

from typing import Any

from tests.actors.templates.cases import TEAM, case
from tests.actors.templates.world import Answer, World
from tests.agents.website import json_reply

GOOD = {"id": 1, "name": "Ann", "email": "ann@example.com"}
INVOICE = "Supplier: Borealis GmbH\nInvoice number: R-4711\nTotal: {}\nDue date: 2027-03-31"


@case("map-reduce-list")
async def map_reduce_list(world: World) -> None:
    """Each text is judged by itself, and the report counts all of them."""
    texts = ["Wonderful, I love it.", "Terrible, broken after a day.", "Excellent service!"]
    ended = await world.run("map-reduce-list", {"texts": texts})
    assert ended.output["counts"] == {"positive": 2, "negative": 1}
    assert ended.output["report"].startswith("# What people say")
    assert "**3** items analysed" in ended.output["report"]


@case("etl-to-database")
async def etl_to_database(world: World) -> None:
    """Complete records are loaded once however often it runs; changed ones are changed."""
    records: list[Any] = [GOOD, {"id": 2, "name": "Bo"}, {"name": "No key"}, "no record"]
    inputs = {
        "url": world.site.url("/customers"), "list_field": "data", "source": "crm",
        "required_fields": ["email"], "recipient": TEAM,
    }  # fmt: skip
    world.site.replies["/customers"] = json_reply({"data": records})
    await world.run("etl-to-database", inputs)
    records[1]["email"] = "bo@example.com"
    world.site.replies["/customers"] = json_reply({"data": records})
    await world.run("etl-to-database", inputs)
    rows = await world.rows("SELECT source, key, data ->> 'email' FROM weft_records ORDER BY key")
    assert rows == [("crm", "1", "ann@example.com"), ("crm", "2", "bo@example.com")]
    world.site.replies["/customers"] = json_reply({"error": "later"}, 503)
    down = await world.run("etl-to-database", inputs)
    assert (down.status, down.nodes[-1]) == ("completed", "complain")
    assert [mail.subject for mail in world.mails()] == [
        "Loaded 1 of 4 records", "Loaded 2 of 4 records", "Nothing was loaded",
    ]  # fmt: skip


@case("data-quality-check")
async def data_quality_check(world: World) -> None:
    """What is beyond what is tolerated is mailed, the most frequent first."""
    await world.database.execute("CREATE TABLE customers (email text, name text, country text)")
    await world.database.execute(
        "INSERT INTO customers VALUES ('a@x.example', 'A', 'DE'), ('A@x.example', 'A', 'DE'), "
        "('', 'B', 'DE'), ('nobody', 'C', NULL), (NULL, 'D', '')"
    )
    ended = await world.run("data-quality-check", {"recipient": TEAM, "tolerated": 1})
    assert [finding["found"] for finding in ended.output["findings"]] == [2, 2]
    [mail] = world.mails()
    assert "- 2 customers without an e-mail address" in mail.text
    assert "- 2 customers without a country" in mail.text
    assert "another row" not in mail.text
    await world.run("data-quality-check", {"recipient": TEAM, "tolerated": 9})
    assert len(world.mails()) == 1


@case("sales-report")
async def sales_report(world: World) -> None:
    """Only the last days count; totals and shares are in the mail, all of it in the table."""
    await world.database.execute(
        "CREATE TABLE orders (ordered_at timestamptz, customer text, amount numeric)"
    )
    await world.database.execute(
        "INSERT INTO orders VALUES (now(), 'Acme', 1000), (now(), 'Acme', 500.5), "
        "(now() - interval '3 days', 'Bolt', 499.5), (now() - interval '8 days', 'Old', 9999)"
    )
    ended = await world.run("sales-report", {"recipient": TEAM})
    assert "3 orders, 2,000.00 in all." in ended.output["report"]
    assert "| Acme | 2 | 1,500.50 | 75 % |" in ended.output["report"]
    [mail] = world.mails()
    assert mail.attachments["sales.csv"].splitlines() == [
        "customer,orders,amount", "Acme,2,1500.5", "Bolt,1,499.5",
    ]  # fmt: skip


@case("invoice-processing")
async def invoice_processing(world: World) -> None:
    """Small clear ones are booked at once, others when approved; no mail, no booking."""
    small = {"text": INVOICE.format("480.00"), "recipient": TEAM}
    ended = await world.run("invoice-processing", small)
    assert ended.output["invoice"]["invoice_number"] == "R-4711"
    rows = await world.rows(
        "SELECT number, supplier, total::int, due_date::text FROM weft_invoices"
    )
    assert rows == [("R-4711", "Borealis GmbH", 480, "2027-03-31")]
    large = {**small, "text": INVOICE.format("9,000.00").replace("4711", "4712")}
    no = Answer("reject", comment="We never ordered that.")
    refused = await world.run("invoice-processing", large, {"approve": [no]})
    assert refused.nodes[-1] == "refuse"
    unclear = {**small, "text": "Invoice number: R-4713\nPlease pay soon."}
    asked = await world.run("invoice-processing", unclear, {"approve": ["reject"]})
    assert "R-4713" in asked.asked[0]
    assert [mail.subject for mail in world.mails()] == [
        "Booked: R-4711", "Not booked: Borealis GmbH", "Not booked: null",
    ]  # fmt: skip
    world.mailbox.refuse = lambda address: "550 no such user"
    undone = await world.run("invoice-processing", large, {"approve": ["approve"]})
    assert undone.status == "failed"
    assert await world.rows("SELECT number FROM weft_invoices") == [("R-4711",)]


@case("overdue-invoices")
async def overdue_invoices(world: World) -> None:
    """What is overdue is listed once it is released, and not again the next day."""
    await world.database.execute(
        "CREATE TABLE invoices (number text, customer text, amount numeric, due_on date, "
        "paid_on date, reminded_on date)"
    )
    await world.database.execute(
        "INSERT INTO invoices VALUES ('1', 'Acme', 10.5, current_date - 8, NULL, NULL), "
        "('2', 'Bolt', 20, current_date - 7, NULL, NULL), "
        "('3', 'Cog', 30, current_date - 99, current_date, NULL), "
        "('4', 'Dot', 40, current_date - 99, NULL, current_date - 1), "
        "('5', 'Elm', 50, current_date - 99, NULL, current_date - 14)"
    )
    refused = await world.run("overdue-invoices", {"recipient": TEAM}, {"release": ["reject"]})
    assert refused.asked[0].startswith("Remind the customers of 2 invoices?")
    await world.run("overdue-invoices", {"recipient": TEAM}, {"release": ["approve"]})
    [mail] = world.mails()
    assert mail.subject == "2 reminders to send"
    assert mail.attachments["overdue.csv"].splitlines()[1:] == ["5,Elm,50,99", "1,Acme,10.5,8"]
    again = await world.run("overdue-invoices", {"recipient": TEAM})
    assert again.nodes[-1] == "any_overdue"


@case("api-sync")
async def api_sync(world: World) -> None:
    """What the second system lacks or has otherwise is handed over in one call."""
    changed, new = {**GOOD, "id": 2}, {**GOOD, "id": 3}
    world.site.replies["/from"] = json_reply([GOOD, changed, new])
    there = [GOOD, {**changed, "name": "Old"}, {"id": 9}]

    def target(asked: Any) -> Any:
        return json_reply(there) if asked.method == "GET" else json_reply({"error": "full"}, 507)

    world.site.replies["/to"] = target
    inputs = {
        "source_url": world.site.url("/from"), "target_url": world.site.url("/to"),
        "recipient": TEAM,
    }  # fmt: skip
    ended = await world.run("api-sync", inputs)
    assert ended.output["missing"] == [changed, new]
    [posted] = [asked for asked in world.site.asked if asked.method == "POST"]
    assert posted.json == [changed, new]
    [mail] = world.mails()
    assert "status 507" in mail.text
    world.site.replies["/to"] = json_reply([GOOD, changed, new])
    same = await world.run("api-sync", inputs)
    assert (same.output["missing"], same.nodes[-1]) == ([], "any_missing")


@case("survey-analysis")
async def survey_analysis(world: World) -> None:
    """Every answer has a topic and a mood, and one report counts both."""
    answers = [
        "The support staff were friendly and helpful, great service.",
        "Far too expensive, the price is not worth it.",
        "The app crashes with an error at every login. Terrible.",
        "The price rose again, which is a bad surprise.",
    ]
    ended = await world.run("survey-analysis", {"answers": answers, "title": "Survey 2027"})
    assert ended.output["topics"] == ["service", "price", "technical", "price"]
    assert ended.output["moods"][0]["sentiment"] == "positive"
    report = ended.output["report"]
    for text in ("# Survey 2027", "## Topics", "| price | 2 |", "## Moods", "# What they say"):
        assert text in report, text


@case("cv-screening")
async def cv_screening(world: World) -> None:
    """Who names most of the wanted skills comes first; nobody is left out."""
    cvs = [
        "Name: Bo Bell\nEmail: bo@example.com\nSkills: Excel, SQL",
        "Name: Ada Byron\nEmail: ada@example.com\nSkills: Python, SQL, Docker",
    ]
    inputs = {"cvs": cvs, "skills": ["python", "SQL"], "recipient": TEAM}
    ended = await world.run("cv-screening", inputs)
    assert ended.output["candidates"] == [
        {"cv": 2, "name": "Ada Byron", "email": "ada@example.com", "matches": 2,
         "skills": ["python", "SQL"]},
        {"cv": 1, "name": "Bo Bell", "email": "bo@example.com", "matches": 1, "skills": ["SQL"]},
    ]  # fmt: skip
    [mail] = world.mails()
    assert mail.attachments["candidates.csv"].splitlines()[1].startswith("2,Ada Byron,")
