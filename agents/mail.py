"""The email agent: one message through the operator's mail relay."""

import asyncio
import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
import orjson
from markdown_it import MarkdownIt
from pydantic import Field, SecretStr, model_validator
from selectolax.lexbor import LexborHTMLParser

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.bound import check_host
from agents.errors import AgentError

_LINE_BREAK = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029\x00]")
_HTML = re.compile(r"<(?:!doctype|html|body|p|div|br|table|h[1-6]|ul|ol|a|span)\b[^>]*>", re.I)
_ADDRESS = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[A-Za-z0-9\u00a1-\uffff-]+(\.[\w-]+)*")
_TIMEOUT_SECONDS = 30.0
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_STYLE = (
    "body{font-family:sans-serif;line-height:1.5;max-width:48rem;margin:1rem auto}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .5rem}"
    "blockquote{border-left:3px solid #ccc;margin-left:0;padding-left:1rem;color:#444}"
)


class Attachment(Parameters):
    """A file made of the workflow's own values."""

    filename: str = Field(min_length=1, max_length=255)
    content: Any = Field(default=None, description="Text, or JSON of any kind.")
    base64: str | None = Field(default=None, description="Bytes, instead of `content`.")
    content_type: str = Field(default="application/octet-stream", pattern=r"^[\w.+-]+/[\w.+-]+$")

    @model_validator(mode="before")
    @classmethod
    def _no_path(cls, data: Any) -> Any:
        if isinstance(data, str):
            raise ValueError(
                "files of the server cannot be attached: give {filename, content} or "
                "{filename, base64}"
            )
        return data


class EmailParameters(Parameters):
    """One message."""

    to: str | tuple[str, ...] = Field(description="One address, several with commas, or a list.")
    cc: str | tuple[str, ...] = ()
    subject: str = Field(default="", max_length=998)
    body: Any = Field(default="", description="Text, Markdown or HTML; JSON is shown as such.")
    html: bool | None = Field(default=None, description="Whether the body is HTML; null: detect.")
    attachments: tuple[Attachment, ...] = ()

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not self.to:
            raise ValueError("`to` names no recipient")
        return self


class Email:
    """Sends by SMTP; every attempt at the same work carries the same Message-ID."""

    name: ClassVar[str] = "email"
    description: ClassVar[str] = "Sends an e-mail."
    parameters: ClassVar[type[Parameters]] = EmailParameters
    side_effect: ClassVar[SideEffect] = "sends"
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = ("email_sent", "message_id", "recipients")

    async def run(self, parameters: EmailParameters, context: AgentContext) -> AgentResult:
        """Return `{"email_sent": true, "message_id", "recipients"}`.

        Raises:
            AgentError: An address or the subject is unusable, or the server refuses (final); the
                server cannot be reached or asks to come back later (retryable).
        """
        settings = context.services.settings
        if settings.smtp_url is None:
            raise AgentError(
                "No mail server is configured.",
                remedy="Set the address of one, such as smtp://user:password@mail.example.com:587.",
            )
        message, recipients = _message(parameters, settings.email_sender, context.idempotency_key)
        refused = await _deliver(message, recipients, settings.smtp_url)
        output = {
            "email_sent": True,
            "message_id": message["Message-ID"],
            "recipients": len(recipients) - len(refused),
        }
        return AgentResult(output, Usage(api_calls=1), {"refused": refused} if refused else {})


def _message(
    parameters: EmailParameters, sender: str, idempotency_key: str
) -> tuple[EmailMessage, list[str]]:
    to, cc = _addresses(parameters.to, "to"), _addresses(parameters.cc, "cc")
    if not to:
        raise AgentError("The e-mail has no recipient.", remedy="Give `to` an address.")
    origin = _addresses(sender, "sender")[0]
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = origin
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = _one_line(parameters.subject, "subject")
    message["Date"] = format_datetime(datetime.now(UTC))
    digest = hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{origin.domain}>"
    _set_body(message, parameters.body, parameters.html)
    for attachment in parameters.attachments:
        maintype, _, subtype = attachment.content_type.partition("/")
        filename = _one_line(attachment.filename, "filename").replace("/", "_")
        content = _attached(attachment)
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
    return message, list(dict.fromkeys(address.addr_spec for address in (*to, *cc)))


def _addresses(value: str | tuple[str, ...], place: str) -> list[Address]:
    parts = [_one_line(part, place) for part in ([value] if isinstance(value, str) else value)]
    found = []
    for name, address in getaddresses([part for part in parts if part.strip()]):
        if not _ADDRESS.fullmatch(address):
            raise AgentError(
                f"`{address or ', '.join(parts)}` in {place} is not an e-mail address.",
                remedy="Write it as name@example.com.",
            )
        found.append(Address(display_name=name, addr_spec=address))
    return found


def _one_line(text: str, place: str) -> str:
    """Refuse what would begin a header of its own."""
    if _LINE_BREAK.search(text):
        raise AgentError(f"The e-mail's {place} holds a line break.", remedy="Give it in one line.")
    return text


def _set_body(message: EmailMessage, body: Any, html: bool | None) -> None:
    text = (
        body if isinstance(body, str) else orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    )
    text = text.encode("utf-8", "replace").decode()
    if html or (html is None and _HTML.search(text)):
        message.set_content(LexborHTMLParser(text).text(separator="\n", strip=True) or " ")
        message.add_alternative(text, subtype="html")
        return
    message.set_content(text)
    if html is None:
        markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
        page = (
            f"<html><head><style>{_STYLE}</style></head><body>{markdown.render(text)}</body></html>"
        )
        message.add_alternative(page, subtype="html")


def _attached(attachment: Attachment) -> bytes:
    if attachment.base64 is not None:
        try:
            return base64.b64decode(attachment.base64, validate=True)
        except binascii.Error as error:
            raise AgentError(f"The attachment {attachment.filename} is not base64.") from error
    if isinstance(attachment.content, str):
        return attachment.content.encode()
    return orjson.dumps(attachment.content, option=orjson.OPT_INDENT_2)


async def _deliver(message: EmailMessage, recipients: list[str], url: SecretStr) -> list[str]:
    """Hand the message over; give the recipients that the server refused, when not all."""
    client = _client(url)
    check_host(str(client.hostname))
    try:
        async with asyncio.timeout(2 * _TIMEOUT_SECONDS), client:
            refused, _ = await client.send_message(message, recipients=recipients)
    except aiosmtplib.SMTPAuthenticationError as error:
        raise AgentError(
            f"The mail server refuses the login: {error.code} {error.message}.",
            remedy="Check the user and password of the mail server's address.",
        ) from error
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refusal.code for refusal in error.recipients]
        reasons = "; ".join(f"{r.recipient}: {r.code} {r.message}" for r in error.recipients)
        raise AgentError(
            f"The mail server refuses the recipients: {reasons}.",
            retryable=all(400 <= code < 500 for code in codes),
            remedy="Check the addresses.",
        ) from error
    except aiosmtplib.SMTPResponseException as error:
        raise AgentError(
            f"The mail server answers {error.code} {error.message}.",
            retryable=400 <= error.code < 500,
        ) from error
    except aiosmtplib.SMTPNotSupported as error:
        raise AgentError(f"The mail server cannot take this message: {error}.") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise AgentError(
            f"The mail server at {client.hostname}:{client.port} cannot be reached: {error}.",
            retryable=True,
            remedy="Check its address and that it runs.",
        ) from error
    return list(refused)


def _client(url: SecretStr) -> aiosmtplib.SMTP:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AgentError(
            "The mail server's address cannot be read.",
            remedy="Write it as smtp://user:password@host:port, smtp+starttls:// or smtps://.",
        )
    return aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=parts.scheme == "smtps",
        start_tls=True if parts.scheme == "smtp+starttls" else None,
        timeout=_TIMEOUT_SECONDS,
    )
