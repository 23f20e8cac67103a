"""How a message leaves: by SMTP to the operator's mail relay, or by SendGrid's API."""

import asyncio
import base64
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx2
import orjson

from agents.agent import AgentContext
from agents.bound import check_host
from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.mail_message import Mail
from agents.settings import AgentSettings
from agents.waiting import BUSY, retry_after_seconds

_TIMEOUT_SECONDS = 30.0
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_SENDGRID = "https://api.sendgrid.com"
_ACCEPTED = 202
_ANSWER_BYTES = 1024 * 1024


async def send(mail: Mail, context: AgentContext) -> list[str]:
    """Hand a message over; return the recipients that the server refused, when not all.

    Raises:
        AgentError: Nobody can send it, or the server refuses (final); the server is away or asks
            to come back later (retryable).
    """
    settings = context.services.settings
    if settings.smtp_url is not None:
        return await _by_smtp(mail, settings)
    if settings.sendgrid_api_key is not None:
        await _by_sendgrid(mail, context, settings.sendgrid_api_key.get_secret_value())
        return []
    raise AgentError(
        "No mail server is configured.",
        remedy="Set the address of one, such as smtp://user:password@mail.example.com:587, or a "
        "key of SendGrid.",
    )


async def _by_smtp(mail: Mail, settings: AgentSettings) -> list[str]:
    client = _client(settings)
    check_host(str(client.hostname))
    try:
        async with asyncio.timeout(2 * _TIMEOUT_SECONDS), client:
            refused, _ = await client.send_message(mail.message, recipients=mail.recipients)
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


def _client(settings: AgentSettings) -> aiosmtplib.SMTP:
    url = settings.smtp_url
    parts = urlsplit(url.get_secret_value() if url else "")
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
        cert_bundle=settings.smtp_ca_file,
    )


async def _by_sendgrid(mail: Mail, context: AgentContext, key: str) -> None:
    services = context.services
    base = services.settings.service_urls.get("SendGrid", _SENDGRID).rstrip("/")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = Request(
        "POST", f"{base}/v3/mail/send", headers, content=orjson.dumps(_told(mail)),
        timeout_seconds=_TIMEOUT_SECONDS, redirects=0,
    )  # fmt: skip
    await services.turns.wait(base, context.idempotency_key)
    try:
        answer = await fetch(await services.http(), request, max_bytes=_ANSWER_BYTES)
    except httpx2.HTTPError as error:
        raise AgentError(
            f"SendGrid does not answer: {type(error).__name__}: {error}.", retryable=True
        ) from error
    if answer.status_code == _ACCEPTED:
        return
    raise AgentError(
        f"SendGrid answers {answer.status_code}: {_reasons(answer.content).replace(key, '***')}",
        retryable=answer.status_code in BUSY,
        retry_after_seconds=retry_after_seconds(answer.headers),
        remedy="Check the key and its rights." if answer.status_code in (401, 403) else "",
    )


def _told(mail: Mail) -> dict[str, Any]:
    """Return a message as SendGrid's API takes it; each recipient may stand in one place only."""
    message, seen, places = mail.message, set[str](), dict[str, list[dict[str, str]]]()
    for place, addresses in (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)):
        for address in addresses:
            if (name := address.addr_spec.lower()) not in seen:
                seen.add(name)
                places.setdefault(place, []).append(_person(address))
    told: dict[str, Any] = {
        "personalizations": [places],
        "from": _person(mail.sender),
        "subject": str(message["Subject"]) or " ",
        "content": _contents(message),
        "headers": {"Message-ID": str(message["Message-ID"])},
    }
    if mail.reply_to:
        told["reply_to_list"] = [_person(address) for address in mail.reply_to]
    if attachments := [_attachment(part) for part in message.iter_attachments()]:
        told["attachments"] = attachments
    return told


def _person(address: Address) -> dict[str, str]:
    return {"email": address.addr_spec} | (
        {"name": address.display_name} if address.display_name else {}
    )


def _contents(message: EmailMessage) -> list[dict[str, str]]:
    found = []
    for kind in ("plain", "html"):
        if part := message.get_body((kind,)):
            found.append({"type": f"text/{kind}", "value": part.get_content() or " "})
    return found


def _attachment(part: Any) -> dict[str, str]:
    content = part.get_payload(decode=True) or b""
    return {
        "content": base64.b64encode(content).decode(),
        "filename": str(part.get_filename()),
        "type": str(part.get_content_type()),
        "disposition": "attachment",
    }


def _reasons(content: bytes) -> str:
    try:
        errors = orjson.loads(content)["errors"]
        return "; ".join(str(error["message"]) for error in errors)[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return content.decode("utf-8", "replace")[:300]
