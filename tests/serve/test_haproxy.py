"""The HAProxy ingress: its configuration is narrowed, its files are its own."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from serve import haproxy
from serve.haproxy import haproxy_environment

WIDE = """\
global
    stats socket /run/admin.sock mode 666 level admin expose-fd listeners
frontend prometheus
    bind :9101
    mode http
frontend http
    bind 127.0.0.1:8000
listen stats
  bind *:8404
"""
NARROW = """\
global
    stats socket /run/admin.sock mode 600 level admin expose-fd listeners
frontend prometheus
    bind 127.0.0.1:9101
    mode http
frontend http
    bind 127.0.0.1:8000
listen stats
  bind 127.0.0.1:8404
"""


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Private folders below the test's own."""
    monkeypatch.setattr(haproxy, "socket_folder", lambda home: tmp_path / f"s-{home.name}")
    return tmp_path


@pytest.fixture
def script(sockets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The platform's script, for a binary at a path that a shell would take apart."""
    binary = sockets / "a 'quoted' $HOME \"binary\""
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o700)
    monkeypatch.setattr(haproxy, "get_haproxy_binary", lambda: binary)
    folder, variables = haproxy_environment(Path("/home"), (1, 2, 3, 4))
    assert Path(variables["RAY_SERVE_HAPROXY_BINARY_PATH"]).parent == folder
    return Path(variables["RAY_SERVE_HAPROXY_BINARY_PATH"])


def narrowed(script: Path, text: str) -> str:
    """What the script makes of a configuration."""
    file = script.parent / "a file.cfg"
    file.write_text(text)
    command = [str(script), "-db", "-f", str(file), "-sf", "12"]
    passed = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=True
    ).stdout
    assert passed.splitlines() == command[1:]
    return file.read_text()


def test_pages_move_to_loopback_and_the_socket_is_closed(script: Path) -> None:
    """Bindings to every interface become loopback's; the admin socket is ours alone."""
    assert narrowed(script, WIDE) == NARROW
    assert narrowed(script, NARROW) == NARROW


def test_nothing_of_ray_s_own_template_stays_open(script: Path) -> None:
    """The template of the installed Ray has no line that the script does not narrow."""
    found = importlib.util.find_spec("ray")
    assert found is not None
    assert found.origin is not None
    template = Path(found.origin).parent / "serve" / "_private" / "haproxy_templates.py"
    lines = re.findall(r"^ *(?:bind|stats socket) .*$", template.read_text(), re.MULTILINE)
    assert len(lines) >= 4
    text = "\n".join(lines).replace("_host }}", "}}127.0.0.1{{ x }}")
    text = narrowed(script, re.sub(r"\{\{.*?\}\}", "", text))
    assert "bind *" not in text
    assert "bind :" not in text
    assert "mode 666" not in text
    assert re.search("bind 127.0.0.1:", text)


def test_a_second_platform_has_other_files(sockets: Path) -> None:
    """Two platforms side by side share no file; both folders are closed to others."""
    one, first = haproxy_environment(Path("/one"), (1, 2, 3, 4))
    two, second = haproxy_environment(Path("/two"), (5, 6, 7, 8))
    files = {name for name, value in first.items() if value.startswith(str(one))}
    assert len(files) == 6
    assert all(second[name].startswith(str(two)) for name in files)
    assert {folder.stat().st_mode & 0o777 for folder in (one, two)} == {0o700}
    owned = [f"RAY_SERVE_{name}_PORT" for name in (
        "HAPROXY_METRICS", "HAPROXY_STATS", "FALLBACK_PROXY_HTTP", "FALLBACK_PROXY_GRPC"
    )]  # fmt: skip
    assert [first[name] for name in owned] == ["1", "2", "3", "4"]
    assert [second[name] for name in owned] == ["5", "6", "7", "8"]
    replicas = [name for name in first if "DIRECT_INGRESS_M" in name and name.endswith("_PORT")]
    assert len(replicas) == 4
    assert all(first[name] != second[name] for name in replicas)


def test_what_an_earlier_start_left_is_gone(sockets: Path) -> None:
    """Old sockets and configurations are not taken for new ones."""
    folder, _ = haproxy_environment(Path("/one"), (1, 2, 3, 4))
    (folder / "admin.sock").touch()
    haproxy_environment(Path("/one"), (1, 2, 3, 4))
    assert [path.name for path in folder.iterdir()] == ["haproxy"]
