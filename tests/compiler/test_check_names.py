"""References, keys and conditions against what stands in the state."""

from collections.abc import Callable

import pytest

from compiler.errors import Problem

Problems = Callable[[str], list[Problem]]

CHAIN = """
state_schema: {input: {properties: {urls: {type: array}, email: {type: string}}}}
nodes:
  - {id: fetch, agent: api, parameters: {url: x}, output_key: page}
  - {id: ask, agent: human_loop, parameters: {message: ok?}}
  - {id: work, agent: %s, %s}
  - {id: last, agent: llm, parameters: {prompt: x}}
edges: [{from: fetch, to: ask}, {from: ask, to: work}, {from: work, to: last}]
"""


def llm(prompt: str) -> str:
    """Write the chain with a prompt in its third node."""
    return CHAIN % ("llm", f"parameters: {{prompt: '{prompt}'}}")


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("prompt", "rule", "said"),
    [
        ("{nope}", "unknown_reference", "Known: `ask`, `input.email`, `input.urls`, `page`."),
        ("{pag}", "unknown_reference", "Did you mean `page`?"),
        ("{urls}", "unknown_reference", "write `input.urls`"),
        ("{fetch}", "unknown_reference", "under `page`"),
        ("{input.url}", "unknown_reference", "Did you mean `urls`?"),
        ("{last}", "not_yet_known", "runs after `work`"),
        ("{work}", "not_yet_known", "output of `work` itself"),
        ("{page.status}", "unknown_field", "Did you mean `status_code`?"),
        ("{state.pag}", "unknown_reference", "Did you mean `page`?"),
        ("{item}", "item_outside_map", "pattern: map"),
        ("{workflow.title}", "unknown_reference", "workflow."),
        ("{user}", "unknown_reference", "user."),
        ("{user.phone}", "unknown_reference", "`user.email`"),
        ("{secrets}", "unknown_reference", "{secrets.name}"),
        ("{secrets.key}", "exposed_secret", "model's provider"),
    ],
)
def test_an_unknown_name_is_a_problem_and_says_which_to_use(
    problems: Problems, prompt: str, rule: str, said: str
) -> None:
    """A reference that cannot have a value at its node is refused at check time."""
    (problem,) = problems(llm(prompt))
    assert (problem.rule, problem.path) == (rule, "nodes[2].parameters.prompt")
    assert said in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    "prompt",
    [
        "{page} {page.status_code} {page.body.any.0} {state.page} {state}",
        "{ask.approved}",
        "{input} {input.urls} {input.urls.0}",
        "{workflow.name} {workflow.id} {workflow.output} {user.email} {user.name}",
        '{ x } {"a": 1} {{nope}}',
    ],
)
def test_known_names_pass(problems: Problems, prompt: str) -> None:
    """Outputs of earlier nodes, the input, the workflow and the user are known."""
    assert problems(llm(prompt)) == []


def test_an_open_input_allows_any_field(problems: Problems) -> None:
    """Without declared properties, or with additional ones, the input may hold anything."""
    text = llm("{input.anything}")
    assert problems(text.replace("properties:", "additionalProperties: true, properties:")) == []
    schema = text.splitlines()[1]
    assert problems(text.replace(schema, "")) == []


def test_secrets_belong_where_someone_logs_in(problems: Problems) -> None:
    """A header may hold a secret."""
    headers = "parameters: {url: x, headers: {Authorization: 'Bearer {secrets.key}'}}"
    assert problems(CHAIN % ("api", headers)) == []


@pytest.mark.requirement("FR-2.4")
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("input_keys: [input.urls], parameters: {prompt: '{item} {url} {page}'}", []),
        ("input: page, parameters: {prompt: '{page}'}", []),
        (
            "parameters: {prompt: x}",
            [("map_without_list", "nodes[2].input_keys")],
        ),
        (
            "input_keys: [nope], parameters: {prompt: '{nope}'}",
            [
                ("unknown_input_key", "nodes[2].input_keys[0]"),
                ("unknown_reference", "nodes[2].parameters.prompt"),
            ],
        ),
        (
            "input_keys: ['{page}'], parameters: {prompt: x}",
            [("unknown_input_key", "nodes[2].input_keys[0]")],
        ),
    ],
)
def test_a_map_names_its_list_and_its_items(
    problems: Problems, more: str, expected: list[tuple[str, str]]
) -> None:
    """A map node has a list, and its elements have their singular names."""
    found = problems(CHAIN % ("llm", f"pattern: map, {more}"))
    assert [(problem.rule, problem.path) for problem in found] == expected


def test_a_mapped_output_is_a_list(problems: Problems) -> None:
    """After a map an element is named, not a field."""
    text = (CHAIN % ("api", "pattern: map, input: input.urls, parameters: {url: '{url}'}")).replace(
        "{id: last, agent: llm, parameters: {prompt: x}}",
        "{id: last, agent: llm, parameters: {prompt: '{work.0.body} {work.body}'}}",
    )
    (problem,) = problems(text)
    assert (problem.rule, problem.path) == ("unknown_field", "nodes[3].parameters.prompt")
    assert "`work[0].body`" in problem.remedy


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("ask.approved and page.status_code == 200", None),
        ("{ask.decision} == 'approve' && len(input.urls) > 0", None),
        ("ask.agreed", "unknown_field"),
        ("nope > 1", "unknown_reference"),
        ("last > 1", "not_yet_known"),
        ("work = 1", "condition_syntax"),
        ("secrets.key == 1", "exposed_secret"),
    ],
)
def test_conditions_on_edges_are_checked(
    problems: Problems, condition: str, rule: str | None
) -> None:
    """An edge's condition may read what its node has written, and nothing that comes later."""
    text = llm("x").replace(
        "{from: ask, to: work}", f'{{from: ask, to: work, condition: "{condition}"}}'
    )
    found = [(problem.rule, problem.path) for problem in problems(text)]
    assert found == ([(rule, "edges[1].condition")] if rule else [])


def test_conditions_of_routers_are_checked(problems: Problems) -> None:
    """Both forms of a router's conditions are parsed; labels on its edges are not."""
    text = """
nodes:
  - {id: a, agent: llm, parameters: {prompt: x}}
  - {id: r, agent: router, parameters: {routes: [{when: "x > 1", to: b}, {when: "a >", to: c}]}}
  - {id: b, agent: llm, parameters: {prompt: x}}
  - {id: c, agent: llm, parameters: {prompt: x}}
edges:
  - {from: a, to: r}
  - {from: r, to: b, condition: the first way}
  - {from: r, to: c, condition: "1 +"}
"""
    assert [(problem.rule, problem.path) for problem in problems(text)] == [
        ("unknown_reference", "nodes[1].parameters.routes[0].when"),
        ("condition_syntax", "nodes[1].parameters.routes[1].when"),
    ]


@pytest.mark.parametrize("name", ["input", "state", "item", "workflow", "user", "secrets", "__x"])
def test_reserved_names_are_refused(problems: Problems, name: str) -> None:
    """Names with a meaning of their own are neither ids nor output keys."""
    text = f"nodes: [{{id: {name}, agent: llm, parameters: {{prompt: x}}, output_key: {name}}}]"
    assert [(problem.rule, problem.path) for problem in problems(text)] == [
        ("reserved_name", "nodes[0].id"),
        ("reserved_name", "nodes[0].output_key"),
    ]


PARALLEL = """
nodes:
  - {id: a, agent: %s}
  - {id: b, agent: llm, parameters: {prompt: x}, output_key: k}
  - {id: c, agent: llm, parameters: {prompt: '%s'}, output_key: %s}
  - {id: d, agent: llm, parameters: {prompt: '{k}'}}
edges: [{from: a, to: b}, {from: a, to: c}, {from: b, to: d}, {from: c, to: d}]
"""
PLAIN = "llm, parameters: {prompt: x}"


def test_siblings_do_not_know_each_other(problems: Problems) -> None:
    """What a parallel branch writes is not known in the branch beside it, but after the join."""
    (problem,) = problems(PARALLEL % (PLAIN, "{k}", "m"))
    assert (problem.rule, problem.path) == ("not_yet_known", "nodes[2].parameters.prompt")
    assert "no path to `c`" in problem.message


def test_one_key_is_not_written_twice_at_once(problems: Problems) -> None:
    """Two parallel branches have different keys; two ways of a choice may share one."""
    (problem,) = problems(PARALLEL % (PLAIN, "x", "k"))
    assert (problem.rule, problem.path) == ("conflicting_output_key", "nodes[2].output_key")
    router = "router, parameters: {condition: input.x, if_true: b, if_false: c}"
    assert problems(PARALLEL % (router, "x", "k")) == []


def test_a_loop_may_read_what_its_later_nodes_write(problems: Problems) -> None:
    """In a loop every node is earlier than every other on some path."""
    text = llm("{last}").replace(
        "to: last}]", "to: last}, {from: last, to: work, condition: last.x}]"
    )
    assert problems(text) == []
