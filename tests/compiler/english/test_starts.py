"""What starts a workflow: schedules, events, webhooks."""

import pytest

from compiler.english.schedule import find_schedule
from compiler.english.triggers import find_start
from tests.compiler.english.conftest import AgentsOf, Read, Understand

_SCHEDULES = [
    ("daily at 9am", "0 9 * * *"),
    ("every day at 9", "0 9 * * *"),
    ("every Monday at 9", "0 9 * * 1"),
    ("at 9 every Monday", "0 9 * * 1"),
    ("on Mondays and Thursdays at noon", "0 12 * * 1,4"),
    ("every weekday at 17:30", "30 17 * * 1-5"),
    ("Monday to Friday at 8am", "0 8 * * 1-5"),
    ("every 15 minutes", "*/15 * * * *"),
    ("every fifteen minutes", "*/15 * * * *"),
    ("every minute", "* * * * *"),
    ("hourly", "0 * * * *"),
    ("every 2 hours", "0 */2 * * *"),
    ("every half hour", "*/30 * * * *"),
    ("at the start of each month", "0 9 1 * *"),
    ("on the 15th of every month at 10", "0 10 15 * *"),
    ("monthly", "0 9 1 * *"),
    ("weekly", "0 9 * * 1"),
    ("nightly", "0 22 * * *"),
    ("every evening", "0 18 * * *"),
    ("twice a day", "0 9,17 * * *"),
    ("every other day at 7:15 pm", "15 19 */2 * *"),
    ("quarterly", "0 9 1 */3 *"),
    ("every day at midnight", "0 0 * * *"),
    ("every day at 12am", "0 0 * * *"),
    ("weekdays at 6am", "0 6 * * 1-5"),
    ("at the end of the day", "0 18 * * *"),
    ("at the end of each week", "0 17 * * 5"),
    ("every 4h", "0 */4 * * *"),
    ("once a quarter", "0 9 1 */3 *"),
    ("every single Monday at 8", "0 8 * * 1"),
]


@pytest.mark.requirement("FR-5.5")
@pytest.mark.parametrize(("words", "cron"), _SCHEDULES)
def test_schedules_in_english(words: str, cron: str) -> None:
    """A recurrence in words becomes its cron expression, wherever it stands."""
    schedule = find_schedule(words)
    assert schedule is not None
    assert schedule.cron == cron
    start = find_start(f"summarize the notes and email them to me {words}")
    assert start.trigger is not None
    assert (start.trigger.kind, start.trigger.cron) == ("schedule", cron)
    assert start.rest == "summarize the notes and email them to me"


@pytest.mark.parametrize(
    ("words", "cron"), [("at noon", "0 12 * * *"), ("at 7 in the evening", "0 19 * * *")]
)
def test_a_time_of_day_alone_is_each_day(words: str, cron: str) -> None:
    """It has to stand behind what is done; a text that only names a time tells no schedule."""
    schedule = find_schedule(f"email me the menu {words}")
    assert schedule is not None
    assert schedule.cron == cron
    assert find_schedule(words) is None


@pytest.mark.parametrize(
    "words",
    [
        "on the last day of each month",
        "at the end of every month",
        "every other Tuesday",
        "every second Friday of the month",
        "on the last business day of every month",
        "at regular intervals",
        "every two weeks",
        "biweekly",
        "every fortnight",
    ],
)
def test_a_recurrence_that_no_expression_can_tell_is_asked_for(words: str) -> None:
    """What five fields cannot say is a schedule whose time is a question."""
    schedule = find_schedule(words)
    assert schedule is not None
    assert schedule.cron is None


@pytest.mark.requirement("FR-5.5")
def test_time_zone_is_read() -> None:
    """A zone behind the time is kept, by its abbreviation or its name."""
    for words, zone in (("CET", "Europe/Paris"), ("Asia/Tokyo", "Asia/Tokyo"), ("", "UTC")):
        schedule = find_schedule(f"every day at 9am {words}".strip())
        assert schedule is not None
        assert schedule.timezone == zone


@pytest.mark.parametrize(
    "words",
    [
        "every review",
        "a week of commits",
        "per page",
        "at 9 items",
        "remind her every two days until she signs",
        "at most once a day",
    ],
)
def test_other_uses_of_the_words_are_no_schedule(words: str) -> None:
    """A list, a step that is done again until something happens, and a limit start nothing."""
    assert find_schedule(words) is None


@pytest.mark.requirement("FR-5.3", "FR-5.4")
@pytest.mark.parametrize(
    ("words", "event"),
    [
        ("When a demo is completed,", "demo_completed"),
        ("Whenever a new order arrives,", "order_received"),
        ("Every time a user signs up:", "user_signed_up"),
        ("As soon as an invoice is uploaded,", "invoice_uploaded"),
        ("On new rows in Google Sheets,", "row_created"),
        ("If a new ticket comes in,", "ticket_received"),
        ("When someone submits the form,", "form_submitted"),
    ],
)
def test_events(understand: Understand, words: str, event: str) -> None:
    """The event is named after its noun and what happened to it; its data is the input."""
    specification = understand(f"{words} write a short reply and email it to me")
    assert specification.trigger is not None
    assert specification.trigger.kind == "event"
    assert specification.trigger.event == event
    assert "{input}" in specification.nodes[0].parameters["prompt"]


def test_event_without_a_comma_ends_at_the_next_verb(
    understand: Understand, agents_of: AgentsOf
) -> None:
    """The step behind an event is found without punctuation too."""
    specification = understand("when a new order arrives summarize it then email it to me")
    assert specification.trigger is not None
    assert specification.trigger.event == "order_received"
    assert agents_of(specification) == ["llm", "email"]


def test_webhook(understand: Understand) -> None:
    """A webhook that calls in is a trigger; one that is called is a step."""
    incoming = understand("When a webhook is received, summarize the payload and email it to me")
    assert incoming.trigger is not None
    assert incoming.trigger.kind == "webhook"
    outgoing = understand("Summarize the notes and post them to the webhook https://a.example/h")
    assert outgoing.trigger is None
    assert outgoing.nodes[1].parameters["url"] == "https://a.example/h"


@pytest.mark.requirement("FR-5.3")
@pytest.mark.parametrize(
    ("text", "kind", "subject", "rest"),
    [
        ("When a ride comes in via webhook, price it", "webhook", "ride", "price it"),
        ("Receives a webhook with the ride, prices it", "webhook", "payload", "prices it"),
        (
            "Collects rides from the site via a webhook, prices them",
            "webhook",
            "ride",
            "prices them",
        ),
        ("When Stripe calls the webhook /rides, price it", "webhook", "payload", "price it"),
        ("When I press the button, price the ride", "manual", None, "price the ride"),
    ],
)
def test_calls_and_buttons(text: str, kind: str, subject: str | None, rest: str) -> None:
    """What comes by a call is called after what it brings; a button is no event."""
    start = find_start(text)
    assert start.trigger is not None
    assert (start.trigger.kind, start.subject, start.rest) == (kind, subject, rest)


@pytest.mark.requirement("FR-5.3")
@pytest.mark.parametrize(
    ("text", "event", "rest"),
    [
        ("Watch the /in folder and print each label", "item_received", "print each label"),
        ("Takes orders by form, prices them", "order_received", "prices them"),
        ("For every file landing in the bucket, print it", "file_received", "print it"),
        (
            "Detects when a ride is added to Airtable and writes a bill",
            "ride_added",
            "writes a bill",
        ),
        ("It detects when the oven stops and calls the cook", "oven_stopped", "calls the cook"),
        (
            "Bake the bread on every push to main; sell it",
            "push_occurred",
            "Bake the bread; sell it",
        ),
        ("Print the label whenever a row is added to the sheet", "row_added", "Print the label"),
        (
            "When a ride is booked, price it. Every Friday, print a list",
            "ride_booked",
            "price it. print a list",
        ),
    ],
)
def test_what_is_watched_is_an_event(text: str, event: str, rest: str) -> None:
    """A place, a form and what is detected start the workflow; the first of two starts is it."""
    start = find_start(text)
    assert start.trigger is not None
    assert (start.trigger.kind, start.trigger.event) == ("event", event)
    assert start.rest == rest
    assert bool(start.second) is ("Every Friday" in text)


def test_when_in_the_middle_is_a_condition(understand: Understand, agents_of: AgentsOf) -> None:
    """Only the beginning of a text names an event."""
    specification = understand("Monitor https://a.example and alert me when it goes down")
    assert specification.trigger is None
    assert agents_of(specification) == ["api", "router", "email"]


def test_schedule_that_is_not_said_is_asked_for(read: Read) -> None:
    """A schedule that is not named is a question; its answer is read like the text."""
    text = "Summarize the notes and email them to me on a schedule"
    (question,) = read(text).questions
    assert (question.id, question.required) == ("trigger.cron", True)
    answered = read(text, {"trigger.cron": "every Friday at 16:00"})
    assert answered.questions == ()
    assert answered.specification.trigger.cron == "0 16 * * 5"
