"""Write docs/agents.md of the registry: `python -m tools.agents_page`."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from agents.catalog.described import described, summaries
from agents.registry import builtin_registry

PAGE = Path(__file__).parent.parent / "docs" / "agents.md"
_HEAD = '''\
# Agents

What a node's `agent` may say. This page is made of the registry by `python -m tools.agents_page`;
`weft agents` and the dashboard's page "Agents" tell the same. An organization's own agents are in
[Agents of your own](custom-agents.md).

## An agent of a package

Whoever runs Weft may install packages that bring agents for all organizations. One is one file: a
parameter model, a function with a docstring, and a test that calls it.

    from agents.agent import AgentContext, Parameters
    from agents.errors import AgentError
    from agents.extending import agent


    class Weather(Parameters):
        """Where."""

        city: str


    @agent(side_effect="reads", output_fields=("degrees",))
    async def acme_weather(parameters: Weather, context: AgentContext) -> dict[str, float]:
        """Tells the weather of a city."""
        client = await context.services.http()
        answer = await client.get("https://weather.acme.example/v1", params={"q": parameters.city})
        if answer.status_code == 503:
            raise AgentError("The weather is away.", retryable=True)
        return {"degrees": answer.json()["t"]}

The package names it in its `pyproject.toml`:

    [project.entry-points."weft.agents"]
    acme_weather = "acme_agents:acme_weather"

The model's JSON Schema is what nodes are checked by, and the problem names the parameter by its
path. `context.services.http()` goes through the egress guard; whatever else a package connects to
does not. A class with the members of `agents.agent.Agent` does as well. An agent that cannot be
loaded, or whose name is taken, keeps the platform from starting; `weft doctor` says so.

## A ready agent of your own

An agent of the catalog is one file, `agents/catalog/<name>.yaml`, and no code:

- `parameters` is the JSON Schema that the check holds a node against, and the problem names the
  parameter by its path. A parameter with `x-secret` is a secret; the value is the name that it
  usually has. One with `x-recipient` says who gets something: plans list it, and a model may
  choose it among a tool's `recipients` only.
- `request` is what the base agent (`api`, `database`, `email`, `llm`) is given: a template in the
  reference language of specifications whose names are the parameters and `idempotency_key`, the
  same for every attempt. What names a parameter that was not given is left out. A value within a
  path is one segment of it. A parameter within the host needs a `pattern`. With `form: true` the
  body is sent as a form; a header that is an object is sent as JSON.
- `response.output` is a template over what the base agent answers (`{body.id}`, `{rows}`,
  `{output}`); what is not there is null. `response.error` names what a failure looks like in a
  good status.
- `pagination` says where the mark of the next page is and where it goes; the output's list is
  that of all pages.
- Another attempt is made after 429 and 503, and when nobody knows what became of the call only if
  the agent reads or is `idempotent`.
- `spoken` is how a sentence asks for it. `forms`: verbs, or groups of them (`makes`, `reads`,
  `sends`, …, in the lexicon), and things; a form without things is meant by the service alone,
  one with `named` only when the sentence speaks of that parameter. `parameters`: the `role` of
  a value (`text`, `title`, `channel`, `amount`, …), the `names` that stand beside it, the
  `fields` of the service's step before that hold it, a `value` as a template, and whether all
  steps of the service share it. `gives` names the output field that a sentence means. Empty
  forms: nobody asks for it by its service. `python -m tools.ready_index` tells the compiler.
- `example` is what the tests send to a recorder on loopback and compare: method, path, headers,
  body and output.

`WEFT_SERVICE_URLS` puts a gateway of the operator's in the place of a service; a workflow cannot.
'''


def page() -> str:
    """Return the whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    signatures = builtin_registry().signatures()
    yield _HEAD
    for group, members in groupby(summaries(signatures), key=lambda one: one["group"]):
        yield f"## {group[0].upper()}{group[1:]}\n"
        for member in members:
            yield from _agent(described(signatures[member["name"]]))


def _agent(agent: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{agent['name']}`: {agent['title']}\n"
    facts = [agent["side_effect"]]
    if agent["cost_class"]:
        facts.append(f"cost {agent['cost_class']}")
    if agent["documentation"]:
        facts.append(f"[{agent['service']}]({agent['documentation']})")
    yield f"{agent['description']} ({', '.join(facts)})\n"
    schema = agent["parameters"]
    required = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        yield f"- `{name}`{_told(about, schema, required=name in required)}"
    if agent["output_fields"]:
        yield f"- gives: {', '.join(f'`{field}`' for field in agent['output_fields'])}"
    yield ""


def _told(about: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool) -> str:
    facts = [_kind(about, schema)]
    if "default" in about and about["default"] not in (None, [], {}, ""):
        facts.append(f"default `{json.dumps(about['default'], ensure_ascii=False)}`")
    elif required:
        facts.append("required")
    if "x-secret" in about:
        facts.append(f"usually `{{secrets.{about['x-secret']}}}`")
    told = f" ({', '.join(facts)})"
    return f"{told}: {about['description']}" if about.get("description") else told


def _kind(about: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if reference := about.get("$ref"):
        return _kind(schema["$defs"][str(reference).rpartition("/")[2]], schema)
    if values := about.get("enum"):
        return " or ".join(f"`{value}`" for value in values)
    if choices := about.get("anyOf") or about.get("oneOf"):
        kinds = (_kind(one, schema) for one in choices if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    kind = about.get("type", "any value")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
