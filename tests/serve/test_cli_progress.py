"""What the terminal draws, from documents alone."""

from datetime import datetime
from io import StringIO
from typing import cast

import pytest
from rich.console import Console, RenderableType
from weft.records import Event, Execution

from serve.progress import (
    ExecutionView,
    as_json,
    cost_table,
    error_message,
    format_seconds,
    format_usd,
    graph_tree,
    live_view,
    output_view,
    plain,
    progress_table,
    summary,
)
from tests.client.world import REVIEWS, REVIEWS_LEVELS, UPTIME, UPTIME_LEVELS, World


def draw(what: RenderableType) -> str:
    """Return what a terminal of 100 columns shows."""
    out = StringIO()
    Console(file=out, width=100).print(what)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


@pytest.fixture
def world() -> World:
    """Return a world with one running execution, exec_002."""
    world = World()
    world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    return world


def execution_of(world: World) -> Execution:
    """Return the world's only execution."""
    return cast("Execution", world.executions["exec_002"])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.417, "0.42 s"), (12.34, "12.3 s"), (245, "4 min 05 s"), (7380, "2 h 03 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    """A duration has as much detail as its size deserves."""
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(None, ""), (0, "$0"), (0.0012, "$0.0012"), (12.345, "$12.35")]
)
def test_amounts(usd: float | None, text: str) -> None:
    """Small sums keep their digits."""
    assert format_usd(usd) == text


def test_graph_of_parallel_branches() -> None:
    """Nodes of one level stand in one bracket."""
    assert draw(graph_tree(REVIEWS_LEVELS, REVIEWS["nodes"], REVIEWS["edges"])) == "\n".join(
        [
            "  ● scrape_reviews  web_scraping",
            "  │",
            "  ┌ map_sentiment   llm, each item",
            "  └ extract_topics  llm",
            "  │",
            "  ● write_report    aggregator",
            "  │",
            "  ● approve_report  human_loop",
            "  │",
            "  ● send_email      email",
        ]
    )


def test_graph_of_alternatives_names_their_conditions() -> None:
    """A branch says when it is taken."""
    drawn = draw(graph_tree(UPTIME_LEVELS, UPTIME["nodes"], UPTIME["edges"]))
    assert "┌ send_slack_alert  api  if uptime_down" in drawn


def test_text_of_a_workflow_cannot_steer_the_terminal() -> None:
    """Escape sequences and rich's own markup in names and outputs are shown as plain text."""
    nodes = [{"id": "a", "agent": "x\x1b[2J[red]y"}]
    assert "x[2J[red]y" in draw(graph_tree([["a"]], nodes, []))
    assert "\x1b" not in draw(output_view({"k\x1b": "v\x9b31m"}))
    assert as_json("a\x07") == '"a\\u0007"'
    assert plain("tab\tand\nline stay") == "tab\tand\nline stay"


def test_events_move_the_view_on(world: World) -> None:
    """Between two fetches the events alone keep the table current."""
    view = ExecutionView(execution_of(world))
    items = {"items": 4, "completed": 1, "failed": 0, "ended": [[0, 1]]}
    start = "2026-11-22T09:59:58Z"
    for event in (
        {"type": "node_started", "node_id": "map_sentiment", "attempt": 2, "timestamp": start},
        {"type": "node_progress", "node_id": "map_sentiment", **items},
        {"type": "node_failed", "node_id": "scrape_reviews", "error": "no\nroute"},
        {"type": "node_started", "node_id": "of_another_graph"},
        {"type": "something_new", "node_id": "send_email"},
    ):
        view.apply(event)  # type: ignore[arg-type]  # events as they come from the network
    drawn = draw(progress_table(view, datetime.fromisoformat("2026-11-22T10:00:00+00:00")))
    assert "running (attempt 2)" in drawn
    assert "1/4" in drawn
    assert "2.00 s" in drawn
    assert "✗ failed" in drawn
    assert "route" not in drawn


def test_an_old_event_does_not_undo_the_document(world: World) -> None:
    """A replayed start of a node that is completed changes nothing."""
    world.start_node("exec_002", "scrape_reviews")
    world.complete_node("exec_002", "scrape_reviews", {})
    view = ExecutionView(execution_of(world))
    for event in world.events["exec_002"]:
        view.apply(event)  # type: ignore[arg-type]  # events as they come from the network
        assert view.nodes[0]["status"] == "completed"


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("approve_reject", "weft approve exec_002   (or with --reject)"),
        ("text_input", "weft approve exec_002 --value TEXT"),
        ("multiple_choice", "weft approve exec_002 --choose OPTION"),
        ("form", "weft approve exec_002 --input NAME=VALUE"),
    ],
)
def test_an_approval_says_how_to_answer(world: World, kind: str, command: str) -> None:
    """Each kind of approval names its command."""
    world.ask("exec_002", "approve_report", approval_type=kind, options=["a", "b"])
    drawn = draw(live_view(ExecutionView(execution_of(world))))
    assert command in drawn
    assert "options: a, b" in drawn


def test_the_summary_has_output_and_cost(world: World) -> None:
    """At the end stand the report, each node's part and the whole."""
    world.run_to_the_end("exec_002")
    drawn = draw(summary(execution_of(world)))
    assert "Insights" in drawn
    assert "• 34 of 40 like it" in drawn
    assert draw(cost_table(execution_of(world))).splitlines()[-1].split() == (
        ["total", "6.00", "s", "720", "0", "$0.0072"]
    )


def test_errors_of_every_shape() -> None:
    """A text, an object with a message and nothing at all can be shown."""
    assert error_message("no") == "no"
    assert error_message({"node_id": "a", "message": "no"}) == "a: no"
    assert error_message(None) == ""


def test_only_maps_have_items_and_long_errors_are_cut(world: World) -> None:
    """A list that a plain node made is no progress, and an error leaves room for the table."""
    world.start_node("exec_002", "scrape_reviews", items={"count": 40})
    world.fail_node("exec_002", "scrape_reviews", "x" * 200, again=False)
    drawn = draw(progress_table(ExecutionView(execution_of(world))))
    assert "0/40" not in drawn
    assert "✗ failed" in drawn
    assert drawn.count("x") < 100


@pytest.mark.requirement("USER.17")
def test_a_text_that_grows_is_shown_from_its_end(world: World) -> None:
    """Its last lines stand below the table until its node has ended, without control characters."""
    view = ExecutionView(execution_of(world))
    text = "\n".join(f"line {n}\x1b[2J" for n in range(30))
    token = {"type": "token", "node_id": "scrape_reviews", "attempt": 1, "answer": 1, "offset": 0}
    view.apply(cast("Event", {**token, "text": text}))
    shown = draw(live_view(view))
    assert "line 29[2J" in shown
    assert "line 10" not in shown
    view.apply({"type": "node_completed", "node_id": "scrape_reviews"})
    assert "line 29" not in draw(live_view(view))
