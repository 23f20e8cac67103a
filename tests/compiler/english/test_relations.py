"""What clauses say of each other: shared objects, opposites, the rest, ways, ends of conditions."""

import pytest

from compiler.english.clause import Clause
from compiler.english.condition_ends import is_over, split_condition
from compiler.english.relations import with_opposites, with_shared_objects, with_the_rest
from compiler.english.ways import as_choice
from tests.compiler.english.conftest import AgentsOf, EdgesOf, Understand


def actions(*texts: str) -> list[Clause]:
    """Several actions behind each other, joined by commas."""
    return [
        Clause("action", "start" if place == 0 else "comma", text)
        for place, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (("transcribe", "tag the talk"), ["transcribe the talk", "tag the talk"]),
        (
            ("translate", "send the letter to Bob"),
            ["translate the letter", "send the letter to Bob"],
        ),
        (("clean", "transform the rows"), ["transform the rows"]),
        (("report", "read the meters"), ["report", "read the meters"]),
        (("read the meters", "sum them"), ["read the meters", "sum them"]),
    ],
)
def test_verbs_without_an_object_share_the_next_one(
    texts: tuple[str, ...], wanted: list[str]
) -> None:
    """Two deeds on one thing are two steps on it; two words for one deed are one step."""
    assert [clause.text for clause in with_shared_objects(actions(*texts))] == wanted


@pytest.mark.parametrize(
    ("texts", "conditions"),
    [
        (
            ("print positive notes", "send negative ones to Bob"),
            ["it is positive", "it is negative"],
        ),
        (("print positive notes", "send old ones to Bob"), []),
        (("print positive notes", "send negative thoughts to Bob"), []),
    ],
)
def test_opposite_kinds_are_a_choice(texts: tuple[str, ...], conditions: list[str]) -> None:
    """One kind goes one way and its opposite the other."""
    found = with_opposites(actions(*texts))
    assert [clause.text for clause in found if clause.kind == "if"] == conditions


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        (("flag anything over 90 kg", "load the rest"), ["if", "action", "else", "action"]),
        (("remove what is broken", "load the rest"), ["action", "action"]),
        (("flag anything over 90 kg", "load the crates"), ["action", "action"]),
    ],
)
def test_the_rest_is_otherwise(texts: tuple[str, ...], kinds: list[str]) -> None:
    """What is picked goes one way, the rest the other; what is taken away leaves no choice."""
    assert [clause.kind for clause in with_the_rest(actions(*texts))] == kinds


@pytest.mark.parametrize(
    ("sentence", "choice"),
    [
        (
            "Ripe pears go to the shop, unripe ones to the cellar, and the rest is thrown away",
            None,
        ),
        (
            "Crates over 40 kg need approval by the foreman, lighter ones are shipped at once",
            "if it is one of the crates over 40 kg, wait for approval by the foreman;"
            " if it is one of the lighter ones, ship it at once.",
        ),
        (
            "Urgent mails get a reply, others become tickets",
            "if it is one of the urgent mails, send a reply; otherwise create tickets.",
        ),
        (
            "Desk: paid bills go to Xero, the rest goes to Bob",
            "Desk. if it is one of the paid bills, send it to Xero; otherwise send it to Bob.",
        ),
        ("The bill goes to Xero and the receipt goes to Box", None),
        ("Cats are fed and dogs are walked", None),
        ("It goes to Xero", None),
    ],
)
def test_ways_told_by_what_takes_them_are_a_choice(sentence: str, choice: str | None) -> None:
    """Kinds of one thing, each with its fate, are an if and an otherwise; two things are not."""
    assert as_choice(sentence) == (choice or sentence)


def test_ways_are_drawn_as_a_choice(
    understand: Understand, agents_of: AgentsOf, edges_of: EdgesOf
) -> None:
    """Each kind has a way of its own behind one router."""
    specification = understand(
        "Read the meters table. Valid rows go to Postgres, invalid ones are emailed to me"
    )
    assert agents_of(specification) == ["database", "llm", "router", "database", "email"]
    router = specification.nodes[2].id
    targets = [target for source, target in edges_of(specification) if source == router]
    assert targets == [node.id for node in specification.nodes[3:]]


@pytest.mark.parametrize(
    ("text", "condition", "deed"),
    [
        ("the oven fails switch it off", "the oven fails", "switch it off"),
        (
            "the oven fails, switch it off and tell Bob",
            "the oven fails",
            "switch it off and tell Bob",
        ),
        ("the bread is baked then ship it", "the bread is baked", "ship it"),
        ("the oven fails the bread is delivered", "the oven fails", "the bread is delivered"),
        (
            "the bill is over 90 and overdue, call Bob",
            "the bill is over 90 and overdue",
            "call Bob",
        ),
        (
            "the bill is overdue ask my boss to sign it",
            "the bill is overdue",
            "ask my boss to sign it",
        ),
        ("the oven is hot", "the oven is hot", ""),
    ],
)
def test_a_condition_ends_where_its_deed_begins(text: str, condition: str, deed: str) -> None:
    """A comma, a "then", a verb in its plain form or a passive sentence ends it."""
    assert split_condition(text) == (condition, deed)


@pytest.mark.parametrize(
    ("condition", "word", "over"),
    [
        ("the file is saved", "once", True),
        ("it is done", "when", True),
        ("the invoice is approved", "once", False),
        ("the file is saved", "if", False),
    ],
)
def test_the_end_of_a_step_is_no_choice(condition: str, word: str, over: bool) -> None:
    """That a file is saved only says what comes after what; an approval decides."""
    assert is_over(condition, word) is over
