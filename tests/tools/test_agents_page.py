"""The reference of the agents."""

from agents.registry import builtin_registry
from tools.agents_page import PAGE, page


def test_reference_is_that_of_the_registry() -> None:
    """`docs/agents.md` is what the registry says now; else `python -m tools.agents_page` is due."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_reference_names_every_agent() -> None:
    """Each agent has its heading."""
    text = page()
    assert all(f"### `{name}`" in text for name in builtin_registry().names())
