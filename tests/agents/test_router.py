"""The router names the next node; conditions run in the sandbox."""

import pytest
from pydantic import ValidationError

from agents.errors import AgentError
from agents.router import RouterParameters
from tests.agents.conftest import Run

CONDITION = {"condition": "uptime_status.status_code != 200", "if_true": "down", "if_false": "up"}


@pytest.mark.requirement("FR-3.5", "FR-2.3")
@pytest.mark.parametrize(("status", "route"), [(500, "down"), (0, "down"), (200, "up")])
async def test_condition_chooses(run: Run, status: int, route: str) -> None:
    """The document's uptime condition takes the right way."""
    result = await run("router", CONDITION, inputs={"uptime_status": {"status_code": status}})
    assert result.output == {"route": route}


@pytest.mark.requirement("FR-3.5")
async def test_state_is_readable_as_a_whole(run: Run) -> None:
    """`state['score']` and `input` read the scope."""
    parameters = {
        "condition": "state['score'] > input['least']",
        "if_true": "good",
        "if_false": "bad",
    }
    result = await run("router", parameters, variables={"score": 0.9, "input": {"least": 0.8}})
    assert result.output == {"route": "good"}


@pytest.mark.requirement("FR-3.5")
async def test_default_is_taken_when_the_condition_fails(run: Run) -> None:
    """A condition over a missing name goes to the default, and the log says why."""
    result = await run("router", {**CONDITION, "default": "log_error"})
    assert result.output == {"route": "log_error"}
    assert "uptime_status" in result.metadata["condition_error"]


async def test_failing_condition_without_default_is_final(run: Run) -> None:
    """Without a default the failure is the node's."""
    with pytest.raises(AgentError, match="uptime_status") as caught:
        await run("router", CONDITION)
    assert not caught.value.retryable


@pytest.mark.parametrize(("value", "route"), [(95, "a"), (60, "b"), (10, "c")])
async def test_first_route_that_holds_is_taken(run: Run, value: int, route: str) -> None:
    """Routes are tried in order, then the default."""
    routes = [{"when": "score > 90", "to": "a"}, {"when": "score > 50", "to": "b"}]
    result = await run("router", {"routes": routes, "default": "c"}, inputs={"score": value})
    assert result.output == {"route": route}


async def test_no_route_and_no_default_ends_the_path(run: Run) -> None:
    """Where no way applies there is none to go: the route is null."""
    result = await run("router", {"routes": [{"when": "False", "to": "a"}]})
    assert result.output == {"route": None}


@pytest.mark.parametrize(
    "parameters", [{}, {"condition": "True"}, {"condition": "", "default": "x"}]
)
def test_parameters_must_say_where_to(parameters: dict[str, str]) -> None:
    """A router without ways is refused."""
    with pytest.raises(ValidationError):
        RouterParameters.model_validate(parameters)
