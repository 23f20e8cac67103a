"""Settings and triggers."""

import pytest

from compiler.check_settings import cron_fault, settings_problems
from compiler.text import load


@pytest.mark.requirement("FR-5.5")
@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "*/5 0 1 1 0",
        "0 9 * * 1-5",
        "0,30 8-18/2 1,15 jan-mar mon",
        "59 23 31 12 7",
    ],
)
def test_cron_expressions_of_five_fields_pass(cron: str) -> None:
    """Stars, lists, ranges, steps and names are understood."""
    assert cron_fault(cron) is None


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
     "5-1 * * * *", "*/0 * * * *", "a * * * *", "0 9 * * * *", "@daily"],
)  # fmt: skip
def test_wrong_cron_expressions_are_refused(cron: str) -> None:
    """Too many fields, values out of range and words are faults."""
    assert cron_fault(cron)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("trigger: {kind: schedule, cron: 0 9 * * *, timezone: Europe/Berlin}", []),
        ("trigger: {kind: event, event: demo_completed}", []),
        ("trigger: {kind: schedule}", ["missing_cron"]),
        ("trigger: {kind: event}", ["missing_event"]),
        (
            "trigger: {kind: schedule, cron: x, timezone: ../etc}",
            ["invalid_cron", "unknown_timezone"],
        ),
        ("settings: {monitoring: {alert_on_sla_breach: true}}", ["missing_sla"]),
        ("settings: {monitoring: {alert_on_sla_breach: true, sla_seconds: 1}}", []),
    ],
)
def test_settings_do_not_contradict_themselves(text: str, rules: list[str]) -> None:
    """A trigger has what its kind needs, and an alert has a bound."""
    specification = load(f"{text}\nnodes: [{{id: a, agent: llm}}]")
    assert [problem.rule for problem in settings_problems(specification)] == rules
