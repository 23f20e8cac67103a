"""The checks of the doctor, each with the thing there and missing."""

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from serve import doctor
from serve.settings import Settings
from store.secrets_sealing import KeyFile
from tests.client.fake_api import TOKEN, FakeApi
from tests.kms import Kms


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform."""
    with FakeApi().serving() as api:
        yield api


def settings(home: Path, **values: Any) -> Settings:
    """Return settings with a port at which nothing listens, unless one is given."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return Settings(**{"home": home, "port": unused.getsockname()[1], **values})


def at(api: FakeApi, home: Path) -> Settings:
    """Return the settings of the fake platform."""
    return settings(home, port=int(api.base_url.rsplit(":", 1)[1]))


def test_a_machine_without_a_platform_is_fine(tmp_path: Path) -> None:
    """What is missing without harm is a note; every note and failure has a remedy."""
    out = StringIO()
    assert doctor.diagnose(settings(tmp_path), Console(file=out, width=200)) == 0
    assert "Everything that is needed is there." in out.getvalue()
    checks = doctor.examine(settings(tmp_path))
    assert {check.name: check.state for check in checks}["platform"] == "note"
    assert all(check.remedy for check in checks if check.state != "ok")


def test_a_check_that_breaks_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen error is a failed check of that name."""

    def check_moon(settings: Settings) -> doctor.Check:
        raise RuntimeError("new moon")

    monkeypatch.setattr(doctor, "CHECKS", (check_moon, doctor.check_python))
    broken, sound = doctor.examine(settings(tmp_path))
    assert (broken.name, broken.state, sound.state) == ("moon", "failed", "ok")
    out = StringIO()
    assert doctor.diagnose(settings(tmp_path), Console(file=out)) == 1
    assert "1 to mend." in out.getvalue()


def test_services_that_do_not_answer_fail(tmp_path: Path) -> None:
    """A named database, Redis or mail server that is not there is a failure with its variable."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        given = settings(
            tmp_path,
            database_url=f"postgresql://u@{place}/d",
            redis_url=f"redis://{place}/0",
            smtp_url=SecretStr(f"smtp://u:p@{place}"),
        )
        checks = [
            doctor.check_postgresql(given),
            doctor.check_redis(given),
            doctor.check_mail(given),
        ]
    assert [check.state for check in checks] == ["failed"] * 3
    assert "DATABASE_URL" in checks[0].remedy
    assert "REDIS_URL" in checks[1].remedy
    assert "u:p" not in checks[2].detail


def test_a_listening_mail_server_is_enough(tmp_path: Path) -> None:
    """A server that accepts connections passes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = SecretStr(f"smtp://127.0.0.1:{server.getsockname()[1]}")
        assert doctor.check_mail(settings(tmp_path, smtp_url=url)).state == "ok"


@pytest.mark.requirement("FR-4.9")
def test_the_master_key_of_secrets_is_tried(kms: Kms, tmp_path: Path) -> None:
    """The file or KMS wraps a key and unwraps it; what is wrong is told with its remedy."""
    KeyFile(tmp_path / "secrets-key").make()
    check = doctor.check_secrets(settings(tmp_path))
    assert (check.state, str(tmp_path) in check.detail) == ("ok", True)
    key = kms.make_key()
    service = settings(tmp_path, secrets_kms_key=key, secrets_kms_endpoint=kms.url)
    check = doctor.check_secrets(service)
    assert (check.state, check.detail) == ("ok", f"AWS KMS wraps and unwraps (kms:{key})")
    kms.refusal = "DisabledException"
    check = doctor.check_secrets(service)
    assert (check.state, check.detail) == ("failed", "AWS KMS cannot be used")
    assert "Enable it." in check.remedy


def test_a_key_is_named_and_not_shown(tmp_path: Path) -> None:
    """The check of models says which variable is set, never its value."""
    check = doctor.check_models(settings(tmp_path, openai_api_key=SecretStr("sk-secret")))
    assert (check.state, check.detail) == ("ok", "OPENAI_API_KEY set")


@pytest.mark.requirement("FR-1.2")
@pytest.mark.parametrize(
    ("given", "state", "told"),
    [
        ({}, "ok", "reads offline"),
        ({"parser_models": ("offline",), "openai_api_key": SecretStr("k")}, "ok", "reads offline"),
        ({"openai_api_key": SecretStr("k"), "google_api_key": SecretStr("k")}, "ok",
         "gpt-4, then gemini, then offline; 5 s"),
        ({"parser_models": ("claude-opus",)}, "failed", "ANTHROPIC_API_KEY is not set"),
        ({"parser_models": ("nobody",)}, "failed", "nobody is not known"),
        ({"ollama_base_url": "http://h:1", "parser_models": ("ollama:llama3.2",)}, "ok",
         "ollama:llama3.2, then offline"),
    ],
)  # fmt: skip
def test_the_models_that_read_descriptions_are_told(
    tmp_path: Path, given: dict[str, Any], state: str, told: str
) -> None:
    """In their order, with what is missing for one of them."""
    check = doctor.check_parser(settings(tmp_path, **given))
    assert check.state == state
    assert told in check.detail


def test_a_browser_that_is_not_there(tmp_path: Path) -> None:
    """A configured browser that does not exist is a failure, not a traceback."""
    given = settings(tmp_path, chromium_path=str(tmp_path / "none"))
    check = next(c for c in doctor.examine(given) if c.name.lower() == "chromium")
    assert check.state == "failed"
    assert "none" in check.detail


@pytest.mark.requirement("NFR-3.5")
def test_a_running_platform_is_asked(api: FakeApi, tmp_path: Path) -> None:
    """Readiness comes part by part, and the token is tried."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    given = at(api, tmp_path)
    assert doctor.check_port(given).detail.startswith("a platform listens")
    assert doctor.check_platform(given).state == "ok"
    assert doctor.check_token(given).detail == "accepted, me@example.com"
    api.ready = False
    check = doctor.check_platform(given)
    assert (check.state, "redis down" in check.detail) == ("failed", True)


def test_a_token_that_others_can_read_or_the_platform_refuses(api: FakeApi, tmp_path: Path) -> None:
    """Both are failures with a remedy."""
    token = tmp_path / "token"
    token.write_text("another")
    token.chmod(0o644)
    assert doctor.check_token(at(api, tmp_path)).remedy.startswith("chmod 600")
    token.chmod(0o600)
    check = doctor.check_token(at(api, tmp_path))
    assert (check.state, "WEFT_HOME" in check.remedy) == ("failed", True)


def test_a_stranger_at_the_port_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that is no platform at the port is named."""
    monkeypatch.setattr(doctor, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = settings(tmp_path, port=server.getsockname()[1])
        check = doctor.check_port(given)
    assert (check.state, "WEFT_PORT" in check.remedy) == ("failed", True)
