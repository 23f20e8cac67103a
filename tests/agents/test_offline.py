"""The offline model: classical language processing, honest about what it cannot do."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.offline.classify import classify, labels_named
from agents.offline.entities import find, find_all
from agents.offline.job import Task, understand
from agents.offline.keywords import keywords
from agents.offline.model import Answer, CannotDo, answer
from agents.offline.sentiment import judge
from agents.offline.skills import find_skills
from agents.offline.summary import summarize
from agents.offline.text import sentences, shorten, subject

REVIEWS = json.loads((Path(__file__).parent / "reviews.json").read_text())
PROFILE = (
    "Jane Miller works at Acme Corp in Berlin as a data engineer. She knows Python, SQL and "
    "Kubernetes. Write to jane@acme.com or see https://acme.com/jane. She joined on March 3, "
    "2021 and manages a budget of $1.2 million, 35% of it for training."
)


def expected(stars: int) -> str:
    """Return the sentiment that a star rating means."""
    return "positive" if stars > 3 else "negative" if stars < 3 else "neutral"


def do(prompt: str, inputs: dict[str, Any] | None = None, **options: Any) -> Answer:
    """Return the offline model's answer to a prompt."""
    return answer(understand(prompt, inputs or {}, **options))


@pytest.mark.requirement("FR-3.1")
def test_sentiment_agrees_with_stars() -> None:
    """At least 34 of 40 reviews are judged as their own stars say."""
    wrong = [r for r in REVIEWS if judge(r["text"]).label != expected(r["stars"])]
    assert len(wrong) / len(REVIEWS) <= 6 / 40, wrong


@pytest.mark.parametrize("stars", [1, 5])
def test_sentiment_is_rarely_the_opposite(stars: int) -> None:
    """The plainest reviews are hardly ever taken for their opposite."""
    opposite = "positive" if stars == 1 else "negative"
    texts = [r["text"] for r in REVIEWS if r["stars"] == stars]
    assert sum(judge(text).label == opposite for text in texts) <= len(texts) / 20


def test_sentiment_ignores_the_rating_beside_the_text() -> None:
    """The text is judged, not the number of stars that an item carries."""
    item = {"reviewBody": "Terrible, it broke at once.", "ratingValue": "5", "author": "Joy Love"}
    assert do("Analyze the sentiment", {"item": item}, output_format="json").output == {
        "sentiment": "negative",
        "score": pytest.approx(-0.6, abs=0.4),
        "text": "Terrible, it broke at once.",
    }


def test_sentiment_of_a_list() -> None:
    """A list gives one judgement an item as an array, and one of the whole as an object."""
    inputs = {"reviews": ["I love it, works great!", "Awful, it broke."]}
    each = do("Analyze sentiment of {reviews}", inputs, output_format="json_array").output
    whole = do("Analyze sentiment of {reviews}", inputs, output_format="json").output
    assert [entry["sentiment"] for entry in each] == ["positive", "negative"]
    assert whole["counts"] == {"positive": 1, "neutral": 0, "negative": 1}


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Analyze sentiment of this review: x", "sentiment"),
        ("Extract skills from the following LinkedIn profiles: x", "entities"),
        ("Find all e-mail addresses and dates in: x", "entities"),
        ("Summarize the following text in 3 bullet points: x", "summarize"),
        ("Write a short summary of: x", "summarize"),
        ("Generate an insights report about: x", "summarize"),
        ("Extract the main topics: x", "keywords"),
        ("List the 5 most important keywords: x", "keywords"),
        ("Classify this ticket as billing, technical or other: x", "classify"),
        ("Extract as JSON with name, price: x", "entities"),
        ("Write a poem about: x", None),
        ("Translate this text to French: x", None),
        ("Summarize and translate this text: x", None),
        ("Write code that sorts: x", None),
        ("Hello there", None),
    ],
)
def test_task_is_read_from_the_instruction(prompt: str, task: Task | None) -> None:
    """The verbs of the instruction name the job; what needs a model is no job."""
    assert understand(prompt, {}).task == task


@pytest.mark.requirement("FR-3.1")
def test_skills_of_profiles() -> None:
    """The document's prompt, example array and all, gives the skills as an array."""
    profiles = ["Jane: Python, SQL and leadership", "Bob knows React, AWS, Python, C++"]
    prompt = (
        "Extract skills from the following LinkedIn profiles.\nReturn JSON array of skills: "
        f'["skill1", "skill2", ...]\n\nProfiles:\n{json.dumps(profiles)}'
    )
    found = do(prompt, {"profiles_html": profiles}, output_format="json")
    assert found.output == ["Python", "SQL", "Leadership", "React", "AWS", "C++"]


def test_skills_are_whole_words() -> None:
    """A skill inside another word is none."""
    assert find_skills("He ironed the pythons in Javanese; excellently") == []


def test_entities_by_kind() -> None:
    """Patterns find what stands in a text."""
    found = find_all(PROFILE)
    assert found["emails"] == ["jane@acme.com"]
    assert found["urls"] == ["https://acme.com/jane"]
    assert found["dates"] == ["March 3, 2021"]
    assert found["money"] == ["$1.2 million"]
    assert found["percentages"] == ["35%"]
    assert find("organizations", PROFILE) == ["Acme Corp"]
    assert find("people", PROFILE) == ["Jane Miller"]


def test_entities_in_the_form_asked_for() -> None:
    """Several kinds make an object, one kind makes a list."""
    prompt = f"Find the e-mail addresses and dates in: {PROFILE}"
    assert do(prompt, output_format="json").output == {
        "emails": ["jane@acme.com"],
        "dates": ["March 3, 2021"],
    }
    one = f"Find the e-mail addresses in: {PROFILE}"
    assert do(one, output_format="json_array").output == ["jane@acme.com"]


def test_keywords_name_the_subject() -> None:
    """The words that a text is about come first."""
    text = "Battery life is superb. The battery charges fast. The camera is sharp. Battery wins."
    assert "battery" in keywords(text, 3)[0].text.lower()
    assert keywords("", 3) == []


@pytest.mark.requirement("FR-3.1")
def test_summary_takes_the_central_sentences() -> None:
    """A summary is made of the text's own sentences, as many as asked, in order."""
    text = (
        "The city opened a new bridge over the river. The bridge took three years to build. "
        "A cat slept on a wall. The river bridge will carry twenty thousand cars a day. "
        "Someone sold ice cream."
    )
    chosen = summarize(text, 3)
    assert chosen == [part for part in sentences(text) if part in chosen]
    assert len(chosen) == 3
    assert "A cat slept on a wall." not in chosen
    bullets = do(f"Summarize in 2 bullet points: {text}", output_format="markdown").output
    assert bullets.count("\n- ") == 1


def test_summary_passes_over_repetition() -> None:
    """A sentence said twice is taken once."""
    text = "The pump failed at noon. The pump failed at noon today. Nobody was hurt. " * 2
    assert len(summarize(text, 2)) == 2
    assert "Nobody was hurt." in summarize(text, 2)


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize(
    ("text", "labels", "label"),
    [
        (
            "I was charged twice, please refund my card",
            ["billing", "technical", "other"],
            "billing",
        ),
        ("The app crashes after login with an error", ["billing", "technical"], "technical"),
        ("Claim your free prize now, winner!", ["spam", "not spam"], "spam"),
        ("The meeting moved to three", ["spam", "not spam"], "not spam"),
        ("I love it, it is wonderful", ["positive", "negative"], "positive"),
        ("xyzzy", ["red", "blue", "other"], "other"),
    ],
)
def test_classification(text: str, labels: list[str], label: str) -> None:
    """The label whose words go with the text is chosen."""
    assert classify(text, labels).label == label


def test_classification_says_when_it_is_unsure() -> None:
    """A text that says nothing about the labels is marked for a person."""
    found = do("Classify: the weather is nice", labels=("alpha", "beta"))
    assert found.facts["unsure"] is True
    assert found.facts["confidence"] == 0


@pytest.mark.parametrize(
    ("instruction", "labels"),
    [
        ("Classify this as billing, technical or other", ["billing", "technical", "other"]),
        (
            "Sort into one of: bug, feature request, question",
            ["bug", "feature request", "question"],
        ),
        ("Classify the message", []),
    ],
)
def test_labels_are_read_from_the_instruction(instruction: str, labels: list[str]) -> None:
    """Labels that an instruction lists need no parameter."""
    assert labels_named(instruction) == labels


@pytest.mark.requirement("FR-3.1")
def test_shape_is_filled() -> None:
    """A schema's fields are filled by label, name and type; what is unknown stays out."""
    schema = {
        "type": "object",
        "properties": {
            "customer": {"type": "string"},
            "email": {"type": "string"},
            "total": {"type": "number"},
            "quantity": {"type": "integer"},
            "urgent": {"type": "boolean"},
            "skills": {"type": "array", "items": {"type": "string"}},
            "mood": {"enum": ["positive", "negative"]},
            "vat_id": {"type": "string"},
        },
    }
    text = (
        "Customer: Jane Doe\nContact jane@x.org. Total: $1,045.50 for quantity 3.\n"
        "Urgent: yes\nShe knows Python and SQL. I am very happy with it."
    )
    assert do("Fill the form", {"text": text}, json_schema=schema).output == {
        "customer": "Jane Doe",
        "email": "jane@x.org",
        "total": 1045.5,
        "quantity": 3,
        "urgent": True,
        "skills": ["Python", "SQL"],
        "mood": "positive",
    }


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        ("Write a poem", {}),
        ("Analyze the sentiment", {}),
        ("Classify the text: x", {}),
        ("Extract the plot twist: nothing here", {}),
        ("Fill this: nothing here", {"json_schema": {"properties": {"iban": {"type": "string"}}}}),
    ],
)
def test_what_it_cannot_do_is_said(prompt: str, options: dict[str, Any]) -> None:
    """A job without a method or without data is refused, never made up."""
    with pytest.raises(CannotDo):
        do(prompt, **options)


def test_subject_of_an_item_is_its_body() -> None:
    """The text that a report quotes is the body with its title, without markup."""
    assert subject({"name": "Good", "reviewBody": "<p>It <b>works</b></p>"}).split() == [
        "Good.",
        "It",
        "works",
    ]
    assert shorten("one two three", 9) == "one two…"
    assert shorten("A title\nIts  text!\nEnd") == "A title. Its text! End"
