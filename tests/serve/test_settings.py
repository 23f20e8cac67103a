"""The settings: every variable, its bounds, and what is told about a wrong one."""

import re
from pathlib import Path

import pytest

from actors.config import ExecutorConfig, SupervisorConfig
from agents.settings import AgentSettings
from serve.agent_settings import agent_settings, reader_settings, service_ports
from serve.api_config import ApiConfig
from serve.settings import (
    Settings,
    SettingsError,
    child_environment,
    load_settings,
    secrets_from_environment,
)
from store.secrets_keyring import KeyPlace

README = Path(__file__).parents[2] / "README.md"

VARIABLES = {
    "WEFT_HOME": ("home", "/srv/weft", Path("/srv/weft")),
    "WEFT_HOST": ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104
    "WEFT_PORT": ("port", "8123", 8123),
    "WEFT_PUBLIC_URL": ("public_url", "https://weft.example", "https://weft.example"),
    "DATABASE_URL": ("database_url", "postgresql://a@b/c", "postgresql://a@b/c"),
    "REDIS_URL": ("redis_url", "redis://b", "redis://b"),
    "OPENAI_API_KEY": ("openai_api_key", "sk-1", "sk-1"),
    "OPENAI_BASE_URL": ("openai_base_url", "http://model", "http://model"),
    "ANTHROPIC_API_KEY": ("anthropic_api_key", "sk-2", "sk-2"),
    "ANTHROPIC_BASE_URL": ("anthropic_base_url", "http://model-2", "http://model-2"),
    "GOOGLE_API_KEY": ("google_api_key", "sk-3", "sk-3"),
    "OLLAMA_BASE_URL": ("ollama_base_url", "http://model-3:11434", "http://model-3:11434"),
    "WEFT_PARSER_MODELS": ("parser_models", "claude-sonnet, gpt-4,", ("claude-sonnet", "gpt-4")),
    "WEFT_PARSER_SECONDS": ("parser_seconds", "7.5", 7.5),
    "WEFT_PARSER_COST_USD": ("parser_cost_usd", "0.1", 0.1),
    "WEFT_DEFAULT_MODEL": ("default_model", "gpt-x", "gpt-x"),
    "WEFT_FALLBACK_MODELS": ("fallback_models", "gemini, offline", ("gemini", "offline")),
    "WEFT_SMTP_URL": ("smtp_url", "smtp://u:p@h:587", "smtp://u:p@h:587"),
    "WEFT_SMTP_CA_FILE": ("smtp_ca_file", "/etc/ca.pem", "/etc/ca.pem"),
    "WEFT_SENDGRID_API_KEY": ("sendgrid_api_key", "SG.1", "SG.1"),
    "WEFT_EMAIL_SENDER": ("email_sender", "a@b.c", "a@b.c"),
    "WEFT_AGENT_DATABASE_URL": ("agent_database_url", "postgresql://d", "postgresql://d"),
    "WEFT_SERVICE_URLS": ("service_urls", '{"Slack": "http://g"}', {"Slack": "http://g"}),
    "WEFT_HOST_LIMITS": (
        "host_limits",
        '{"A.example": "10/s", "b.example": "100/60s"}',
        {"A.example": "10/s", "b.example": "100/60s"},
    ),
    "WEFT_CHROMIUM": ("chromium_path", "/usr/bin/chromium", "/usr/bin/chromium"),
    "WEFT_CONTAINERS_URL": ("containers_url", "unix:///run/d.sock", "unix:///run/d.sock"),
    "WEFT_ALLOW_LOOPBACK": ("allow_loopback", "0", False),
    "WEFT_ALLOWED_HOSTS": ("allowed_hosts", "A.example, *.b.example", ("a.example", "*.b.example")),
    "WEFT_EXECUTORS": ("executors", "7", 7),
    "WEFT_EXECUTORS_MAX": ("executors_max", "9", 9),
    "WEFT_EXECUTOR_CAPACITY": ("executor_capacity", "500", 500),
    "WEFT_DEDICATED_MAX": ("dedicated_max", "3", 3),
    "WEFT_TENANT_EXECUTIONS": ("tenant_executions", "100", 100),
    "WEFT_DRAIN_SECONDS": ("drain_seconds", "0.5", 0.5),
    "WEFT_API_REPLICAS": ("api_replicas", "3", 3),
    "WEFT_LEASE_SECONDS": ("lease_seconds", "2.5", 2.5),
    "WEFT_RETENTION_DAYS": ("retention_days", "0.5", 0.5),
    "WEFT_SECRETS_KMS_KEY": ("secrets_kms_key", "alias/weft", "alias/weft"),
    "WEFT_SECRETS_KMS_FORMER_KEYS": ("secrets_kms_former_keys", "alias/a, b", ("alias/a", "b")),
    "WEFT_SECRETS_KMS_REGION": ("secrets_kms_region", "eu-central-1", "eu-central-1"),
    "WEFT_SECRETS_KMS_ENDPOINT": ("secrets_kms_endpoint", "http://k:9", "http://k:9"),
    "WEFT_SECRET_KEY": ("secret_key", "very secret", "very secret"),
    "LOG_LEVEL": ("log_level", "DEBUG", "DEBUG"),
    "RAY_ADDRESS": ("ray_address", "ray://head", "ray://head"),
}


def test_every_setting_has_its_variable() -> None:
    """No setting is without a variable in this test."""
    assert {field for field, _, _ in VARIABLES.values()} == set(Settings.model_fields)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_sets_its_setting(variable: str) -> None:
    """Each variable is read into its setting, with its type."""
    field, text, expected = VARIABLES[variable]
    value = getattr(load_settings({variable: text}), field)
    assert getattr(value, "get_secret_value", lambda: value)() == expected


def test_defaults_are_those_of_one_machine() -> None:
    """Without variables everything is embedded and on loopback; an empty variable is unset."""
    settings = load_settings({"DATABASE_URL": "", "WEFT_PORT": ""})
    assert settings.database_url is None
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.home == Path.cwd() / ".weft"
    assert (settings.executors, settings.tenant_executions) == (None, None)


def test_the_public_address_replaces_host_and_port() -> None:
    """Links lead to where the outside reaches the API."""
    assert load_settings({"WEFT_PUBLIC_URL": "https://w.example"}).base_url == "https://w.example"


def test_the_home_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home, as a shell would have it."""
    monkeypatch.setenv("HOME", "/home/olivia")
    assert load_settings({"WEFT_HOME": "~/weft"}).home == Path("/home/olivia/weft")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WEFT_PORT", "0"),
        ("WEFT_PORT", "65536"),
        ("WEFT_PORT", "http"),
        ("WEFT_EXECUTORS", "0"),
        ("WEFT_EXECUTORS", "-1"),
        ("WEFT_EXECUTORS", "257"),
        ("WEFT_API_REPLICAS", "0"),
        ("WEFT_API_REPLICAS", "257"),
        ("WEFT_LEASE_SECONDS", "0.5"),
        ("WEFT_LEASE_SECONDS", "601"),
        ("WEFT_LEASE_SECONDS", "nan"),
        ("WEFT_PARSER_SECONDS", "0.5"),
        ("WEFT_PARSER_SECONDS", "61"),
        ("WEFT_PARSER_COST_USD", "-1"),
        ("WEFT_RETENTION_DAYS", "0"),
        ("WEFT_RETENTION_DAYS", "3651"),
        ("WEFT_ALLOW_LOOPBACK", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(variable: str, text: str) -> None:
    """The message names the variable, not the field."""
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        load_settings({variable: text})


def test_every_wrong_value_is_told_at_once() -> None:
    """Two wrong variables are both named."""
    with pytest.raises(SettingsError, match=r"WEFT_PORT: .*; LOG_LEVEL: "):
        load_settings({"LOG_LEVEL": "LOUD", "WEFT_PORT": "0"})


def test_an_unknown_variable_of_ours_is_refused_with_a_hint() -> None:
    """A typing error does not silently do nothing; variables of others are none of our business."""
    with pytest.raises(SettingsError, match=r"WEFT_PROT is .*Did you mean WEFT_PORT\?"):
        load_settings({"WEFT_PROT": "8001"})
    with pytest.raises(SettingsError, match=r"is not a setting of Weft\.$"):
        load_settings({"WEFT_QQQQQQQQ": "1"})
    load_settings({"PROT": "8001", "WEFT_TOKEN": "t", "WEFT_URL": "http://w", "WEFT_SECRET_X": "x"})


def test_secrets_are_those_of_the_prefix_but_not_the_signing_key() -> None:
    """A specification reads `WEFT_SECRET_…`, and never the key that signs webhooks."""
    environment = {"WEFT_SECRET_SLACK_URL": "https://s", "WEFT_SECRET_KEY": "k", "OTHER": "o"}
    assert secrets_from_environment(environment) == {"slack_url": "https://s"}


def test_keys_are_not_shown() -> None:
    """A setting that is printed by accident hides its secrets."""
    settings = load_settings({name: VARIABLES[name][1] for name in VARIABLES})
    for secret in ("sk-1", "sk-2", "sk-3", "smtp://u:p", "very secret", "postgresql://d"):
        assert secret not in repr(settings)


def test_the_readers_of_texts_know_no_key_but_the_models() -> None:
    """What reaches a provider reaches them; mail, databases and the signing key do not."""
    settings = load_settings({name: VARIABLES[name][1] for name in VARIABLES})
    readers = reader_settings(settings, frozenset())
    agents = agent_settings(settings, frozenset(), "redis://live")
    assert (readers.smtp_url, readers.default_database_url) == (None, None)
    assert readers.redis_url is None
    assert agents.host_limits == {"a.example": (10, 1.0), "b.example": (100, 60.0)}
    assert agents.smtp_url is not None
    assert agents.default_database_url is not None
    assert readers.google_api_key == agents.google_api_key == settings.google_api_key


def test_what_only_the_platform_uses_is_closed_to_agents() -> None:
    """Its database, its Redis and its KMS are not reached by agents where they are on loopback."""
    settings = Settings(
        database_url="postgresql://a@127.0.0.1/weft",
        redis_url="redis://localhost:6380/0",
        secrets_kms_endpoint="http://127.0.0.1:5000",
    )
    assert service_ports(settings) == {5432, 6380, 5000}
    sockets = Settings(database_url="postgresql://a@/weft?host=/run/pg", redis_url="unix:///run/r")
    assert service_ports(sockets) == frozenset()


def test_executors_and_replicas_show_no_secret() -> None:
    """What they are told at their start may stand in a log of Ray's."""
    database, redis = "postgresql://a:pw-1@b/c", "redis://:pw-2@b"
    executor = ExecutorConfig(database, redis, 10, AgentSettings(), {"token": "pw-3"})
    place = KeyPlace(Path("key"))
    api = ApiConfig(database, redis, "http://a", 10, b"pw-4", (), False, place)
    shown = repr([executor, SupervisorConfig(1, executor, b"pw-4"), api])
    assert "pw-" not in shown


def test_a_child_inherits_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Additions go over what is there."""
    monkeypatch.setenv("WEFT_PORT", "1")
    environment = child_environment(WEFT_PORT="2", WEFT_PLATFORM_ID="abc")
    assert (environment["WEFT_PORT"], environment["WEFT_PLATFORM_ID"]) == ("2", "abc")
    assert "PATH" in environment


def test_the_readme_lists_every_setting() -> None:
    """Each variable stands in the README's table, and the table names no other."""
    table = README.read_text(encoding="utf-8").split("## Settings", 1)[1].split("\n## ", 1)[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {name for cell in first for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert told - {"WEFT_SECRET_NAME"} == set(VARIABLES)
