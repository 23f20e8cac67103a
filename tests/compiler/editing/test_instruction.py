"""English instructions: what they change, what they ask, and that they never guess."""

import re
from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.diff import diff
from compiler.editing.instruction import Edited, read_edit
from compiler.editing.rewriting import rewrite
from compiler.specification import Specification
from compiler.text import dump

AGENTS = builtin_registry().signatures()
DIGEST = Specification.model_validate(
    {
        "metadata": {"name": "Digest"},
        "trigger": {"kind": "schedule", "cron": "0 8 * * *", "timezone": "Europe/Berlin"},
        "nodes": [
            {"id": "scrape_page", "agent": "web_scraping", "output_key": "page_content",
             "description": "Scrape https://news.example/front",
             "parameters": {"url": "https://news.example/front"}},
            {"id": "sum_up", "agent": "llm", "description": "Summarize it", "output_key": "summary",
             "parameters": {"model": "gpt-4", "prompt": "Summarize:\n{page_content}"}},
            {"id": "send_email", "agent": "email", "description": "Email the summary to the desk",
             "parameters": {"to": "desk@news.example", "subject": "News", "body": "{summary}"}},
        ],
        "edges": [{"from": "scrape_page", "to": "sum_up"}, {"from": "sum_up", "to": "send_email"}],
    }
)  # fmt: skip
BRANCHED = Specification.model_validate(
    {
        "pattern": "conditional",
        "nodes": [
            {"id": "rate", "agent": "llm", "description": "Rate the ticket",
             "parameters": {"prompt": "rate"}, "output_key": "rating"},
            {"id": "router", "agent": "router", "description": "If the rating is high",
             "parameters": {"condition": "rating == 'high'", "if_true": "open_jira_issue",
                            "if_false": "write_to_slack"}},
            {"id": "open_jira_issue", "agent": "api", "description": "Open an issue in Jira",
             "parameters": {"url": "https://jira.example/issue", "method": "POST"}},
            {"id": "write_to_slack", "agent": "api", "description": "Post a message to Slack",
             "parameters": {"url": "https://slack.example/hook", "method": "POST"}},
        ],
        "edges": [{"from": "rate", "to": "router"},
                  {"from": "router", "to": "open_jira_issue", "condition": "high"},
                  {"from": "router", "to": "write_to_slack", "condition": "otherwise"}],
    }
)  # fmt: skip


def changes(edited: Edited, old: Specification = DIGEST) -> list[tuple[Any, ...]]:
    """Return what an understood instruction changes; the result has no problem."""
    assert edited.specification is not None, edited.questions
    assert check(edited.specification, AGENTS) == []
    return [
        (one.node_id, one.field, one.old_value, one.new_value)
        for one in diff(old, edited.specification)
    ]


def order(edited: Edited) -> list[str]:
    """Return the steps of a chain in the order in which they run."""
    assert edited.specification is not None, edited.questions
    assert check(edited.specification, AGENTS) == []
    following = {edge.source: edge.target for edge in edited.specification.edges}
    [step] = {node.id for node in edited.specification.nodes} - set(following.values())
    steps = [step]
    while steps[-1] in following:
        steps.append(following[steps[-1]])
    return steps


COMMENTED = re.sub(
    r"(?m)^( +- id: (\w+))$", r"  # about \2\n\1   # its name", dump(DIGEST)
).replace("edges:", "# about edges\nedges:")
MODEL = ("sum_up", "parameters.model", "gpt-4")
TO = ("send_email", "parameters.to", "desk@news.example")


@pytest.mark.requirement("FR-1.7", "FIRST.2")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Change step 2 to use GPT-3.5 instead of GPT-4", (*MODEL, "gpt-3.5")),
        ("Please use gpt-5 instead of gpt-4.", (*MODEL, "gpt-5")),
        ("Have the second step use Claude-3", (*MODEL, "claude-3")),
        ("switch from gpt-4 to gemini-2", (*MODEL, "gemini-2")),
        ("Set the model of sum_up to small", (*MODEL, "small")),
        ("Replace https://news.example/front with https://news.example/back",
         ("scrape_page", "parameters.url", "https://news.example/front",
          "https://news.example/back")),
        ("Change the schedule to every Monday at 9", (None, "trigger.cron", "0 8 * * *",
                                                      "0 9 * * 1")),
        ("Run it every hour", (None, "trigger.cron", "0 8 * * *", "0 * * * *")),
        ("Send it to all@news.example instead", (*TO, "all@news.example")),
        ("Also send it to all@news.example", (*TO, "desk@news.example, all@news.example")),
        ("Replace desk@news.example with all@news.example", (*TO, "all@news.example")),
        ("Cc boss@news.example", ("send_email", "parameters.cc", None, "boss@news.example")),
        ('Change the subject to "The news of today"',
         ("send_email", "parameters.subject", "News", "The news of today")),
        ("Change the email subject to Hello",
         ("send_email", "parameters.subject", "News", "Hello")),
        ("Step 2 should use gpt-5", (*MODEL, "gpt-5")),
        ("Use claude for the summary", (*MODEL, "claude")),
        ("Change the time to 10:30pm", (None, "trigger.cron", "0 8 * * *", "30 22 * * *")),
        ("Run every weekday at 7", (None, "trigger.cron", "0 8 * * *", "0 7 * * 1-5")),
        ("Email all@news.example as well", (*TO, "desk@news.example, all@news.example")),
        ("Set the timeout of step 1 to 2 minutes", ("scrape_page", "timeout", None, 120)),
        ("Retry the scraping 5 times", ("scrape_page", "retry", None, {"max_attempts": 5})),
        ("Rename the workflow to Morning news",
         (None, "metadata.name", "Digest", "Morning news")),
        ("Rename step 2 to digest", ("sum_up", "id", "sum_up", "digest")),
    ],
)  # fmt: skip
def test_an_instruction_changes_what_it_names(text: str, expected: tuple[Any, ...]) -> None:
    """One value, one field; the text of every other node stays byte for byte."""
    edited = read_edit(text, DIGEST)
    assert changes(edited) == [expected]
    assert edited.questions == ()
    before = COMMENTED
    after = rewrite(before, DIGEST, edited.specification or DIGEST)
    for node in DIGEST.nodes:
        if node.id != expected[0]:
            assert block(before, node.id) in after


def block(text: str, node_id: str) -> str:
    """Return the lines of a node."""
    start = text.index(f"# about {node_id}\n")
    return text[start : text.index("# about ", start + 1)]


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Remove the last step", ["scrape_page", "sum_up"]),
        ("Don't send the email", ["scrape_page", "sum_up"]),
        ("After step 2, translate it to German",
         ["scrape_page", "sum_up", "translate_summary", "send_email"]),
        ("Add a step that translates the summary to French before the email",
         ["scrape_page", "sum_up", "translate_summary", "send_email"]),
        ("Add a translation to French between step 2 and step 3",
         ["scrape_page", "sum_up", "translate_summary", "send_email"]),
        ("Also post the summary to Slack",
         ["scrape_page", "sum_up", "send_email", "send_slack_message"]),
        ("Post the summary to Slack instead of the email",
         ["scrape_page", "sum_up", "send_slack_message"]),
        ("Remove the email and then add a step to save the summary to the database",
         ["scrape_page", "sum_up", "save_summary"]),
    ],
)  # fmt: skip
def test_steps_come_and_go_where_the_instruction_says(text: str, expected: list[str]) -> None:
    """The chain is closed around them, and new steps read what stands before them."""
    assert order(read_edit(text, DIGEST)) == expected


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize("agent", ["llm", "web_scraping", "api", "data_processing"])
def test_it_means_the_result_of_the_step_before_whatever_that_says(agent: str) -> None:
    """A step without a description has a result all the same."""
    parameters = {"llm": {"prompt": "x"}, "data_processing": {"data": "x"}}
    node = {"id": "first", "agent": agent, "output_key": "found",
            "parameters": parameters.get(agent, {"url": "https://a.example"})}  # fmt: skip
    old = Specification.model_validate({"nodes": [node]})
    edited = read_edit("Also email it to desk@news.example", old)
    assert order(edited) == ["first", "send_email"]
    assert edited.specification is not None
    body = edited.specification.node("send_email").parameters["body"]
    assert body.endswith("{found}")
    assert edited.specification.state_schema == old.state_schema


def test_a_step_moves_where_nothing_it_reads_is_missing() -> None:
    """A step moves behind another one."""
    edited = read_edit("Also post the summary to Slack", DIGEST)
    assert edited.specification is not None
    moved = read_edit("Move the Slack message before the email", edited.specification)
    assert order(moved) == ["scrape_page", "sum_up", "send_slack_message", "send_email"]
    back = read_edit("Move send_slack_message to the end", moved.specification or DIGEST)
    assert order(back)[-1] == "send_slack_message"


@pytest.mark.requirement("FR-1.7")
def test_a_condition_comes_before_a_step() -> None:
    """A router leads to the step only when the condition holds."""
    edited = read_edit("Only send the email if the summary contains urgent", DIGEST)
    assert order(edited) == ["scrape_page", "sum_up", "router", "send_email"]
    assert edited.specification is not None
    parameters = edited.specification.node("router").parameters
    assert parameters == {
        "condition": "'urgent' in str(summary).lower()", "if_true": "send_email"
    }  # fmt: skip


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("the rating is low", "rating == 'low'"),
        ("if rating is not 'low'", "rating != 'low'"),
        ("rating is above 7", "rating > 7"),
        ("the rating is at most 2.5", "rating <= 2.5"),
    ],
)
def test_a_condition_in_words_is_read_over_the_results_of_steps(said: str, expression: str) -> None:
    """What compares a step's result by its name."""
    edited = read_edit(f"Change the condition to {said}", BRANCHED)
    assert changes(edited, BRANCHED) == [
        ("router", "parameters.condition", "rating == 'high'", expression)
    ]


def test_conditions_and_products_of_a_branch_are_changed() -> None:
    """The expression of the only router; the product of the step that names it."""
    edited = read_edit("Change the condition to `rating == 'urgent'`", BRANCHED)
    assert changes(edited, BRANCHED) == [
        ("router", "parameters.condition", "rating == 'high'", "rating == 'urgent'")
    ]
    replaced = read_edit("Use Trello instead of Jira", BRANCHED)
    assert replaced.specification is not None
    [route] = [edge.target for edge in replaced.specification.edges if edge.condition == "high"]
    assert "Trello" in replaced.specification.node(route).description
    assert replaced.specification.node("router").parameters["if_true"] == route


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize(
    ("text", "edges", "ways"),
    [
        ("Don't do anything if the rating is high",
         ["rate>router", "router>write_to_slack"], {"if_false": "write_to_slack"}),
        ("Delete the message to Slack",
         ["rate>router", "router>open_jira_issue"], {"if_true": "open_jira_issue"}),
        ("Post the message to Telegram instead",
         ["rate>router", "router>open_jira_issue", "router>send_telegram_message"],
         {"if_true": "open_jira_issue", "if_false": "send_telegram_message"}),
        ("Replace the step to open an issue with a step to update the issue in Jira",
         ["rate>router", "router>update_jira_issue", "router>write_to_slack"],
         {"if_true": "update_jira_issue", "if_false": "write_to_slack"}),
        ("After opening the Jira issue, summarize it",
         ["rate>router", "router>open_jira_issue", "router>write_to_slack",
          "open_jira_issue>summarize_text"],
         {"if_true": "open_jira_issue", "if_false": "write_to_slack"}),
        ("Remove everything except rating the ticket", [], None),
    ],
)  # fmt: skip
def test_the_ways_of_a_choice_follow(
    text: str, edges: list[str], ways: dict[str, str] | None
) -> None:
    """The router names what took the place of a step, or one way less."""
    edited = read_edit(text, BRANCHED).specification
    assert edited is not None
    assert [f"{edge.source}>{edge.target}" for edge in edited.edges] == edges
    if ways is not None:
        found = edited.node("router").parameters
        assert {name: to for name, to in found.items() if name.startswith("if_")} == ways


@pytest.mark.requirement("FR-1.7")
def test_another_condition_on_the_same_thing_is_the_other_way() -> None:
    """“If …, …” goes on from the choice that has one way so far."""
    one = read_edit("Remove the Slack message", BRANCHED).specification
    assert one is not None
    two = read_edit('If the rating is "low", post a message to Slack', one).specification
    assert two is not None
    ways = two.node("router").parameters
    assert (ways["if_true"], ways["if_false"]) == ("open_jira_issue", "router_2")
    assert two.node("router_2").parameters["if_true"] == "send_slack_message"


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("text", "specification", "id", "suggestion"),
    [
        ("Send it to all@news.example", DIGEST, "recipient", "as well"),
        ("Remove step 2", DIGEST, "instead.send_email.summary", "{page_content}"),
        ("Remove the blockchain", DIGEST, "step.the_blockchain", "sum_up"),
        ("Remove the api", BRANCHED, "step.the_api", "write_to_slack"),
        ("Also email the rating to me@x.example", BRANCHED, "place", "after write_to_slack"),
        ("Make it nicer", DIGEST, "instruction", "Remove the last step"),
        ("Change step 2 to use French", DIGEST, "instruction", "Remove the last step"),
        ("Send the email only on Mondays", DIGEST, "instruction", "Remove the last step"),
        ("Never email on weekends", DIGEST, "instruction", "Remove the last step"),
        ("Stop emailing desk@news.example", DIGEST, "recipient.send_email", "remove send_email"),
        ("", DIGEST, "instruction", "Remove the last step"),
        ("Change the condition to the weather is nice", BRANCHED, "condition", "`score > 5`"),
        ("Remove step 9", DIGEST, "step.step_9", "sum_up"),
        ("Remove the router", BRANCHED, "way.router", "always write_to_slack"),
        ("Change the schedule to regularly", DIGEST, "trigger.cron", "every hour"),
        ("x" * 6000, DIGEST, "instruction", "Remove the last step"),
    ],
)
def test_what_is_open_is_asked(
    text: str, specification: Specification, id: str, suggestion: str
) -> None:
    """Several meanings, or none, are a question with answers to choose from."""
    edited = read_edit(text, specification)
    assert edited.specification is None
    [question] = edited.questions
    assert (question.id, question.required) == (id, True)
    assert suggestion in question.suggestions


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("text", "id", "answer", "expected"),
    [
        ("Send it to all@news.example", "recipient", "as well",
         [(*TO, "desk@news.example, all@news.example")]),
        ("Remove the blockchain", "step.the_blockchain", "send_email",
         [("send_email", "node"), ("sum_up", "edges.send_email")]),
        ("Remove step 2", "instead.send_email.summary", "{page_content}",
         [("sum_up", "node"), ("send_email", "parameters.body", "{summary}", "{page_content}"),
          ("scrape_page", "edges.sum_up"), ("sum_up", "edges.send_email"),
          ("scrape_page", "edges.send_email")]),
        ("Make it nicer", "instruction", "set the model of step 2 to nice", [(*MODEL, "nice")]),
    ],
)  # fmt: skip
def test_an_answer_settles_the_question(
    text: str, id: str, answer: str, expected: list[tuple[Any, ...]]
) -> None:
    """The same instruction with the answer is understood."""
    found = changes(read_edit(text, DIGEST, {id: answer}))
    assert [one[: len(wanted)] for one, wanted in zip(found, expected, strict=True)] == expected
