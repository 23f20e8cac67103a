"""What actors are told when they start: plain values that travel to their processes."""

from dataclasses import dataclass

from agents.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """What an executor needs."""

    database_url: str
    redis_url: str
    lease_seconds: float
    agents: AgentSettings
    secrets: dict[str, str]
    log_level: str = "INFO"


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """What the supervisor needs."""

    executors: int
    executor: ExecutorConfig
    webhook_key: bytes
    retention_days: float | None = None
    """How long ended executions are kept whose workflow does not say; None: for good."""
