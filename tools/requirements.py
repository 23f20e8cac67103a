"""Runs the tests and prints which requirements have a passing test and which have none.

Usage: python -m tools.requirements [pytest arguments]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "requirements.txt"


def requirements(text: str) -> dict[str, str]:
    """Return what each requirement says by its id, from lines of `id text`."""
    return dict(line.split(" ", 1) for line in text.splitlines() if line.strip())


def report(wanted: dict[str, str], tests: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the lines to print: each requirement with its passing tests, then the sums.

    Args:
        wanted: What each requirement says, by id.
        tests: What `pytest --requirements` wrote.
    """
    lines, shown = [], 0
    for id, says in wanted.items():
        found = tests.get(id, {"passed": [], "not_passed": []})
        passed, others = len(found["passed"]), len(found["not_passed"])
        shown += passed > 0
        state = f"{passed} passing" if passed else "none"
        state += f", {others} not" if others else ""
        lines.append(f"{id:<9} {state:<18} {says}")
    unknown = [f"{id}: no such requirement, named by a test" for id in sorted({*tests} - {*wanted})]
    return [*lines, *unknown, f"{shown} of {len(wanted)} requirements have a passing test."]


def main(arguments: list[str]) -> int:
    """Run the tests, print the report; return pytest's exit code, or 1 for an unknown id."""
    wanted = requirements(LIST.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.json"
        command = [sys.executable, "-m", "pytest", "-q", f"--requirements={file}", *arguments]
        result = subprocess.run(command, cwd=ROOT, check=False)
        if not file.exists():
            return result.returncode
        tests = json.loads(file.read_text("utf-8"))
    print("\n".join(report(wanted, tests)))
    return result.returncode or int(bool(set(tests) - {*wanted}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
