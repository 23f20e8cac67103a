"""Instructions on eight workflows: what each changes, and what holds whatever it says."""

import re

import pytest

from compiler.check import check
from compiler.editing.instruction import read_edit
from compiler.editing.rewriting import rewrite
from compiler.text import dump, load
from tests.compiler.editing.expectations import AGENTS, FOLDER, fault, instructions, workflow

ALL = instructions(FOLDER / "instructions.yaml")
UNDERSTOOD = [(name, said, wanted) for name, said, wanted in ALL if "asks" not in wanted[0]]
WORKFLOWS = sorted({name for name, _, _ in ALL})
NONSENSE = (
    "The weather is nice today", "asdf qwer zxcv", "Make it better", "Make it faster", "Why?",
    "Thanks, that looks great", "Blue is nicer than red", "Purple elephants dance",
    "I do not like this workflow", "step 2", "instead", "as well", "and", "42", "…",
    "Hello there", "What does step 2 do?", "How much does it cost?", "Do it again", "Undo",
    "Go back to the previous version", "Please fix the errors", "Make the steps run in parallel",
)  # fmt: skip


@pytest.mark.requirement("FR-1.7", "FIRST.2")
@pytest.mark.parametrize(
    ("name", "said", "wanted"), ALL, ids=[f"{one[0]}: {one[1]}" for one in ALL]
)
def test_an_instruction_gives_what_it_says(name: str, said: str, wanted: list[str]) -> None:
    """The changes of the data beside this file and no others; or a question."""
    assert fault(name, said, wanted) == ""


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("name", "said", "answers", "wanted"),
    [
        ("uptime", "Always alert", {"way.router": "only send_slack_alert, always"},
         ["- router", "- log_to_db", "check_site > send_slack_alert"]),
        ("uptime", "Always log it", {"way.router": "log_to_db always, and the choice after it"},
         ["check_site > log_to_db", "log_to_db > router"]),
        ("uptime", "Remove the condition", {"way.router": "always log_to_db"},
         ["- router", "- send_slack_alert", "check_site > log_to_db"]),
        ("invoices", "Remove Notion", {"step.notion": "all of them"},
         ["- save_to_notion", "- save_to_notion_2"]),
        ("invoices", "Save it to Airtable instead of Notion", {"step.notion": "save_to_notion_2"},
         ["- save_to_notion_2", "+ airtable_create_record token=airtable",
              "pay_directly > <airtable_create_record>"]),
        ("invoices", "Send a message to Slack", {"place": "after save_to_notion"},
         ["+ api url=slack", "save_to_notion > <api>"]),
        ("reviews", "Add a retry to the scraping", {"retry.scrape_reviews": "5"},
         ['scrape_reviews.retry = {"max_attempts": 5}']),
        ("reviews", "Delete step 3", {"instead.send_email.report": "{sentiments}"},
         ["- aggregate_results", "map_sentiment > send_email",
          "send_email.parameters.body = {sentiments}"]),
        ("reviews", "Write a haiku about it", {"place": "before send_email"},
         ["+ llm prompt=haiku", "aggregate_results > <llm>", "<llm> > send_email"]),
        ("reviews", "Only email the report if any review is negative",
         {"condition": "`'negative' in sentiments`"},
         ["+ router condition='negative' in sentiments", "aggregate_results > <router>",
          "<router> > send_email [if_true]"]),
        ("reviews", "Send it to the team as well", {"address.the_team": "team@example.com"},
         ["send_email.parameters.to = ann@example.com, team@example.com"]),
        ("reviews", "Notify me when it fails", {"notification_channel": "ops@example.com"},
         ['settings = {"error_handling": {"notify_on_failure": true, '
          '"notification_channel": "mailto:ops@example.com"}}']),
    ],
)  # fmt: skip
def test_an_answer_completes_an_instruction(
    name: str, said: str, answers: dict[str, str], wanted: list[str]
) -> None:
    """What was asked is asked no more, and the change is made as answered."""
    assert fault(name, said, ["asks"]) == ""
    assert fault(name, said, wanted, answers) == ""


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_no_instruction_changes_nothing(name: str) -> None:
    """Words that say no change are a question, on every workflow."""
    read = {said: read_edit(said, workflow(name)) for said in NONSENSE}
    assert [said for said, edited in read.items() if edited.specification] == []
    assert all(edited.questions for edited in read.values())


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_instruction_for_another_workflow_gives_a_sound_one_or_asks(name: str) -> None:
    """Whatever the words meet, what comes out passes the check, the same each time."""
    old = workflow(name)
    for said in sorted({said for _, said, _ in ALL}):
        edited = read_edit(said, old)
        assert read_edit(said, old) == edited
        if edited.specification is None:
            assert edited.questions, said
        else:
            assert check(edited.specification, AGENTS) == [], said


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("name", "said", "wanted"), UNDERSTOOD, ids=[f"{one[0]}: {one[1]}" for one in UNDERSTOOD]
)
@pytest.mark.parametrize("edges_first", [False, True])
def test_the_text_of_what_is_not_named_stays(
    name: str, said: str, wanted: list[str], edges_first: bool
) -> None:
    """Byte for byte, its comments included, in whichever order the parts stand."""
    before = commented(name, edges_first=edges_first)
    old = load(before)
    new = read_edit(said, old).specification
    assert new is not None
    after = rewrite(before, old, new)
    assert load(after) == new
    named = set(re.findall(r"\w+", " ".join(wanted)))
    for node in old.nodes:
        # A choice says again where its ways lead.
        if node.id not in named and node.agent != "router":
            assert block(before, node.id) in after
    kept = {(edge.source, edge.target, edge.condition) for edge in new.edges}
    for edge in old.edges:
        if (edge.source, edge.target, edge.condition) in kept:
            assert f"# from {edge.source} to {edge.target}\n" in after


def commented(name: str, *, edges_first: bool) -> str:
    """Return a workflow's text with a comment on each node and each edge."""
    text = dump(workflow(name))
    text = re.sub(r"(?m)^( +- id: (\w+))$", r"  # about \2\n\1   # its name", text)
    text = re.sub(r"(?m)^( +- from: (\w+)\n    to: (\w+))$", r"\1   # from \2 to \3", text)
    head, nodes, edges = re.split(r"(?m)^(?=nodes:|edges:)", text)
    nodes += "  # about the end\n"
    return f"# mine\n{head}{edges}{nodes}" if edges_first else f"# mine\n{head}{nodes}{edges}"


def block(text: str, node_id: str) -> str:
    """Return the lines of a node."""
    start = text.index(f"# about {node_id}\n")
    return text[start : text.index("# about ", start + 1)]
