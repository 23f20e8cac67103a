"""E-mails go through a real SMTP server, once, with nobody else's headers."""

import email
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope
from pydantic import SecretStr, ValidationError

from agents.errors import AgentError
from agents.mail_message import EmailParameters
from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.mailbox import Mailbox

MAIL: dict[str, Any] = {"to": "ops@example.com", "subject": "Report", "body": "All is well."}


@pytest.fixture
def settings(mailbox: Mailbox) -> AgentSettings:
    """Settings that point to the test's mail server."""
    return AgentSettings(smtp_url=mailbox.url, email_sender="Weft <weft@example.org>")


def read(envelope: Envelope) -> EmailMessage:
    """Return a received mail, parsed."""
    content = envelope.content
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.requirement("FR-3.4")
async def test_mail_arrives(run: Run, mailbox: Mailbox) -> None:
    """Headers, body and recipients arrive as they were given."""
    result = await run("email", {**MAIL, "cc": ["Ann Lee <ann@example.com>"]})
    envelope = mailbox.mails[0]
    message = read(envelope)
    assert envelope.rcpt_tos == ["ops@example.com", "ann@example.com"]
    assert (message["From"], message["Subject"]) == ("Weft <weft@example.org>", "Report")
    assert message["Cc"] == "Ann Lee <ann@example.com>"
    assert message.get_body(("plain",)).get_content().strip() == "All is well."  # type: ignore[union-attr]
    assert result.output == {
        "email_sent": True,
        "message_id": message["Message-ID"],
        "recipients": 2,
        "refused": [],
    }


async def test_message_id_is_the_same_for_every_attempt(run: Run, mailbox: Mailbox) -> None:
    """A second attempt is the same message; another item of a map is another."""
    first = await run("email", MAIL, map_index=1)
    again = await run("email", MAIL, map_index=1, attempt=2)
    other = await run("email", MAIL, map_index=2)
    assert first.output["message_id"] == again.output["message_id"]
    assert first.output["message_id"] != other.output["message_id"]
    assert first.output["message_id"].endswith("@example.org>")


@pytest.mark.requirement("FR-3.4")
async def test_markdown_has_an_html_alternative(run: Run, mailbox: Mailbox) -> None:
    """A Markdown report is readable as text and as HTML, and its HTML is escaped."""
    body = "# Title\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n1 < 2 <script>x</script>"
    await run("email", {**MAIL, "body": body})
    message = read(mailbox.mails[0])
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert text is not None and text.get_content().startswith("# Title")
    assert html is not None
    assert "<h1>Title</h1>" in html.get_content()
    assert "<td>1</td>" in html.get_content()
    assert "<script>" not in html.get_content()


@pytest.mark.requirement("FR-3.4")
async def test_html_is_detected(run: Run, mailbox: Mailbox) -> None:
    """An HTML body is sent as HTML, with its text beside it."""
    await run("email", {**MAIL, "body": "<p>Hello <b>you</b></p>"})
    message = read(mailbox.mails[0])
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert html is not None and "<b>you</b>" in html.get_content()
    assert text is not None and "you" in text.get_content() and "<b>" not in text.get_content()


async def test_json_body_is_shown(run: Run, mailbox: Mailbox) -> None:
    """A body that is data is sent as readable JSON."""
    await run("email", {**MAIL, "body": ["Python", "SQL"], "html": False})
    message = read(mailbox.mails[0])
    assert message.get_content_type() == "text/plain"
    assert '"Python"' in message.get_content()


async def test_attachments_are_made_of_values(run: Run, mailbox: Mailbox) -> None:
    """Text, JSON and bytes can be attached under a name."""
    attachments = [
        {"filename": "a.txt", "content": "text", "content_type": "text/plain"},
        {"filename": "b.json", "content": {"x": 1}, "content_type": "application/json"},
        {"filename": "../c.bin", "base64": "AAE="},
    ]
    await run("email", {**MAIL, "attachments": attachments})
    parts = list(read(mailbox.mails[0]).iter_attachments())
    assert [part.get_filename() for part in parts] == ["a.txt", "b.json", ".._c.bin"]
    assert parts[2].get_content() == b"\x00\x01"


@pytest.mark.requirement("NFR-4.5")
def test_files_of_the_server_are_not_attached() -> None:
    """A path is refused with what to give instead."""
    with pytest.raises(ValidationError, match="files of the server cannot be attached"):
        EmailParameters.model_validate({**MAIL, "attachments": ["/etc/passwd"]})


@pytest.mark.requirement("NFR-4.5", "FR-3.4")
@pytest.mark.parametrize(
    "change",
    [
        {"to": "a@example.com\r\nBcc: evil@example.com"},
        {"to": ["a@example.com", "b@example.com\nX: y"]},
        {"cc": "a@example.com\r"},
        {"subject": "Hi\nBcc: evil@example.com"},
        {"subject": "Hi\u2028there"},
        {"attachments": [{"filename": "a\nb", "content": ""}]},
    ],
)
async def test_line_breaks_are_refused(run: Run, mailbox: Mailbox, change: dict[str, Any]) -> None:
    """A line break in a header is a final error, and nothing is sent."""
    with pytest.raises(AgentError, match="line break") as caught:
        await run("email", {**MAIL, **change})
    assert not caught.value.retryable
    assert mailbox.mails == []


@pytest.mark.parametrize("to", ["nobody", "a@", "@b.c", "a b@c.d", "a@b.c, nope"])
async def test_bad_addresses_are_refused(run: Run, to: str) -> None:
    """What is not an address is told so."""
    with pytest.raises(AgentError, match="not an e-mail address"):
        await run("email", {**MAIL, "to": to})


async def test_several_addresses_in_one_text(run: Run, mailbox: Mailbox) -> None:
    """Commas separate addresses; each gets one copy."""
    result = await run("email", {**MAIL, "to": "a@example.com, B <b@example.com>, a@example.com"})
    assert result.output["recipients"] == 2
    assert mailbox.mails[0].rcpt_tos == ["a@example.com", "b@example.com"]


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(
    ("answer", "retryable"), [("450 4.2.1 busy", True), ("550 5.1.1 no such user", False)]
)
async def test_refusals_are_final_or_not(
    run: Run, mailbox: Mailbox, answer: str, retryable: bool
) -> None:
    """A 4xx answer may be tried again, a 5xx answer may not."""
    mailbox.refuse = lambda address: answer
    with pytest.raises(AgentError, match=r"ops@example\.com") as caught:
        await run("email", MAIL)
    assert caught.value.retryable is retryable


async def test_partly_refused_mail_is_told(run: Run, mailbox: Mailbox) -> None:
    """When one of two recipients is refused, the other gets the mail and the log says so."""
    mailbox.refuse = lambda address: "550 no" if address.startswith("b") else None
    result = await run("email", {**MAIL, "to": "a@example.com, b@example.com"})
    assert result.output["recipients"] == 1
    assert result.output["refused"] == ["b@example.com"]


class TestServers:
    """Servers that are missing or away."""

    @pytest.fixture
    def settings(self, request: pytest.FixtureRequest) -> AgentSettings:
        """Settings with the server that a test names."""
        address = request.param
        if address == "down":
            address = f"smtp://127.0.0.1:{request.getfixturevalue('dead_port')}"
        return AgentSettings(smtp_url=address and SecretStr(address))

    @pytest.mark.parametrize("settings", [None], indirect=True)
    async def test_no_server_is_final(self, run: Run) -> None:
        """Without a mail server the error says how to name one."""
        with pytest.raises(AgentError, match="No mail server") as caught:
            await run("email", MAIL)
        assert not caught.value.retryable

    @pytest.mark.parametrize("settings", ["down"], indirect=True)
    async def test_server_that_is_down_is_retried(self, run: Run) -> None:
        """A server that cannot be reached may be back later."""
        with pytest.raises(AgentError, match="cannot be reached") as caught:
            await run("email", MAIL)
        assert caught.value.retryable

    @pytest.mark.parametrize("settings", ["http://127.0.0.1"], indirect=True)
    async def test_unreadable_address_is_final(self, run: Run) -> None:
        """An address of another kind is told, without its password."""
        with pytest.raises(AgentError, match="cannot be read"):
            await run("email", MAIL)
