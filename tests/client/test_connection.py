"""Where the client looks for the platform and its token, and how it repeats."""

from pathlib import Path

import pytest
from weft import WeftError
from weft.connection import Connection
from weft.retries import Retries, is_gateway_failure


def test_everything_given_wins() -> None:
    """Arguments go before the environment."""
    found = Connection.find(
        "http://a:1/", "t", environment={"WEFT_URL": "http://b", "WEFT_TOKEN": "u"}
    )
    assert (found.base_url, found.token) == ("http://a:1", "t")


def test_the_environment_names_address_and_token() -> None:
    """WEFT_URL and WEFT_TOKEN are used when nothing is given."""
    environment = {"WEFT_URL": "https://weft.example.com", "WEFT_TOKEN": "u"}
    found = Connection.find(environment=environment)
    assert (found.base_url, found.token) == ("https://weft.example.com", "u")
    assert not found.is_local


def test_the_local_token_file_is_for_this_machine_only(tmp_path: Path) -> None:
    """The key of the platform here is never sent to another machine."""
    (tmp_path / "token").write_text("secret\n")
    environment = {"WEFT_HOME": str(tmp_path), "WEFT_PORT": "8123"}
    here = Connection.find(environment=environment)
    assert (here.base_url, here.token) == ("http://127.0.0.1:8123", "secret")
    there = Connection.find("http://weft.example.com", environment=environment)
    assert there.token is None


def test_a_token_is_not_shown(tmp_path: Path) -> None:
    """The representation of a connection leaves the token out."""
    assert "secret" not in repr(Connection("http://a", "secret"))


@pytest.mark.parametrize("address", ["ftp://a", "localhost:8000", "http://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """The message names the address and how one looks."""
    with pytest.raises(WeftError, match="not an http or https URL"):
        Connection.find(address, environment={})


def test_websocket_addresses() -> None:
    """Http becomes ws and https becomes wss."""
    assert Connection("https://a", None).websocket_url("/s", {"after": 3}) == "wss://a/s?after=3"
    assert Connection("http://a:1", None).websocket_url("/s", {}) == "ws://a:1/s"


@pytest.mark.parametrize(
    ("attempt", "spread", "expected"),
    [(2, 0, 0.2), (3, 0, 0.4), (5, 0, 1.6), (6, 0, 3.0), (2, 1, 0.25), (2, -1, 0.15)],
)
def test_delays(attempt: int, spread: float, expected: float) -> None:
    """The delay doubles to its cap and is spread by a quarter."""
    assert Retries().delay_seconds(attempt, spread) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"initial_seconds": -1}, {"jitter": 2}])
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    """Bounds are checked when the policy is built."""
    with pytest.raises(ValueError, match="no such retry policy"):
        Retries(**wrong)


@pytest.mark.parametrize(
    ("status", "content_type", "expected"),
    [
        (500, "", True),
        (502, "text/html", True),
        (500, "application/problem+json", False),
        (503, "application/json", False),
        (404, "text/html", False),
    ],
)
def test_which_answers_are_the_ingress(status: int, content_type: str, expected: bool) -> None:
    """A bare 5xx is the ingress; JSON is the platform."""
    assert is_gateway_failure(status, content_type) is expected
