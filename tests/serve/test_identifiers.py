"""Identifiers as the outside writes them."""

from typing import get_args
from uuid import UUID, uuid4

import pytest

from serve.identifiers import Kind, parse, render
from serve.problems import ApiError

DIGITS = "0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_identifier_comes_back(kind: Kind) -> None:
    """What is rendered is parsed to the same UUID."""
    id = uuid4()
    assert parse(kind, render(kind, id)) == id


def test_digits_may_be_large_letters() -> None:
    """Who copies from elsewhere may have capitals."""
    assert parse("wf", f"wf_{DIGITS.upper()}") == UUID(DIGITS)


@pytest.mark.parametrize(
    "text",
    [
        "", "wf", "wf_", DIGITS, f"exec_{DIGITS}", f"wf_{DIGITS[:-1]}", f"wf_{DIGITS}0",
        f"wf_0x{DIGITS[2:]}", f"wf_+{DIGITS[1:]}", f"wf_{DIGITS[:15]}_{DIGITS[16:]}",
        f"wf_ {DIGITS[1:]}", f"wf_{{{DIGITS[2:]}}}", f"wf_{DIGITS}\n", f"wf_{'٣' * 32}",
        f"WF_{DIGITS}", f"wf_wf_{DIGITS}",
    ],
)  # fmt: skip
def test_what_is_none_does_not_exist(text: str) -> None:
    """Anything else answers 404 and shows how an identifier looks."""
    with pytest.raises(ApiError) as refused:
        parse("wf", text)
    assert refused.value.status == 404
    assert "There is no workflow" in refused.value.detail
    assert "wf_0199a1b2…" in refused.value.remedy


def test_a_long_identifier_is_cut() -> None:
    """An answer does not repeat a megabyte."""
    with pytest.raises(ApiError) as refused:
        parse("exec", "x" * 1_000_000)
    assert len(refused.value.detail) < 200
