"""A platform whose descriptions are read by models that servers play."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from weft import Client

from serve.embedded import ray_folder
from serve.platform import free_ports, start_background, stop_platform
from serve.processes import platform_id, platform_processes
from serve.settings import load_settings
from tests.acceptance.waiting import until
from tests.agents.model_server import (
    ModelServer,
    answers,
    fails,
    model_server_in_a_thread,
    stalls,
)
from tests.agents.planning import TEXT, right
from tests.serve.test_reading_texts import EDIT, UNREAD

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Read:
    """The platform and the models behind it."""

    client: Client
    models: ModelServer
    home: Path


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    """A platform of its own, with both providers."""
    home = Path(tempfile.mkdtemp(prefix="weft-models-")) / "home"
    with pytest.MonkeyPatch.context() as patch, model_server_in_a_thread() as models:
        for name, value in {
            "WEFT_HOME": str(home),
            "WEFT_PORT": str(free_ports(1)[0]),
            "WEFT_EXECUTORS": "1",
            "OPENAI_BASE_URL": models.openai_url,
            "ANTHROPIC_BASE_URL": models.anthropic_url,
            "WEFT_PARSER_MODELS": "",
            "WEFT_PARSER_SECONDS": "20",
        }.items():
            patch.setenv(name, value)
        url = start_background(load_settings())
        try:
            token = (home / "token").read_text().strip()
            with Client(url, token=token, timeout=60) as client:
                yield Read(client, models, home)
        finally:
            stop_platform(home)
            shutil.rmtree(home.parent)
            assert platform_processes(platform_id(home)) == []


@pytest.mark.requirement("FR-1.1", "FR-1.2", "FR-1.7", "FIRST.2")
def test_a_workflow_is_created_and_changed_by_a_model(read: Read) -> None:
    """From the sentence to the stored YAML, and from an instruction to a diff of one field."""
    assert read.client.readers()["models"] == ["gpt-4", "claude-sonnet"]
    read.models.script("openai", answers({"name": 1}), answers(right()), EDIT)
    created = read.client.create(TEXT)
    assert created["name"] == right()["name"]
    assert created["reading"] is not None
    assert (created["reading"]["by"], created["reading"]["rounds"]) == ("gpt-4", 2)
    before = read.client.get_yaml(created["workflow_id"])
    changed = read.client.update(created["workflow_id"], UNREAD)
    assert [change["field"] for change in changed["changes"]] == ["parameters.prompt"]
    differ = set(before.splitlines()) ^ set(changed["yaml"].splitlines())
    assert all("prompt" in line or "version" in line for line in differ)


@pytest.mark.requirement("NFR-5.2", "NFR-5.5")
def test_readings_are_logged(read: Read) -> None:
    """The API writes one JSON line for each, with its cost and nothing of the text."""
    read.models.script("openai", answers(right()))
    read.client.dry_run(TEXT)
    logs = ray_folder(read.home) / "session_latest" / "logs"

    def lines() -> list[str]:
        written = [file.read_text("utf-8", "replace") for file in logs.glob("worker-*.err")]
        return [line for text in written for line in text.splitlines() if "parser.read" in line]

    until(lambda: len(lines()) >= 1, 30)
    told = json.loads(lines()[-1])
    assert (told["by"], told["outcomes"], told["level"]) == ("gpt-4", ["answered"], "info")
    assert "shop.example" not in "".join(lines())


@pytest.mark.requirement("FR-1.2", "NFR-1.1")
def test_the_chain_ends_offline(read: Read) -> None:
    """A model that stalls and one that fails leave the sentence to the offline parser, in time."""
    read.models.script("openai", stalls)
    read.models.script("anthropic", fails(529))
    # A text that was not read before: what a model made of one is remembered.
    plan = read.client.dry_run("Summarize {input.text}, then email me@example.com")
    assert plan["reading"] is not None
    assert plan["reading"]["by"] == "offline"
    assert [note.split(":")[0] for note in plan["reading"]["notes"]] == [
        "gpt-4", "claude-sonnet-5-5",
    ]  # fmt: skip
    assert plan["reading"]["ms"] < 20_000
