"""An e-mail as it is written: addresses, one line a header, text and HTML side by side, files."""

import hashlib
import html as html_text
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from typing import Any, Self

import orjson
from markdown_it import MarkdownIt
from pydantic import Field, model_validator
from selectolax.lexbor import LexborHTMLParser

from agents.agent import Parameters
from agents.errors import AgentError
from agents.files import File, file_bytes
from agents.scope import CODE, RARE
from compiler.references import UnresolvedReference, lookup, parse_template, rendered

_LINE_BREAK = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029\x00]")
_HTML = re.compile(r"<(?:!doctype|html|body|p|div|br|table|h[1-6]|ul|ol|a|span)\b[^>]*>", re.I)
_ADDRESS = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[A-Za-z0-9\u00a1-\uffff-]+(\.[\w-]+)*")
_STYLE = (
    "body{font-family:sans-serif;line-height:1.5;max-width:48rem;margin:1rem auto}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .5rem}"
    "blockquote{border-left:3px solid #ccc;margin-left:0;padding-left:1rem;color:#444}"
)


class EmailParameters(Parameters):
    """One message."""

    to: str | tuple[str, ...] = Field(description="One address, several with commas, or a list.")
    cc: str | tuple[str, ...] = ()
    bcc: str | tuple[str, ...] = Field(default=(), description="Recipients that nobody is told.")
    reply_to: str | tuple[str, ...] = Field(default=(), description="Where answers go.")
    subject: str = Field(default="", max_length=998)
    body: Any = Field(default="", description="Text, Markdown or HTML; JSON is shown as such.")
    html: bool | None = Field(default=None, description="Whether the body is HTML; null: detect.")
    text: str | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="The text beside an HTML body; made of it when left out.",
    )
    template: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE | RARE,
        description="Instead of `body`: a text whose references in braces name `values`; in HTML "
        "they are escaped.",
    )
    values: dict[str, Any] = Field(
        default_factory=dict, json_schema_extra=RARE, description="What `template` names."
    )
    attachments: tuple[File, ...] = Field(
        default=(),
        description="Files: {filename, content} (text, JSON, rows for a .csv), {filename, base64} "
        "or a page with its screenshot.",
    )

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not self.to:
            raise ValueError("`to` names no recipient")
        if self.template is not None and self.body not in ("", None):
            raise ValueError("give either `body` or `template`")
        if self.values and self.template is None:
            raise ValueError("`values` need a `template`")
        return self


@dataclass(frozen=True, slots=True)
class Mail:
    """A message with those who get it."""

    message: EmailMessage
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]

    @property
    def recipients(self) -> list[str]:
        """Every address once."""
        return list(dict.fromkeys(a.addr_spec for a in (*self.to, *self.cc, *self.bcc)))


def mail_of(parameters: EmailParameters, sender: str, idempotency_key: str, max_bytes: int) -> Mail:
    """Return the message that parameters say; its id is the same for every attempt.

    Raises:
        AgentError: An address, a header, a file or the template is unusable, or it is too large.
    """
    to, cc = _addresses(parameters.to, "to"), _addresses(parameters.cc, "cc")
    bcc, reply_to = _addresses(parameters.bcc, "bcc"), _addresses(parameters.reply_to, "reply_to")
    if not to:
        raise AgentError("The e-mail has no recipient.", remedy="Give `to` an address.")
    origin = _addresses(sender, "sender")[0]
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = origin
    message["To"] = to
    for name, addresses in (("Cc", cc), ("Reply-To", reply_to)):
        if addresses:
            message[name] = addresses
    message["Subject"] = _one_line(parameters.subject, "subject")
    message["Date"] = format_datetime(datetime.now(UTC))
    digest = hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{origin.domain}>"
    _set_body(message, parameters)
    size = 0
    for file in parameters.attachments:
        maintype, _, subtype = file.media_type.partition("/")
        filename = _one_line(file.filename, "filename").replace("/", "_")
        content = file_bytes(file)
        size += len(content)
        _check_size(size, max_bytes)
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
    _check_size(len(message.as_bytes()), max_bytes)
    return Mail(message, origin, tuple(to), tuple(cc), tuple(bcc), tuple(reply_to))


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise AgentError(
            f"The e-mail has more than {max_bytes} bytes.",
            remedy="Attach less, or send a link to it.",
        )


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


def _set_body(message: EmailMessage, parameters: EmailParameters) -> None:
    body = parameters.body
    given = body if isinstance(body, str) else _readable(body)
    text = (parameters.template or given).encode("utf-8", "replace").decode()
    is_html = parameters.html or (parameters.html is None and bool(_HTML.search(text)))
    if parameters.template is not None:
        text = _filled(text, parameters.values, escape=is_html)
    if is_html or parameters.text is not None:
        page = text if is_html else _page(text)
        plain = parameters.text or LexborHTMLParser(page).text(separator="\n", strip=True)
        message.set_content(plain.encode("utf-8", "replace").decode() or " ")
        message.add_alternative(page, subtype="html")
        return
    message.set_content(text)
    if parameters.html is None:
        message.add_alternative(_page(text), subtype="html")


def _readable(body: Any) -> str:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def _page(text: str) -> str:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    return f"<html><head><style>{_STYLE}</style></head><body>{markdown.render(text)}</body></html>"


def _filled(template: str, values: dict[str, Any], *, escape: bool) -> str:
    """Put values into a template; in HTML none of them can become a tag."""
    parts = []
    for part in parse_template(template).parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            value = rendered(lookup(part, values))
        except UnresolvedReference as error:
            raise AgentError(f"The e-mail's template: {error}") from None
        parts.append(html_text.escape(value) if escape else value)
    return "".join(parts)
