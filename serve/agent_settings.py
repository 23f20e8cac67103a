"""What the agents and the readers of texts are told of the settings."""

from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.planner_chain import PlannerSettings
from agents.settings import AgentSettings
from serve.settings import Settings


def planner_settings(settings: Settings) -> PlannerSettings:
    """Return which models read texts, and within which bounds."""
    return PlannerSettings(
        settings.parser_models, settings.parser_seconds, max_cost_usd=settings.parser_cost_usd
    )


def reader_settings(settings: Settings, blocked_ports: frozenset[int]) -> AgentSettings:
    """Return what the readers of texts need of the agents' settings: the models, no other key."""
    return AgentSettings(
        allow_loopback=settings.allow_loopback,
        blocked_ports=blocked_ports | {settings.port},
        openai_api_key=settings.openai_api_key,
        anthropic_api_key=settings.anthropic_api_key,
        openai_base_url=settings.openai_base_url,
        anthropic_base_url=settings.anthropic_base_url,
        google_api_key=settings.google_api_key,
        ollama_base_url=settings.ollama_base_url,
        default_model=settings.default_model,
    )


def agent_settings(
    settings: Settings, blocked_ports: frozenset[int], redis_url: str
) -> AgentSettings:
    """Return the agents' settings of a platform whose live view is at an address."""
    engine = urlsplit(settings.containers_url or "")
    if engine.port is not None:
        # Whoever reaches the engine may start anything on its machine.
        blocked_ports |= {engine.port}
    return replace(
        reader_settings(settings, blocked_ports),
        smtp_url=settings.smtp_url,
        smtp_ca_file=settings.smtp_ca_file,
        sendgrid_api_key=settings.sendgrid_api_key,
        email_sender=settings.email_sender,
        service_urls=settings.service_urls,
        default_database_url=settings.agent_database_url,
        chromium_path=settings.chromium_path,
        containers_url=settings.containers_url,
        host_limits={host.lower(): _rate(text) for host, text in settings.host_limits.items()},
        limits_url=SecretStr(redis_url),
    )


def _rate(text: str) -> tuple[int, float]:
    """Read `10/s` or `100/60s`."""
    requests, _, period = text.removesuffix("s").partition("/")
    return int(requests), float(period or 1)
