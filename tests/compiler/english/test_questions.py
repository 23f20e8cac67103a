"""What is asked instead of guessed, and what answers do."""

import pytest

from tests.compiler.english.conftest import Read, Understand


@pytest.mark.requirement("FR-1.4")
def test_people_without_an_address_are_asked_for(read: Read) -> None:
    """Nobody gets mail before their address is known."""
    text = "Summarize the notes and email the summary to the team"
    found = read(text)
    (question,) = found.questions
    assert (question.id, question.field, question.required) == (
        "send_email.to",
        "send_email.to",
        True,
    )
    assert "the team" in question.text
    assert found.specification.nodes[1].parameters["to"] == "{input.team_email}"


@pytest.mark.requirement("FR-1.4")
def test_an_answer_takes_the_place_of_its_question(read: Read) -> None:
    """The answered value stands in the specification, and nothing is asked any more."""
    text = "Summarize the notes and email the summary to the team"
    answered = read(text, {"send_email.to": "team@example.com"})
    assert answered.questions == ()
    assert answered.specification.nodes[1].parameters["to"] == "team@example.com"
    assert list(answered.specification.state_schema.input["properties"]) == ["notes"]


@pytest.mark.parametrize("text", ["email it to me", "email summary", "send it to my inbox"])
def test_oneself_and_nobody_are_the_user(understand: Understand, text: str) -> None:
    """A mail to "me", and one to nobody in particular, goes to whoever runs the workflow."""
    specification = understand(f"Summarize the notes, {text}")
    assert specification.nodes[1].parameters["to"] == "{user.email}"


def test_person_of_an_event_has_an_address_in_it(understand: Understand) -> None:
    """The customer of an event is somebody whose address comes with the event."""
    specification = understand("When an order is placed, email a receipt to the customer")
    assert specification.nodes[0].parameters["to"] == "{input.customer_email}"
    assert specification.state_schema.input["required"] == ["customer_email"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Summarize the notes and publish it to WordPress", "publish_to_wordpress.url"),
        ("Query the database and email the results to me", "query_database.query"),
        ("Scrape http://a.example/x and filter the good ones", "filter_page_content.where"),
        (
            "Fetch orders from https://api.example.com/o and compute the total",
            "compute_total.field",
        ),
        ("Read leads from the leads table and email each lead", None),
    ],
)
def test_what_cannot_be_known_is_a_required_question(read: Read, text: str, place: str) -> None:
    """URLs of services, queries, conditions and fields are asked for."""
    required = [question.id for question in read(text).questions if question.required]
    assert required == ([place] if place else [])


def test_answers_fill_parameters(read: Read) -> None:
    """A table's name is a good enough answer for a query."""
    text = "Query the database and email the results to me"
    (question,) = read(text).questions
    answered = read(text, {question.id: "customers"})
    assert answered.questions == ()
    assert answered.specification.nodes[0].parameters["query"] == "SELECT * FROM customers"


def test_parts_that_are_not_understood_are_asked_about(read: Read) -> None:
    """An unknown step is never dropped in silence, and its answer is read in its place."""
    text = "Scrape http://a.example/p → frobnicate the widgets → email it to me"
    (question,) = read(text).questions
    assert "frobnicate the widgets" in question.text
    assert question.required
    answered = read(text, {question.id: "summarize it"})
    assert answered.questions == ()
    assert [node.agent for node in answered.specification.nodes] == ["web_scraping", "llm", "email"]


def test_a_new_description_answers_a_text_without_steps(read: Read) -> None:
    """The question about a text that says nothing is answered by another text."""
    assert read("asdf qwer").specification is None
    answered = read("asdf qwer", {"description": "Summarize the notes and email them to me"})
    assert answered.specification is not None
    assert answered.questions == ()


def test_only_postgresql_is_offered(read: Read) -> None:
    """Another database is asked about, not pretended."""
    found = read("Read orders from the orders table in MySQL and email them to me")
    assert [question.id for question in found.questions if question.required] == [
        "query_orders.database"
    ]
