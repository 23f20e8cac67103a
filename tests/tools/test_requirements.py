"""Which requirements have a passing test: the list, the marks and the report."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.recording import PROPERTY, RequirementRecorder, named_requirements
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


def _report(test: str, when: str, outcome: str, *ids: str) -> pytest.TestReport:
    found = SimpleNamespace(
        nodeid=test, when=when, failed=outcome == "failed", passed=outcome == "passed",
        user_properties=[("other", "X.4"), *((PROPERTY, id) for id in ids)],
    )  # fmt: skip
    return cast(pytest.TestReport, found)


def test_all_marks_of_a_test_are_named() -> None:
    """Those of the function and of its module, each with all its ids."""
    marks = [SimpleNamespace(args=("X.1", "X.2")), SimpleNamespace(args=("X.3",))]
    item: Any = SimpleNamespace(iter_markers=lambda _name: marks)
    assert named_requirements(item) == [(PROPERTY, f"X.{number}") for number in (1, 2, 3)]


def test_test_passes_when_all_of_it_does(tmp_path: Path) -> None:
    """A failing teardown or a skip is no pass."""
    recorder = RequirementRecorder(tmp_path / "found.json")
    for heard in (
        _report("good", "call", "passed", "X.1"),
        _report("late", "call", "passed", "X.1", "X.2"),
        _report("late", "teardown", "failed", "X.1", "X.2"),
        _report("skipped", "setup", "skipped", "X.3"),
    ):
        recorder.pytest_runtest_logreport(heard)
    assert recorder.found() == {
        "X.1": {"passed": ["good"], "not_passed": ["late"]},
        "X.2": {"passed": [], "not_passed": ["late"]},
        "X.3": {"passed": [], "not_passed": ["skipped"]},
    }


def test_recorder_hears_beside_conftests(tmp_path: Path) -> None:
    """Where a folder has a conftest, pytest calls all plugins but those of other folders."""
    manager, recorder = pytest.PytestPluginManager(), RequirementRecorder(tmp_path / "found.json")
    manager.register(recorder)
    hear = manager.subset_hook_caller("pytest_runtest_logreport", [object()])
    hear(report=_report("good", "call", "passed", "X.1"))
    assert recorder.found() == {"X.1": {"passed": ["good"], "not_passed": []}}


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
