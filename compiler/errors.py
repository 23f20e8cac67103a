"""What is wrong with a specification: location, rule, remedy."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a specification, said so that a person can mend it."""

    path: str
    """Where: a dotted path into the document, such as `nodes[2].parameters.prompt`."""
    rule: str
    """Which rule is broken: a stable snake_case name, such as `unknown_agent`."""
    message: str
    """What is wrong, in one sentence."""
    remedy: str
    """What to do about it, in one sentence."""
    line: int | None = None
    """The line in the YAML text, counted from 1; None when there is no text."""

    def __str__(self) -> str:
        place = f"{self.path} (line {self.line})" if self.line else self.path
        return f"{place}: {self.message} {self.remedy}"


class SpecificationError(Exception):
    """A specification cannot be used; carries every problem found, not just the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as problems show it: `nodes[2].parameters.prompt`; empty for the whole."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written
