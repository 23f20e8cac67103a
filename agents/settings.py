"""How agents behave in an installation: plain values, shipped to every process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How agents behave in this installation: plain values, shipped to every process."""

    allow_loopback: bool = False
    """Agents may reach this machine's loopback, but for `blocked_ports`."""
    blocked_ports: frozenset[int] = frozenset()
    """The platform's own ports, refused on every address of this machine."""
    allowed_networks: tuple[str, ...] = ()
    """CIDR networks that agents may reach beside the public internet."""
    allowed_hosts: tuple[str, ...] | None = None
    """The only hosts that agents may reach, as patterns, beside what the operator configured;
    None: every one."""
    openai_api_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    """An OpenAI-compatible server; trusted, so it may stand in a private network."""
    anthropic_base_url: str | None = None
    """A stand-in for the Anthropic API; trusted in the same way."""
    google_api_key: SecretStr | None = None
    ollama_base_url: str | None = None
    """An Ollama server; trusted in the same way."""
    default_model: str | None = None
    """What the model name `default` means; None: the first provider with a key, else offline."""
    fallback_models: tuple[str, ...] = ()
    """What is asked when a model is away, if its node names no `fallbacks` of its own."""
    smtp_url: SecretStr | None = None
    """The mail relay: smtp://user:password@host:25, smtp+starttls:// or smtps://; trusted."""
    email_sender: str = "weft@localhost"
    email_max_bytes: int = 25 * 1024 * 1024
    """Bound of one message with its attachments."""
    smtp_ca_file: str | None = None
    """Certificates that the mail relay's is signed with; None: those that the system trusts."""
    sendgrid_api_key: SecretStr | None = None
    """SendGrid sends what no mail relay is there for."""
    default_database_url: SecretStr | None = None
    """The database of a `database` node that names none; trusted."""
    chromium_path: str | None = None
    """The browser's executable; None: looked for on this machine."""
    containers_url: str | None = None
    """The Docker or Podman engine that runs container agents; None: they do not run."""
    browser_concurrency: int = 8
    """Pages open at once on one machine."""
    http_timeout_seconds: float = 30.0
    service_urls: Mapping[str, str] = field(default_factory=dict)
    """What stands in the place of a service's own address, by the service's name: a gateway of the
    operator's, or a stand-in."""
    host_limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """How many requests in how many seconds a host is sent by all tenants together, by its name."""
    redis_url: SecretStr | None = None
    """The platform's own Redis, in which all processes keep rate limits together; None: each keeps
    them alone. No agent may reach it."""
    max_response_bytes: int = 32 * 1024 * 1024
    """Bound of one HTTP answer and of one database result."""
    sandbox_memory_bytes: int = 128 * 1024 * 1024
    sandbox_seconds: float = 10.0
    """Bound of one script; an expression has one second."""
    sandbox_processes: int = 2
