"""Standing: how a node waits for something as often as it must, while no process waits.

A visit of a node has its waits in order; each is a row in `execution_waits`. Its body is run from
its beginning whenever something of the execution goes on, so it walks through the waits that have
ended and stops at the first that has not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langgraph.types import Interrupt, interrupt

from store.records import Record

WaitsFor = Literal["workflow", "approval", "event", "time", "retry"]
Make = Callable[[str], Sequence[Record]]
"""Makes what is recorded when a wait begins, of the wait's id."""


@dataclass(slots=True)
class Standing:
    """The waits of an execution's nodes."""

    _waits: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the waits of each visit, in order, by its task."""
    _makes: dict[str, Make] = field(default_factory=dict)

    def recall(self, task_id: str, wait_id: str) -> None:
        """Take over a wait that is recorded, after those before it."""
        waits = self._waits.setdefault(task_id, [])
        if wait_id not in waits:
            waits.append(wait_id)

    def began(self, task_id: str, place: int) -> bool:
        """Whether a visit's wait of this place, from 0, has begun before."""
        return place < len(self._waits.get(task_id, ()))

    def stand(self, task_id: str, place: int, reason: WaitsFor, make: Make) -> Mapping[str, Any]:
        """Wait, or go on with what ended the wait.

        Args:
            task_id: The visit.
            place: Which of its waits it is, from 0.
            reason: What the execution waits for, as people are told.
            make: Called when the wait begins.

        Returns:
            What the driver tells of the row of the wait.
        """
        if not self.began(task_id, place):
            self._makes[task_id] = make
        while True:
            answer = interrupt({"stands": task_id, "for": reason})
            waits = self._waits.get(task_id, ())
            # The end of a pause that the node stood through is no answer.
            if place < len(waits) and answer.get("interrupt_id") == waits[place]:
                told: Mapping[str, Any] = answer
                return told

    def begin(self, question: Interrupt) -> list[Record]:
        """Return what is to be recorded of a wait that begins."""
        task_id = question.value["stands"]
        self.recall(task_id, question.id)
        return list(self._makes.pop(task_id)(question.id))


def is_standing(question: Interrupt) -> bool:
    """Whether an interrupt is a wait of this kind."""
    return isinstance(question.value, dict) and "stands" in question.value
