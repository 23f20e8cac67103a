"""Answers that grow, put together of the pieces of a stream."""

from typing import Any, cast

import pytest
from weft.records import Event
from weft.texts import Texts


def piece(text: str, offset: int, attempt: int = 1, answer: int = 1) -> Event:
    """Return a piece of a text."""
    fields: dict[str, Any] = {"type": "token", "node_id": "a", "text": text, "offset": offset}
    return cast("Event", {**fields, "attempt": attempt, "answer": answer})


@pytest.mark.requirement("USER.17")
def test_pieces_make_a_text() -> None:
    """One after the other, each text under its node."""
    texts = Texts()
    assert [texts.accept(piece("The ", 0)), texts.accept(piece("sea", 4))] == ["The ", "The sea"]
    assert texts.by_name == {"a": "The sea"}


@pytest.mark.parametrize(("attempt", "answer"), [(2, 1), (1, 2)])
def test_another_answer_begins_anew(attempt: int, answer: int) -> None:
    """So does another attempt."""
    texts = Texts()
    texts.accept(piece("The sea", 0))
    assert texts.accept(piece("A", 0, attempt, answer)) == "A"


def test_what_was_missed_shows() -> None:
    """A stream that was lost for a while does not make up a text."""
    texts = Texts()
    texts.accept(piece("The ", 0))
    assert texts.accept(piece("wide", 11)) == "The …wide"


def test_a_text_is_gone_when_its_node_has_ended() -> None:
    """The node's output is the whole text; other events are no pieces."""
    texts = Texts()
    texts.accept(piece("The ", 0))
    assert texts.accept({"type": "node_completed", "node_id": "a"}) is None
    assert texts.by_name == {}


@pytest.mark.requirement("USER.17")
def test_items_of_a_map_have_texts_of_their_own() -> None:
    """Each goes when its attempt ends, all of them with their node."""
    texts = Texts()
    for index in (0, 1, 2):
        texts.accept(cast("Event", {**piece(f"item {index}", 0), "map_index": index}))
    texts.accept(cast("Event", {**piece("", 6), "map_index": 1, "last": True}))
    assert texts.by_name == {"a[0]": "item 0", "a[2]": "item 2"}
    texts.accept({"type": "node_completed", "node_id": "a"})
    assert texts.by_name == {}


def test_what_is_told_again_counts_once() -> None:
    """A stream that comes back begins with the whole text."""
    texts = Texts()
    texts.accept(piece("The ", 0))
    assert texts.accept(piece("The sea", 0)) == "The sea"
    assert texts.accept(piece("ea is", 5)) == "The sea is"
