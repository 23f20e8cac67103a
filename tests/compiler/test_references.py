"""References: syntax, resolution and places."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from compiler.references import (
    Reference,
    UnresolvedReference,
    lookup,
    parse_reference,
    parse_template,
    references_in,
    resolve,
    resolve_twice,
)

SCOPE: dict[str, Any] = {
    "input": {"a": {"b": [1, 2, {"c": "x"}]}, "Content-Type": "text", "007": "bond"},
    "k": [1, None, True, 2.5],
    "text": "{k} and {secrets.token}",
    "word": "plain",
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{input.a.b}", [1, 2, {"c": "x"}]),
        ("{k}", [1, None, True, 2.5]),
        ("{k.0}", 1),
        ("{k[-1]}", 2.5),
        ("{state.k.0}", 1),
        ("{input.a.b.2.c}", "x"),
        ("{input.a['b'][0]}", 1),
        ("{input.Content-Type}", "text"),
        ("{input.007}", "bond"),
    ],
)
def test_a_whole_value_keeps_its_type(template: str, value: Any) -> None:
    """A text that is one reference becomes the value itself."""
    assert resolve(template, SCOPE) == value


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("v={k}!", "v=[1,null,true,2.5]!"),
        ("{k.0}{k.1}{k.2}", "1nulltrue"),
        ("{word}: {input.a.b.2}", 'plain: {"c":"x"}'),
        (" {k.0}", " 1"),
    ],
)
def test_a_value_inside_a_text_is_compact_json(template: str, text: str) -> None:
    """Strings stand as they are, everything else as JSON."""
    assert resolve(template, SCOPE) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        "{ k }",
        "{}",
        "{k",
        "k}",
        "{0}",
        "{k-x}",
        "{k.}",
        "{k..a}",
        "{k:.2f}",
        'Return {"a": {"b": 1}}',
        "@media{.a{color:1}}",
        "{{ open",
        "}} closed",
    ],
)
def test_other_braces_are_left_alone(text: str) -> None:
    """JSON, CSS and lone braces in a prompt need no escapes."""
    assert resolve(text, SCOPE) == text
    assert references_in(text) == []


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{k}}", "{k}"),
        ("{{{k.0}}}", "{1}"),
        ('{{"a": {"b": {k.0}}}}', '{"a": {"b": 1}}'),
        ('{{"a": {{"b": {k.0}}}}}', '{"a": {"b": 1}}'),
        ('}} {{k}} {"a": {"b": 1}}', '}} {k} {"a": {"b": 1}}'),
    ],
)
def test_double_braces_are_literal_braces(template: str, text: str) -> None:
    """A double brace with its partner stands for one brace."""
    assert resolve(template, SCOPE) == text


def test_inserted_values_are_never_scanned_again() -> None:
    """Text from outside cannot name a secret, whole or embedded."""
    secrets = {"token": "hidden"}
    assert resolve("{text}", SCOPE, secrets) == SCOPE["text"]
    assert resolve("<{text}>", SCOPE, secrets) == f"<{SCOPE['text']}>"


@pytest.mark.requirement("FR-4.9")
def test_value_is_resolved_twice_only_when_it_names_a_secret() -> None:
    """What is shown and what is used are one object, unless a secret is between them."""
    shown, used = resolve_twice({"to": "{k}", "n": [1, None]}, SCOPE, {"token": "t"})
    assert shown is used
    assert shown == resolve({"to": "{k}", "n": [1, None]}, SCOPE)
    shown, used = resolve_twice({"auth": "Bearer {secrets.token}"}, SCOPE, {"token": "t"})
    assert (shown, used) == ({"auth": "Bearer {secrets.token}"}, {"auth": "Bearer t"})
    # A text from outside that looks like a reference stays a text.
    outside = {"k": "{secrets.token}"}
    assert resolve_twice("{k}", outside, {"token": "t"})[1] == "{secrets.token}"


def test_secrets_stay_as_written_until_they_are_given() -> None:
    """Without secrets the reference is shown; with them it is the value; a missing one raises."""
    assert resolve("Bearer {secrets.token}", SCOPE) == "Bearer {secrets.token}"
    assert resolve(["{secrets['token']}"], SCOPE) == ["{secrets['token']}"]
    assert resolve("Bearer {secrets.token}", SCOPE, {"token": "t"}) == "Bearer t"
    with pytest.raises(UnresolvedReference, match=r"secrets\.token.*weft secrets set token"):
        resolve("{secrets.token}", SCOPE, {"other": "t"})


def test_nested_values_are_resolved_and_code_is_not() -> None:
    """Every text in lists and objects is a template, except at places that hold code."""
    template = {
        "script": "{k}",
        "routes": [{"when": "{k}", "to": "{word}"}],
        "list": ["{k.0}", {"deep": "{word}"}],
        "number": 3,
    }
    resolved = resolve(template, SCOPE, skip=frozenset({"script", "routes[].when"}))
    assert resolved == {
        "script": "{k}",
        "routes": [{"when": "{k}", "to": "plain"}],
        "list": [1, {"deep": "plain"}],
        "number": 3,
    }
    assert template["list"] == ["{k.0}", {"deep": "{word}"}]


@pytest.mark.parametrize(
    ("template", "available"),
    [
        ("{nope}", ("input", "k", "text", "word")),
        ("{input.x}", ("a", "Content-Type", "007")),
        ("{k.9}", ("a list of 4",)),
        ("{k.name}", ("a list of 4",)),
        ("{word.x}", ("a value of type string",)),
        ("{k[1].x}", ("a value of type null",)),
        ("{state.nope}", ("input", "k", "text", "word")),
    ],
)
def test_a_missing_path_says_what_there_is(template: str, available: tuple[str, ...]) -> None:
    """The error carries the reference as written and the names beside it."""
    with pytest.raises(UnresolvedReference) as raised:
        resolve(template, SCOPE)
    assert raised.value.path == template[1:-1]
    assert set(available) <= {*raised.value.available}


def test_state_may_be_a_name_of_its_own() -> None:
    """`{state.k}` looks under `state` when the scope has such a name."""
    reference = Reference("state", ("k",))
    assert lookup(reference, {"state": {"k": 1}, "k": 2}) == 1
    assert lookup(reference, {"k": 2}) == 2


def test_places_are_dotted_and_in_order() -> None:
    """Each reference comes with where it stands."""
    value = {"a": ["{k}", {"b": "x {input.x} {state.y.z}"}], "c": "{user.email}"}
    found = [(place, str(reference)) for place, reference in references_in(value)]
    assert found == [
        ("a[0]", "k"),
        ("a[1].b", "input.x"),
        ("a[1].b", "state.y.z"),
        ("c", "user.email"),
    ]


def test_the_key_of_a_reference_leaves_state_out() -> None:
    """`{state.k.a}` and `{k.a}` read the same key and the same field."""
    for text in ("state.k.a", "k.a"):
        reference = parse_reference(text)
        assert reference is not None
        assert (reference.key, reference.below) == ("k", ("a",))


@pytest.mark.parametrize("text", ["", "a b", "{a}", "a.", "1a", "a[b]"])
def test_what_is_no_path_is_no_reference(text: str) -> None:
    """Only a whole path reads as a reference."""
    assert parse_reference(text) is None


def test_any_text_survives_as_a_value(randomness: Callable[[int], random.Random]) -> None:
    """Whatever a value holds, it comes out unchanged, and parsing never loses a character."""
    chooser = randomness(7)
    pieces = ["{", "}", "{{", "}}", "k", ".", "{k}", "[0]", " ", "é", '"a": 1', "\n"]
    for _ in range(2000):
        text = "".join(chooser.choices(pieces, k=chooser.randrange(12)))
        assert resolve("{v}", {"v": text}) == text
        assert resolve("<{v}>", {"v": text}) == f"<{text}>"
        template = parse_template(text)
        if "{{" not in text:
            again = "".join(p if isinstance(p, str) else f"{{{p}}}" for p in template.parts)
            assert again == text


def test_a_missing_secret_names_its_variable() -> None:
    """A reference to a secret that is not set says which variable sets it."""
    error = UnresolvedReference("secrets.slack_webhook_url", ())
    assert "Set WEFT_SECRET_SLACK_WEBHOOK_URL" in str(error)
    assert "WEFT_SECRET" not in str(UnresolvedReference("state.x", ()))
