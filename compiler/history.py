"""What executions took before: plain data that a plan is made with, read by whoever has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_SAMPLES = 5
"""With fewer of them a history says nothing."""


@dataclass(frozen=True, slots=True)
class Spread:
    """From the tenth to the ninetieth percentile of what was seen."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a number of runs took and cost, the newest there are."""

    samples: int
    seconds: Spread
    cost_usd: Spread

    @property
    def counts(self) -> bool:
        """Whether there are enough of them."""
        return self.samples >= MIN_SAMPLES


@dataclass(frozen=True, slots=True)
class Counted:
    """One figure of a number of runs."""

    samples: int
    amount: Spread

    @property
    def counts(self) -> bool:
        """Whether there are enough of them."""
        return self.samples >= MIN_SAMPLES


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a workflow, and of the agents in its organization."""

    workflow: Measured | None = None
    """Whole executions of this very specification that completed."""
    nodes: Mapping[tuple[str, str], Measured] = field(default_factory=dict)
    """Visits of its nodes by id and agent, with their retries; of a map, all its items."""
    items: Mapping[str, Counted] = field(default_factory=dict)
    """How many elements the lists of its maps had, by node id."""
    maps_cost_usd: Counted | None = None
    """What the items of all its maps cost together, in executions of this very specification."""
    agents: Mapping[str, Measured] = field(default_factory=dict)
    """Visits of any workflow's nodes by agent, maps left out."""


NOTHING = History()
"""The history of what has never been executed."""
