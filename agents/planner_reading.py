"""How a text was read: which models were asked, what they cost, and what came of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from agents.errors import AgentError
from agents.models import OFFLINE
from agents.planner_output import Answered
from compiler.english.draft import Question
from compiler.specification import Specification

A = TypeVar("A", bound=Answered)
T = TypeVar("T")

Kind = Literal["create", "edit"]
Outcome = Literal[
    "answered",
    "invalid",
    "refused",
    "limited",
    "failed",
    "late",
    "costly",
    "denied",
]
"""What came of asking a model: its answer is used; it never passed the check; the model refused;
429; an error of the server or the line; no answer in time; beyond the bound of tokens or cost; a
wrong key, name or request."""


class Unfit(Exception):
    """An answer cannot be used; the message tells the model what to mend."""


class Left(Exception):
    """A model gave nothing that can be used."""

    def __init__(
        self, outcome: Outcome, reason: str, retry_after_seconds: float | None = None
    ) -> None:
        self.outcome = outcome
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Used:
    """What a conversation has used up."""

    rounds: int = 0
    """How many answers the model gave."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """As far as the model's price is known."""

    @property
    def tokens(self) -> int:
        """What was sent and received together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Job(Generic[A, T]):
    """What a model is asked, and what its answer must become."""

    instructions: str
    message: str
    """The text, as data."""
    answer: type[A]
    accept: Callable[[A], T]
    """Makes of an answer what is wanted; raises `Unfit`."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model that was asked."""

    model: str
    """The provider's own name of it."""
    outcome: Outcome
    reason: str = ""
    """Why it was left, for people."""
    used: Used = Used()
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How one text was read."""

    by: str = OFFLINE
    """`offline`, or the model whose answer is used."""
    ms: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    cached: bool = False
    """It was read before, in these words or in like ones."""

    def to_document(self) -> dict[str, Any]:
        """Return it as the API tells it."""
        return {
            "by": self.by,
            "rounds": sum(one.used.rounds for one in self.attempts),
            "llm_tokens": sum(one.used.tokens for one in self.attempts),
            "cost_usd": round(sum(one.used.cost_usd for one in self.attempts), 6),
            "ms": round(self.ms, 1),
            "cached": self.cached,
            "notes": [f"{one.model}: {one.reason}" for one in self.attempts if one.reason],
        }


def timed(reading: Reading, begun: float) -> Reading:
    """Return a reading with the time that it has taken since `begun`, by `time.perf_counter`."""
    return replace(reading, ms=(time.perf_counter() - begun) * 1000)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a text became."""

    specification: Specification | None
    """None: nothing can be built before the questions are answered."""
    questions: tuple[Question, ...]
    reading: Reading = field(default_factory=Reading)


class PlannerError(AgentError):
    """The model that alone was to read a text could not; says why, and what it cost."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        told = "; ".join(reading.to_document()["notes"]) or "no model was asked"
        super().__init__(
            f"The text was not read: {told}.",
            remedy="Name another model, give it more time (WEFT_PARSER_SECONDS), or read offline.",
        )
