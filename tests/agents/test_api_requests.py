"""What an api node sends: forms, files, tokens; and what it reads: pages, bounds, statuses."""

import base64
import email
import email.policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from pydantic import ValidationError

from agents.api_pages import next_link
from agents.api_parameters import ApiParameters
from agents.errors import AgentError
from tests.agents.conftest import Run
from tests.agents.website import Asked, Reply, Site, json_reply

pytestmark = pytest.mark.requirement("FR-3.8")


def parts_of(asked: Asked) -> list[EmailMessage]:
    """Return the parts of a multipart body."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + asked.body, policy=email.policy.default)
    found: Any = list(message.iter_parts())
    return list(found)


class TestBodies:
    """Forms and files."""

    async def test_form_is_sent_as_a_browser_does(self, run: Run, site: Site) -> None:
        """Texts, lists and nested fields arrive under their names."""
        site.replies["/"] = json_reply({})
        form = {"a": "x & y", "tags": ["p", "q"], "card": {"number": 42}, "on": True}
        await run("api", {"url": site.url(), "method": "POST", "form": form})
        asked = site.asked[0]
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qs(asked.body.decode()) == {
            "a": ["x & y"],
            "tags": ["p", "q"],
            "card[number]": ["42"],
            "on": ["true"],
        }

    async def test_files_are_sent_with_their_names(self, run: Run, site: Site) -> None:
        """Texts, JSON and bytes are parts with a name and a type of their own."""
        site.replies["/"] = json_reply({})
        fields = {
            "note": "hello",
            "file": [
                {"filename": "a.csv", "content": "x,y\n1,2", "content_type": "text/csv"},
                {"filename": "b.bin", "base64": base64.b64encode(b"\x00\xff--").decode()},
            ],
        }
        for attempt in (1, 2):
            await run(
                "api",
                {"url": site.url(), "method": "POST", "multipart": fields},
                attempt=attempt,
            )
        assert site.asked[0].body == site.asked[1].body
        note, text, binary = parts_of(site.asked[0])
        assert note.get_payload(decode=True) == b"hello"
        assert (text.get_filename(), text.get_content_type()) == ("a.csv", "text/csv")
        assert binary.get_payload(decode=True) == b"\x00\xff--"

    async def test_names_of_parts_cannot_begin_a_header(self, run: Run, site: Site) -> None:
        """Quotes and line breaks in names are written as browsers write them."""
        site.replies["/"] = json_reply({})
        fields = {'a"\r\nX-Evil: 1': {"filename": 'b"\r\nX-Evil: 2', "content": "c"}}
        await run("api", {"url": site.url(), "method": "POST", "multipart": fields})
        [part] = parts_of(site.asked[0])
        assert part["X-Evil"] is None
        assert b"%0D%0AX-Evil: 1" in site.asked[0].body

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"body": {}, "form": {}}, "one of `body`, `form`, `multipart` and `file`"),
            ({"multipart": {"f": {"path": "/etc/passwd"}}}, "no file"),
            ({"operation": "x"}, "go together"),
            ({"url": "", "openapi": None}, "either `url`"),
            ({"pagination": {"type": "cursor", "next": "n"}}, "needs `parameter`"),
            ({"pagination": {"type": "next_url"}}, "needs `next`"),
            ({"retry_on": [999]}, "less than or equal to 599"),
        ],
    )
    def test_contradictions_are_told(self, parameters: dict[str, Any], words: str) -> None:
        """What cannot be meant is said when the workflow is checked."""
        with pytest.raises(ValidationError, match=words):
            ApiParameters.model_validate({"url": "http://x", **parameters})


class TestStatuses:
    """What is tried again, and what is too long."""

    @pytest.mark.requirement("FR-2.10")
    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After": "7"}, 7),
            ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
            ({"Retry-After": "99999999999"}, 86_400),
            ({"Retry-After": "soon"}, None),
            ({}, None),
        ],
    )
    async def test_status_is_tried_again_as_the_service_asks(
        self, run: Run, site: Site, headers: dict[str, str], seconds: float | None
    ) -> None:
        """A status of `retry_on` is a retryable failure that says how long to wait."""
        site.replies["/"] = Reply(status=429, headers=headers)
        with pytest.raises(AgentError, match="answers 429") as caught:
            await run("api", {"url": site.url(), "retry_on": [429]})
        assert caught.value.retryable
        assert caught.value.retry_after_seconds == seconds

    async def test_silence_is_tried_again_when_asked_for(self, run: Run, dead_port: int) -> None:
        """0 stands for a host that does not answer."""
        with pytest.raises(AgentError, match="does not answer") as caught:
            await run("api", {"url": f"http://127.0.0.1:{dead_port}/", "retry_on": [0]})
        assert caught.value.retryable

    async def test_other_statuses_stay_results(self, run: Run, site: Site) -> None:
        """What is not named is routed on as ever."""
        site.replies["/"] = Reply(status=500)
        result = await run("api", {"url": site.url(), "retry_on": [429, 503]})
        assert result.output["status_code"] == 500

    async def test_node_bounds_its_answer(self, run: Run, site: Site) -> None:
        """An answer above the node's own bound is refused."""
        site.replies["/"] = Reply(b"x" * 2000)
        with pytest.raises(AgentError, match="more than 1000 bytes"):
            await run("api", {"url": site.url(), "max_response_bytes": 1000})


def numbered(asked: Asked) -> Reply:
    """Answer two of five elements, from the page or the offset that is asked for."""
    query = parse_qs(asked.path.partition("?")[2])
    start = 2 * (int(query.get("page", ["1"])[0]) - 1) + int(query.get("offset", ["0"])[0])
    return json_reply({"data": {"items": [1, 2, 3, 4, 5][start : start + 2]}, "total": 5})


class TestPages:
    """Lists that come in parts."""

    @pytest.mark.parametrize(
        ("way", "paths"),
        [
            (
                {"type": "page", "parameter": "page", "page_size": 2},
                ["/l?q=1&page=1", "/l?q=1&page=2", "/l?q=1&page=3"],
            ),
            (
                {"type": "offset", "parameter": "offset"},
                ["/l?q=1", "/l?q=1&offset=2", "/l?q=1&offset=4", "/l?q=1&offset=5"],
            ),
        ],
    )
    async def test_pages_are_counted(
        self, run: Run, site: Site, way: dict[str, Any], paths: list[str]
    ) -> None:
        """Page numbers and offsets go on until a page is empty or not full."""
        site.replies["/l"] = numbered
        parameters = {"url": site.url("/l"), "params": {"q": 1}}
        result = await run("api", {**parameters, "pagination": {**way, "items": "data.items"}})
        assert site.paths() == paths
        assert result.output["body"]["data"]["items"] == [1, 2, 3, 4, 5]
        assert result.output["pages"] == len(paths)
        assert result.usage.api_calls == len(paths)
        assert result.metadata["more_pages"] is False

    async def test_cursor_goes_into_query_or_body(self, run: Run, site: Site) -> None:
        """A mark that the body gives is sent along until there is none."""

        def answer(asked: Asked) -> Reply:
            told: Any = asked.json
            return json_reply({"list": [told], "next": {None: "b", "b": "c"}.get(told.get("at"))})

        site.replies["/"] = answer
        way = {"type": "cursor", "next": "next", "parameter": "at", "place": "body"}
        parameters = {"url": site.url(), "method": "POST", "body": {"size": 1}}
        result = await run("api", {**parameters, "pagination": {**way, "items": "list"}})
        assert result.output["body"]["list"] == [
            {"size": 1},
            {"size": 1, "at": "b"},
            {"size": 1, "at": "c"},
        ]
        assert len({asked.headers["idempotency-key"] for asked in site.asked}) == 3

    @pytest.mark.parametrize("kind", ["link_header", "next_url"])
    async def test_links_are_followed(self, run: Run, site: Site, kind: str) -> None:
        """The next page's address is taken from the header or the body, relative ones too."""
        first, second = (
            ([1], [2]) if kind == "link_header" else ({"i": [1], "n": "?p=2"}, {"i": [2]})
        )
        link = '<https://x/>; rel="prev", </l?p=2>; title="a, b"; rel="last next"'
        site.replies["/l?q=1"] = json_reply(first, Link=link)
        site.replies["/l?p=2"] = json_reply(second)
        way = {"type": kind} if kind == "link_header" else {"type": kind, "next": "n", "items": "i"}
        parameters = {"url": site.url("/l"), "params": {"q": 1}, "pagination": way}
        body = (await run("api", parameters)).output["body"]
        assert (body if kind == "link_header" else body["i"]) == [1, 2]
        assert site.paths() == ["/l?q=1", "/l?p=2"]

    async def test_pages_are_bounded(self, run: Run, site: Site) -> None:
        """After `max_pages` the list ends, and the log says that there is more."""
        site.replies["/l"] = numbered
        way = {"type": "page", "parameter": "page", "items": "data.items", "max_pages": 2}
        result = await run("api", {"url": site.url("/l"), "pagination": way})
        assert result.output["body"]["data"]["items"] == [1, 2, 3, 4]
        assert result.metadata["more_pages"] is True

    async def test_circle_ends(self, run: Run, site: Site) -> None:
        """A mark that was there already is not followed again."""
        site.replies["/"] = json_reply({"i": [1], "n": "same"})
        way = {"type": "cursor", "next": "n", "parameter": "c", "items": "i"}
        result = await run("api", {"url": site.url(), "pagination": way})
        assert result.output["body"]["i"] == [1, 1]

    @pytest.mark.requirement("NFR-4.5")
    async def test_page_elsewhere_is_refused(self, run: Run, site: Site, inner: Site) -> None:
        """Another origin gets no request, or one without what may be a secret."""
        site.replies["/"] = json_reply({"i": [1], "n": inner.url("/more")})
        inner.replies["/more"] = json_reply({"i": [2]})
        way = {"type": "next_url", "next": "n", "items": "i"}
        auth = {"type": "bearer", "token": "t0ken"}
        parameters = {"url": site.url(), "auth": auth, "headers": {"X-Key": "k"}}
        with pytest.raises(AgentError, match="next page is elsewhere"):
            await run("api", {**parameters, "pagination": way})
        assert inner.asked == []
        result = await run("api", {**parameters, "pagination": {**way, "other_origins": True}})
        assert result.output["body"]["i"] == [1, 2]
        assert "authorization" not in inner.asked[0].headers
        assert "x-key" not in inner.asked[0].headers

    async def test_failure_of_a_page_is_the_result(self, run: Run, site: Site) -> None:
        """A page that fails ends the list with its status."""
        site.replies["/l?page=1"] = json_reply([1, 2])
        site.replies["/l?page=2"] = Reply("oops", 500)
        way = {"type": "page", "parameter": "page"}
        output = (await run("api", {"url": site.url("/l"), "pagination": way})).output
        assert (output["status_code"], output["body"], output["pages"]) == (500, "oops", 1)

    async def test_all_pages_share_the_bound(self, run: Run, site: Site) -> None:
        """Many small pages are no way around the bound of one answer."""
        site.replies["/l"] = lambda asked: json_reply(["x" * 300])
        way = {"type": "page", "parameter": "page"}
        parameters = {"url": site.url("/l"), "pagination": way, "max_response_bytes": 1000}
        with pytest.raises(AgentError, match="answers with more than"):
            await run("api", parameters)

    async def test_body_without_the_list_is_told(self, run: Run, site: Site) -> None:
        """A path that leads to no list is a final error."""
        site.replies["/"] = json_reply({"items": "none"})
        way = {"type": "page", "parameter": "page", "items": "items"}
        with pytest.raises(AgentError, match="no list under `items`"):
            await run("api", {"url": site.url(), "pagination": way})

    @pytest.mark.parametrize(
        ("header", "link"),
        [
            ("<a>; rel=next", "a"),
            ('<a>; rel="prev"; title=x, <b> ; rel = "next"', "b"),
            ("<a>;rel=nextish", None),
            ("", None),
            ("<" * 5000, None),
        ],
    )
    def test_link_headers(self, header: str, link: str | None) -> None:
        """Relations are words of their own."""
        assert next_link(header) == link


class TestOAuth2:
    """Client credentials."""

    @pytest.fixture
    def auth(self, site: Site) -> dict[str, str]:
        """Credentials for the site's tokens, which are t1, t2 and so on."""
        numbers = iter(range(1, 100))

        def token(asked: Asked) -> Reply:
            return json_reply(
                {"access_token": f"tok{next(numbers)}", "token_type": "Bearer", "expires_in": 3600}
            )

        site.replies["/token"] = token
        site.replies["/"] = json_reply({"ok": True})
        return {
            "type": "oauth2",
            "token_url": site.url("/token"),
            "client_id": "me:1",
            "client_secret": "s3cret value",
            "scope": "read write",
        }

    async def test_token_is_asked_for_once(
        self, run: Run, site: Site, auth: dict[str, str]
    ) -> None:
        """Calls with the same credentials share a token; another tenant's have their own."""
        for _ in range(3):
            await run("api", {"url": site.url(), "auth": auth})
        await run("api", {"url": site.url(), "auth": auth}, tenant_id=UUID(int=9))
        assert site.paths() == ["/token", "/", "/", "/", "/token", "/"]
        asked = site.asked[0]
        pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == "me%3A1:s3cret+value"
        assert parse_qs(asked.body.decode()) == {
            "grant_type": ["client_credentials"],
            "scope": ["read write"],
        }
        tokens = [a.headers["authorization"] for a in site.asked if a.path == "/"]
        assert tokens == ["Bearer tok1"] * 3 + ["Bearer tok2"]

    async def test_credentials_may_stand_in_the_body(
        self, run: Run, site: Site, auth: dict[str, str]
    ) -> None:
        """Servers that know no basic authentication get id and secret as fields."""
        await run("api", {"url": site.url(), "auth": {**auth, "client_authentication": "body"}})
        fields = parse_qs(site.asked[0].body.decode())
        assert fields["client_secret"] == ["s3cret value"]
        assert "authorization" not in site.asked[0].headers

    async def test_refused_token_is_replaced_once(
        self, run: Run, site: Site, auth: dict[str, str]
    ) -> None:
        """A kept token that is refused is asked for anew; a new one that is refused stays so."""
        good = {"Bearer tok1"}

        def answer(asked: Asked) -> Reply:
            return json_reply({}, 200 if asked.headers["authorization"] in good else 401)

        site.replies["/"] = answer
        await run("api", {"url": site.url(), "auth": auth})
        good.clear()
        good.add("Bearer tok2")
        assert (await run("api", {"url": site.url(), "auth": auth})).output["status_code"] == 200
        good.clear()
        assert (await run("api", {"url": site.url(), "auth": auth})).output["status_code"] == 401
        assert site.paths().count("/token") == 3

    async def test_token_that_ends_soon_is_replaced(
        self, run: Run, site: Site, auth: dict[str, str]
    ) -> None:
        """A token is not used in the last part of its time."""
        site.replies["/token"] = json_reply({"access_token": "brief", "expires_in": 1e-9})
        for _ in range(2):
            await run("api", {"url": site.url(), "auth": auth})
        assert site.paths().count("/token") == 2

    @pytest.mark.requirement("FR-4.9")
    async def test_token_is_in_no_output(self, run: Run, site: Site, auth: dict[str, str]) -> None:
        """A service that repeats what it was sent does not show the token."""

        def answer(asked: Asked) -> Reply:
            return json_reply({"sent": asked.headers["authorization"]}, X_Sent="Bearer tok1")

        site.replies["/"] = answer
        result = await run("api", {"url": site.url(), "auth": auth})
        assert "tok1" not in repr(result)
        assert result.output["body"] == {"sent": "Bearer ***"}

    @pytest.mark.parametrize(
        ("reply", "words", "retryable"),
        [
            (json_reply({"error": "invalid_client"}, 401), "401 invalid_client", False),
            (Reply("busy", 503, {"Retry-After": "3"}), "answers 503", True),
            (json_reply({"token": "x"}), "no bearer token", False),
            (json_reply({"access_token": "x", "token_type": "mac"}), "no bearer token", False),
            (Reply(status=307, headers={"Location": "http://10.0.0.1/"}), "redirects", False),
        ],
    )
    async def test_refusals_of_the_token_server(
        self, run: Run, site: Site, auth: dict[str, str], reply: Reply, words: str, retryable: bool
    ) -> None:
        """What the token server says is told without the secret, and no redirect gets it."""
        site.replies["/token"] = reply
        with pytest.raises(AgentError, match=words) as caught:
            await run("api", {"url": site.url(), "auth": auth})
        assert caught.value.retryable is retryable
        assert "s3cret" not in str(caught.value)
        assert "/" not in site.paths()
