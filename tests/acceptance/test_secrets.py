"""Secrets of an organization on a real platform: used, and found nowhere."""

import asyncio
import base64
import json
from pathlib import Path

import httpx
import pytest
from weft import Client, WeftError

from serve.embedded import ray_folder, socket_folder
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.actors.canary import everything_in_postgres, everything_in_redis, found_in

pytestmark = pytest.mark.timeout(120)

CANARY = 'kanárie "9f3A/+?" of the platform &c'


def _workflow(url: str, **node: object) -> dict[str, object]:
    parameters = {
        "url": f"{url}/call?key={{secrets.canary}}",
        "method": "POST",
        "body": {"token": "{secrets.canary}"},
        "auth": {"type": "basic", "username": "u", "password": "{secrets.canary}"},
    }
    return {
        "metadata": {"name": "Canary"},
        "nodes": [{"id": "call", "agent": "api", "parameters": parameters, **node}],
        "edges": [],
    }


@pytest.mark.requirement("FR-4.9")
def test_a_secret_is_found_nowhere_on_a_platform(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """The service gets it from a node and from a map's workers; no store, log or answer has it."""
    told = [("set", json.dumps(client.set_secret("canary", CANARY, ["127.0.0.1"])).encode())]
    mapped = {"pattern": "map", "input_keys": ["input.things"]}
    elsewhere = recorder.url.replace("127.0.0.1", "localhost")
    ran = {}
    for name, specification in {
        "alone": _workflow(recorder.url),
        "mapped": _workflow(recorder.url, **mapped),
        "elsewhere": _workflow(elsewhere),
    }.items():
        workflow_id = client.create(specification=specification)["workflow_id"]
        execution = client.execute(workflow_id, {"things": [1, 2, 3]}, wait=True)
        id = execution["execution_id"]
        ran[name] = execution["status"]
        told += [
            (f"{name} {kind}", json.dumps(answer, ensure_ascii=False).encode())
            for kind, answer in {
                "execution": execution,
                "workflow": client.get(workflow_id),
                "plan": client.plan(workflow_id),
                "logs": client.logs(id),
                "events": client.events(id),
                "websocket": list(client.stream(id)),
            }.items()
        ]
    assert ran == {"alone": "completed", "mapped": "completed", "elsewhere": "failed"}
    password = base64.b64encode(f"u:{CANARY}".encode()).decode()
    assert len(recorder.calls) == 4
    assert {call.headers["Authorization"] for call in recorder.calls} == {f"Basic {password}"}
    headers = {"Authorization": f"Bearer {platform.token}"}
    for path in ("/metrics", "/api/v1/secrets", "/openapi.json"):
        told.append((path, httpx.get(f"{platform.url}{path}", headers=headers).content))
    told += asyncio.run(everything_in_postgres(platform.dsn))
    redis = socket_folder(platform.home).with_name(f"{socket_folder(platform.home).name}-r")
    told += asyncio.run(everything_in_redis(f"unix://{next(redis.glob('*.sock*'))}"))
    logs = [*_files(platform.home / "logs"), *_files(ray_folder(platform.home))]
    assert any("worker" in path.name for path in logs)
    told += [(str(path), path.read_bytes()) for path in logs]
    assert found_in(CANARY, told) == []
    client.delete_secret("canary")
    with pytest.raises(WeftError, match="canary"):
        client.delete_secret("canary")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
