"""What actors are told when they start: plain values that travel to their processes."""

from dataclasses import dataclass, field

from agents.settings import AgentSettings
from store.queue import UNBOUNDED, Bounds
from store.secrets_keyring import KeyPlace


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """What an executor needs."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    lease_seconds: float
    agents: AgentSettings
    secrets: dict[str, str] = field(repr=False)
    """The operator's own; tenants' are opened for the attempts that name them."""
    log_level: str = "INFO"
    bounds: Bounds = UNBOUNDED
    drain_seconds: float = 5.0
    """How long nodes that run may go on when the executor stops."""
    secrets_keys: KeyPlace | None = None
    """Where the master key of tenants' secrets is; None: they have none."""


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """What the supervisor needs."""

    executors: int | None
    """How many executors; None: as the cluster's cores and the load want it."""
    executor: ExecutorConfig
    webhook_key: bytes = field(repr=False)
    executors_most: int | None = None
    """How many under load; None: one a core."""
    dedicated_most: int | None = None
    """How many executions have an executor of their own at once; None: two a core."""
    retention_days: float | None = None
    """How long ended executions are kept whose workflow does not say; None: for good."""
