"""A real SMTP server on loopback that keeps the mail it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr


@dataclass
class Mailbox:
    """A mail server's settings, and the mail that it took."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    refuse: Callable[[str], str | None] = lambda address: None

    @property
    def url(self) -> SecretStr:
        """The address for the settings."""
        return SecretStr(f"smtp://127.0.0.1:{self.port}")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if refusal := self.refuse(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        self.mails.append(envelope)
        return "250 OK"


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """Run a server."""
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()
