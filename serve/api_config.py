"""What the API's replicas are told when they start."""

from dataclasses import dataclass
from pathlib import Path

from store.queue import UNBOUNDED, Bounds


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """What the API needs: plain values that travel to its replicas."""

    database_url: str
    redis_url: str
    base_url: str
    lease_seconds: float
    webhook_key: bytes
    secret_names: tuple[str, ...]
    """The operator's."""
    smtp_configured: bool
    secrets_key: Path
    """The file with the master key of tenants' secrets."""
    bounds: Bounds = UNBOUNDED
