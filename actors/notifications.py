"""Telling a channel that an execution failed: the texts, and the way by mail."""

from typing import Any

from agents.agent import AgentContext
from agents.mail import Email
from agents.mail_message import EmailParameters
from agents.services import Services
from store.json_values import loads

SLACK = "slack:"
MAIL = "mailto:"
_SLACK_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def notification_text(delivery: Any) -> str:
    """Return what is told in words."""
    body = loads(delivery["body"])
    place = f" at `{body['error_node_id']}`" if body["error_node_id"] else ""
    return (
        f"{body['workflow_name']} failed{place}: {body['error_message']} "
        f"(exec_{delivery['execution_id'].hex})"
    )


def notification_body(delivery: Any) -> dict[str, Any]:
    """Return what is told as JSON to a channel's address; Slack has a form of its own."""
    if delivery["url"].startswith(SLACK):
        # Three characters mean markup there, wherever they come from.
        escapes = str.maketrans(_SLACK_ESCAPES)
        return {"text": notification_text(delivery).translate(escapes)}
    told: dict[str, Any] = loads(delivery["body"])
    # What the execution was given may be nobody else's business.
    del told["input"]
    return told


async def send_mail(services: Services, delivery: Any) -> None:
    """Send the notification through the installation's mail server.

    Every attempt carries the same Message-ID.

    Raises:
        AgentError: It could not be sent.
    """
    name = loads(delivery["body"])["workflow_name"]
    context = AgentContext(
        tenant_id=delivery["tenant_id"],
        workflow_id=delivery["workflow_id"],
        execution_id=delivery["execution_id"],
        node_id="notification",
        services=services,
    )
    mail = EmailParameters(
        to=delivery["url"].removeprefix(MAIL),
        subject=f"{' '.join(name.split())} failed",
        body=notification_text(delivery),
    )
    await Email().run(mail, context)
