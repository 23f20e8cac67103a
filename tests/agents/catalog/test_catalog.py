"""The catalog: every file is read, rendered, sent to a loopback recorder and compared."""

import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from agents.agent import AgentContext, AgentResult
from agents.catalog.entry import Entry
from agents.catalog.library import (
    CatalogError,
    catalog_entry,
    catalog_names,
    read_entry,
)
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from compiler.check import check
from compiler.plan import plan
from compiler.text import load
from tests.agents.conftest import context_of
from tests.agents.website import Asked, Reply, Site, json_reply

HTTP = [name for name in catalog_names() if catalog_entry(name).base == "api"]
_TRANSPORT = {
    "host", "user-agent", "accept", "accept-encoding", "connection", "content-length",
    "content-type", "idempotency-key",
}  # fmt: skip
_KEY = "{idempotency_key}"


def _key(context: AgentContext) -> str:
    return hashlib.sha256(context.idempotency_key.encode()).hexdigest()[:32]


async def _run(
    name: str, parameters: dict[str, Any], registry: Registry, site: Site, **context: Any
) -> tuple[AgentResult, AgentContext]:
    """Run a ready agent with the recorder in the place of its service."""
    agent = registry.get(name)
    urls = {catalog_entry(name).service: site.url("")}
    async with open_services(AgentSettings(allow_loopback=True, service_urls=urls)) as services:
        given = context_of(services, **context)
        return await agent.run(agent.parameters.model_validate(parameters), given), given


@pytest.mark.requirement("FR-3.1")
def test_there_are_more_than_a_hundred_agents() -> None:
    """Each file is valid, is named as its agent, and says how people call it."""
    assert len(catalog_names()) >= 100
    for name in catalog_names():
        assert catalog_entry(name).synonyms


@pytest.mark.requirement("FR-3.8")
@pytest.mark.parametrize("name", HTTP)
async def test_example_is_what_reaches_the_service(
    name: str, registry: Registry, site: Site
) -> None:
    """Method, path, query, headers and body are those of the example, and so is the output."""
    entry = catalog_entry(name)
    wanted = entry.example.request
    assert wanted is not None
    parts = urlsplit(wanted.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    site.replies[path] = json_reply(entry.example.answer)
    result, context = await _run(name, entry.example.parameters, registry, site)
    asked = site.asked[0]
    assert (asked.method, asked.path) == (wanted.method, path)
    headers = {name.lower(): value.replace(_KEY, _key(context))
               for name, value in wanted.headers.items()}  # fmt: skip
    assert {name: asked.headers.get(name) for name in headers} == headers
    assert set(asked.headers) - set(headers) <= _TRANSPORT
    if isinstance(wanted.body, str) or wanted.body is None:
        assert asked.body.decode() == (wanted.body or "")
    else:
        body = json.dumps(wanted.body).replace(_KEY, _key(context))
        assert asked.json == json.loads(body)
        assert asked.headers["content-type"].startswith("application/")
    assert result.output == entry.example.output


@pytest.mark.parametrize("name", catalog_names())
def test_wrong_parameters_are_told_with_their_place(name: str, registry: Registry) -> None:
    """Parameters are checked by the file's schema: an unknown one, and one that is missing."""
    agent, entry = registry.get(name), catalog_entry(name)
    example = entry.example.parameters
    agent.parameters.model_validate(example)
    with pytest.raises(ValidationError, match="surplus"):
        agent.parameters.model_validate({**example, "surplus": 1})
    for required in entry.parameters["required"]:
        with pytest.raises(ValidationError, match=required):
            agent.parameters.model_validate({k: v for k, v in example.items() if k != required})


def test_secrets_have_usual_names() -> None:
    """Every parameter that is a secret says which one people keep it under."""
    assert catalog_entry("slack_post_message").secrets == {"token": "slack_token"}
    for name in HTTP:
        request = json.dumps(catalog_entry(name).request)
        for parameter in catalog_entry(name).secrets:
            assert f"{{{parameter}}}" in request


SPECIFICATION = """
metadata: {name: Tell Slack, description: Tells Slack.}
nodes:
- id: tell
  agent: slack_post_message
  parameters: {token: "{secrets.slack_token}", channel: "#general", text: "{input.text}"}
"""


def test_wrong_parameter_is_a_problem_of_the_check(registry: Registry) -> None:
    """The check names the parameter by its path, with what is wrong."""
    signatures = registry.signatures()
    assert check(load(SPECIFICATION), signatures) == []
    wrong = SPECIFICATION.replace('channel: "#general"', "channel: 5")
    problems = check(load(wrong), signatures)
    assert [one.path for one in problems] == ["nodes[0].parameters.channel"]
    unknown = SPECIFICATION.replace("slack_post_message", "slack_post_messages")
    assert "slack_post_message" in str(check(load(unknown), signatures)[0].remedy)


def test_plan_tells_host_secret_and_side_effect(registry: Registry) -> None:
    """A plan says which host a ready agent calls, with which secret, and what it does."""
    found = plan(load(SPECIFICATION), registry.signatures(), {"text": "Hi"})
    node = found.nodes[0]
    assert node.outside.hosts == ("slack.com",)
    assert node.outside.secrets == ("slack_token",)
    assert node.outside.side_effect == "sends"


REPLY = """
metadata: {name: Answer, description: Answers a ticket.}
nodes:
- id: answer
  agent: zendesk_reply_ticket
  parameters:
    {subdomain: acme, email: a@b.example, api_token: "{secrets.token}", ticket: 42, body: Hi}
"""


def test_plan_tells_a_recipient_that_is_a_number(registry: Registry) -> None:
    """Who gets a public answer is whoever the ticket is of."""
    found = plan(load(REPLY), registry.signatures(), {})
    assert found.nodes[0].outside.side_effect == "sends"
    assert found.nodes[0].outside.recipients == ("42",)


async def test_refusals_are_errors_and_say_whether_to_try_again(
    registry: Registry, site: Site
) -> None:
    """A busy service is tried again; after a fault, only a call that does nothing twice."""
    example = catalog_entry("slack_post_message").example.parameters
    site.replies["/api/chat.postMessage"] = Reply("busy", 429, {"Retry-After": "7"})
    with pytest.raises(AgentError) as busy:
        await _run("slack_post_message", example, registry, site)
    assert busy.value.retryable
    assert busy.value.retry_after_seconds == 7
    site.replies["/api/chat.postMessage"] = Reply("broken", 500)
    with pytest.raises(AgentError) as broken:
        await _run("slack_post_message", example, registry, site)
    assert not broken.value.retryable
    site.replies["/api/conversations.history"] = Reply("broken", 500)
    reading = catalog_entry("slack_channel_history").example.parameters
    with pytest.raises(AgentError) as again:
        await _run("slack_channel_history", reading, registry, site)
    assert again.value.retryable


async def test_a_failure_in_a_good_status_is_an_error(registry: Registry, site: Site) -> None:
    """What a service calls a failure is one, whatever its status."""
    site.replies["/api/chat.postMessage"] = json_reply({"ok": False, "error": "channel_not_found"})
    example = catalog_entry("slack_post_message").example.parameters
    with pytest.raises(AgentError, match="channel_not_found"):
        await _run("slack_post_message", example, registry, site)


async def test_errors_of_graphql_are_told(registry: Registry, site: Site) -> None:
    """Linear answers 200 with a list of errors: the first one's message is the reason."""
    failed = {"errors": [{"message": "Entity not found: Issue"}], "data": None}
    site.replies["/graphql"] = json_reply(failed)
    example = catalog_entry("linear_comment_issue").example.parameters
    with pytest.raises(AgentError, match="Entity not found: Issue"):
        await _run("linear_comment_issue", example, registry, site)


@pytest.mark.parametrize("value", ['ENG" }}) {', "{issue}", "$first", "} }"])
async def test_no_value_stands_in_a_query_of_graphql(
    value: str, registry: Registry, site: Site
) -> None:
    """The query's text is always the same: what is looked for goes beside it, as a variable."""
    site.replies["/graphql"] = json_reply({"data": {"issues": {"nodes": []}}})
    given = {"api_key": "k", "team": value}
    await _run("linear_list_issues", given, registry, site)
    body = site.asked[0].json
    assert isinstance(body, dict)
    request = catalog_entry("linear_list_issues").example.request
    assert request is not None
    assert body["query"] == request.body["query"]
    assert body["variables"]["filter"] == {"team": {"key": {"eq": value}}}


async def test_no_value_adds_a_condition_to_a_search(registry: Registry, site: Site) -> None:
    """Words that look like parameters of an address stay the words that are looked for."""
    given = {"token": "t", "domain": "acme", "object": "Lead", "text": "Ada&sobject=User#"}
    with pytest.raises(AgentError, match="404"):
        await _run("salesforce_find_records", given, registry, site)
    asked = parse_qs(urlsplit(site.asked[0].path).query)
    assert (asked["q"], asked["sobject"]) == (["Ada&sobject=User#"], ["Lead"])


async def test_all_pages_of_a_list_are_read(registry: Registry, site: Site) -> None:
    """The mark of the next page is followed until there is none; the output holds all items."""

    def reply(asked: Asked) -> Reply:
        if "cursor=two" in asked.path:
            return json_reply({"ok": True, "channels": [2], "response_metadata": {}})
        metadata = {"next_cursor": "two"}
        return json_reply({"ok": True, "channels": [1], "response_metadata": metadata})

    site.replies["/api/conversations.list"] = reply
    result, _ = await _run("slack_list_channels", {"token": "t"}, registry, site)
    assert result.output == {"channels": [1, 2]}
    assert result.usage.api_calls == 2


async def test_a_list_without_end_is_cut_and_says_so(registry: Registry, site: Site) -> None:
    """After the most pages that the file allows no more are asked for."""
    endless = {"ok": True, "channels": [1], "response_metadata": {"next_cursor": "more"}}
    site.replies["/api/conversations.list"] = json_reply(endless)
    result, _ = await _run("slack_list_channels", {"token": "t"}, registry, site)
    pages = catalog_entry("slack_list_channels").pagination
    assert pages is not None
    assert len(site.asked) == pages.max_pages == len(result.output["channels"])
    assert result.metadata["more_pages"] is True


async def test_no_part_of_a_secret_stands_in_an_error(registry: Registry, site: Site) -> None:
    """A service that repeats the token in its answer does not bring it into the error."""
    token = "xoxb-" + "9" * 40
    site.replies["/api/chat.postMessage"] = Reply("x" * 280 + token, 400)
    given = {"token": token, "channel": "C1", "text": "Hi"}
    with pytest.raises(AgentError) as refused:
        await _run("slack_post_message", given, registry, site)
    assert "xoxb" not in str(refused.value)


@pytest.mark.parametrize("value", ["../../admin", "a/b", "a?b=c", "a#b", "..", "é"])
async def test_no_value_leaves_its_segment(value: str, registry: Registry, site: Site) -> None:
    """What stands in a path is one segment of it, whatever it holds."""
    parameters = {**catalog_entry("jira_get_issue").example.parameters, "issue": value}
    with pytest.raises(AgentError, match="404"):
        await _run("jira_get_issue", parameters, registry, site)
    path = site.asked[0].path.split("?")[0]
    assert path.startswith("/rest/api/3/issue/")
    assert path.count("/") == 5


def test_no_value_names_another_host(registry: Registry) -> None:
    """A parameter within a host is bound by a pattern, so the host stays the service's."""
    agent = registry.get("jira_get_issue")
    example = catalog_entry("jira_get_issue").example.parameters
    for site in ("evil.com/", "a@evil.com#", "a.b", ""):
        with pytest.raises(ValidationError, match="site"):
            agent.parameters.model_validate({**example, "site": site})


async def test_users_cannot_lead_an_agent_elsewhere(services: Services) -> None:
    """Only the operator's settings put another address in the place of a service's."""
    assert services.settings.service_urls == {}
    for name in HTTP:
        entry = catalog_entry(name)
        assert not {"url", "base_url", "headers", "method"} & set(entry.parameters["properties"])


def test_wrong_file_says_what_is_wrong() -> None:
    """A file with another name, an unknown field or an unknown parameter is refused."""
    entry = catalog_entry("slack_post_message").model_dump(mode="json")
    with pytest.raises(CatalogError, match="name the file so"):
        read_entry("other_name", json.dumps(entry))
    with pytest.raises(CatalogError, match="surplus"):
        read_entry("slack_post_message", json.dumps({**entry, "surplus": 1}))
    request = {**entry["request"], "body": {"text": "{absent}"}}
    with pytest.raises(CatalogError, match="absent"):
        read_entry("slack_post_message", json.dumps({**entry, "request": request}))
    with pytest.raises(CatalogError, match="Entry"):
        read_entry("slack_post_message", "- a")


def test_a_host_that_anybody_may_name_is_refused() -> None:
    """A file whose host is a parameter without a pattern is no catalog file."""
    entry = catalog_entry("jira_get_issue").model_dump(mode="json")
    del entry["parameters"]["properties"]["site"]["pattern"]
    with pytest.raises(ValidationError, match="needs a pattern"):
        Entry.model_validate(entry)


def test_names_are_known_before_files_are_read() -> None:
    """A registry reads a file when its agent is asked for, not before."""
    read: list[str] = []

    def build(name: str, base: Any) -> Any:
        read.append(name)
        raise AssertionError(name)

    registry = Registry((), catalog_names(), build)
    assert "slack_post_message" in registry.names()
    assert "slack_post_message" in registry.signatures()
    assert read == []
