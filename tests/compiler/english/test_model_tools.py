"""Sentences that give a model tools, and sentences that call the tools of MCP servers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from agents.catalog.library import catalog_names
from compiler.check import check
from compiler.english.draft import Draft
from compiler.english.links import Reading
from compiler.english.normalise import normalise
from compiler.english.own_agents import NONE, Own
from compiler.english.parser import Parsed, parse
from compiler.english.placing import Place
from compiler.english.ready_agents import ready_agents
from compiler.english.steps import read_step
from compiler.english.tool_steps import tool_of
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification

MCP = "https://mcp.example.com/mcp"
ReadOwn = Callable[..., Parsed]


@pytest.fixture
def read_own(own: Own, signatures: Mapping[str, AgentSignature]) -> ReadOwn:
    """Parse a text that may name the organization's agents; what comes out passes the check."""

    def read(text: str, answers: Mapping[str, str] | None = None) -> Parsed:
        parsed = parse(text, answers=answers, own=own)
        if parsed.specification is not None:
            assert check(parsed.specification, {**signatures, **own.agents}) == []
        return parsed

    return read


def required(parsed: Parsed) -> list[str]:
    """Return the questions that must be answered."""
    return [one.id for one in parsed.questions if one.required]


def model_of(specification: Specification | None) -> Node:
    """Return the one node of a model."""
    assert specification is not None
    [found] = [node for node in specification.nodes if node.agent == "llm"]
    return found


def fixed(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool without what it is called."""
    return {name: value for name, value in tool.items() if name not in ("name", "description")}


_SLACK = {"token": "{secrets.slack_token}", "channel": "#ops"}
_ORDERS = {"database": "postgresql", "query": "SELECT * FROM orders"}
_DOCS = {"agent": "web_scraping", "open": ["url"], "hosts": ["docs.example.com"]}


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize(
    ("text", "tools"),
    [
        (
            "Let the model search the web with http requests to api.example.com and answer the "
            "question",
            [{"agent": "api", "open": ["url", "params"], "hosts": ["api.example.com"]}],
        ),
        (
            "Ask the assistant to answer the customer's question; it may look up orders in the "
            "database and post to Slack channel #ops",
            [
                {"agent": "database", "parameters": _ORDERS, "open": []},
                {"agent": "slack_post_message", "parameters": _SLACK, "open": ["text"]},
            ],
        ),
        (
            "Answer the ticket. The model is allowed to read https://docs.example.com and to email "
            "support@example.com",
            [
                _DOCS,
                {"agent": "email", "parameters": {"to": "support@example.com"},
                 "open": ["subject", "body"]},
            ],
        ),
        (
            "Answer the question, and the model may also call https://api.example.com/v1/orders",
            [{"agent": "api", "parameters": {"url": "https://api.example.com/v1/orders"},
              "open": ["params"]}],
        ),
        (
            "Draft a reply to the message; the model may search Notion and use score_text",
            [
                {"agent": "notion_search", "parameters": {"token": "{secrets.notion_token}"},
                 "open": ["text"]},
                {"agent": "score_text"},
            ],
        ),
        (
            "Answer the question with the tools scorer and lead_scoring",
            [{"agent": "scorer"}, {"agent": "lead_scoring"}],
        ),
        (
            "Answer the question. It may use the knowledge base at https://kb.example.com",
            [{"agent": "api", "open": ["url", "params"], "hosts": ["kb.example.com"]}],
        ),
        (
            "Answer the question. It may use crm_contact with note new",
            [{"agent": "crm_contact", "parameters": {"note": "new"}, "open": ["email"]}],
        ),
        (
            "Answer the question with the tools score_text, text_sentiment and email",
            [
                {"agent": "score_text"},
                {"agent": "text_sentiment", "open": ["text"]},
                {"agent": "email", "parameters": {"to": "{user.email}"},
                 "open": ["subject", "body"]},
            ],
        ),
        (
            f"Answer the question with the tools search_docs and get_page of the MCP server {MCP}",
            [
                {"agent": "mcp", "parameters": {"url": MCP, "tool": "search_docs"},
                 "open": ["arguments"]},
                {"agent": "mcp", "parameters": {"url": MCP, "tool": "get_page"},
                 "open": ["arguments"]},
            ],
        ),
        (
            f"Every Monday, use the tool search_docs of the MCP server at {MCP} to answer the "
            "question",
            [{"agent": "mcp", "parameters": {"url": MCP, "tool": "search_docs"},
              "open": ["arguments"]}],
        ),
    ],
)  # fmt: skip
def test_a_sentence_gives_a_model_tools(
    read_own: ReadOwn, text: str, tools: list[dict[str, Any]]
) -> None:
    """Hosts, recipients and statements are what the text says; what a model says is open."""
    parsed = read_own(text)
    assert required(parsed) == []
    assert [fixed(one) for one in model_of(parsed.specification).parameters["tools"]] == tools


def test_tools_are_those_of_the_model_before(read_own: ReadOwn) -> None:
    """Told after other steps, they belong to the last one that a model does."""
    parsed = read_own(
        "Summarize the article, then email it to me. The model may read https://docs.example.com"
    )
    assert parsed.specification is not None
    assert [node.agent for node in parsed.specification.nodes] == ["llm", "email"]
    assert [fixed(one) for one in model_of(parsed.specification).parameters["tools"]] == [_DOCS]


def test_a_model_that_has_tools_runs_for_each_item(read_own: ReadOwn) -> None:
    """In a loop each item's model has them; two of one kind have names of their own."""
    parsed = read_own(
        "Fetch the tickets from https://a.example/api/tickets. For each ticket, draft a reply; the "
        "model may post to Slack channel #ops and post to Slack channel #dev"
    )
    node = model_of(parsed.specification)
    assert node.pattern == "map"
    names = [one.get("name", one["agent"]) for one in node.parameters["tools"]]
    assert names == ["slack_post_message", "slack_post_message_2"]


@pytest.mark.parametrize(
    ("text", "question", "answer", "expected"),
    [
        (
            "Let the assistant search the web and answer the question",
            "answer_question.hosts",
            "docs.example.com, *.example.org",
            {"agent": "web_scraping", "open": ["url"],
             "hosts": ["docs.example.com", "*.example.org"]},
        ),
        (
            f"Use the tools of the MCP server at {MCP} to answer the question",
            "answer_question.tools",
            "search_docs",
            {"agent": "mcp", "parameters": {"url": MCP, "tool": "search_docs"},
             "open": ["arguments"]},
        ),
    ],
)  # fmt: skip
def test_what_bounds_a_tool_is_asked_for(
    read_own: ReadOwn, text: str, question: str, answer: str, expected: dict[str, Any]
) -> None:
    """A model reaches no host and no tool that nobody named; until then it has none."""
    parsed = read_own(text)
    node_id = model_of(parsed.specification).id
    asked = question.replace("answer_question", node_id)
    assert required(parsed) == [asked]
    assert "tools" not in model_of(parsed.specification).parameters
    answered = read_own(text, {asked: answer})
    assert required(answered) == []
    [tool] = model_of(answered.specification).parameters["tools"]
    assert fixed(tool) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Answer the question; it may wait for approval by my manager",
        "Answer the question with the tools hammer_time and nail_gun",
        "Answer the question. The model may create a folder",
        "Answer the question. The model may only use the web_scraping tool",
        "Use the MCP server https://mcp.example.com/mcp to answer the question",
    ],
)
def test_what_can_be_no_tool_is_asked_about(read_own: ReadOwn, text: str) -> None:
    """A person, an unknown agent, a service that nobody names: required questions."""
    parsed = read_own(text)
    assert required(parsed)
    assert "tools" not in model_of(parsed.specification).parameters


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("Summarize the article. It may take two minutes. Email it to me", ["llm", "email"]),
        ("Summarize the weather. It may rain. Email it to me", ["llm", "email"]),
        ("Fetch https://a.example/api/tools and email the tools to me", ["api", "email"]),
        ("Use an AI agent to score each lead and email me", ["llm", "email"]),
    ],
)  # fmt: skip
def test_words_that_give_no_tools_plainly_are_steps(
    read_own: ReadOwn, text: str, agents: list[str]
) -> None:
    """What a model does by itself, what may happen, and things called tools stay what they were."""
    specification = read_own(text).specification
    assert specification is not None
    assert [node.agent for node in specification.nodes] == agents
    assert not any("tools" in node.parameters for node in specification.nodes)


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (
            f'Call the tool search_docs of the MCP server {MCP} with query "refunds" and limit 5, '
            "then summarize the result",
            {"url": MCP, "tool": "search_docs", "arguments": {"query": "refunds", "limit": 5}},
        ),
        (
            f"Use search_docs on the MCP server {MCP} with the question as query",
            {"url": MCP, "tool": "search_docs", "arguments": {"query": "{input.question}"}},
        ),
        (
            f"Summarize the letter, then call the search_docs tool of the MCP server {MCP} with "
            "the summary as query",
            {"url": MCP, "tool": "search_docs", "arguments": {"query": "{summary}"}},
        ),
        (
            f'Run the tool "get page" of the MCP server at {MCP} with url {{input.page}} and '
            "deep = true",
            {"url": MCP, "tool": "get page",
             "arguments": {"url": "{input.page}", "deep": True}},
        ),
        (f"Call ping on the MCP server {MCP}", {"url": MCP, "tool": "ping"}),
        (
            f'Call ping on the MCP server at {MCP} over SSE with query "x"',
            {"url": MCP, "tool": "ping", "transport": "sse", "arguments": {"query": "x"}},
        ),
        (
            f"List the tools of the MCP server {MCP} and email them to me",
            {"url": MCP, "operation": "list_tools"},
        ),
    ],
)  # fmt: skip
def test_a_tool_of_an_mcp_server_is_called(
    read_own: ReadOwn, text: str, parameters: dict[str, Any]
) -> None:
    """Its server, its name and its arguments are what the text says."""
    parsed = read_own(text)
    assert required(parsed) == []
    assert parsed.specification is not None
    [node] = [node for node in parsed.specification.nodes if node.agent == "mcp"]
    assert dict(node.parameters) == parameters


def test_an_mcp_tool_is_called_for_each_item(read_own: ReadOwn) -> None:
    """In a loop the item is the argument, and what comes out is read by the next step."""
    parsed = read_own(
        f"For each ticket, call the search_docs tool of the MCP server {MCP} with the ticket as "
        "query. Then email me the results"
    )
    assert parsed.specification is not None
    call, mail = parsed.specification.nodes
    assert (call.pattern, call.input_keys) == ("map", ("input.tickets",))
    assert call.parameters["arguments"] == {"query": "{ticket}"}
    assert f"{{{call.key}}}" in mail.parameters["body"]


def test_a_result_of_an_mcp_tool_is_its_text(read_own: ReadOwn) -> None:
    """What the next step reads is the text that the tool gave."""
    parsed = read_own(f"Call ping on the MCP server {MCP}, then email me the result")
    assert parsed.specification is not None
    assert "{ping_result.text}" in parsed.specification.nodes[1].parameters["body"]


@pytest.mark.parametrize("name", catalog_names())
def test_a_ready_agent_is_a_tool_that_passes_the_check(
    signatures: Mapping[str, AgentSignature], name: str
) -> None:
    """Whatever its parameters are, what is not open is fixed, and nothing is open that may not."""
    text = normalise(f"run {name}")
    step = read_step(text.marked, text)
    assert step is not None
    draft = Draft({})
    place = Place(step, Reading(()), draft, text, "answer")
    [tool] = tool_of(place, replace(step, own=name))
    assert tool["agent"] == name
    node = {"id": "answer", "agent": "llm", "parameters": {"prompt": "Answer.", "tools": [tool]}}
    schema = draft.state_schema()
    specification = Specification.model_validate(
        {"nodes": [node], **({"state_schema": {"input": schema}} if schema else {})}
    )
    assert check(specification, signatures) == []
    assert NONE.agents == {}
    assert name in ready_agents()


@pytest.mark.parametrize(
    "hostile",
    ["it may ", "; it may use ", "with the tools a and b ", "mcp server ", "let the model ",
     "and the model may email me ", "tools tools tools "],
)  # fmt: skip
def test_a_hostile_text_about_tools_is_read(hostile: str) -> None:
    """Repetitions end in a specification or in questions."""
    found = parse(f"Answer the question; {hostile * 150}"[:4000])
    assert found.specification is not None or found.questions


def test_tools_without_a_model_are_asked_about(read_own: ReadOwn) -> None:
    """A step that no model does cannot use them."""
    parsed = read_own("Fetch the orders from https://a.example/api. It may email me")
    assert [one.partition(".")[2] for one in required(parsed)] == ["tools"]
