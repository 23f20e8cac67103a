"""Conditions: what is accepted, in which form, and what is refused with which remedy."""

import pytest

from compiler.conditions import MAX_CHARACTERS, ConditionError, parse_condition


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(
    ("text", "source", "names"),
    [
        (
            "uptime_status.status_code != 200",
            "uptime_status['status_code'] != 200",
            ("uptime_status",),
        ),
        ("state['score'] > 0.8", "state['score'] > 0.8", ("state",)),
        ("state.score >= input.limit", "state['score'] >= input['limit']", ("input", "state")),
        ("a.b.c[0].d", "a['b']['c'][0]['d']", ("a",)),
        ("name.lower().startswith('a')", "name.lower().startswith('a')", ("name",)),
        ("x.get('a').b == 1", "x.get('a')['b'] == 1", ("x",)),
        ("len(xs) > 3 or not done", "len(xs) > 3 or not done", ("done", "xs")),
        ("min(xs, default=0) < 1", "min(xs, default=0) < 1", ("xs",)),
        ("any(r.stars < 2 for r in rs)", "any((r['stars'] < 2 for r in rs))", ("rs",)),
        ("a if b else c", "a if b else c", ("a", "b", "c")),
        ("isinstance(x, str)", "isinstance(x, str)", ("x",)),
        ("a\n  and b  # both", "a and b", ("a", "b")),
    ],
)
def test_fields_become_subscripts(text: str, source: str, names: tuple[str, ...]) -> None:
    """Reading a field is a subscript, calling a method stays, names are collected."""
    condition = parse_condition(text)
    assert (condition.source, condition.names) == (source, names)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("{score} > 0.8", "score > 0.8"),
        ("{state.a.0.b} == 1", "state['a'][0]['b'] == 1"),
        ("a && b || !c", "a and b or not c"),
        ("a === 1 && b !== 2", "a == 1 and b != 2"),
        ("a <> 1 AND NOT b", "a != 1 and (not b)"),
        ("a == null || b == true", "a == None or b == True"),
        ("tags.includes('x')", "'x' in tags"),
        ("a == '&& {b} || null'", "a == '&& {b} || null'"),
        ('a == "it\'s || {x}"', 'a == "it\'s || {x}"'),
    ],
)
def test_other_spellings_mean_the_same(text: str, source: str) -> None:
    """Habits of other languages are taken for what they mean, but not inside quotes."""
    assert parse_condition(text).source == source


def test_references_tell_what_is_read_below_the_names() -> None:
    """Constant paths are known; loop variables are not names of the state."""
    condition = parse_condition("a.b[0] > state['c'] and any(a.x for a in d.e)")
    assert [str(r) for r in condition.references] == ["a.b[0]", "state.c", "d.e"]
    assert condition.names == ("a", "d", "state")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "Write a comparison"),
        ("x = 1", "Compare with `==`"),
        ("a ? b : c", "a if condition else b"),
        ("items.length > 0", "len(items)"),
        ("x.toLowerCase() == 'a'", "`.lower()`"),
        ("xs.some(x => x > 1)", "any(x > 1 for x in items)"),
        ("open('a')", "There are: abs"),
        ("__import__('os').system('x')", "There are: count"),
        ("().__class__", "Write a comparison"),
        ("x.__class__", "Write a comparison"),
        ("lambda: 1", "Write a comparison"),
        ("x ** 9", "Write a comparison"),
        ("f'{x}'", "Write a comparison"),
        ("(x := 1)", "Write a comparison"),
        ("[*x]", "Write a comparison"),
        ("{a: 1 for a in b}", "Write a comparison"),
        ("b'x'", "Write a comparison"),
        ("await x", "Write a comparison"),
        ("sorted(x, key=y)", "without names"),
        ("1; 2", "Write a comparison"),
        ("x)", "Write a comparison"),
        ("(" * 300, "Write a comparison"),
        ("-" * 3900 + "1", "Write a comparison"),
        ("x" * (MAX_CHARACTERS + 1), "data_processing"),
    ],
)
def test_what_a_condition_may_not_be_is_refused(text: str, remedy: str) -> None:
    """Every refusal says what to write instead."""
    with pytest.raises(ConditionError) as raised:
        parse_condition(text)
    assert remedy in raised.value.remedy
    assert raised.value.message.endswith(".")


def test_the_form_is_stable() -> None:
    """Parsing the result again changes nothing."""
    for text in ("a.b != 1 && c.lower() == 'x'", "any(r.s for r in rs)", "{x.0.y} in [1, 2]"):
        source = parse_condition(text).source
        assert parse_condition(source).source == source
