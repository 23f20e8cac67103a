"""Which requirements have a passing test: the list, the marks and the report."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.recording import RequirementRecorder
from tools.requirements import LIST, report, requirements

TESTS = Path(__file__).parents[1]
MARK = re.compile(r"mark\.requirement\(([^)]*)\)")
WANTED = requirements(LIST.read_text("utf-8"))


def test_list_names_each_requirement_once() -> None:
    """Every line is an id with its text, and no id stands twice."""
    lines = LIST.read_text("utf-8").splitlines()
    assert len(lines) == len(WANTED)
    assert all(re.fullmatch(r"[A-Z]+(-\d+)?\.\d+", id) for id in WANTED)
    assert "" not in WANTED.values()


@pytest.mark.parametrize("file", sorted(TESTS.rglob("test_*.py")), ids=lambda file: file.name)
def test_marks_name_requirements_that_exist(file: Path) -> None:
    """A mark with a wrong id would show nothing."""
    marks = MARK.findall(file.read_text("utf-8")) if file != Path(__file__) else []
    named = {id for mark in marks for id in re.findall(r'"([^"]+)"', mark)}
    assert named <= set(WANTED)


def _report(test: str, when: str, outcome: str) -> pytest.TestReport:
    found = SimpleNamespace(
        nodeid=test, when=when, failed=outcome == "failed", passed=outcome == "passed"
    )
    return cast(pytest.TestReport, found)


def _item(test: str, *ids: str) -> pytest.Item:
    marks = [SimpleNamespace(args=ids)]
    found: Any = SimpleNamespace(nodeid=test, iter_markers=lambda _name: marks)
    return cast(pytest.Item, found)


def test_test_passes_when_all_of_it_does(tmp_path: Path) -> None:
    """A failing teardown or a skip is no pass."""
    recorder = RequirementRecorder(tmp_path / "found.json")
    recorder.pytest_collection_modifyitems(
        [_item("good", "X.1"), _item("late", "X.1", "X.2"), _item("skipped", "X.3")]
    )
    recorder.pytest_runtest_logreport(_report("good", "call", "passed"))
    recorder.pytest_runtest_logreport(_report("late", "call", "passed"))
    recorder.pytest_runtest_logreport(_report("late", "teardown", "failed"))
    recorder.pytest_runtest_logreport(_report("skipped", "call", "skipped"))
    assert recorder.found() == {
        "X.1": {"passed": ["good"], "not_passed": ["late"]},
        "X.2": {"passed": [], "not_passed": ["late"]},
        "X.3": {"passed": [], "not_passed": ["skipped"]},
    }


def test_report_counts_what_passes() -> None:
    """Each requirement has its line; ids that nobody knows are named."""
    tests = {
        "X.1": {"passed": ["a", "b"], "not_passed": ["c"]},
        "X.9": {"passed": ["d"], "not_passed": []},
    }
    assert report({"X.1": "first", "X.2": "second"}, tests) == [
        "X.1       2 passing, 1 not   first",
        "X.2       none               second",
        "X.9: no such requirement, named by a test",
        "1 of 2 requirements have a passing test.",
    ]
