"""The stages before the clauses: prose, voice, arrivals, routes, several steps in one."""

import pytest

from compiler.english.arrivals import find_arrival, find_new_things
from compiler.english.clause import Clause
from compiler.english.distributing import distributed
from compiler.english.overviews import without_overview
from compiler.english.prose import instructions
from compiler.english.purposes import purpose
from compiler.english.routes import find_routes
from compiler.english.triggers import find_start
from compiler.english.verbs import opens_step, read_opening
from compiler.english.voice import active
from compiler.english.waiting_steps import waits_seconds
from tests.compiler.english.conftest import AgentsOf, Read, Understand


@pytest.mark.parametrize(
    ("prose", "plain"),
    [
        ("This workflow fetches the orders.", "fetches the orders."),
        (
            "This template automates exporting orders and saving them to S3.",
            "export orders and save them to S3.",
        ),
        ("It saves hours of work. Send the list to Bob.", "Send the list to Bob."),
        ("Perfect for small teams!", ""),
        ("Sends the list to Bob, ensuring nobody is missed.", "Sends the list to Bob."),
        ("Reads the rows, sending each one to Slack", "Reads the rows, and send each one to Slack"),
        ("Publish the post, plus a Slack message.", "Publish the post, and send a Slack message."),
        ("Order intake: reads the mails", "reads the mails"),
        ("Based on the outline, write the chapter", "write the chapter"),
        ("Lastly, I would like to book a table", "Lastly, book a table"),
        ("1. **Fetch orders**: Gets the orders", "1. Gets the orders"),
        ("## Setup", ""),
        ("Delete the file, then after 2 days send the list", None),
        ("Automates the export of the songs to CSV", "export the songs to CSV"),
        ("Prepare a digest: fetch the news, write it up", "fetch the news, write it up"),
        ("Mail Bob the menu (unless it rains)", "Mail Bob the menu unless it rains"),
        ("Opens a card per bee, prints it", "Opens a card for each bee, prints it"),
        ("Post a song per day", "Post a song per day"),
        ("Set up something that reads my mails", "reads my mails"),
        ("Depending on the mood, sing or hum", "sing or hum Depending on the mood"),
    ],
)
def test_prose_becomes_instructions(prose: str, plain: str | None) -> None:
    """Frames, praise, titles and gerunds are gone; what is to be done stays."""
    assert plain is None or instructions(prose) == plain


@pytest.mark.parametrize(
    ("passive", "wanted"),
    [
        ("the file is saved to S3", "save the file to S3"),
        ("The notes are then translated into Polish", "translate The notes into Polish"),
        (
            "the rows are cleaned, sorted by date and sent to Bob",
            "clean the rows, then sort it by date, then send it to Bob",
        ),
        ("it is cancelled", "cancel it"),
        ("save the list that is old", "save the list that is old"),
        ("if the file is saved", "if the file is saved"),
        ("send the report", "send the report"),
        ("have the song translated into Dutch", "translate the song into Dutch"),
        ("get the bill paid", "pay the bill"),
        ("have Bob check the bill", "have Bob check the bill"),
    ],
)
def test_the_passive_becomes_active(passive: str, wanted: str) -> None:
    """What is done, or had done, to a thing is a step; a condition and a relative clause stay."""
    assert active(passive) == wanted


def test_an_arrival_is_a_start() -> None:
    """What comes in, told as a first step, starts the workflow and is no step of it."""
    watched = find_arrival("watches the inbox for new invoices, extracts the total")
    assert watched is not None
    assert (watched.event, watched.subject) == ("invoice_received", "invoice")
    given = find_arrival("takes a list of domains, scrapes each")
    assert given is not None
    assert (given.event, given.subject) == (None, "list")
    assert find_arrival("takes a photo") is None


def test_new_things_of_a_service_start_a_workflow() -> None:
    """They are in the input afterwards, so nothing reads them again."""
    new = find_new_things("Sync new Shopify orders to Airtable")
    assert new is not None
    assert (new.event, new.rest) == ("order_created", "Sync the orders to Airtable")
    assert find_new_things("List new Shopify orders and mail them") is None
    assert find_new_things("Write a new poem") is None


def test_a_watch_without_a_period_is_an_event() -> None:
    """Its step stays: it is how the change is seen."""
    start = find_start("monitors the status page, posts changes to Slack")
    assert start.trigger is not None
    assert start.trigger.kind == "event"
    assert start.rest.startswith("monitors the status page")


@pytest.mark.parametrize(
    ("clause", "ways"),
    [
        (
            "routes invoices to Xero and receipts to Airtable",
            [("invoices", "push it to Xero"), ("receipts", "push it to Airtable")],
        ),
        (
            "route orders to the warehouse and everything else to the office",
            [("orders", "push it to the warehouse"), ("", "push it to the office")],
        ),
        (
            "routes the call to the sales or service queue based on its topic",
            [("sales", "push it to the sales queue"), ("service queue", None)],
        ),
        ("route it to the right team", [("it belongs to the right team", None)]),
        ("route the request for approval", []),
        ("send it to Bob", []),
    ],
)
def test_a_route_is_a_choice(clause: str, ways: list[tuple[str, str | None]]) -> None:
    """Each target is a way; everything else is the last one."""
    found = find_routes(clause)
    assert [way.condition for way in found] == [condition for condition, _ in ways]
    for way, (_, deed) in zip(found, ways, strict=True):
        assert deed is None or way.deed == deed


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("post it to Slack and Discord", ["post it to Slack", "post it to Discord"]),
        (
            "copy the leads from HubSpot to Airtable",
            ["fetch the leads from HubSpot", "copy them to Airtable"],
        ),
        (
            "push Stripe payments into Notion",
            ["fetch Stripe payments", "push them into Notion"],
        ),
        (
            "send a Slack summary of Jira tickets",
            ["fetch Jira tickets", "send a Slack summary"],
        ),
        (
            "fetch sales from Stripe and our database",
            ["fetch sales from Stripe", "fetch sales from our database"],
        ),
        (
            "fetch data from two APIs",
            ["fetch data from api 1", "fetch data from api 2"],
        ),
        (
            "open a ticket for each order that is late",
            ["filter the orders whose is late", "open a ticket for each order"],
        ),
        (
            "email a digest, summarized with AI",
            ["summarize it with AI", "email a digest"],
        ),
        ("send the list to Bob and Ann", ["send the list to Bob and Ann"]),
        (
            "collect my unread mails and today's calendar events",
            ["collect my unread mails", "collect today's calendar events"],
        ),
        (
            "summarize the gossip from GitHub, Jira and Slack",
            [
                "fetch the gossip from GitHub",
                "fetch the gossip from Jira",
                "fetch the gossip from Slack",
                "summarize them",
            ],
        ),
        ("send them via email and Slack", ["send them via email", "send them via Slack"]),
        ("save it to Dropbox and a local file", ["save it to Dropbox", "save it to local file"]),
        (
            "pull tickets from Zendesk to build a chart report",
            ["pull tickets from Zendesk", "build a chart report"],
        ),
        ("email me the Stripe sales", ["fetch the Stripe sales", "email me the results"]),
        (
            "send a card for parcels older than 30 days",
            ["filter the parcels older than 30 days", "send a card"],
        ),
        ("create a page and also a file in Box", ["create a page", "create a file in Box"]),
    ],
)
def test_one_clause_can_stand_for_several_steps(text: str, steps: list[str]) -> None:
    """Several sources, several targets, a source and a target, a model's part."""
    assert [clause.text for clause in distributed(Clause("action", "start", text))] == steps


def test_names_side_by_side_are_read_each_for_itself() -> None:
    """Only when the text says that they are done in parallel; else one step reads them all."""
    told = "fetch the tides for Lisbon, Oslo and Cork"
    parallel = distributed(Clause("action", "start", told, parallel=True))
    assert [clause.text for clause in parallel] == [
        "fetch the tides for Lisbon",
        "fetch the tides for Oslo",
        "fetch the tides for Cork",
    ]
    assert [clause.text for clause in distributed(Clause("action", "start", told))] == [told]
    runs = Clause("action", "start", "run unit tests and linting", parallel=True)
    assert [clause.text for clause in distributed(runs)] == ["run unit tests", "run linting"]
    tongues = Clause("action", "start", "translate it into Czech and Welsh", parallel=True)
    assert [clause.text for clause in distributed(tongues)] == [
        "translate it into Czech",
        "translate it into Welsh",
    ]


@pytest.mark.parametrize(
    ("sentences", "dropped"),
    [
        (["Turn songs into cards.", "Reads the songs, sorts them and prints a card."], True),
        (["Read the songs.", "Sorts them, counts them and prints a card."], False),
        (["Turn songs into cards.", "Print each card."], False),
        (["Mail the songs to Trello.", "Reads the songs, sorts them and prints a card."], False),
        (["Turn songs into cards."], False),
    ],
)
def test_a_first_sentence_that_sums_up_the_next_is_a_title(
    sentences: list[str], dropped: bool
) -> None:
    """One that does a thing of its own, or names a service of its own, stays."""
    assert without_overview(sentences) == sentences[int(dropped) :]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pull the tides to write a poem", ("pull the tides", "write a poem")),
        ("combine the lists to compute the total", ("combine the lists", "compute the total")),
        ("fetch the file to see the rows", None),
        ("use Claude to write a poem", None),
        ("write a poem to make them laugh", None),
    ],
)
def test_what_a_step_is_for_can_be_a_step(text: str, found: tuple[str, str] | None) -> None:
    """Reading for a deed is two steps; a tool, and an aim that is no deed, are one."""
    assert purpose(text) == found


def test_an_unknown_verb_is_seen_and_asked_about(read: Read) -> None:
    """Its object gives it away; a person says what it means."""
    opening = read_opening("resolves the company", guess=True)
    assert opening is not None
    assert (opening.verb.base, opening.guessed) == ("resolve", False)
    unknown = read_opening("frobs the company", guess=True)
    assert unknown is not None
    assert (unknown.verb.base, unknown.guessed) == ("frob", True)
    found = read("Reads the orders from Stripe, frobs the totals, and emails me@a.co")
    assert any("frobs the totals" in question.text for question in found.questions)


@pytest.mark.parametrize(
    ("text", "before", "opens"),
    [
        ("posts hot leads to the channel", "lists the leads", True),
        ("posts and comments", "collects the leads", False),
        ("update inventory", "process payment", True),
        ("email addresses", "collect names", False),
        ("list wild bees by size", "read the diary", True),
        ("list price", "read the label", False),
        ("reorder from the supplier", "check the stock", True),
        ("the app", "check the stock", False),
    ],
)
def test_a_word_that_is_verb_and_noun_is_told_by_its_place(
    text: str, before: str, opens: bool
) -> None:
    """A list of verbs in one form goes on; a list of nouns does too."""
    assert opens_step(text, before) is opens


@pytest.mark.parametrize(
    ("clause", "seconds"),
    [("wait 3 days", 259_200), ("pause for an hour", 3600), ("wait for approval", None)],
)
def test_a_wait_for_a_time_has_its_seconds(clause: str, seconds: int | None) -> None:
    """Any other wait is no wait for a time."""
    assert waits_seconds(clause) == seconds


def test_a_wait_is_a_node(understand: Understand, agents_of: AgentsOf) -> None:
    """It suspends the execution between the steps around it."""
    specification = understand("Email me@a.co, wait 2 hours, then email boss@a.co")
    assert agents_of(specification) == ["email", "wait", "email"]
    assert specification.node("wait").parameters == {"seconds": 7200}


def test_each_agent_of_several_is_one_step(understand: Understand, agents_of: AgentsOf) -> None:
    """However much a sentence says of one agent, it is that agent's prompt."""
    specification = understand(
        "One agent should list and rank the risks of {input.plan}. Another agent should answer "
        "each risk and add costs. Email the result to me@a.co."
    )
    assert agents_of(specification) == ["llm", "llm", "email"]
