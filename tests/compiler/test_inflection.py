"""Singular, plural and the names of mapped items."""

import pytest

from compiler.inflection import item_names, plural, singular

PAIRS = [
    pair.split()
    for pair in (
        "review reviews",
        "customer_review customer_reviews",
        "company companies",
        "box boxes",
        "person people",
        "analysis analyses",
        "class classes",
        "address addresses",
        "status statuses",
        "page pages",
        "response responses",
        "house houses",
        "database databases",
        "search searches",
        "dish dishes",
        "quiz quizzes",
        "movie movies",
        "city cities",
        "day days",
        "hero heroes",
        "photo photos",
        "cause causes",
        "virus viruses",
        "bonus bonuses",
        "size sizes",
        "headache headaches",
        "index indices",
        "child children",
        "url urls",
        "api apis",
        "employee employees",
        "match matches",
        "tax taxes",
        "lens lenses",
        "us_state us_states",
        "URL URLs",
        "Review Reviews",
    )
]


@pytest.mark.parametrize(("one", "many"), PAIRS)
def test_singular_and_plural_invert_each_other(one: str, many: str) -> None:
    """Regular, irregular and snake_case nouns go both ways."""
    assert (singular(many), plural(one)) == (one, many)


@pytest.mark.parametrize(("one", "many"), PAIRS)
def test_what_is_singular_or_plural_already_stays(one: str, many: str) -> None:
    """A word that needs no change comes back as it is."""
    assert (singular(one), plural(many)) == (one, many)


@pytest.mark.parametrize("word", ["data", "news", "series", "feedback", "", "_", "items_"])
def test_words_without_another_form_stay(word: str) -> None:
    """Uncountable nouns and empty words have one form."""
    assert (singular(word), plural(word)) == (word, word)


@pytest.mark.requirement("FR-2.4")
@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("reviews", ("item", "review")),
        ("customer_reviews", ("item", "customer_review", "review")),
        ("input.urls", ("item", "url")),
        ("data", ("item",)),
        ("review", ("item",)),
    ],
)
def test_a_mapped_item_has_the_singular_names_of_its_list(key: str, names: tuple[str, ...]) -> None:
    """`item`, the singular, and the singular of the last word; never the list's own name."""
    assert item_names(key) == names
