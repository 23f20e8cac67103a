"""The api agent: every answer is a result, and no answer is one too."""

import base64

import pytest
from pydantic import ValidationError

from agents.api_parameters import ApiParameters
from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import open_services
from agents.settings import AgentSettings
from tests.agents.conftest import Run, context_of
from tests.agents.website import Asked, Reply, Site, json_reply


@pytest.mark.requirement("FR-3.8")
async def test_json_comes_back_as_json(run: Run, site: Site) -> None:
    """Status, body, headers and duration are the output."""
    site.replies["/x"] = json_reply({"ok": True}, X_Rate="9")
    output = (await run("api", {"url": site.url("/x?a=1"), "params": {"b": 2}})).output
    assert output["status_code"] == 200
    assert output["body"] == {"ok": True}
    assert output["headers"]["x-rate"] == "9"
    assert output["duration_ms"] >= 0
    assert site.paths() == ["/x?a=1&b=2"]


@pytest.mark.requirement("FR-3.8")
async def test_body_is_sent_as_json(run: Run, site: Site) -> None:
    """The document's Slack alert arrives as JSON, with a key that is stable over attempts."""
    site.replies["/services"] = Reply("ok", headers={"Content-Type": "text/plain"})
    parameters = {
        "url": site.url("/services"),
        "method": "POST",
        "body": {"text": "Website is down!"},
    }
    first = await run("api", parameters)
    await run("api", parameters, attempt=2)
    assert first.output["body"] == "ok"
    assert site.asked[0].json == {"text": "Website is down!"}
    assert site.asked[0].headers["content-type"] == "application/json"
    keys = {asked.headers["idempotency-key"] for asked in site.asked}
    assert len(keys) == 1


@pytest.mark.parametrize("status", [204, 404, 503])
async def test_error_status_is_a_result(run: Run, site: Site, status: int) -> None:
    """An HTTP error is routed on, not raised."""
    site.replies["/"] = Reply(status=status)
    output = (await run("api", {"url": site.url()})).output
    assert (output["status_code"], output["body"]) == (status, None)


@pytest.mark.requirement("FR-2.3")
async def test_refused_connection_is_a_result(run: Run, dead_port: int) -> None:
    """A host that is down gives status_code 0 and says why."""
    output = (await run("api", {"url": f"http://127.0.0.1:{dead_port}/"})).output
    assert output["status_code"] == 0
    assert "ConnectError" in output["error"]


async def test_unknown_host_is_a_result(run: Run) -> None:
    """A name that does not resolve gives status_code 0."""
    output = (await run("api", {"url": "http://no-such-host.invalid/", "timeout": 20})).output
    assert output["status_code"] == 0


async def test_silent_host_is_a_result(run: Run, site: Site) -> None:
    """A host that never answers gives status_code 0 at the timeout."""
    site.replies["/"] = Reply(hang=True)
    output = (await run("api", {"url": site.url(), "timeout": 0.2})).output
    assert output["status_code"] == 0
    assert "ReadTimeout" in output["error"]


async def test_request_may_wait_longer_than_the_client(registry: Registry, site: Site) -> None:
    """What the node asks for bounds the answer, not the client's own bound of one read."""
    site.replies["/"] = Reply(hang=True)
    parameters = ApiParameters(url=site.url(), timeout=1)
    async with open_services(AgentSettings(allow_loopback=True, http_timeout_seconds=0.1)) as own:
        result = await registry.get("api").run(parameters, context_of(own))
    assert "within 1 seconds" in result.output["error"]


@pytest.mark.requirement("FR-3.8")
@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "t0"}, "authorization", "Bearer t0"),
        (
            {"type": "basic", "username": "u", "password": "p"},
            "authorization",
            "Basic " + base64.b64encode(b"u:p").decode(),
        ),
        ({"type": "api_key", "key": "k"}, "x-api-key", "k"),
        ({"type": "api_key", "key": "k", "name": "X-Token"}, "x-token", "k"),
    ],
)
async def test_authentication(
    run: Run, site: Site, auth: dict[str, str], header: str, value: str
) -> None:
    """Bearer, basic and key authentication set their header."""
    site.replies["/"] = json_reply({})
    await run("api", {"url": site.url(), "auth": auth})
    assert site.asked[0].headers[header] == value


async def test_key_in_the_query(run: Run, site: Site) -> None:
    """A key may stand in the query."""
    site.replies["/"] = json_reply({})
    auth = {"type": "api_key", "key": "k", "name": "key", "location": "query"}
    await run("api", {"url": site.url(), "auth": auth})
    assert site.paths() == ["/?key=k"]


@pytest.mark.parametrize(
    ("path", "headers", "filename", "media"),
    [
        ("/a/logo.png?x=1", {}, "logo.png", "image/png"),
        ("/", {"Content-Type": "image/png; q=1"}, "file.png", "image/png"),
        ("/x", {"Content-Disposition": 'attachment; filename="../../a b.png"'},
         "a b.png", "image/png"),
        ("/x", {"Content-Disposition": "attachment; filename*=UTF-8''%C3%BC.png"},
         "ü.png", "image/png"),
        ("/x", {"Content-Type": "no type/at all"}, "x", "application/octet-stream"),
    ],
)  # fmt: skip
async def test_bytes_come_back_as_a_file(
    run: Run, site: Site, path: str, headers: dict[str, str], filename: str, media: str
) -> None:
    """A body that is no text is a file with its name, media type and size."""
    content = b"\x89PNG\x00"
    site.replies[path.partition("?")[0]] = Reply(
        content, headers={"Content-Type": "image/png", **headers}
    )
    body = (await run("api", {"url": site.url(path)})).output["body"]
    assert base64.b64decode(body.pop("base64")) == content
    assert body == {"filename": filename, "content_type": media, "size_bytes": len(content)}


async def test_a_file_that_came_can_be_sent_on(run: Run, site: Site) -> None:
    """As the body with its own type, or as a part of a form."""
    content = bytes(range(256)) * 40
    site.replies["/logo.png"] = Reply(content, headers={"Content-Type": "image/png"})
    site.replies["/up"] = json_reply({})
    file = (await run("api", {"url": site.url("/logo.png")})).output["body"]
    await run("api", {"url": site.url("/up"), "method": "PUT", "file": file})
    assert (site.asked[1].body, site.asked[1].headers["content-type"]) == (content, "image/png")
    await run("api", {"url": site.url("/up"), "method": "POST", "multipart": {"logo": [file]}})
    assert content in site.asked[2].body
    assert b'filename="logo.png"' in site.asked[2].body
    headers = {"Content-Type": "application/x-own"}
    shot = {"screenshot": "data:image/jpeg;base64,AAE="}
    await run("api", {"url": site.url("/up"), "method": "POST", "file": shot, "headers": headers})
    assert site.asked[3].body == b"\x00\x01"
    assert site.asked[3].headers["content-type"] == "application/x-own"


def test_a_request_has_one_body() -> None:
    """A file stands instead of a body."""
    file = {"filename": "a", "content": "b"}
    with pytest.raises(ValidationError, match="give one of"):
        ApiParameters.model_validate({"url": "http://a.example", "body": 1, "file": file})


async def test_broken_json_comes_back_as_text(run: Run, site: Site) -> None:
    """A body that says it is JSON and is not is still a result."""
    site.replies["/"] = Reply("{oops", headers={"Content-Type": "application/json"})
    assert (await run("api", {"url": site.url()})).output["body"] == "{oops"


async def test_header_with_a_line_break_is_refused(run: Run, site: Site) -> None:
    """A line break in a header cannot begin another header."""
    with pytest.raises(AgentError):
        await run("api", {"url": site.url(), "headers": {"X-A": "1\r\nX-Evil: 1"}})
    assert site.asked == []


@pytest.mark.requirement("NFR-4.5")
async def test_inner_address_is_refused(run: Run) -> None:
    """An address inside a network is an error, not a status to probe with."""
    with pytest.raises(EgressRefused):
        await run("api", {"url": "http://169.254.169.254/latest/meta-data"})


class TestGuardedPorts:
    """The platform's own ports."""

    @pytest.fixture
    def settings(self, site: Site) -> AgentSettings:
        """Settings under which the site's port is the platform's own."""
        return AgentSettings(allow_loopback=True, blocked_ports=frozenset({site.port}))

    @pytest.mark.requirement("NFR-4.5")
    async def test_platform_cannot_be_called(self, run: Run, site: Site) -> None:
        """An agent cannot call the platform that runs it."""
        with pytest.raises(EgressRefused, match="belongs to the platform"):
            await run("api", {"url": site.url()})
        assert site.asked == []


def test_unknown_parameter_is_refused() -> None:
    """A parameter that does not exist is told, not ignored."""
    with pytest.raises(ValidationError):
        ApiParameters.model_validate({"url": "http://x", "methd": "GET"})


async def test_redirected_post_becomes_get(run: Run, site: Site) -> None:
    """A 303 after a POST is fetched with GET and without the body."""

    def answer(asked: Asked) -> Reply:
        return json_reply({"method": asked.method, "length": len(asked.body)})

    site.replies["/post"] = Reply(status=303, headers={"Location": "/done"})
    site.replies["/done"] = answer
    output = (await run("api", {"url": site.url("/post"), "method": "POST", "body": "x"})).output
    assert output["body"] == {"method": "GET", "length": 0}
