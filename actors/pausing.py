"""Pausing: an interrupt that nobody answers and no time ends, only a resumption."""

from collections.abc import Iterator
from typing import Any

from langgraph.types import Interrupt, StateSnapshot

PAUSE = {"pause": True}
"""What a node that is not to begin yet interrupts with."""


def is_pause(interrupt: Interrupt) -> bool:
    """Whether an interrupt stands for a pause."""
    return isinstance(interrupt.value, dict) and interrupt.value == PAUSE


def paused_interrupts(state: StateSnapshot) -> Iterator[str]:
    """Yield the ids of a state's pauses, branches included."""
    for interrupt in state.interrupts:
        if is_pause(interrupt):
            yield interrupt.id
    for task in state.tasks:
        inner: Any = task.state
        if isinstance(inner, StateSnapshot):
            yield from paused_interrupts(inner)
