"""The ways a message leaves: templates, files, recipients, TLS with a certificate, SendGrid."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from pydantic import SecretStr, ValidationError

from agents.errors import AgentError
from agents.mail_message import EmailParameters
from agents.registry import builtin_registry
from agents.services import open_services
from agents.settings import AgentSettings
from tests.agents.conftest import Run, context_of
from tests.agents.test_mail import MAIL, read
from tests.agents.website import Reply, Site
from tests.certificates import Authority, make_authority
from tests.mailbox import Mailbox

pytestmark = pytest.mark.requirement("FR-3.4")


class TestMessages:
    """What a message holds."""

    @pytest.fixture
    def settings(self, mailbox: Mailbox) -> AgentSettings:
        """Settings with the test's mail server and a small bound."""
        return AgentSettings(
            smtp_url=mailbox.url, email_sender="Weft <weft@example.org>", email_max_bytes=20_000
        )

    async def test_hidden_recipients_stay_hidden(self, run: Run, mailbox: Mailbox) -> None:
        """A bcc gets the mail and stands in no header; answers go where they should."""
        result = await run(
            "email", {**MAIL, "bcc": "boss@example.com", "reply_to": "Help <help@example.com>"}
        )
        [envelope] = mailbox.mails
        message = read(envelope)
        assert envelope.rcpt_tos == ["ops@example.com", "boss@example.com"]
        assert message["Reply-To"] == "Help <help@example.com>"
        assert b"boss@" not in message.as_bytes()
        assert result.output["recipients"] == 2

    @pytest.mark.requirement("NFR-4.5")
    @pytest.mark.parametrize("place", ["bcc", "reply_to"])
    async def test_new_headers_take_no_line_break(
        self, run: Run, mailbox: Mailbox, place: str
    ) -> None:
        """A line break in these addresses is refused as in the others."""
        with pytest.raises(AgentError, match="line break"):
            await run("email", {**MAIL, place: "a@example.com\r\nX-Evil: 1"})
        assert mailbox.mails == []

    async def test_text_may_stand_beside_html(self, run: Run, mailbox: Mailbox) -> None:
        """A body in HTML has the text that was given for it."""
        await run("email", {**MAIL, "body": "<p>Hi <b>you</b></p>", "text": "Hi, you!"})
        message = read(mailbox.mails[0])
        assert message.get_content_type() == "multipart/alternative"
        plain, page = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None and plain.get_content().strip() == "Hi, you!"
        assert page is not None and "<b>you</b>" in page.get_content()

    async def test_values_in_html_are_escaped(self, run: Run, mailbox: Mailbox) -> None:
        """A value cannot become a tag of a template in HTML; in a text it stays as it is."""
        values = {"user": {"name": "<script>x</script> & Co"}, "items": [1]}
        template = "<p>Dear {user.name}, {items}</p>"
        mail = {"to": "a@example.com", "subject": "Hi", "values": values}
        await run("email", {**mail, "template": template})
        await run("email", {**mail, "template": "Dear {user.name}", "html": False})
        page = read(mailbox.mails[0]).get_body(("html",))
        assert page is not None
        assert "Dear &lt;script&gt;x&lt;/script&gt; &amp; Co, [1]" in page.get_content()
        assert read(mailbox.mails[1]).get_content().strip() == "Dear <script>x</script> & Co"

    async def test_template_names_what_is_missing(self, run: Run) -> None:
        """A name without a value is a final error that says which."""
        with pytest.raises(AgentError, match="customer"):
            await run(
                "email", {"to": "a@b.c", "template": "Dear {customer}", "values": {"user": "x"}}
            )

    @pytest.mark.parametrize(
        "change", [{"body": "x", "template": "y"}, {"values": {"a": 1}, "template": None}]
    )
    def test_contradictions_are_told(self, change: dict[str, Any]) -> None:
        """A body beside a template, and values without one, cannot be meant."""
        with pytest.raises(ValidationError):
            EmailParameters.model_validate({"to": "a@b.c", **change})

    async def test_outputs_of_other_nodes_are_files(self, run: Run, mailbox: Mailbox) -> None:
        """Rows become a CSV, a page's screenshot a picture; types follow from the names."""
        shot = base64.b64encode(b"\xff\xd8jpeg").decode()
        attachments = [
            {"filename": "rows.csv", "content": [{"a": 1, "b": "x,y"}, {"a": 2, "c": [3]}]},
            {"url": "https://example.com", "content": [],
             "screenshot": f"data:image/jpeg;base64,{shot}"},
            {"filename": "report.pdf", "base64": "AAE="},
        ]  # fmt: skip
        await run("email", {**MAIL, "attachments": attachments})
        rows, picture, report = read(mailbox.mails[0]).iter_attachments()
        assert rows.get_content().splitlines() == ["a,b,c", '1,"x,y",', "2,,[3]"]
        assert (picture.get_content_type(), picture.get_content()) == (
            "image/jpeg",
            b"\xff\xd8jpeg",
        )
        assert report.get_content_type() == "application/pdf"

    async def test_size_is_bounded(self, run: Run, mailbox: Mailbox) -> None:
        """A message above the bound is refused before it is sent."""
        file = {"filename": "a.txt", "content": "x" * 21_000}
        with pytest.raises(AgentError, match="more than 20000 bytes"):
            await run("email", {**MAIL, "attachments": [file]})
        with pytest.raises(AgentError, match="more than 20000 bytes"):
            await run("email", {**MAIL, "body": "x" * 21_000})
        assert mailbox.mails == []


class TestTls:
    """Servers with TLS, whose certificates an authority of the test's signed."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        """An authority that only this test trusts."""
        return make_authority(tmp_path)

    @pytest.fixture
    async def server(
        self, authority: Authority, request: pytest.FixtureRequest
    ) -> AsyncIterator[tuple[Mailbox, str]]:
        """A mail server with TLS; the parameter says how it begins and whose name it shows."""
        scheme, name = request.param
        context = authority.server_context(name)
        box, loop = Mailbox(), asyncio.get_running_loop()
        # The server offers a login after STARTTLS only.
        upgraded: dict[str, Any] = {
            "tls_context": context,
            "require_starttls": True,
            "authenticator": _authenticate,
            "auth_required": True,
        }
        options: dict[str, Any] = upgraded if scheme == "smtp+starttls" else {}
        login = "user:good%20word@" if options else ""

        def make() -> SMTP:
            return SMTP(box, hostname="localhost", loop=loop, **options)

        wrapped = context if scheme == "smtps" else None
        opened = await loop.create_server(make, "127.0.0.1", 0, ssl=wrapped)
        box.port = opened.sockets[0].getsockname()[1]
        yield box, f"{scheme}://{login}127.0.0.1:{box.port}"
        opened.close()
        await opened.wait_closed()

    @pytest.fixture
    def settings(self, server: tuple[Mailbox, str], authority: Authority) -> AgentSettings:
        """Settings that trust the authority."""
        return AgentSettings(smtp_url=SecretStr(server[1]), smtp_ca_file=str(authority.file))

    @pytest.mark.parametrize(
        "server", [("smtps", "127.0.0.1"), ("smtp+starttls", "127.0.0.1")], indirect=True
    )
    async def test_trusted_server_gets_the_mail(
        self, run: Run, server: tuple[Mailbox, str]
    ) -> None:
        """With TLS from the start, or by STARTTLS with a login."""
        await run("email", MAIL)
        assert read(server[0].mails[0])["Subject"] == "Report"

    @pytest.mark.requirement("NFR-4.5")
    @pytest.mark.parametrize(
        "server", [("smtps", "10.9.8.7"), ("smtp+starttls", "10.9.8.7")], indirect=True
    )
    async def test_server_with_another_name_gets_nothing(
        self, run: Run, server: tuple[Mailbox, str]
    ) -> None:
        """A certificate for somebody else ends the connection before login and mail."""
        with pytest.raises(AgentError, match=r"(?i)certificate"):
            await run("email", MAIL)
        assert server[0].mails == []

    @pytest.mark.requirement("NFR-4.5")
    @pytest.mark.parametrize(
        "server", [("smtps", "127.0.0.1"), ("smtp+starttls", "127.0.0.1")], indirect=True
    )
    async def test_unknown_authority_is_not_trusted(
        self, server: tuple[Mailbox, str], settings: AgentSettings
    ) -> None:
        """Whoever was not told of the authority sends nothing."""
        async with open_services(replace(settings, smtp_ca_file=None)) as services:
            email = builtin_registry().get("email")
            with pytest.raises(AgentError, match=r"(?i)certificate"):
                await email.run(email.parameters.model_validate(MAIL), context_of(services))
        assert server[0].mails == []


def _authenticate(
    server: SMTP, session: object, envelope: object, mechanism: str, data: LoginPassword
) -> AuthResult:
    good = (data.login, data.password) == (b"user", b"good word")
    return AuthResult(success=good)


class TestSendGrid:
    """The API of SendGrid, on a stand-in."""

    @pytest.fixture
    def settings(self, site: Site) -> AgentSettings:
        """Settings with a key and a gateway in SendGrid's place."""
        return AgentSettings(
            allow_loopback=True,
            sendgrid_api_key=SecretStr("SG.key"),
            service_urls={"SendGrid": site.url("/")},
            email_sender="Weft <weft@example.org>",
        )

    async def test_message_is_told_as_the_api_takes_it(self, run: Run, site: Site) -> None:
        """Each recipient stands once, both bodies and the files are there."""
        site.replies["/v3/mail/send"] = Reply(status=202)
        mail = {
            **MAIL,
            "to": ["Ops <ops@example.com>", "ops@example.com"],
            "cc": "ann@example.com",
            "bcc": "ann@example.com, boss@example.com",
            "reply_to": "help@example.com",
            "attachments": [{"filename": "a.txt", "content": "text"}],
        }
        result = await run("email", mail)
        [asked] = site.asked
        told: Any = asked.json
        assert asked.headers["authorization"] == "Bearer SG.key"
        assert told["personalizations"] == [
            {
                "to": [{"email": "ops@example.com", "name": "Ops"}],
                "cc": [{"email": "ann@example.com"}],
                "bcc": [{"email": "boss@example.com"}],
            }
        ]
        assert told["from"] == {"email": "weft@example.org", "name": "Weft"}
        assert told["reply_to_list"] == [{"email": "help@example.com"}]
        assert [content["type"] for content in told["content"]] == ["text/plain", "text/html"]
        assert told["attachments"] == [
            {
                "content": base64.b64encode(b"text").decode(),
                "filename": "a.txt",
                "type": "text/plain",
                "disposition": "attachment",
            }
        ]
        assert told["headers"]["Message-ID"] == result.output["message_id"]
        assert (result.output["recipients"], result.output["refused"]) == (3, [])

    @pytest.mark.requirement("FR-2.10")
    @pytest.mark.parametrize(
        ("status", "headers", "retryable", "seconds"),
        [
            (429, {"Retry-After": "4"}, True, 4),
            (503, {}, True, None),
            (400, {}, False, None),
            (401, {}, False, None),
        ],
    )
    async def test_refusals_are_final_or_not(
        self,
        run: Run,
        site: Site,
        status: int,
        headers: dict[str, str],
        retryable: bool,
        seconds: float | None,
    ) -> None:
        """What may pass later is tried again; the key is not told even if the answer does."""
        body = b'{"errors": [{"message": "SG.key is bad"}]}'
        site.replies["/v3/mail/send"] = Reply(body, status, headers)
        with pytest.raises(AgentError, match=f"SendGrid answers {status}: ... is bad") as caught:
            await run("email", MAIL)
        assert (caught.value.retryable, caught.value.retry_after_seconds) == (retryable, seconds)
        assert "SG.key" not in str(caught.value)

    async def test_mail_relay_comes_first(
        self, run: Run, site: Site, settings: AgentSettings, mailbox: Mailbox
    ) -> None:
        """Where both are configured the relay sends."""
        async with open_services(replace(settings, smtp_url=mailbox.url)) as services:
            email = builtin_registry().get("email")
            await email.run(email.parameters.model_validate(MAIL), context_of(services))
        assert (len(mailbox.mails), site.asked) == (1, [])
