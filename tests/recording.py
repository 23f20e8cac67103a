"""Which requirements have a passing test: what `pytest --requirements FILE` writes."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROPERTY = "requirement"


def named_requirements(item: pytest.Item) -> list[tuple[str, object]]:
    """Return the ids that a test names, as properties of its report."""
    return [(PROPERTY, str(id)) for mark in item.iter_markers(PROPERTY) for id in mark.args]


# Plugins are kept in sets: each is equal to itself alone.
@dataclass(eq=False)
class RequirementRecorder:
    """Gathers the tests of each requirement id; a pytest plugin.

    It knows the tests by their reports alone, so that those of other processes count as well.
    """

    file: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what a test names and how it went; a failing teardown fails it too."""
        named = [str(value) for name, value in report.user_properties if name == PROPERTY]
        self.ids[report.nodeid] = named
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
