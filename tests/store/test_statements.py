"""The SQL files: each is used, exists, and says what it does."""

import re
from importlib import resources
from pathlib import Path

import pytest

from store.statements import statement

ROOT = Path(__file__).parents[2]
FILES = {
    file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
    for file in (resources.files("store") / "sql").iterdir()
}
SOURCES = [
    file.read_text(encoding="utf-8")
    for package in ("store", "actors", "serve")
    for file in (ROOT / package).rglob("*.py")
]
QUOTED = {name for text in SOURCES for name in re.findall(r'"([a-z][a-z_]+)"', text)}
CALLED = {name for text in SOURCES for name in re.findall(r'statement\(\s*"([^"]+)"', text)}


def test_every_statement_that_is_called_exists() -> None:
    """No call names a file that is not there."""
    assert CALLED
    assert set(FILES) >= CALLED


def test_every_file_is_used() -> None:
    """No statement is left over."""
    assert set(FILES) - QUOTED == set()


def test_unknown_statement_is_an_error() -> None:
    """A wrong name does not pass as an empty statement."""
    with pytest.raises(FileNotFoundError):
        statement("no_such_statement")


@pytest.mark.parametrize("name", sorted(FILES))
def test_statement_says_what_it_does(name: str) -> None:
    """It opens with a comment that names each parameter, and is one statement."""
    lines = FILES[name].splitlines()
    comment = []
    for line in lines:
        if not line.startswith("--"):
            break
        comment.append(line)
    assert comment
    told, code = "\n".join(comment), "\n".join(lines[len(comment) :])
    assert set(re.findall(r"\$\d+", code)) == set(re.findall(r"\$\d+", told))
    outside_functions = re.sub(r"\$\$.*?\$\$", "", code, flags=re.DOTALL)
    assert ";" not in re.sub(r"--.*", "", outside_functions)
    assert max(map(len, lines)) <= 100


def test_python_holds_no_sql() -> None:
    """What is said to Postgres stands in files."""
    verbs = re.compile(r'"(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|SET ROLE)\b')
    assert [found for text in SOURCES for found in verbs.findall(text)] == []
