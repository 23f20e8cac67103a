"""What stands in the templates' files: each is complete, checked, and explained."""

import json
import re
from typing import Any

import pytest

from agents.catalog.library import catalog_names
from agents.registry import builtin_registry
from compiler.check import check, validate_input
from compiler.check_schemas import validator
from compiler.editing.rewriting import rewrite
from compiler.english.parser import parse
from compiler.errors import SpecificationError
from compiler.inputs import fix_inputs, with_defaults
from compiler.plan import plan
from compiler.templates.library import Template, find_template, templates
from compiler.text import dump, load
from compiler.topology import topology

AGENTS = builtin_registry().signatures()
BUILDING_BLOCKS = set(AGENTS) - set(catalog_names()) - {"mcp"}
"""But for calls of an MCP server, which is always somebody's own."""


def inputs_of(template: Template) -> dict[str, Any]:
    """The schemas of a template's inputs."""
    properties: dict[str, Any] = template.specification.state_schema.input["properties"]
    return properties


def examples_of(template: Template) -> dict[str, Any]:
    """An input made of examples, for what has no default."""
    return {
        name: about["examples"][0]
        for name, about in inputs_of(template).items()
        if "default" not in about
    }


@pytest.fixture(params=templates())
def template(request: pytest.FixtureRequest) -> Template:
    """Each template in turn."""
    return find_template(request.param)


@pytest.mark.requirement("FR-1.9", "FR-1.4")
def test_a_template_has_neither_problems_nor_warnings(template: Template) -> None:
    """With its examples it is clean; a secret that it needs is explained at its top."""
    assert check(template.specification, AGENTS) == []
    found = plan(template.specification, AGENTS, examples_of(template))
    assert (found.problems, found.missing_input) == ((), ())
    assert {warning.rule for warning in found.warnings} <= {"needs_secret"}
    comment = template.text.partition("\nmetadata:")[0]
    for secret in {name for node in found.nodes for name in node.outside.secrets}:
        assert f"WEFT_SECRET_{secret.upper()}" in comment


def test_a_template_says_what_it_is(template: Template) -> None:
    """A plain id, a name, one sentence of description, tags, a comment; every step is described."""
    metadata = template.specification.metadata
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", template.id)
    assert 20 <= len(metadata.description) <= 160
    assert metadata.description.endswith(".")
    assert metadata.description.count(". ") == 0
    assert len(metadata.tags) >= 3
    assert template.text.startswith("# ")
    assert all(node.description for node in template.specification.nodes)
    assert template.specification.settings.execution.timeout_seconds


def test_a_description_can_be_read_as_english(template: Template) -> None:
    """The parser makes a workflow of it, or asks."""
    parsed = parse(template.specification.metadata.description)
    assert parsed.specification or parsed.questions


def test_the_inputs_of_a_template_are_explained(template: Template) -> None:
    """Each has a title, a sentence, a type, and a default or examples that fit."""
    schema = template.specification.state_schema.input
    properties = inputs_of(template)
    assert set(schema.get("required", ())) <= set(properties)
    for name, about in properties.items():
        assert about["title"], name
        assert about["description"].endswith("."), name
        assert about["type"], name
        assert "default" in about or about["examples"], name
        assert ("default" in about) != (name in schema.get("required", ())), name
        compiled = validator(about)
        for value in [
            *about.get("examples", ()),
            *([about["default"]] if "default" in about else ()),
        ]:
            assert compiled.is_valid(value), (name, value)
    given = with_defaults(template.specification, examples_of(template))
    assert validate_input(template.specification, given) == []


def test_every_input_is_used(template: Template) -> None:
    """Nobody is asked for something that changes nothing."""
    body = template.text.partition("\nnodes:")[2]
    for name in inputs_of(template):
        assert re.search(rf"\binput(\.{name}\b|\['{name}'\])", body), name


def test_a_template_with_fixed_inputs_keeps_its_text(template: Template) -> None:
    """Its comment and all that nobody gave stay; what comes out reads as what was meant."""
    before = template.specification
    fixed = fix_inputs(before, examples_of(template))
    text = rewrite(template.text, before, fixed)
    assert load(text) == fixed
    assert check(fixed, AGENTS) == []
    assert text.partition("\nmetadata:")[0] == template.text.partition("\nmetadata:")[0]
    assert text.partition("\nnodes:")[2] == template.text.partition("\nnodes:")[2]


def test_a_template_is_the_same_after_writing_and_reading(template: Template) -> None:
    """What `dump` writes of it says the same."""
    assert load(dump(template.specification)) == template.specification


@pytest.mark.requirement("FR-1.9")
def test_templates_cover_the_language() -> None:
    """All patterns, triggers and agents, people, loops, failures, compensations, sub-workflows."""
    found = [template.specification for template in templates().values()]
    assert len(found) >= 24
    assert len({one.metadata.name for one in found}) == len(found)
    assert {one.pattern for one in found} == {
        "sequential", "conditional", "map_reduce", "orchestrator_worker",
    }  # fmt: skip
    assert {one.trigger.kind if one.trigger else "manual" for one in found} == {
        "manual", "schedule", "webhook", "event",
    }  # fmt: skip
    assert {node.agent for one in found for node in one.nodes} == BUILDING_BLOCKS
    assert any(node.compensate for one in found for node in one.nodes)
    assert any(edge.type == "failure" for one in found for edge in one.edges)
    assert any(one.final_ids for one in found)
    assert any(order.precedes(n, n) for order in map(topology, found) for n in order.nodes)


def test_an_unknown_template_names_what_is_like_it() -> None:
    """A typing error is an error that helps."""
    with pytest.raises(SpecificationError, match="Did you mean `monitor-alert`"):
        find_template("monitor_alert")


def test_templates_are_json(template: Template) -> None:
    """Whatever YAML could say beside JSON stands in none."""
    assert json.loads(json.dumps(inputs_of(template))) == inputs_of(template)
