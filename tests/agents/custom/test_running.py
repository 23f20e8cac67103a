"""Custom agents at work: functions in the sandbox, endpoints on loopback, chains of both."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from agents.bound import SecretRefused
from agents.errors import AgentError
from agents.services import Services
from tests.agents.custom.making import definition, python, run_custom
from tests.agents.custom.test_definition import DOCUMENT
from tests.agents.website import Asked, Reply, Site, json_reply

HOSTILE: list[dict[str, Any]] = YAML(typ="safe").load(
    Path(__file__).parents[1].joinpath("hostile_programs.yaml")
)
TOKEN = "tok-4711-very-secret"


@pytest.mark.requirement("FR-3.10", "NFR-4.5")
async def test_a_function_gets_its_parameters(services: Services) -> None:
    """Defaults stand in for what is not given, and the version is told."""
    result = await run_custom(services, DOCUMENT, {"param1": "a"})
    assert result.output == {"result": "a_10"}
    assert result.metadata["agent_version"] == 1
    given = await run_custom(services, DOCUMENT, {"param1": "{param2}", "param2": 3})
    assert given.output == {"result": "{param2}_3"}


async def test_a_function_may_be_async_and_have_helpers(services: Services) -> None:
    """The whole file is run, then the function called."""
    code = (
        "import json\n\nRATE = 2\n\ndef double(n):\n    return n * RATE\n\n"
        "async def execute(numbers):\n    return json.dumps([double(n) for n in numbers])"
    )
    result = await run_custom(services, python(code, numbers={"type": "array"}), {"numbers": [1]})
    assert result.output == "[2]"


async def test_parameters_are_checked(services: Services) -> None:
    """A wrong or unknown parameter names itself."""
    for wrong in ({"param1": 1}, {"param1": "a", "param3": 1}, {}):
        with pytest.raises(ValidationError):
            await run_custom(services, DOCUMENT, wrong)


async def test_what_a_function_returns_is_checked(services: Services) -> None:
    """A result that `returns` does not allow fails for good and says where."""
    document = definition(
        {"type": "python_function", "code": "def execute(): return {'n': 'many'}"},
        returns={"type": "object", "properties": {"n": {"type": "integer"}}},
    )
    with pytest.raises(AgentError, match="`n`") as raised:
        await run_custom(services, document, {})
    assert not raised.value.retryable


async def test_an_error_of_a_function_names_its_line(services: Services) -> None:
    """The line is the one in the code that was registered."""
    code = "def execute():\n    x = 1\n    raise ValueError('no such city')"
    with pytest.raises(AgentError, match=r"no such city at line 3"):
        await run_custom(services, python(code), {})


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "program",
    [one for one in HOSTILE if "ends" in one and "return" in one["script"]][:12],
    ids=lambda one: one["name"],
)
async def test_a_hostile_function_is_ended(services: Services, program: dict[str, Any]) -> None:
    """A function is as shut in as a script."""
    body = "".join(f"    {line}\n" for line in program["script"].split("\n"))
    with pytest.raises(AgentError) as raised:
        await run_custom(services, python(f"def execute():\n{body}"), {})
    assert not raised.value.retryable


def endpoint(site: Site, path: str = "/weather/{city}", **changes: Any) -> dict[str, Any]:
    """Return the definition of an endpoint of a site."""
    return definition(
        {"type": "api_endpoint", "url": site.url(path), **changes},
        {"city": {"type": "string", "required": True}, "days": {"type": "integer"}},
    )


@pytest.mark.requirement("FR-3.10")
async def test_an_endpoint_gets_what_its_url_does_not_name(services: Services, site: Site) -> None:
    """Of a POST the other parameters are the body, of a GET the query; absent ones are left out."""
    site.replies["/weather/Oslo"] = json_reply({"degrees": 4})
    posted = await run_custom(services, endpoint(site), {"city": "Oslo", "days": 2})
    assert posted.output == {"degrees": 4}
    await run_custom(services, endpoint(site, method="GET"), {"city": "Oslo", "days": 2})
    await run_custom(services, endpoint(site, method="GET"), {"city": "Oslo"})
    assert site.asked[0].json == {"days": 2}
    assert site.asked[0].headers["idempotency-key"]
    assert site.paths()[1:] == ["/weather/Oslo?days=2", "/weather/Oslo"]


async def test_an_endpoint_has_secrets_of_its_own(services: Services, site: Site) -> None:
    """They are named by the definition, and an answer that echoes one does not show it."""
    site.replies["/weather/Oslo"] = Reply(f"bad {TOKEN}", 401)
    document = endpoint(site, headers={"Authorization": "Bearer {secrets.weather}"})
    with pytest.raises(AgentError) as raised:
        await run_custom(services, document, {"city": "Oslo"}, secrets={"weather": TOKEN})
    assert site.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str(raised.value)
    assert not raised.value.retryable


async def test_a_secret_of_an_endpoint_stays_with_its_hosts(services: Services, site: Site) -> None:
    """The call is refused before anything is sent."""
    document = endpoint(site, headers={"Authorization": "{secrets.weather}"})
    with pytest.raises(SecretRefused):
        await run_custom(
            services, document, {"city": "Oslo"}, secrets={"weather": TOKEN}, hosts=("a.example",)
        )
    assert site.asked == []


async def test_an_answer_is_mapped_and_its_errors_are_failures(
    services: Services, site: Site
) -> None:
    """`response` says what the output is and what in a good status is an error."""
    site.replies["/weather/Oslo"] = json_reply({"data": {"t": 4}})
    site.replies["/weather/Rome"] = json_reply({"problem": "no such city"})
    response = {"output": {"degrees": "{body.data.t}"}, "error": "{body.problem}"}
    document = endpoint(site, response=response)
    assert (await run_custom(services, document, {"city": "Oslo"})).output == {"degrees": 4}
    with pytest.raises(AgentError, match="no such city"):
        await run_custom(services, document, {"city": "Rome"})


@pytest.mark.parametrize("city", ["../admin", "a/b", "a?x=1#y", "..", "%2e%2e"])
async def test_a_parameter_stays_in_its_place_in_the_address(
    services: Services, site: Site, city: str
) -> None:
    """No value gets out of the segment that it stands in."""
    await_reply = json_reply({})

    def answer(asked: Asked) -> Reply:
        return await_reply

    site.replies.update(dict.fromkeys(("/admin", "/"), answer))
    with pytest.raises(AgentError):
        await run_custom(services, endpoint(site), {"city": city})
    [path] = site.paths()
    assert path.startswith("/weather/")
    assert path.count("/") == 2
    assert "?" not in path


async def test_an_endpoint_sends_forms_and_joined_lists(services: Services, site: Site) -> None:
    """As the api agent does; a list that is sent as one text is joined."""
    site.replies["/weather/Oslo"] = json_reply({})
    formed = endpoint(site, form={"days": "{days}"})
    await run_custom(services, formed, {"city": "Oslo", "days": 2})
    assert site.asked[0].body == b"days=2"
    tagged = definition(
        {"type": "api_endpoint", "url": site.url("/weather/Oslo"), "method": "GET",
         "separators": {"tags": "|"}},
        {"tags": {"type": "array"}},
    )  # fmt: skip
    await run_custom(services, tagged, {"tags": ["a", "b"]})
    assert site.paths()[1] in ("/weather/Oslo?tags=a|b", "/weather/Oslo?tags=a%7Cb")


def chain(*steps: dict[str, Any], output: Any = None) -> dict[str, Any]:
    """Return a chain that takes a city."""
    return definition(
        {"type": "chain", "steps": list(steps), "output": output},
        {"city": {"type": "string", "required": True}, "note": {"type": "string"}},
        name="chained",
    )


@pytest.mark.requirement("FR-3.10")
async def test_a_chain_hands_values_from_step_to_step(services: Services, site: Site) -> None:
    """A step sees parameters and the outputs before it; the output is a template over them."""
    site.replies["/weather/Oslo"] = json_reply({"degrees": 4, "city": "Oslo"})
    double = python("def execute(n): return n * 2", n={"type": "number", "required": True})
    document = chain(
        {"id": "weather", "agent": "web", "parameters": {"city": "{city}"}},
        {"id": "twice", "agent": "mine", "parameters": {"n": "{weather.degrees}"}},
        {"id": "told", "agent": "data_processing",
         "parameters": {"operation": "transform",
                        "script": "return {'t': twice, 'in': weather['city']}"}},
        output={"text": "{told.in}: {told.t}", "note": "{note}"},
    )  # fmt: skip
    web = {**endpoint(site), "agent_name": "web"}
    result = await run_custom(services, document, {"city": "Oslo"}, web, double)
    assert result.output == {"text": "Oslo: 8"}
    assert [one["step"] for one in result.metadata["steps"]] == ["weather", "twice", "told"]
    assert result.usage.api_calls == 1


async def test_steps_of_a_chain_have_keys_of_their_own(services: Services, site: Site) -> None:
    """Two posts of one chain are told apart, and each is the same at the next attempt."""
    site.replies["/weather/Oslo"] = json_reply({})
    web = {**endpoint(site), "agent_name": "web"}
    step = {"agent": "web", "parameters": {"city": "{city}"}}
    document = chain({"id": "a", **step}, {"id": "b", **step})
    for _ in range(2):
        await run_custom(services, document, {"city": "Oslo"}, web)
    keys = [asked.headers["idempotency-key"] for asked in site.asked]
    assert keys[0] != keys[1]
    assert keys[:2] == keys[2:]


async def test_a_chain_that_has_sent_is_not_sent_again(services: Services, site: Site) -> None:
    """A later step is tried again in its place; when it stays away the failure is final."""
    site.replies["/weather/sent"] = json_reply({})
    site.replies["/weather/away"] = Reply("later", 503, {"Retry-After": "0"})
    web = {**endpoint(site), "agent_name": "web"}
    document = chain(
        {"id": "a", "agent": "web", "parameters": {"city": "sent"}},
        {"id": "b", "agent": "web", "parameters": {"city": "away"}},
    )
    with pytest.raises(AgentError, match="Step `b`") as raised:
        await run_custom(services, document, {"city": "Oslo"}, web)
    assert not raised.value.retryable
    assert site.paths() == ["/weather/sent", *["/weather/away"] * 3]


async def test_a_chain_that_has_sent_nothing_may_be_tried_again(
    services: Services, site: Site
) -> None:
    """The node's own policy decides then."""
    site.replies["/weather/away"] = Reply("later", 503)
    web = {**endpoint(site, method="GET"), "agent_name": "web"}
    document = chain({"id": "a", "agent": "web", "parameters": {"city": "away"}})
    with pytest.raises(AgentError) as raised:
        await run_custom(services, document, {"city": "Oslo"}, web)
    assert raised.value.retryable
    assert site.paths() == ["/weather/away"]


@pytest.mark.parametrize(("method", "retryable"), [("POST", False), ("GET", True)])
async def test_a_chain_ends_before_its_attempt_is_cut_off(
    services: Services, site: Site, method: str, retryable: bool
) -> None:
    """A step without an answer that may have sent something is not made again."""
    site.replies["/weather/Oslo"] = Reply(hang=True)
    web = {**endpoint(site, method=method), "agent_name": "web"}
    document = chain({"id": "a", "agent": "web", "parameters": {"city": "{city}"}})
    with pytest.raises(AgentError, match="did not end in the chain's time") as raised:
        await run_custom(services, document, {"city": "Oslo"}, web, timeout_seconds=0.5)
    assert raised.value.retryable is retryable


async def test_secrets_of_a_chain_do_not_travel(
    services: Services, site: Site, inner: Site
) -> None:
    """A service that tells its token gives the next step no token, only where it stood."""
    site.replies["/weather/Oslo"] = json_reply({"echo": TOKEN})
    inner.replies["/collect"] = json_reply({})
    web = {**endpoint(site, headers={"X-Token": "{secrets.weather}"}), "agent_name": "web"}
    document = chain(
        {"id": "weather", "agent": "web", "parameters": {"city": "{city}"}},
        {"id": "collect", "agent": "api",
         "parameters": {"url": inner.url("/collect"), "method": "POST", "body": "{weather.echo}"}},
    )  # fmt: skip
    await run_custom(services, document, {"city": "Oslo"}, web, secrets={"weather": TOKEN})
    assert site.asked[0].headers["x-token"] == TOKEN
    [collected] = inner.asked
    assert collected.body == b"{secrets.weather}"
