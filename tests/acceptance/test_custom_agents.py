"""An organization's own agents on a whole platform: registered, tried, used by nodes and maps."""

import pytest
from weft import Client, WeftError

from tests.acceptance.recorder import Recorder
from tests.acceptance.waiting import until
from tests.agents.custom.making import definition, python
from tests.agents.mcp_world import open_mcp_world
from tests.agents.thread import in_a_thread

pytestmark = pytest.mark.timeout(120)

GRADE = "def execute(points, best=10):\n    return {'grade': round(points / best, 2)}"
PARAMETERS = {
    "points": {"type": "number", "required": True},
    "best": {"type": "number", "default": 10},
}


@pytest.mark.requirement("FR-3.10", "API.9")
def test_an_own_agent_is_registered_tried_and_used(client: Client, recorder: Recorder) -> None:
    """A function, an endpoint with a secret and a chain of both; a new version counts at once."""
    grade = {**python(GRADE, **PARAMETERS), "agent_name": "grade"}
    assert client.register_agent(grade)["outcome"] == "created"
    tried = client.test_agent("grade", {"points": 7})
    assert (tried["status"], tried["output"]) == ("completed", {"grade": 0.7})
    failed = client.test_agent("grade", {"points": 7, "best": 0})
    assert failed["status"] == "failed"
    assert "ZeroDivisionError" in str(failed["error"])

    client.set_secret("gradebook", "tok-of-the-gradebook", ["127.0.0.1"])
    endpoint = {"type": "api_endpoint", "url": f"{recorder.url}/book/{{pupil}}",
                "headers": {"X-Token": "{secrets.gradebook}"}}  # fmt: skip
    pupil = {"pupil": {"type": "string", "required": True}, "grade": {"type": "number"}}
    client.register_agent(definition(endpoint, pupil, name="write_book"))
    steps = [
        {"id": "found", "agent": "grade", "parameters": {"points": "{points}"}},
        {"id": "written", "agent": "write_book",
         "parameters": {"pupil": "{pupil}", "grade": "{found.grade}"}},
    ]  # fmt: skip
    chain = {"type": "chain", "steps": steps, "output": "{found.grade}"}
    both = {"pupil": {"type": "string", "required": True}, "points": {"type": "number"}}
    client.register_agent(definition(chain, both, name="grade_and_write"))

    specification = {
        "name": "Grades",
        "nodes": [
            {"id": "grades", "agent": "grade_and_write", "pattern": "map",
             "input_keys": ["input.pupils"],
             "parameters": {"pupil": "{item.name}", "points": "{item.points}"}},
        ],
    }  # fmt: skip
    workflow_id = client.create(specification=specification)["workflow_id"]
    pupils = [{"name": "ann", "points": 9}, {"name": "bob", "points": 4}]
    started = client.execute(workflow_id, {"pupils": pupils})
    ended = client.wait(started["execution_id"], timeout=60)
    assert ended["status"] == "completed", ended
    assert ended["output"] == {"grades": [0.9, 0.4]}
    told = {call.path: (call.body, call.headers["X-Token"]) for call in recorder.calls}
    assert told == {
        "/book/ann": ({"grade": 0.9}, "tok-of-the-gradebook"),
        "/book/bob": ({"grade": 0.4}, "tok-of-the-gradebook"),
    }

    other = GRADE.replace("points / best", "1 - points / best")
    client.register_agent({**python(other, **PARAMETERS), "agent_name": "grade"})
    assert client.test_agent("grade", {"points": 7})["output"] == {"grade": 0.3}
    assert client.test_agent("grade", {"points": 7}, version=1)["output"] == {"grade": 0.7}
    until(lambda: client.custom_agents(text="grade_and")[0]["usage_count"] == 2, seconds=30)


@pytest.mark.requirement("USER.18", "FR-3.10")
def test_the_tools_of_an_mcp_server_become_agents(client: Client) -> None:
    """They are listed by an executor, registered, and used by nodes as any other agent."""
    with in_a_thread(open_mcp_world()) as world:
        client.set_secret("mcp_docs", "tok-of-the-docs", ["127.0.0.1"])
        world.accepts = {"Bearer tok-of-the-docs"}
        server = {"url": world.url, "auth": {"type": "bearer", "token": "{secrets.mcp_docs}"}}
        found = client.import_mcp(server, dry_run=True)
        assert {one["agent_name"] for one in found} > {"world_tools_add", "world_tools_page"}
        assert {one["outcome"] for one in found} == {"found"}
        told = client.import_mcp(server, tools=["add"], trust_hints=True)
        assert [(one["agent_name"], one["outcome"]) for one in told] == [
            ("world_tools_add", "created")
        ]
        specification = {
            "name": "Sums",
            "nodes": [{"id": "sums", "agent": "world_tools_add", "pattern": "map",
                       "input_keys": ["input.numbers"], "parameters": {"a": "{item}", "b": 1}}],
        }  # fmt: skip
        workflow_id = client.create(specification=specification)["workflow_id"]
        started = client.execute(workflow_id, {"numbers": [1, 2]})
        ended = client.wait(started["execution_id"], timeout=60)
        assert ended["output"] == {"sums": [{"sum": 2}, {"sum": 3}]}, ended
        world.accepts = {"nothing"}
        with pytest.raises(WeftError, match="status 401"):
            client.import_mcp(server)


@pytest.mark.requirement("FR-1.1", "FR-3.10")
def test_a_sentence_runs_an_own_agent(client: Client, recorder: Recorder) -> None:
    """Registered over the API, named in English, executed: its value is in the result."""
    code = "def execute(text, words):\n    return {'score': sum(word in text for word in words)}"
    parameters = {
        "text": {"type": "string", "required": True},
        "words": {"type": "array", "items": {"type": "string"}, "required": True},
    }
    scores = {**python(code, **parameters), "agent_name": "score_text"}
    scores["description"] = "Scores a text by the words that it contains."
    returned = {"type": "object", "properties": {"score": {"type": "integer"}}}
    scores["tool_specification"]["returns"] = returned
    client.register_agent(scores)
    sentence = (
        "Run the score-text agent on each review with the words great, fast and cheap, "
        f"then post the scores to {recorder.url}/scores"
    )
    workflow = client.create(sentence)
    agents = [node["agent"] for node in workflow["parsed_specification"]["nodes"]]
    assert agents == ["score_text", "api"]
    started = client.execute(
        workflow["workflow_id"], {"reviews": ["great and fast", "slow", "cheap"]}
    )
    ended = client.wait(started["execution_id"], timeout=60)
    assert ended["status"] == "completed", ended
    [call] = [call for call in recorder.calls if call.path == "/scores"]
    assert [one["score"] for one in call.body["scores"]] == [2, 0, 1]
