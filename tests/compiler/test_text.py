"""Reading, writing and hashing specifications."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from compiler.check import check
from compiler.errors import Problem, SpecificationError
from compiler.signature import AgentSignature
from compiler.specification import Metadata, Node, Specification
from compiler.text import (
    dump,
    load,
    load_document,
    locate,
    specification_hash,
    to_document,
)

NAMES = [
    "linkedin_skills.json",
    "customer_feedback.json",
    "uptime_monitor.json",
    "linkedin_skills.yaml",
]
MINIMAL = "nodes: [{id: a, agent: llm}]"


def problems_of(text: str) -> dict[str, Problem]:
    """Load a text that is wrong; return its problems by rule."""
    with pytest.raises(SpecificationError) as raised:
        load(text)
    return {problem.rule: problem for problem in raised.value.problems}


@pytest.mark.requirement("FR-1.3", "FR-4.2")
@pytest.mark.parametrize("name", NAMES)
def test_the_documents_load_check_and_come_back(
    name: str, document: Callable[[str], str], agents: dict[str, AgentSignature]
) -> None:
    """The contract's examples load as they stand, have no problem and survive a round trip."""
    specification = load(document(name))
    assert check(specification, agents) == []
    assert load(dump(specification)) == specification
    assert load_document(to_document(specification)) == specification


def test_json_and_yaml_of_one_document_are_one(document: Callable[[str], str]) -> None:
    """A JSON text and the object that it stands for give the same specification."""
    text = document("uptime_monitor.json")
    assert load(text) == load_document(json.loads(text)) == load("# a comment\n" + text)


def test_short_forms_stand_for_the_long_ones(document: Callable[[str], str]) -> None:
    """Top-level name, a node's input and output, and a map's batch size find their places."""
    specification = load(document("customer_feedback.json"))
    node = specification.node("map_sentiment")
    assert specification.metadata.name == "Customer Feedback Analysis"
    assert (node.input_keys, node.output_key) == (("reviews",), "sentiments")
    assert (node.batch_size, "batch_size" in node.parameters) == (10, False)


def test_writing_keeps_order_and_leaves_defaults_out(document: Callable[[str], str]) -> None:
    """The text has the document's order, block strings, and nothing that says the default."""
    text = dump(load(document("linkedin_skills.yaml")))
    places = [text.index(f"\n{name}:") for name in ("pattern", "state_schema", "nodes", "edges")]
    assert places == sorted(places)
    assert "prompt: |\n        Extract skills" in text
    assert "timeout: 120\n" in text
    assert "version" not in text
    assert "checkpointing" not in text


@pytest.mark.requirement("FR-1.4", "FR-4.6")
def test_every_problem_is_reported_with_path_and_line() -> None:
    """Unknown fields, missing fields, wrong types and values come together."""
    text = """\
nodes:
  - id: 1a
    agnt: llm
    timeout: -1
    retry: {max_attempts: many, backoff: expo}
edges:
  - {from: a}
nodess: []
settings: {checkpointing: {frequency: daily}}
"""
    with pytest.raises(SpecificationError) as raised:
        load(text)
    found = {(p.rule, p.path, p.line) for p in raised.value.problems}
    assert found == {
        ("invalid_name", "nodes[0].id", 2),
        ("unknown_field", "nodes[0].agnt", 3),
        ("missing_field", "nodes[0].agent", 2),
        ("out_of_range", "nodes[0].timeout", 4),
        ("wrong_type", "nodes[0].retry.max_attempts", 5),
        ("invalid_value", "nodes[0].retry.backoff", 5),
        ("missing_field", "edges[0].to", 7),
        ("unknown_field", "nodess", 8),
        ("invalid_value", "settings.checkpointing.frequency", 9),
    }
    assert all(problem.remedy for problem in raised.value.problems)
    assert "agent" in next(p.remedy for p in raised.value.problems if p.path.endswith("agnt"))


def test_paths_follow_the_authors_own_spelling() -> None:
    """A problem in a short form is reported at the short form, in JSON with its line too."""
    text = """{"name": 1, "nodes": [
 {"id": "a", "agent": "llm", "pattern": "map",
  "input": [1],
  "parameters": {"batch_size": 0}}]}"""
    with pytest.raises(SpecificationError) as raised:
        load(text)
    assert {(p.path, p.line) for p in raised.value.problems} == {
        ("name", 1),
        ("nodes[0].input[0]", 3),
        ("nodes[0].parameters.batch_size", 4),
    }


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("", "empty", None),
        ("a: [", "yaml_syntax", 2),
        ("nodes:\n\t- a", "yaml_syntax", 2),
        ("a: \x07", "yaml_syntax", None),
        ("- 1", "wrong_type", 1),
        ("nodes: 3", "wrong_type", 1),
        ("nodes: []", "out_of_range", 1),
        ("a: 1\n---\nb: 2", "several_documents", 2),
        ("nodes:\n- {id: a, agent: x,\n   id: b}", "duplicate_key", 3),
        ('{"nodes": [{"id": "a", "agent": "x"}],\n "nodes": []}', "duplicate_key", 2),
        ("a: *x", "unknown_alias", 1),
        ("a: &x [*x]", "unknown_alias", 1),
        ("a: &x {b: 1}\nc:\n  <<: *x", "merge_key", 3),
        ("? [1]\n: 2", "complex_key", 1),
        (MINIMAL + "\nmetadata: !!python/object:os.system {}", "foreign_tag", 2),
        ("nodes: [{id: a, agent: x, parameters: {p: .nan}}]", "not_finite", 1),
        ("nodes: [{id: a, agent: x, parameters: {p: 99999999999999999999}}]", "unusable_number", 1),
        ('nodes: [{id: a, agent: x, parameters: {p: "\\0"}}]', "unusable_character", 1),
        ('{"nodes": [{"id": "a", "agent": "\\ud800"}]}', "unusable_character", 1),
        ('{"nodes": [{"id": "a", "agent": "x", "parameters": {"a": NaN}}]}', "unusable_number", 1),
        ("a: " + "[" * 100, "too_deep", 1),
        ("[" * 900_000, "too_deep", 1),
        ("x" * 1_048_577, "text_too_large", None),
    ],
)
def test_a_broken_text_says_what_and_where(text: str, rule: str, line: int | None) -> None:
    """Each kind of broken text has a rule, a line where there is one, and a remedy."""
    found = problems_of(text)
    assert rule in found
    assert found[rule].remedy
    if rule != "unusable_character" or text.startswith("nodes"):
        assert found[rule].line == line


def test_aliases_are_followed_within_bounds() -> None:
    """An alias stands for its value; a bomb of aliases is refused before it grows."""
    text = "nodes:\n- &a {id: a, agent: llm, parameters: &p {prompt: x}}\n"
    specification = load(text + "- {id: b, agent: llm, parameters: *p}\n")
    assert specification.nodes[1].parameters == {"prompt": "x"}
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{chr(ord(name) - 1)}'] * 9)}]\n" for name in "bcdefghi"
    )
    assert "text_too_large" in problems_of(bomb)


def test_scalars_are_those_of_yaml_1_2() -> None:
    """Words such as `yes`, sexagesimals, dates and versions stay text."""
    text = (
        "nodes: [{id: a, agent: x, parameters: {a: yes, b: 12:30, c: 2025-10-08, d: 1.0.0, "
        "e: 0o17, f: 1e3, g: 010, h: ~, i: true, j: 'true', k: -.5, l: 0x1F, 5: 6}}]"
    )
    assert load(text).nodes[0].parameters == {
        "a": "yes",
        "b": "12:30",
        "c": "2025-10-08",
        "d": "1.0.0",
        "e": 15,
        "f": 1000.0,
        "g": 10,
        "h": None,
        "i": True,
        "j": "true",
        "k": -0.5,
        "l": 31,
        "5": 6,
    }


def test_many_errors_end_in_a_count() -> None:
    """A text with a thousand faults is answered with two hundred and the number of the rest."""
    text = json.dumps({"nodes": [{"id": f"n{i}", "agent": 1} for i in range(1000)]})
    with pytest.raises(SpecificationError) as raised:
        load(text)
    assert len(raised.value.problems) == 201
    assert "800 more" in raised.value.problems[-1].message


def test_locate_finds_lines_or_the_nearest_field_around() -> None:
    """Problems of the check get the line of their path, or of what surrounds it."""
    text = "nodes:\n- id: a\n  agent: llm\n  parameters:\n    prompt: x\n"
    made = [
        Problem(path, "rule", "m", "r")
        for path in ("nodes[0].parameters.prompt", "nodes[0].parameters.model[0]", "", "edges[0]")
    ]
    assert [problem.line for problem in locate(made, text)] == [5, 4, 1, 1]


@pytest.mark.parametrize("document_", [None, [], "x", {"nodes": {}}, {"nodes": [{1: 2}]}])
def test_what_is_no_document_is_refused(document_: Any) -> None:
    """A JSON value that is no specification raises our error and no other."""
    with pytest.raises(SpecificationError):
        load_document(document_)


@pytest.mark.requirement("FIRST.1")
def test_the_hash_is_of_the_content() -> None:
    """Ids, times, versions, field order, defaults and 1.0 for 1 do not change the hash."""
    one = load(MINIMAL)
    same = load(
        "metadata: {version: 2.0.0, id: wf_1, created_by: me, created_at: 2025-10-08T10:00:00Z}\n"
        "pattern: sequential\n"
        "nodes: [{agent: llm, id: a, retry: {max_attempts: 3.0}, parameters: {}}]\n"
    )
    assert specification_hash(one) == specification_hash(same)
    assert len(specification_hash(one)) == 64


@pytest.mark.parametrize(
    "text",
    [
        "nodes: [{id: b, agent: llm}]",
        "nodes: [{id: a, agent: llm, parameters: {x: 1}}]",
        "nodes: [{id: a, agent: llm, parameters: {x: true}}]",
        "nodes: [{id: a, agent: llm, parameters: {x: '1'}}]",
        "name: Other\n" + MINIMAL,
        MINIMAL + "\npattern: map_reduce",
    ],
)
def test_other_content_has_another_hash(text: str) -> None:
    """Whatever changes what is done, or its name, changes the hash."""
    assert specification_hash(load(text)) != specification_hash(load(MINIMAL))


PIECES = [
    *"ab :-#{}[]'\"\n\t,&*!|>%@`?~0129.\\/\x07\x85\u2028é日😀\ufeff \r=<",
    *("yes", "null", "true", "1e3", ".5", "0x1", "---", "...", "\n\n", "  ", "- ", "? ", "<<"),
]


def _text(chooser: random.Random) -> str:
    return "".join(chooser.choices(PIECES, k=chooser.randrange(14)))


def _value(chooser: random.Random, depth: int = 0) -> Any:
    kind = chooser.randrange(7 if depth < 4 else 5)
    if kind < 2:
        return _text(chooser)
    if kind < 5:
        numbers = [0, -1, 2**63 - 1, -(2**63), 0.5, 1e300, -1.5e-7, 1.0, 1e16, 123456.789]
        return chooser.choice([None, True, False, *numbers])
    if kind == 5:
        return [_value(chooser, depth + 1) for _ in range(chooser.randrange(4))]
    return {_text(chooser): _value(chooser, depth + 1) for _ in range(chooser.randrange(4))}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_written_reads_back_the_same(
    seed: int, randomness: Callable[[int], random.Random]
) -> None:
    """Texts of odd characters, numbers and nested values survive dump and load."""
    chooser = randomness(seed)
    for _ in range(40):
        specification = Specification(
            metadata=Metadata(
                name=_text(chooser) or "x",
                description=_text(chooser),
                tags=tuple(_text(chooser) for _ in range(chooser.randrange(3))),
            ),
            nodes=(
                Node(
                    id="a",
                    agent=_text(chooser) or "x",
                    parameters={_text(chooser): _value(chooser) for _ in range(3)},
                ),
            ),
        )
        text = dump(specification)
        assert load(text) == specification, text
        assert load(json.dumps(to_document(specification))) == specification
