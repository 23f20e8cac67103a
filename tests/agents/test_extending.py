"""Agents of other packages: by a decorator or a class, found by their entry points."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from agents.agent import AgentContext, AgentResult, Parameters
from agents.errors import AgentError
from agents.extending import ExtensionError, agent, installed_agents
from agents.registry import builtin_registry
from agents.services import Services
from compiler.check import check
from compiler.specification import Specification
from tests.agents.conftest import context_of

WEATHER = '''
"""An agent in one file."""

from agents.agent import AgentContext, Parameters
from agents.errors import AgentError
from agents.extending import agent


class Weather(Parameters):
    """Where."""

    city: str
    days: int = 1


@agent(side_effect="reads", output_fields=("city", "degrees"))
async def acme_weather(parameters: Weather, context: AgentContext) -> dict[str, object]:
    """Tells the weather of a city.

    It is always four degrees.
    """
    if parameters.city == "Atlantis":
        raise AgentError("There is no Atlantis any more.")
    return {"city": parameters.city, "degrees": [4] * parameters.days}


class AcmeClock:
    """An agent as a class."""

    name = "acme_clock"
    description = "Tells the time."
    parameters = Parameters
    side_effect = "none"
    default_timeout_seconds = 5.0
    output_fields = ()

    async def run(self, parameters, context):
        """Tell it."""
        return None


nothing = 7
'''

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with these entry points, as pip would."""

    def install_package(package: str = "acme", **points: str) -> None:
        (tmp_path / f"{package}_agents.py").write_text(WEATHER)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {package}_agents:{target}" for name, target in points.items()]
        (info / "entry_points.txt").write_text("[weft.agents]\n" + "\n".join(lines) + "\n")

    monkeypatch.syspath_prepend(str(tmp_path))
    builtin_registry.cache_clear()
    yield install_package
    builtin_registry.cache_clear()
    for name in [one for one in sys.modules if one.endswith("_agents") and "acme" in one]:
        del sys.modules[name]


async def test_an_installed_agent_is_one_as_any_other(install: Install, services: Services) -> None:
    """It is listed, checked with the path of a wrong parameter, and run."""
    install(acme_weather="acme_weather", acme_clock="AcmeClock")
    registry = builtin_registry()
    assert {"acme_weather", "acme_clock", "api", "slack_post_message"} <= set(registry.names())
    signature = registry.signatures()["acme_weather"]
    assert signature.description == "Tells the weather of a city."
    assert (signature.side_effect, signature.output_fields) == ("reads", ("city", "degrees"))
    nodes: list[dict[str, Any]] = [
        {"id": "w", "agent": "acme_weather", "parameters": {"days": "x"}}
    ]
    found = check(Specification.model_validate({"nodes": nodes}), registry.signatures())
    assert {problem.path for problem in found} == {
        "nodes[0].parameters.city", "nodes[0].parameters.days",
    }  # fmt: skip
    weather = registry.get("acme_weather")
    parameters = weather.parameters.model_validate({"city": "Oslo", "days": 2})
    result = await weather.run(parameters, context_of(services))
    assert result.output == {"city": "Oslo", "degrees": [4, 4]}
    with pytest.raises(AgentError, match="Atlantis"):
        drowned = weather.parameters.model_validate({"city": "Atlantis"})
        await weather.run(drowned, context_of(services))


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ({"api": "acme_weather"}, "an agent of Weft's own has that name"),
        ({"slack_post_message": "acme_weather"}, "an agent of Weft's own has that name"),
        ({"AcmeWeather": "acme_weather"}, "not in lower case"),
        ({"acme_wetter": "acme_weather"}, "calls itself acme_weather"),
        ({"acme_weather": "missing"}, "AttributeError"),
        ({"acme_weather": "nothing"}, "has no name, description"),
    ],
)
def test_a_package_that_brings_no_agent_is_told(
    install: Install, points: dict[str, str], words: str
) -> None:
    """The error names the package and the reason."""
    install(**points)
    with pytest.raises(ExtensionError, match=words) as raised:
        builtin_registry()
    assert "the package acme" in str(raised.value)


def test_two_packages_with_one_name_are_told(install: Install) -> None:
    """Which of them counts is nobody's guess."""
    install("acme", acme_weather="acme_weather")
    install("acme_two", acme_weather="acme_weather")
    with pytest.raises(ExtensionError, match="brings one of that name, too"):
        installed_agents(())


class Given(Parameters):
    """What the functions of these tests take."""

    word: str = Field(default="x")


async def test_a_function_may_answer_with_a_whole_result(services: Services) -> None:
    """Then usage and metadata are its own."""

    @agent(side_effect="none")
    async def whole(parameters: Given, context: AgentContext) -> AgentResult:
        """Answers."""
        return AgentResult(parameters.word, metadata={"by": "whole"})

    result = await whole.run(Given(), context_of(services))
    assert (result.output, result.metadata) == ("x", {"by": "whole"})


def test_a_function_of_another_form_is_no_agent() -> None:
    """It is async, annotated and has a docstring."""

    def plain(parameters: Given, context: AgentContext) -> None:
        """Says something."""

    async def bare(parameters: Any, context: AgentContext) -> None:
        """Says something."""

    async def silent(parameters: Given, context: AgentContext) -> None: ...

    functions: list[tuple[Any, str]] = [
        (plain, "async"), (bare, "annotated"), (silent, "docstring"),
    ]  # fmt: skip
    for function, words in functions:
        with pytest.raises(ExtensionError, match=words):
            agent(side_effect="none")(function)
