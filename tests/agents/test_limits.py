"""Rate limits: what is spaced, what is kept, and who waits where."""

from uuid import UUID

import pytest
from pydantic import SecretStr

from agents.errors import AgentError
from agents.limits import LocalLimiter, Rate
from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.website import Site, json_reply

pytestmark = pytest.mark.requirement("USER.11", "FR-3.8")


async def test_permits_are_spaced() -> None:
    """Each permit is an interval later than the one before, but for those given at once."""
    limiter, rate = LocalLimiter(), Rate("r", requests=2, seconds=10, burst=2)
    waits = [await limiter.take([rate], f"w{number}", 100) for number in range(5)]
    assert [round(wait) for wait in waits] == [0, 0, 5, 10, 15]


async def test_late_permit_is_kept_for_its_work() -> None:
    """Whoever cannot wait comes back for the same permit, and takes no second one."""
    limiter, rate = LocalLimiter(), Rate("r", requests=1, seconds=10)
    assert await limiter.take([rate], "first", 1) == 0
    assert round(await limiter.take([rate], "second", 1)) == 10
    assert round(await limiter.take([rate], "second", 1)) == 10
    assert round(await limiter.take([rate], "third", 1)) == 20


async def test_all_rates_count() -> None:
    """The slowest of several rates decides, and each is charged."""
    limiter = LocalLimiter()
    fast, slow = Rate("fast", 100, 1), Rate("slow", 1, 60)
    assert await limiter.take([fast, slow], "a", 100) == 0
    assert round(await limiter.take([fast, slow], "b", 100)) == 60
    assert await limiter.take([fast], "c", 100) < 1


async def test_node_waits_as_long_as_it_can(run: Run, site: Site) -> None:
    """A short wait is waited; a long one is left to the engine, with the time of its turn."""
    site.replies["/"] = json_reply({})
    parameters = {"url": site.url(), "rate_limit": {"requests": 20, "seconds": 1}}
    for number in range(3):
        await run("api", parameters, map_index=number)
    parameters["rate_limit"] = {"requests": 1, "seconds": 100}
    await run("api", parameters, map_index=1)
    with pytest.raises(AgentError, match="rate limit of 127") as caught:
        await run("api", parameters, map_index=2)
    assert caught.value.retryable
    assert caught.value.retry_after_seconds == pytest.approx(100, abs=10)
    assert len(site.asked) == 4


class TestOperatorsLimits:
    """A host's limit, set by the operator."""

    @pytest.fixture
    def settings(self, site: Site) -> AgentSettings:
        """Settings with a limit for loopback, where a gateway stands in SendGrid's place."""
        return AgentSettings(
            allow_loopback=True, host_limits={"127.0.0.1": (1, 1000.0)},
            sendgrid_api_key=SecretStr("SG.key"), service_urls={"SendGrid": site.url("/")},
        )  # fmt: skip

    async def test_host_is_limited_for_all(self, run: Run, site: Site) -> None:
        """Nodes that name no limit are held to the operator's, whatever their tenant."""
        site.replies["/"] = json_reply({})
        await run("api", {"url": site.url()}, tenant_id=UUID(int=1))
        with pytest.raises(AgentError, match="rate limit"):
            await run("api", {"url": site.url()}, tenant_id=UUID(int=2), map_index=1)
        assert len(site.asked) == 1

    @pytest.mark.parametrize("agent", ["mcp", "email"])
    async def test_other_agents_are_held_to_it(self, run: Run, site: Site, agent: str) -> None:
        """Tools of MCP servers and mails by an API count among the host's requests."""
        site.replies["/"] = json_reply({})
        parameters = {
            "mcp": {"url": site.url("/mcp"), "operation": "list_tools"},
            "email": {"to": "a@example.com", "subject": "S", "body": "B"},
        }
        await run("api", {"url": site.url()})
        with pytest.raises(AgentError, match="rate limit"):
            await run(agent, parameters[agent], map_index=1)
        assert len(site.asked) == 1
