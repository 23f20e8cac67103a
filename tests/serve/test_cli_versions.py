"""The commands on versions, and both clients, against the real API over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from weft import AsyncClient, Client, WeftError

from agents.settings import AgentSettings
from tests.agents.model_server import ModelServer, answers, fails, open_model_server
from tests.agents.planning import settings_of
from tests.serve.terminal import Result, Weft

TEXT = """\
metadata: {name: News}
nodes:
  - id: sum_up   # in three lines
    agent: llm
    parameters: {model: gpt-4, prompt: Summarize}
"""


@pytest.fixture
async def workflow_id(url: str) -> str:
    """A workflow of one node."""
    async with AsyncClient() as client:
        return (await client.create(yaml=TEXT))["workflow_id"]


@pytest.mark.requirement("FR-1.7", "FR-1.8", "FR-4.10")
async def test_a_workflow_is_edited_compared_and_rolled_back(weft: Weft, workflow_id: str) -> None:
    """Each command says what differs and which version is the current one."""
    instruction = "Change step 1 to use GPT-3.5 instead of GPT-4"
    shown = await weft("edit", workflow_id, instruction, "--dry-run")
    assert shown.out.splitlines() == [
        "sum_up.parameters.model", "  - gpt-4", "  + gpt-3.5", "1.0.0 would become 1.0.1."
    ]  # fmt: skip
    edited = await weft("edit", workflow_id, instruction, "--increment", "minor")
    assert edited.out.splitlines()[-1] == "1.0.0 becomes 1.1.0."
    different = await weft("diff", workflow_id, "1.1.0", "1.0.0")
    assert different.out.splitlines() == ["sum_up.parameters.model", "  - gpt-3.5", "  + gpt-4"]
    listed = (await weft("versions", workflow_id)).out.splitlines()
    assert listed[0].split(maxsplit=2) == ["1.1.0", "current", instruction]
    rolled = await weft("rollback", workflow_id, "1.0.0")
    assert rolled == Result(0, "1.1.0 becomes 1.0.0.\n", "")
    missing = await weft("rollback", workflow_id, "7.0.0")
    assert (missing.code, "7.0.0" in missing.err) == (1, True)


@pytest.mark.requirement("FIRST.2", "USER.2")
async def test_what_widens_is_shown_and_needs_a_yes(weft: Weft, workflow_id: str) -> None:
    """Without it the exit code is 1; as a draft it waits to be published."""
    instruction = "Also email it to desk@news.example"
    refused = await weft("edit", workflow_id, instruction)
    assert (refused.code, "--yes" in refused.err) == (1, True)
    assert "! widens: recipient desk@news.example (send_email)" in refused.out
    drafted = await weft("edit", workflow_id, instruction, "--yes", "--draft")
    assert "1.1.0 is a draft" in drafted.out
    published = await weft("publish", workflow_id, "1.1.0")
    assert published.out == "1.0.0 becomes 1.1.0.\n"


async def test_an_open_instruction_names_its_question(weft: Weft, workflow_id: str) -> None:
    """The answer is given with the question's id."""
    asked = await weft("edit", workflow_id, "Remove the blockchain")
    assert (asked.code, "--answer step.the_blockchain=TEXT" in asked.err) == (1, True)
    wrong = await weft("edit", workflow_id, "x", "--answer", "y")
    assert (wrong.code, "is not ID=TEXT" in wrong.err) == (2, True)
    answered = await weft(
        "edit", workflow_id, "Make it nicer", "--json",
        "--answer", "instruction=set the model of sum_up to nice",
    )  # fmt: skip
    assert json.loads(answered.out)["changes"][0]["new_value"] == "nice"


async def test_both_clients_speak_of_versions(workflow_id: str) -> None:
    """A change, its versions, their difference, a conflict and a rollback."""

    def speak() -> None:
        with Client() as client:
            yaml = client.get_yaml(workflow_id).replace("gpt-4", "a")
            draft = client.update(workflow_id, yaml=yaml, draft=True)
            assert (draft["version"], draft["state"]) == ("1.0.1", "draft")
            assert client.publish(workflow_id, "1.0.1")["current_version"] == "1.0.1"
            assert client.version(workflow_id, "1.0.1")["current"]
            with pytest.raises(WeftError) as raised:
                client.update(workflow_id, yaml=yaml, base_version="1.0.0")
            assert raised.value.status == 409
            with pytest.raises(ValueError, match="exactly one"):
                client.update(workflow_id)
            moved = client.rollback(workflow_id, "1.0.0")
            assert (moved["previous_version"], moved["current_version"]) == ("1.0.1", "1.0.0")

    await asyncio.to_thread(speak)
    async with AsyncClient() as client:
        assert (await client.versions(workflow_id, limit=1))["total"] == 2
        [change] = (await client.diff(workflow_id, "1.0.0", "1.0.1"))["changes"]
        assert change["new_value"] == "a"
        changed = await client.update(workflow_id, "Set the model of step 1 to b")
        assert changed["version"] == "1.0.2"
        assert (await client.rollback(workflow_id, "1.0.1"))["current_version"] == "1.0.1"
        assert not (await client.version(workflow_id, "1.0.2"))["current"]
        with pytest.raises(WeftError):
            await client.publish(workflow_id, "1.0.2")


class TestWithModels:
    """Instructions that a model reads."""

    INSTRUCTION = "Make the summary sound like a pirate wrote it"

    @pytest.fixture
    async def models(self) -> AsyncIterator[ModelServer]:
        """The models' server."""
        async with open_model_server() as server:
            yield server

    @pytest.fixture
    def model_settings(self, models: ModelServer) -> AgentSettings:
        """Both providers, the server."""
        return settings_of(models)

    @pytest.mark.requirement("FR-1.7", "USER.23")
    async def test_an_edit_says_which_model_read_it(
        self, weft: Weft, workflow_id: str, models: ModelServer
    ) -> None:
        """What differs is shown, with the model and what it cost; offline none is asked."""
        path = ["parameters", "prompt"]
        operation = {"operation": "set_field", "node_id": "sum_up", "path": path, "value": "Arr!"}
        models.script("openai", answers({"operations": [operation]}))
        offline = await weft("edit", workflow_id, self.INSTRUCTION, "--offline")
        assert (offline.code, models.asked) == (1, [])
        edited = await weft("edit", workflow_id, self.INSTRUCTION)
        # The app logs into the same output here.
        lines = [line for line in edited.out.splitlines() if "parser.read" not in line]
        assert lines[:3] == ["sum_up.parameters.prompt", "  - Summarize", "  + Arr!"]
        assert lines[3].startswith("read by gpt-4 in ")
        assert lines[4] == "1.0.0 becomes 1.0.1."

    @pytest.mark.requirement("FR-1.7", "USER.23")
    async def test_a_question_says_why_no_model_answered(
        self, weft: Weft, workflow_id: str, models: ModelServer
    ) -> None:
        """Whoever is asked by the offline reader learns what became of the models."""
        models.script("openai", fails(500))
        models.script("anthropic", fails(401))
        asked = await weft("edit", workflow_id, self.INSTRUCTION)
        assert asked.code == 1
        assert "left gpt-4: failed with 500" in asked.err
        assert "left claude-sonnet-5-5: refused the request with 401" in asked.err
