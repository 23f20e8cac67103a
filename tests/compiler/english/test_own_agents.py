"""Sentences that name an organization's own agents: which node it becomes, and with what."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compiler.check import check
from compiler.english.normalise import possible_agents
from compiler.english.own_agents import MOST_NAMES, Own
from compiler.english.parser import Parsed, parse
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from tests.compiler.own_agents import registered

Sentence = tuple[str, str, str | None, dict[str, Any]]
_SENTENCES: list[Sentence] = YAML(typ="safe").load(
    Path(__file__).with_name("own_sentences.yaml").read_text(encoding="utf-8")
)
ReadOwn = Callable[[str], Parsed]


@pytest.fixture
def read_own(own: Own, signatures: Mapping[str, AgentSignature]) -> ReadOwn:
    """Parse a text that may name the organization's agents; what comes out passes the check."""

    def read(text: str) -> Parsed:
        named = set(possible_agents(text))
        # Whoever asks looks up no more names than these.
        found = Own({name: one for name, one in own.agents.items() if name in named})
        parsed = parse(text, own=found)
        if parsed.specification is not None:
            assert check(parsed.specification, {**signatures, **own.agents}) == []
        return parsed

    return read


def node_of(specification: Specification | None, agent: str) -> Node:
    """Return the one node with this agent."""
    assert specification is not None
    [found] = [node for node in specification.nodes if node.agent == agent]
    return found


@pytest.mark.requirement("FR-1.1", "FR-3.10")
@pytest.mark.parametrize(
    ("text", "agent", "pattern", "parameters"), _SENTENCES, ids=lambda one: str(one)[:40]
)
def test_a_sentence_names_an_own_agent(
    read_own: ReadOwn, text: str, agent: str, pattern: str | None, parameters: dict[str, Any]
) -> None:
    """As one word, or where an agent is spoken of; its parameters are said, or read."""
    parsed = read_own(text)
    assert [one.id for one in parsed.questions if one.required] == []
    node = node_of(parsed.specification, agent)
    assert node.pattern == pattern
    assert dict(node.parameters) == parameters


@pytest.mark.requirement("FR-1.1")
@pytest.mark.parametrize(
    "text",
    [
        "Score text messages from https://a.example and email me a summary",
        "Summarize the article and email it with lead scoring results",
        "Sort the rows by score_text and email them to me",
        "Read the score_text column of the orders table in Postgres and email it to me",
        "Insert the rows into the table score_text in Postgres",
        "Fetch https://a.example/score_text and email it to me",
        'Email "Ask score_text" to me',
        "Fetch the results, sort them by scorer and email them to me",
        "Email the scorer to me",
        "If score_text is above 3, email me",
    ],
)
def test_words_that_only_contain_a_name_name_no_agent(
    read_own: ReadOwn, own: Own, text: str
) -> None:
    """A field, a table, an address, a quote, or the same words about something else."""
    specification = read_own(text).specification
    assert specification is not None
    assert not {node.agent for node in specification.nodes} & own.agents.keys()


def test_what_is_not_said_is_an_input_and_a_question(read_own: ReadOwn) -> None:
    """A required parameter that nothing gives is asked for; its schema is the parameter's."""
    parsed = read_own("Run get_reviews, then email me the result")
    assert parsed.specification is not None
    assert node_of(parsed.specification, "get_reviews").parameters == {
        "product": "{input.get_reviews_product}"
    }
    assert parsed.specification.state_schema.input["required"] == ["get_reviews_product"]
    assert [(one.id, one.required) for one in parsed.questions] == [("get_reviews.product", False)]


def test_a_result_is_known_by_its_field(read_own: ReadOwn) -> None:
    """One field is what a sentence means by the result, and what a condition compares."""
    parsed = read_own(
        "Score the review with score_text. If the score is above 0.8, email me the score"
    )
    assert parsed.specification is not None
    router = node_of(parsed.specification, "router")
    assert router.parameters["condition"] == (
        "float(str(score.score).replace(',', '').strip('$€£% ')) > 0.8"
    )
    assert node_of(parsed.specification, "email").parameters["body"] == "{score.score}"


def test_a_field_of_a_result_is_compared(read_own: ReadOwn) -> None:
    """Of several fields the one that is named; a field that it has not is judged by a reader."""
    parsed = read_own("When a lead arrives, run lead_scoring on it. If the tier is gold, email me")
    condition = node_of(parsed.specification, "router").parameters["condition"]
    assert condition == "str(lead_scoring_result.tier).lower() == 'gold'"
    unknown = read_own(
        "When a lead arrives, run lead_scoring on it. If the age is above 3, mail me"
    )
    assert node_of(unknown.specification, "router").parameters["condition"] == "decision == 'yes'"


def test_what_an_agent_sends_is_not_what_comes_next(read_own: ReadOwn) -> None:
    """After a contact was made, the summary is still what is mailed."""
    parsed = read_own(
        "Scrape https://a.example, summarize it, send it to crm_contact with email a@b.example "
        "and email me the summary"
    )
    assert node_of(parsed.specification, "email").parameters["body"] == "{summary}"


def test_two_agents_follow_each_other(read_own: ReadOwn) -> None:
    """What one makes is what the next one takes, for each item where it was made for each."""
    parsed = read_own(
        "For each lead, run lead_scoring on it, then score each result with scorer and email me"
    )
    first = node_of(parsed.specification, "lead_scoring")
    second = node_of(parsed.specification, "scorer")
    assert second.input_keys == (first.key,)
    assert second.pattern == "map"


def test_several_agents_do_one_thing_each(read_own: ReadOwn) -> None:
    """Listed agents are a step each, on the same thing."""
    specification = read_own("Score the article with score_text, compare_texts and score_text@2")
    found = specification.specification
    assert found is not None
    assert [node.agent for node in found.nodes] == ["score_text", "compare_texts", "score_text@2"]
    assert found.nodes[0].parameters == found.nodes[2].parameters == {"text": "{input.article}"}


def test_an_inactive_agent_is_refused_by_the_check(own: Own) -> None:
    """It becomes the node that was asked for, whose problem says why it cannot run."""
    agent = replace(own.agents["scorer"], unavailable="The agent `scorer` is inactive.")
    found = parse("Run scorer on the article", own=Own({"scorer": agent})).specification
    assert found is not None
    [problem] = check(found, {"scorer": agent})
    assert problem.rule == "unavailable_agent"


def test_an_agent_that_nobody_registered_is_no_agent() -> None:
    """Without the organization's agents a text is read as ever."""
    text = "Fetch the reviews from https://a.example/api, score each with score_text"
    found = parse(text).specification
    assert found is not None
    assert [node.agent for node in found.nodes] == ["api", "llm"]


@pytest.mark.parametrize("text", [
    "Use the score_txt agent on each review",
    "Score each review with the lead_scores tool, then email me",
])  # fmt: skip
def test_an_unknown_name_that_is_called_an_agent_is_asked_about(
    read_own: ReadOwn, text: str
) -> None:
    """Nothing else does its work unasked."""
    asked = [one.id for one in read_own(text).questions if one.required]
    assert [one for one in asked if one.startswith("agent.")]
    assert not [one for one in read_own("Use the web_scraping tool on https://a.example").questions
                if one.id.startswith("agent.")]  # fmt: skip


@pytest.mark.timeout(20)
def test_an_agent_with_any_schema_is_named() -> None:
    """Names that are no identifiers, very many parameters and patterns without end do no harm."""
    properties: dict[str, Any] = {"word": {"type": "string", "pattern": "^(a+)+$"}}
    properties |= {f"p{number}": {"type": "string"} for number in range(3000)}
    properties |= {"e-mail address": {"type": "string"}, "": {"type": "string"}, "class": True}
    schema = {"type": "object", "properties": properties, "required": ["e-mail address", "word"]}
    agent = replace(
        registered().agents["scorer"], parameters_schema=schema, output_fields=("class", "a b")
    )
    numbers = " and ".join(f"p{number} = {number}" for number in range(200))
    text = f"Run scorer with word = {'a' * 60}b and {numbers}. If the class is above 3, email me"
    found = parse(text, own=Own({"scorer": agent})).specification
    assert found is not None
    node = node_of(found, "scorer")
    assert node.parameters["word"] == f"{'a' * 60}b"
    assert node.parameters["e-mail address"] == "{input.scorer_e_mail_address}"


@pytest.mark.timeout(20)
def test_names_in_a_text_are_bounded() -> None:
    """However many a text may mean, so many are looked up; hostile ones end soon."""
    text = " ".join(f"use agent_{number} on it, then" for number in range(150))
    assert len(possible_agents(text)) == MOST_NAMES
    for hostile in ("a_" * 2000, "_" * 4000, "use " * 1000, "the agent " * 400, '"a_b" ' * 600):
        possible_agents(hostile)
        parse(f"Run scorer on it. {hostile}"[:4000])


@pytest.mark.parametrize("hostile", ["use score_text with ", "words a and ", "score_text(", "@2 "])
def test_a_hostile_text_with_an_agent_is_read(read_own: ReadOwn, hostile: str) -> None:
    """Repetitions of a name and of its parameters end in a specification or in questions."""
    parsed = read_own(f"Use score_text on it {hostile * 100}"[:3000])
    assert parsed.specification is not None or parsed.questions
