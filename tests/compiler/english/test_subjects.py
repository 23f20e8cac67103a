"""Who does a step: a service's deed is the step, a person's deed is asked for."""

import pytest

from compiler.english.subjects import person_acts, without_subject


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("The gateway verifies the signature", "verifies the signature"),
        ("Orkidea generates the invoice", "generates the invoice"),
        ("Each machine should score the draft", "score the draft"),
        (
            "Automatically scores leads and syncs the best",
            "Automatically scores leads and syncs the best",
        ),
        ("File bug reports in GitHub", "File bug reports in GitHub"),
        ("The manager signs the contract", "The manager signs the contract"),
        ("The orders that fail", "The orders that fail"),
        ("When the service stores the file", "When the service stores the file"),
        ("the report about sales", "the report about sales"),
    ],
)
def test_a_service_that_does_a_step_is_left_out(text: str, deed: str) -> None:
    """A person, a condition and a plain thing stay."""
    assert without_subject(text) == deed


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("legal reviews the terms", True),
        ("the department head must sign the form", True),
        ("their manager is asked to choose a date", True),
        ("she then picks a date", True),
        ("answer customer reviews", False),
        ("the customer receives a mail", False),
        ("the server checks the form", False),
    ],
)
def test_what_people_do_is_theirs(text: str, acts: bool) -> None:
    """A clause of somebody in an organization who does something."""
    assert person_acts(text) is acts
