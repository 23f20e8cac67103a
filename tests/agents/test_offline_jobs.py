"""The offline model on data that prompts name directly, and what it must not pretend to know."""

import json

import pytest

from agents.offline.classify import classify
from agents.offline.job import understand
from agents.offline.keywords import keywords, topics
from agents.offline.model import CannotDo, answer
from agents.offline.text import shorten
from serve.demo_world import load_reviews
from tests.agents.conftest import Run

TEXT = (
    "The new lid was launched in May. It sold 4000 units in the first week. Customers praise the "
    "quiet pump and the lid. Some complain about the price of the lid. Returns are at two percent."
)


@pytest.mark.requirement("FR-3.2")
async def test_a_prompt_that_names_its_data_in_the_sentence(run: Run) -> None:
    """A value of the scope that the prompt shows is the data, wherever it stands."""
    variables = {"input": {"text": TEXT}, "workflow": {"description": "Summarize the text in"}}
    result = await run("llm", {"prompt": f"Summarize the text in {TEXT}"}, variables=variables)
    assert "lid" in result.output
    assert "Summarize" not in result.output
    message = "The server is down, help immediately!"
    classified = await run(
        "llm",
        {"prompt": f"Classify {message} as urgent or normal", "labels": ["urgent", "normal"]},
        variables={"input": {"message": message}},
    )
    assert classified.output == "urgent"


@pytest.mark.requirement("FR-3.2")
def test_none_of_a_known_kind_is_an_answer() -> None:
    """No skill in a text is an empty list that says that it is unsure, not a missing key."""
    prompt = "Extract skills from the following page:\n\nI love this coffee maker."
    found = answer(understand(prompt, {}, task="extract", output_format="json_array"))
    assert (found.output, found.facts) == ([], {"unsure": True})
    names = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "object", "properties": {"emails": names, "phone_numbers": names}}
    job = understand(prompt, {}, task="extract", output_format="json", json_schema=schema)
    assert answer(job).output == {"emails": [], "phone_numbers": []}
    vague = understand("Extract complaints about prices from:\n\nIt is dear.", {}, task="extract")
    with pytest.raises(CannotDo, match="complaints"):
        answer(vague)


@pytest.mark.parametrize(("stars", "expected"), [((4, 5), "no"), ((1, 2), "yes")])
def test_a_yes_or_no_about_the_mood_is_judged(stars: tuple[int, ...], expected: str) -> None:
    """Whether the sentiment is negative follows from the texts."""
    bodies = [review["body"] for review in load_reviews() if review["stars"] in stars]
    prompt = f"Does this hold: the average sentiment is negative? Answer.\n\n{json.dumps(bodies)}"
    job = understand(prompt, {"reviews": bodies}, task="classify", labels=("yes", "no"))
    assert answer(job).output == expected


def test_another_yes_or_no_takes_a_reader() -> None:
    """A question that no word of the text decides is refused, not guessed."""
    job = understand("Is it legal?\n\nSome text.", {}, task="classify", labels=("yes", "no"))
    with pytest.raises(CannotDo, match="takes a reader"):
        answer(job)


@pytest.mark.parametrize("labels", [["praise", "complaint"], ["praise", "complaint", "question"]])
def test_praise_and_complaint_agree_with_the_stars(labels: list[str]) -> None:
    """Labels that are moods are chosen by the mood, also beside labels that are none."""
    right = 0
    judged = [review for review in load_reviews() if review["stars"] != 3]
    for review in judged:
        expected = "praise" if review["stars"] > 3 else "complaint"
        right += classify(f"{review['title']}. {review['body']}", labels).label == expected
    assert right >= 0.9 * len(judged)


def test_topics_are_things_the_texts_speak_of() -> None:
    """Neither authors nor verdicts nor verbs are topics."""
    texts = [f"{r['title']}\n{r['author']}\n{r['body']}" for r in load_reviews()]
    found = topics("\n\n".join(texts), 8)
    assert {"coffee", "machine", "taste"} <= set(found)
    assert not {"ana", "good", "great", "excellent", "fast", "quick", "makes", "weeks"} & set(found)


def test_keywords_leave_out_names_and_verdicts() -> None:
    """Who signed a review and how it judges are no keywords; a phrase stays within its line."""
    texts = [f"{r['title']}\n{r['author']}\n{r['body']}" for r in load_reviews()]
    found = {keyword.text.lower() for keyword in keywords("\n\n".join(texts), 10)}
    assert not {"ana", "good", "great", "excellent"} & found
    lines = "The delivery took too long\nCustomer service was helpful"
    assert not any("long customer" in k.text.lower() for k in keywords(lines, 8))


def test_a_quote_is_cut_at_a_sentence() -> None:
    """A long text ends with a whole sentence when most of it is kept, else at a word."""
    assert (
        shorten("One two. Three four five six seven eight.", 30) == "One two. Three four five six…"
    )
    assert shorten("One two three four. Five six seven eight.", 30) == "One two three four."


def test_titles_in_a_summary_end_like_sentences() -> None:
    """A heading and the sentence after it do not run into each other."""
    job = understand("Summarize:\n\nAurora coffee maker\nI love it.", {}, task="summarize")
    assert answer(job).output == "Aurora coffee maker. I love it."
