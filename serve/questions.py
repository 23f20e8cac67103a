"""What a text leaves open, as an error that asks."""

from collections.abc import Sequence
from typing import Any

from serve.problems import ApiError


def unanswered(questions: Sequence[dict[str, Any]]) -> ApiError:
    """Return the error of a text that cannot be used before questions are answered."""
    return ApiError(
        422,
        questions[0]["text"] if questions else "The description cannot be turned into a workflow.",
        "Answer each of `questions` in `answers`, by id, or say it in the description.",
        questions=list(questions),
    )
