"""What goes wrong between a client and the platform, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weft.records import Change, Problem, Question, Reading, Widening


class WeftError(Exception):
    """The platform refused a request, or could not be reached.

    Attributes:
        status: The HTTP status; 0 when no answer came.
        title: What kind of problem it is, in a few words.
        detail: What is wrong this time, in one sentence; may be empty.
        remedy: What to do about it, in one sentence; may be empty.
        type: The problem's URI, stable across releases; `about:blank` when it has none.
        problems: Everything that is wrong with a specification, each with its place and remedy.
        questions: What the platform must know before it can build the workflow.
        changes: What a change would do that has to be confirmed.
        widens: What it would let the workflow touch that it could not before.
        reading: How the sentence that leaves questions open was read; None: none was sent.
    """

    def __init__(
        self,
        title: str,
        *,
        status: int = 0,
        detail: str = "",
        remedy: str = "",
        type: str = "about:blank",
        problems: Sequence[Problem] = (),
        questions: Sequence[Question] = (),
        changes: Sequence[Change] = (),
        widens: Sequence[Widening] = (),
        reading: Reading | None = None,
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.type = type
        self.problems = tuple(problems)
        self.questions = tuple(questions)
        self.changes = tuple(changes)
        self.widens = tuple(widens)
        self.reading = reading
        reason = f"{title}: {detail}" if detail else f"{title}."
        super().__init__(f"{reason} {remedy}".strip())

    @classmethod
    def from_problem(cls, status: int, problem: Mapping[str, Any]) -> WeftError:
        """Build the error from the body of an `application/problem+json` answer."""
        return cls(
            str(problem.get("title") or f"HTTP {status}"),
            status=int(problem.get("status") or status),
            detail=str(problem.get("detail") or ""),
            remedy=str(problem.get("remedy") or ""),
            type=str(problem.get("type") or "about:blank"),
            problems=problem.get("problems") or (),
            questions=problem.get("questions") or (),
            changes=problem.get("changes") or (),
            widens=problem.get("widens") or (),
            reading=problem.get("reading"),
        )


class Unreachable(WeftError):
    """No platform answered, or the connection to it was lost and did not come back."""
