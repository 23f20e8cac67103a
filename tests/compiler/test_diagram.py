"""Graphs as Mermaid text."""

from collections.abc import Callable

import pytest

from compiler.diagram import mermaid
from compiler.text import load


@pytest.mark.requirement("USER.24")
def test_a_conditional_workflow_is_drawn_with_its_labels(document: Callable[[str], str]) -> None:
    """Routers are diamonds and their edges' labels stand on the arrows."""
    assert mermaid(load(document("uptime_monitor.json"))) == (
        "flowchart TD\n"
        '    check_uptime["check_uptime<br/>api"]\n'
        '    router{"router<br/>router"}\n'
        '    send_slack_alert["send_slack_alert<br/>api"]\n'
        '    log_to_db["log_to_db<br/>database"]\n'
        "    check_uptime --> router\n"
        '    router -->|"uptime_down"| send_slack_alert\n'
        '    router -->|"uptime_up"| log_to_db\n'
    )


def test_a_map_node_says_over_what_it_runs(document: Callable[[str], str]) -> None:
    """Map nodes have double sides and name their list."""
    text = mermaid(load(document("customer_feedback.json")))
    assert 'map_sentiment[["map_sentiment<br/>llm<br/>for each of reviews"]]' in text


def test_labels_are_escaped_and_names_are_safe() -> None:
    """Quotes, HTML and Mermaid's own words in a specification do not break the diagram."""
    text = mermaid(
        load(
            "nodes:\n"
            "- {id: end, agent: human_loop}\n"
            "- {id: graph, agent: 'x\"];<script>'}\n"
            "- {id: c, agent: llm}\n"
            "edges:\n"
            "- {from: end, to: graph, condition: 'a[\"x\"] > 1 && `b` | c'}\n"
            "- {from: end, to: c}\n"
            "- {from: end, to: nowhere}\n"
        )
    )
    assert 'end_{"end<br/>human_loop"}' in text
    assert 'graph_["graph<br/>x#34;]#59;#60;script#62;"]' in text
    assert 'end_ -->|"a[#34;x#34;] #62; 1 #38;#38; #96;b#96; #124; c"| graph_' in text
    assert "end_ --> c\n" in text
    assert "nowhere" not in text


def test_routes_without_labels_get_their_own() -> None:
    """An edge of a router without a label says which route takes it; long ones are cut."""
    text = mermaid(
        load(
            "nodes:\n"
            "- {id: r, agent: router, parameters: {condition: x, if_true: a, if_false: b,"
            " default: b}}\n"
            f"- {{id: a, agent: router, parameters: {{routes: [{{when: {'y' * 99}, to: b}}]}}}}\n"
            "- {id: b, agent: llm}\n"
            "edges: [{from: r, to: a}, {from: r, to: b}, {from: a, to: b}]\n"
        )
    )
    assert 'r -->|"true"| a' in text
    assert 'r -->|"false / else"| b' in text
    assert f'a -->|"{"y" * 79}#8230;"| b' in text
