"""The email agent: one message through the operator's mail relay or SendGrid."""

from typing import ClassVar

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.mail_message import EmailParameters, mail_of
from agents.mail_sending import send


class Email:
    """Sends a message; every attempt at the same work carries the same Message-ID."""

    name: ClassVar[str] = "email"
    description: ClassVar[str] = "Sends an e-mail."
    parameters: ClassVar[type[Parameters]] = EmailParameters
    side_effect: ClassVar[SideEffect] = "sends"
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = (
        "email_sent",
        "message_id",
        "recipients",
        "refused",
    )

    async def run(self, parameters: EmailParameters, context: AgentContext) -> AgentResult:
        """Return `{"email_sent": true, "message_id", "recipients", "refused"}`.

        Raises:
            AgentError: An address or the subject is unusable, or the server refuses (final); the
                server cannot be reached or asks to come back later (retryable).
        """
        settings = context.services.settings
        mail = mail_of(
            parameters, settings.email_sender, context.idempotency_key, settings.email_max_bytes
        )
        refused = await send(mail, context)
        output = {
            "email_sent": True,
            "message_id": mail.message["Message-ID"],
            "recipients": len(mail.recipients) - len(refused),
            "refused": refused,
        }
        return AgentResult(output, Usage(api_calls=1), {"refused": refused} if refused else {})
