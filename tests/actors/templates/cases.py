"""What each template is given, and what must have happened in the world when it has ended."""

from collections.abc import Awaitable, Callable

from tests.actors.templates.world import World

Case = Callable[[World], Awaitable[None]]
CASES: dict[str, Case] = {}
"""The cases by the ids of their templates."""
TEAM = "team@example.com"


def case(template_id: str) -> Callable[[Case], Case]:
    """Make a function the case of a template."""

    def register(function: Case) -> Case:
        CASES[template_id] = function
        return function

    return register
