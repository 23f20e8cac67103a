"""People in a workflow: approvals before a step, their time limits, questions and choices."""

from typing import Any

import pytest

from tests.compiler.english.conftest import AgentsOf, EdgesOf, Understand


@pytest.mark.requirement("FR-2.7")
@pytest.mark.parametrize(
    "text",
    [
        "Summarize the notes, wait for approval, then email the summary to a@b.co",
        "Summarize the notes → ask me to approve → email the summary to a@b.co",
        "Summarize the notes. Have a manager review it before emailing it to a@b.co",
        "Summarize the notes and, after approval by the manager, email it to a@b.co",
        "Summarize the notes, then email the summary to a@b.co after approval by my boss",
        "Summarize the notes; my manager must approve it; then email it to a@b.co",
        "Summarize the notes → human review → email to a@b.co",
        "Summarize the notes, get approval from legal, and once approved, email it to a@b.co",
    ],
)
def test_approval_stands_before_the_step_and_guards_it(
    understand: Understand, agents_of: AgentsOf, text: str
) -> None:
    """The mail goes out only when somebody approved it."""
    specification = understand(text)
    assert agents_of(specification) == ["llm", "human_loop", "email"]
    approval = specification.nodes[1]
    assert approval.parameters["approval_type"] == "approve_reject"
    assert "{summary}" in approval.parameters["message"]
    edge = specification.edges[1]
    assert (edge.source, edge.target) == ("request_approval", "send_email")
    assert edge.condition == "approval.approved"


@pytest.mark.requirement("FR-2.7")
@pytest.mark.parametrize(
    ("limit", "seconds"),
    [("within 2 hours", 7200), ("within 30 minutes", 1800), ("within a day", 86_400)],
)
def test_time_limit_of_an_approval(
    understand: Understand, only: Any, limit: int | None, seconds: float | None
) -> None:
    """A limit in words becomes seconds."""
    specification = understand(
        f"Draft a letter, wait for approval {limit}, then email it to a@b.co"
    )
    assert only(specification, "human_loop").parameters["timeout"] == seconds


@pytest.mark.requirement("FR-2.7")
@pytest.mark.parametrize(
    "text",
    [
        "Draft a letter. Ask me to approve. If approved, email it to a@b.co, if rejected, post it "
        "to Slack",
        "Draft a letter, wait for my approval, then email it to a@b.co. If I reject it, post it to "
        "Slack",
        "Draft a letter. If I approve it, email it to a@b.co, otherwise post it to Slack",
    ],
)
def test_rejection_has_a_way_of_its_own(
    understand: Understand, agents_of: AgentsOf, text: str
) -> None:
    """Approved and rejected are the two ways of one router."""
    specification = understand(text)
    assert agents_of(specification) == ["llm", "human_loop", "router", "email", "api"]
    assert specification.node("router").parameters == {
        "condition": "approval.approved",
        "if_true": "send_email",
        "if_false": "send_slack_message",
    }


def test_approval_only_above_a_limit(understand: Understand, edges_of: EdgesOf) -> None:
    """What was rejected never reaches the step; what needed no approval does."""
    specification = understand(
        "Extract the amount from the invoice. If the amount is above 5000, have a manager approve "
        "it, then save it to the invoices table"
    )
    assert edges_of(specification)[1:] == [
        ("router", "request_approval"),
        ("request_approval", "save_results"),
        ("router", "save_results_2"),
    ]
    assert specification.edges[2].condition == "approval.approved"


def test_two_people_approve_one_after_the_other(
    understand: Understand, agents_of: AgentsOf
) -> None:
    """A second approval by somebody else is asked for as well."""
    specification = understand(
        "Draft a contract, get approval from the lawyer, get approval from the manager, "
        "then email it to a@b.co"
    )
    assert agents_of(specification) == ["llm", "human_loop", "human_loop", "email"]
    assert [edge.condition for edge in specification.edges[1:]] == [
        "approval.approved",
        "approval_2.approved",
    ]


def test_asking_for_a_text(understand: Understand) -> None:
    """What a person types is read by the next step."""
    specification = understand("Ask me for a topic, then write a poem about it")
    assert specification.nodes[0].id == "ask_topic"
    assert specification.nodes[0].parameters["approval_type"] == "text_input"
    assert "{topic.value}" in specification.nodes[1].parameters["prompt"]


def test_choosing_between_options(understand: Understand) -> None:
    """Options in the text become the options of the approval."""
    specification = understand("Ask the boss to choose between refund, replace or wait")
    assert specification.nodes[0].parameters["options"] == ["refund", "replace", "wait"]


def test_approval_in_one_branch_leaves_the_join_reachable(
    understand: Understand, edges_of: EdgesOf
) -> None:
    """A rejection in a branch does not hold back the step where branches join."""
    specification = understand(
        "In parallel:\n- summarize the text\n"
        "- translate the text to French, wait for approval, then email it to a@b.co\n"
        "Then post the summary to Slack."
    )
    last = specification.nodes[-1].id
    assert ("request_approval", last) in edges_of(specification)
    assert ("send_email", last) in edges_of(specification)
