"""Which requirements have a passing test: what `pytest --requirements FILE` writes."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class RequirementRecorder:
    """Gathers the tests of each requirement id; a pytest plugin."""

    file: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember the ids of each test."""
        for item in items:
            self.ids[item.nodeid] = [
                str(id) for mark in item.iter_markers("requirement") for id in mark.args
            ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember how a test went; a failing teardown fails it too."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        self.file.write_text(json.dumps(self.found(), indent=2) + "\n", "utf-8")

    def found(self) -> dict[str, dict[str, list[str]]]:
        """Return, for each id, the tests that passed and those that did not."""
        found: dict[str, dict[str, list[str]]] = {}
        for test, ids in sorted(self.ids.items()):
            key = "passed" if test in self.passed - self.failed else "not_passed"
            for id in ids:
                found.setdefault(id, {"passed": [], "not_passed": []})[key].append(test)
        return found
