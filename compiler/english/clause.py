"""One clause of a description: an action, or a word of control."""

from dataclasses import dataclass
from typing import Literal

from compiler.english.segments import Separator

Kind = Literal["action", "if", "else", "each", "parallel", "whether"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One action, or one word of control such as "if the site is down"."""

    kind: Kind
    separator: Separator
    """What stands between it and the clause before."""
    text: str
    """The action, the condition, or the noun of "for each"."""
    negated: bool = False
    """The condition was written with "unless"."""
    always: bool = False
    """It follows whichever way a choice before it went ("then always")."""
    parallel: bool = False
    """It says "in parallel" of itself."""
    bound: bool = False
    """A condition written after its action: it holds for that action alone."""
    worker: bool = False
    """It says what one of several agents does."""
    times: int = 1
    """How many agents do it side by side."""
