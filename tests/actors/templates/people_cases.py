"""Templates in which people decide."""

from tests.actors.templates.cases import TEAM, case
from tests.actors.templates.world import NOBODY, Answer, World
from tests.agents.website import json_reply

CONTRACT = (
    "This agreement between Acme Ltd and Borealis GmbH begins on 1 March 2027. The fee is $12,000 "
    "a year. Either party may terminate it with 90 days notice. Liability is limited to the fee."
)


@case("approval-chain")
async def approval_chain(world: World) -> None:
    """Finance is asked above the limit only; each decision is told and recorded."""
    desks = {"what": "Two desks", "amount": 900, "requester": "ann@example.com"}
    small = await world.run("approval-chain", desks, {"manager": ["approve"]})
    assert small.asked == ["ann@example.com asks for: Two desks, 900. Do you agree?"]
    large = {**desks, "what": "Ten desks", "amount": 4500}
    no = Answer("reject", comment="Not this year.")
    refused = await world.run("approval-chain", large, {"manager": ["approve"], "finance": [no]})
    assert len(refused.asked) == 2
    assert refused.output["verdict"] == {"outcome": "rejected", "comments": ["Not this year."]}
    never = await world.run("approval-chain", large, {"manager": [NOBODY]})
    assert "finance" not in never.nodes
    assert [mail.subject for mail in world.mails()] == [
        "approved: Two desks", "rejected: Ten desks", "rejected: Ten desks",
    ]  # fmt: skip
    assert "Not this year." in world.mails()[1].text
    rows = await world.rows("SELECT what, amount::int, outcome FROM weft_decisions ORDER BY 1, 3")
    assert rows == [("Ten desks", 4500, "rejected")] * 2 + [("Two desks", 900, "approved")]


@case("content-review")
async def content_review(world: World) -> None:
    """A text goes round with the editor's words until it is published, or given up."""
    world.site.replies["/articles"] = json_reply({"id": 1}, 201)
    inputs = {
        "title": "Our office",
        "text": "We moved.",
        "publish_url": world.site.url("/articles"),
    }
    answers: dict[str, list[Answer | str]] = {
        "review": [Answer("revise", comment="Say where to."), "publish"],
        "revise": [Answer("answer", value="We moved to the river.")],
    }
    ended = await world.run("content-review", inputs, answers)
    assert [asked.splitlines()[0] for asked in ended.asked] == [
        "Round 1 of 5: may “Our office” be published?",
        "The editor says: Say where to.",
        "Round 2 of 5: may “Our office” be published?",
    ]
    [published] = world.site.asked
    assert published.json == {"title": "Our office", "text": "We moved to the river."}
    given_up = await world.run("content-review", inputs, {"review": ["give up"]})
    assert given_up.output["draft"] == {"text": "We moved.", "round": 1}
    last = await world.run("content-review", {**inputs, "rounds": 1}, {"review": ["revise"]})
    assert last.status == "completed"
    assert len(world.site.asked) == 1


@case("deletion-request")
async def deletion_request(world: World) -> None:
    """Two have to agree before anything is deleted; whoever asked is told what was done."""
    await world.database.execute("CREATE TABLE customers (email text, name text)")
    await world.database.execute(
        "INSERT INTO customers VALUES ('Cy@example.com', 'Cy'), ('di@example.com', 'Di')"
    )
    person = {"email": "cy@example.com"}
    refused = await world.run("deletion-request", person, {"agree": ["approve", "reject"]})
    assert refused.asked == ["Delete 1 record(s) of cy@example.com for good?"] * 2
    assert await world.rows("SELECT count(*) FROM customers") == [(2,)]
    await world.run("deletion-request", person, {"agree": ["approve", "approve"]})
    assert await world.rows("SELECT name FROM customers") == [("Di",)]
    await world.run("deletion-request", person)
    mails = world.mails()
    assert [mail.to for mail in mails] == [["cy@example.com"]] * 3
    assert "not granted" in mails[0].text
    assert "1 record(s) of yours were deleted." in mails[1].text
    assert "no data of yours" in mails[2].text


@case("contract-review")
async def contract_review(world: World) -> None:
    """Facts, summary and missing clauses stand in what legal reads and what is mailed."""
    yes = Answer("approve", comment="Add confidentiality.")
    ended = await world.run(
        "contract-review", {"text": CONTRACT, "recipient": TEAM}, {"decide": [yes]}
    )
    review = ended.output["review"]
    for text in ("Acme Ltd", "1 March 2027", "$12,000", "## Summary"):
        assert text in review, text
    assert "Missing: confidentiality, governing law." in review
    assert review in ended.asked[0]
    [mail] = world.mails()
    assert mail.subject == "Contract review: approve"
    assert "Add confidentiality." in mail.text


@case("incident-response")
async def incident_response(world: World) -> None:
    """Who is on call is told, the next one when nobody takes it, and each incident is recorded."""
    inputs = {
        "title": "Checkout fails", "severity": "critical", "on_call": "oncall@example.com",
        "escalation": "cto@example.com",
    }  # fmt: skip
    await world.run("incident-response", inputs, {"take": ["approve"]})
    await world.run("incident-response", inputs, {"take": [NOBODY]})
    await world.run("incident-response", {**inputs, "severity": "low"})
    mails = world.mails()
    assert [mail.to for mail in mails] == [
        ["oncall@example.com"], ["oncall@example.com"], ["cto@example.com", "oncall@example.com"],
    ]  # fmt: skip
    assert mails[0].subject == "[critical] Checkout fails"
    assert "Nobody took it within 15 minutes." in mails[2].text
    rows = await world.rows("SELECT severity, outcome FROM weft_incidents ORDER BY happened_at")
    assert rows == [("critical", "taken"), ("critical", "escalated"), ("low", "noted")]
