"""What the API's replicas are told when they start."""

from dataclasses import dataclass, field

from store.queue import UNBOUNDED, Bounds
from store.secrets_keyring import KeyPlace


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """What the API needs: plain values that travel to its replicas."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    lease_seconds: float
    webhook_key: bytes = field(repr=False)
    secret_names: tuple[str, ...]
    """The operator's."""
    smtp_configured: bool
    secrets_keys: KeyPlace
    """Where the master key of tenants' secrets is."""
    allowed_hosts: tuple[str, ...] | None = None
    """The only hosts that any workflow may reach; None: every public one."""
    allow_loopback: bool = False
    """Whether workflows may reach this machine."""
    bounds: Bounds = UNBOUNDED
