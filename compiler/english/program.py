"""A description as a program: steps in order, choices, steps side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.english.clause import Clause
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
