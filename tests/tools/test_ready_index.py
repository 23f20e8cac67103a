"""The compiler's index of the ready agents."""

from tools.ready_index import INDEX, index


def test_the_index_is_of_this_catalog() -> None:
    """It holds what the files say now; else `python -m tools.ready_index` is due."""
    assert INDEX.read_text(encoding="utf-8") == index()
