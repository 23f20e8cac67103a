"""What a text leaves open, as an error that asks, and how the text was read."""

from collections.abc import Sequence
from typing import Any

from agents.planner_reading import Reading
from serve.problems import ApiError


def unanswered(questions: Sequence[dict[str, Any]], reading: Reading | None) -> ApiError:
    """Return the error of a text that cannot be used before questions are answered."""
    return ApiError(
        422,
        questions[0]["text"] if questions else "The description cannot be turned into a workflow.",
        "Answer each of `questions` in `answers`, by id, or say it in the description.",
        questions=list(questions),
        reading=reading_document(reading),
    )


def reading_document(reading: Reading | None) -> dict[str, Any] | None:
    """Return how a text was read as JSON; None when no text was sent."""
    return reading.to_document() if reading else None
