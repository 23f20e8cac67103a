"""The platform's settings: the only module that reads the environment.

Variables are those of the product's contract (`DATABASE_URL`, `REDIS_URL`, `OPENAI_API_KEY`, …)
and our own, which begin with `WEFT_`. An unknown `WEFT_` variable is refused, so that a typing
error cannot silently do nothing.
"""

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from agents.bound import host_pattern

SECRET_PREFIX = "WEFT_SECRET_"  # noqa: S105 - a name, not a secret
"""`WEFT_SECRET_SLACK_URL` is what `{secrets.slack_url}` stands for."""


def _listed(value: object) -> object:
    """Take a text apart at its commas; what is a list already stays one."""
    if not isinstance(value, str):
        return value
    return [part for part in (part.strip() for part in value.split(",")) if part]


RateText = Annotated[str, Field(pattern=r"^[1-9]\d{0,5}/([1-9]\d{0,4})?s$")]
"""So many a second (`10/s`), or in so many seconds (`100/60s`)."""


def _parsed(value: Any) -> Any:
    """Return what a text in JSON says."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError("it is not JSON") from error


HostPattern = Annotated[str, AfterValidator(host_pattern)]


class SettingsError(Exception):
    """A variable is wrong; the message names it and what it may be."""


class Settings(BaseModel):
    """Everything that can be set, with its unit and its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path(".weft")
    """WEFT_HOME: where the embedded services keep their data, keys and logs."""
    host: str = "127.0.0.1"
    """WEFT_HOST: the address on which the API listens."""
    port: int = Field(default=8000, ge=1, le=65_535)
    """WEFT_PORT: the port on which the API listens."""
    public_url: str | None = None
    """WEFT_PUBLIC_URL: how the outside reaches the API; default `http://host:port`."""
    database_url: str | None = None
    """DATABASE_URL: a PostgreSQL server; unset: an embedded one."""
    redis_url: str | None = None
    """REDIS_URL: a Redis server; unset: an embedded one."""
    openai_api_key: SecretStr | None = None
    """OPENAI_API_KEY."""
    openai_base_url: str | None = None
    """OPENAI_BASE_URL: any server that speaks OpenAI's protocol."""
    anthropic_api_key: SecretStr | None = None
    """ANTHROPIC_API_KEY."""
    anthropic_base_url: str | None = None
    """ANTHROPIC_BASE_URL: any server that speaks Anthropic's protocol."""
    google_api_key: SecretStr | None = None
    """GOOGLE_API_KEY: Gemini."""
    ollama_base_url: str | None = None
    """OLLAMA_BASE_URL: an Ollama server, such as http://localhost:11434."""
    default_model: str | None = None
    """WEFT_DEFAULT_MODEL: what an llm node uses that names no model."""
    fallback_models: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """WEFT_FALLBACK_MODELS: the models that an llm node asks, with commas, when its own is away and
    it names no `fallbacks`."""
    parser_models: Annotated[tuple[str, ...], BeforeValidator(_listed)] | None = None
    """WEFT_PARSER_MODELS: the models that read descriptions, with commas, the first one first, such
    as `claude-sonnet,gpt-4`; `offline`: none; unset: the default models of what is configured."""
    parser_seconds: float = Field(default=5.0, ge=1, le=60)
    """WEFT_PARSER_SECONDS: how long reading a description may take, all models together."""
    parser_cost_usd: float = Field(default=0.25, ge=0, le=100)
    """WEFT_PARSER_COST_USD: what reading one description may cost."""
    smtp_url: SecretStr | None = None
    """WEFT_SMTP_URL: `smtp://user:password@host:587` or `smtps://…`; unset: SendGrid, or
    e-mail fails."""
    smtp_ca_file: str | None = None
    """WEFT_SMTP_CA_FILE: a file with the certificates that the mail server's is signed with; unset:
    those that the system trusts."""
    sendgrid_api_key: SecretStr | None = None
    """WEFT_SENDGRID_API_KEY: sends e-mail by SendGrid where WEFT_SMTP_URL is unset."""
    email_sender: str = "Weft <weft@localhost>"
    """WEFT_EMAIL_SENDER: the From address of mails."""
    agent_database_url: SecretStr | None = None
    """WEFT_AGENT_DATABASE_URL: what a database node uses that names no connection."""
    service_urls: Annotated[dict[str, str], BeforeValidator(_parsed)] = Field(default_factory=dict)
    """WEFT_SERVICE_URLS: what the catalog's agents call in the place of a service, as JSON, such as
    `{"Slack": "https://gateway.example.com/slack"}`."""
    host_limits: Annotated[dict[str, RateText], BeforeValidator(_parsed)] = Field(
        default_factory=dict
    )
    """WEFT_HOST_LIMITS: how often all nodes of all organizations call a host or read its pages, as
    JSON, such as `{"api.example.com": "10/s", "slow.example.com": "100/60s"}`."""
    chromium_path: str | None = None
    """WEFT_CHROMIUM: the browser's binary; unset: looked for."""
    containers_url: Annotated[str, Field(pattern=r"^(unix|tcp)://.+$")] | None = None
    """WEFT_CONTAINERS_URL: a Docker or Podman engine, such as `unix:///var/run/docker.sock`; unset:
    container agents fail."""
    allow_loopback: bool = True
    """WEFT_ALLOW_LOOPBACK: whether agents may reach this machine; set it to 0 when it is shared."""
    allowed_hosts: Annotated[tuple[HostPattern, ...], BeforeValidator(_listed)] | None = None
    """WEFT_ALLOWED_HOSTS: the only hosts that agents and models' providers are reached at, with
    commas, such as `api.example.com,*.example.org`; unset: every public one."""
    executors: Annotated[int, Field(ge=1, le=256)] | None = None
    """WEFT_EXECUTORS: how many ExecutionActors host executions; unset: one for two cores of the
    cluster, and more under load."""
    executors_max: Annotated[int, Field(ge=1, le=256)] | None = None
    """WEFT_EXECUTORS_MAX: how many there are under load; unset: one a core."""
    executor_capacity: int = Field(default=20_000, ge=1, le=1_000_000)
    """WEFT_EXECUTOR_CAPACITY: how many executions one of them runs at once; others queue."""
    dedicated_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """WEFT_DEDICATED_MAX: how many executions with an executor of their own run at once; unset:
    two a core."""
    tenant_executions: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """WEFT_TENANT_EXECUTIONS: how many executions of one tenant are in progress at once."""
    drain_seconds: float = Field(default=5.0, ge=0, le=40)
    """WEFT_DRAIN_SECONDS: how long nodes that run may go on when an executor stops."""
    api_replicas: int = Field(default=1, ge=1, le=256)
    """WEFT_API_REPLICAS: how many processes serve the API."""
    lease_seconds: float = Field(default=10.0, ge=1, le=600)
    """WEFT_LEASE_SECONDS: after how long without a heartbeat an executor loses its executions."""
    retention_days: float | None = Field(default=None, ge=0.01, le=3650)
    """WEFT_RETENTION_DAYS: how long ended executions are kept; unset: for good. A workflow's own
    `settings.retention_days` counts more."""
    secret_key: SecretStr | None = None
    """WEFT_SECRET_KEY: signs webhooks and sessions; unset: made once and kept in WEFT_HOME."""
    secrets_kms_key: str | None = None
    """WEFT_SECRETS_KMS_KEY: the AWS KMS key (ARN, id or alias) that wraps the keys of secrets;
    unset: the key in WEFT_HOME/secrets-key does."""
    secrets_kms_former_keys: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """WEFT_SECRETS_KMS_FORMER_KEYS: KMS keys that may have wrapped before, with commas, until
    `weft secrets rotate` has run."""
    secrets_kms_region: str | None = None
    """WEFT_SECRETS_KMS_REGION: where keys are whose name is no ARN; unset: AWS's own settings."""
    secrets_kms_endpoint: Annotated[str, Field(pattern="^https?://")] | None = None
    """WEFT_SECRETS_KMS_ENDPOINT: another address of KMS, such as a VPC endpoint."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """LOG_LEVEL."""
    ray_address: str | None = None
    """RAY_ADDRESS: a running Ray cluster; unset: one is started on this machine."""

    @property
    def base_url(self) -> str:
        """Where clients find the API."""
        return self.public_url or f"http://{self.host}:{self.port}"


_CONTRACT = {
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
    "OPENAI_API_KEY": "openai_api_key",
    "OPENAI_BASE_URL": "openai_base_url",
    "ANTHROPIC_API_KEY": "anthropic_api_key",
    "ANTHROPIC_BASE_URL": "anthropic_base_url",
    "GOOGLE_API_KEY": "google_api_key",
    "OLLAMA_BASE_URL": "ollama_base_url",
    "LOG_LEVEL": "log_level",
    "RAY_ADDRESS": "ray_address",
}
_OWN = {
    f"WEFT_{name.upper()}": name for name in Settings.model_fields if name not in _CONTRACT.values()
}
_OWN["WEFT_CHROMIUM"] = _OWN.pop("WEFT_CHROMIUM_PATH")
_SIGNING_KEY = "WEFT_SECRET_KEY"
"""Begins as the secrets of specifications do, and must not be one of them."""
_CLIENT = {"WEFT_URL", "WEFT_TOKEN", "WEFT_PLATFORM_ID"}
"""Variables of ours that others read: the Python client, and the marker of our own processes."""


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: What to read instead of the process's environment.

    Raises:
        SettingsError: A value is out of bounds, or a `WEFT_` variable is unknown.
    """
    variables = os.environ if environment is None else environment
    names = _CONTRACT | _OWN
    for name in variables:
        if name.startswith("WEFT_") and not name.startswith(SECRET_PREFIX):
            _refuse_unknown(name, names)
    values = {names[name]: value for name, value in variables.items() if name in names and value}
    if "home" in values:
        values["home"] = str(Path(values["home"]).expanduser())
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        variable_of = {field: name for name, field in names.items()}
        lines = [
            f"{variable_of[str(problem['loc'][0])]}: {problem['msg']}" for problem in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from None
    return settings.model_copy(update={"home": settings.home.absolute()})


def _refuse_unknown(name: str, names: Mapping[str, str]) -> None:
    if name in names or name in _CLIENT:
        return
    close = get_close_matches(name, [*names, *_CLIENT], n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise SettingsError(f"{name} is not a setting of Weft.{hint}")


def secrets_from_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what `{secrets.name}` stands for, by lower-case name."""
    variables = os.environ if environment is None else environment
    return {
        name.removeprefix(SECRET_PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(SECRET_PREFIX) and name != _SIGNING_KEY
    }


def child_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment for a child, with additions."""
    return {**os.environ, **extra}


def export(variables: Mapping[str, str]) -> None:
    """Set variables for this process and its children, before a library reads them at import."""
    os.environ.update(variables)
