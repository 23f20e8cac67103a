"""A description as a program: steps in order, choices, steps side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.english.clause import Clause
from compiler.english.conditions import is_decision
from compiler.english.steps import Step


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of a choice."""

    condition: str
    """Marked text; empty for "otherwise"."""
    negated: bool
    body: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A place where one of several ways is taken."""

    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches that run side by side."""

    branches: tuple[tuple[Part, ...], ...]


Part = Step | Choice | Fork


@dataclass(frozen=True, slots=True)
class Program:
    """What a description asks for, and the parts of it that nobody understood."""

    parts: tuple[Part, ...]
    unknown: tuple[Clause, ...]


def steps_of(parts: tuple[Part, ...]) -> Iterator[Step]:
    """Yield every step in the order of the text."""
    for part in parts:
        if isinstance(part, Step):
            yield part
        elif isinstance(part, Choice):
            for arm in part.arms:
                yield from steps_of(arm.body)
        else:
            for branch in part.branches:
                yield from steps_of(branch)


def with_decisions(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Let "if I reject it" that comes late be the other way of the approval before it."""
    for place, part in enumerate(parts):
        if not isinstance(part, Step) or part.agent != "human_loop":
            continue
        for later in range(place + 2, len(parts)):
            choice = parts[later]
            if isinstance(choice, Choice):
                if len(choice.arms) == 1 and is_decision(choice.arms[0].condition) is False:
                    approved = Arm("approved", False, parts[place + 1 : later])
                    decision = Choice((approved, *choice.arms))
                    return (*parts[: place + 1], decision, *parts[later + 1 :])
                break
    return parts
