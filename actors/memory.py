"""How a process that serves many small requests collects garbage.

Python looks through every long-lived object again and again: with LangGraph and the agents
imported that is a third of what an execution costs.
"""

import gc

YOUNG_OBJECTS = 20_000
"""How many new objects there may be before the young ones are looked through."""


def settle_memory() -> None:
    """Leave what is imported by now out of all collections, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
