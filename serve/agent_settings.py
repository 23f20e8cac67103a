"""What the agents and the readers of texts are told of the settings."""

from dataclasses import replace
from urllib.parse import urlsplit

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


def agent_settings(settings: Settings, blocked_ports: frozenset[int]) -> AgentSettings:
    """Return the agents' settings of a platform."""
    engine = urlsplit(settings.containers_url or "")
    if engine.port is not None:
        # Whoever reaches the engine may start anything on its machine.
        blocked_ports |= {engine.port}
    return replace(
        reader_settings(settings, blocked_ports),
        fallback_models=settings.fallback_models,
        smtp_url=settings.smtp_url,
        email_sender=settings.email_sender,
        service_urls=settings.service_urls,
        default_database_url=settings.agent_database_url,
        chromium_path=settings.chromium_path,
        containers_url=settings.containers_url,
    )
