"""The models: policies as data."""

import pytest

from compiler.specification import Node, Retry, Specification


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        (Retry(), [0, 1, 2, 4, 8]),
        (Retry(factor=3, max_seconds=20), [0, 1, 3, 9, 20]),
        (Retry(backoff="linear", initial_seconds=2), [0, 2, 4, 6, 8]),
        (Retry(backoff="fixed", initial_seconds=5), [0, 5, 5, 5, 5]),
        (Retry(initial_seconds=0), [0, 0, 0, 0, 0]),
    ],
)
def test_delays_grow_as_the_policy_says(retry: Retry, delays: list[float]) -> None:
    """Exponential, linear and fixed back-off, never above the cap."""
    assert [retry.delay_seconds(attempt) for attempt in range(1, 6)] == delays


def test_a_late_attempt_waits_the_cap() -> None:
    """A hundredth attempt with the largest factor neither overflows nor passes the cap."""
    assert Retry(factor=10, max_attempts=100).delay_seconds(100) == 60


def test_a_nodes_key_is_its_output_key_or_its_id() -> None:
    """The output stands under `output_key`, else under the id."""
    assert Node(id="a", agent="x").key == "a"
    assert Node(id="a", agent="x", output_key="k").key == "k"


def test_a_missing_node_is_a_key_error() -> None:
    """Asking for a node by a wrong id raises."""
    specification = Specification(nodes=(Node(id="a", agent="x"),))
    assert specification.node("a").agent == "x"
    with pytest.raises(KeyError):
        specification.node("b")
