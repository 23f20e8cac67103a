"""A platform seen from outside: its folder, its port, its state."""

import json
import os
import socket
from pathlib import Path

import pytest

from serve.platform import (
    PORTS,
    PlatformError,
    check_port,
    free_ports,
    only_one,
    prepare_home,
    private_token,
    running_platform,
    state_path,
    stop_platform,
)
from serve.settings import Settings


def test_a_folder_is_prepared_once(tmp_path: Path) -> None:
    """It is closed to others; its keys are made once and stay."""
    home = tmp_path / "a" / "b c"
    prepare_home(home)
    assert home.stat().st_mode & 0o777 == 0o700
    key = (home / "key").read_text()
    assert len(bytes.fromhex(key)) == 32
    assert {(home / name).stat().st_mode & 0o777 for name in ("key", "ray-token")} == {0o600}
    prepare_home(home)
    assert private_token(home / "key") == key


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The error names the setting that helps."""
    (tmp_path / "file").touch()
    with pytest.raises(PlatformError, match=r"cannot be written: .*Set WEFT_HOME"):
        prepare_home(tmp_path / "file" / "home")


def test_one_folder_is_for_one_platform(tmp_path: Path) -> None:
    """A second one is refused while the first one runs."""
    with (
        only_one(tmp_path),
        pytest.raises(PlatformError, match=r"runs in .* already"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """The error names the port and the setting."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PlatformError, match=rf"Port {port} .*Set WEFT_PORT"):
            check_port(Settings(home=tmp_path, port=port))
    check_port(Settings(home=tmp_path, port=port))


def test_free_ports_differ() -> None:
    """Ports that are asked for together are not the same one, and are given to nobody by chance."""
    found = set(free_ports(20))
    assert len(found) == 20
    assert found <= set(PORTS)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "http://w"}', "other"])
def test_a_state_that_says_nothing_is_no_platform(tmp_path: Path, text: str) -> None:
    """A broken file, and one whose process number another program has now, mean: none runs."""
    if text == "other":
        text = json.dumps({"url": "http://w", "pid": os.getpid(), "ray_dashboard_url": "http://r"})
    state_path(tmp_path).write_text(text)
    assert running_platform(tmp_path) is None
    assert stop_platform(tmp_path) is False
