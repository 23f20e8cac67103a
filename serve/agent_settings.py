"""What the agents and the readers of texts are told of the settings."""

from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.planner_chain import PlannerSettings
from agents.settings import AgentSettings
from serve.settings import Settings

_PORTS = {"tcp": 2375, "postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379,
          "http": 80, "https": 443}  # fmt: skip


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
        allowed_hosts=settings.allowed_hosts,
        openai_api_key=settings.openai_api_key,
        anthropic_api_key=settings.anthropic_api_key,
        openai_base_url=settings.openai_base_url,
        anthropic_base_url=settings.anthropic_base_url,
        google_api_key=settings.google_api_key,
        ollama_base_url=settings.ollama_base_url,
        default_model=settings.default_model,
    )


def service_ports(settings: Settings) -> frozenset[int]:
    """Return the ports of what only the platform uses; agents do not reach them on this machine."""
    urls = (
        settings.database_url,
        settings.redis_url,
        settings.secrets_kms_endpoint,
        settings.containers_url,
    )
    parts = (urlsplit(url) for url in urls if url)
    return frozenset(
        part.port or _PORTS[part.scheme]
        for part in parts
        if part.scheme in _PORTS and part.hostname
    )


def agent_settings(
    settings: Settings, blocked_ports: frozenset[int], redis_url: str
) -> AgentSettings:
    """Return the agents' settings of a platform whose live view is at an address."""
    return replace(
        reader_settings(settings, blocked_ports),
        fallback_models=settings.fallback_models,
        smtp_url=settings.smtp_url,
        smtp_ca_file=settings.smtp_ca_file,
        sendgrid_api_key=settings.sendgrid_api_key,
        email_sender=settings.email_sender,
        service_urls=settings.service_urls,
        default_database_url=settings.agent_database_url,
        chromium_path=settings.chromium_path,
        containers_url=settings.containers_url,
        host_limits={host.lower(): _rate(text) for host, text in settings.host_limits.items()},
        redis_url=SecretStr(redis_url),
    )


def _rate(text: str) -> tuple[int, float]:
    """Read `10/s` or `100/60s`."""
    requests, _, period = text.removesuffix("s").partition("/")
    return int(requests), float(period or 1)
