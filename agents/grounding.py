"""Whether what a model planned touches only what a person named.

A description is text that anybody may have written, and a model may follow it, or its own fancy,
anywhere. So the answer is compared with the words: every host, recipient, database, secret and
workflow in it must stand in the text or an answer, or be left to the execution (`{input.x}`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compiler.editing.widening import Widening, widens
from compiler.english.lexicon import lexicon
from compiler.english.own_agents import NONE, Own
from compiler.errors import Problem
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.text import to_document

_NOTHING = Specification(nodes=(Node(id="nothing", agent="aggregator"),))
_COMPARED = ("host", "recipient", "database", "secret", "workflow")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL_HOST = re.compile(r"https?://(?:[^\s/@\"'<>{}\\]*@)?([\w.-]+(?::\d+)?)", re.IGNORECASE)
_SCHEMA_HOST = "json-schema.org"
"""Names a dialect in JSON Schemas, which nobody fetches."""
_REMEDY = (
    "Leave it out, or put a `{input.…}` in its place, declared in `state_schema.input`, or ask for "
    "it in `questions`."
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a person has named: the words of a text, of answers, of a workflow that is changed."""

    words: str

    def holds(self, value: str) -> bool:
        """Whether a value stands in the words as a whole; what is in braces aside."""
        literal = re.sub(r"\{[^{}]*\}", " ", value.lower())
        parts = (part.strip(".:/@-_?=&,;") for part in re.split(r"[\s,]+", literal))
        return all(self._has(part) for part in parts if part)

    def _has(self, part: str) -> bool:
        bare = part.removeprefix("www.")
        pattern = rf"(?<![\w@-])(?<!\w\.)(?:www\.)?{re.escape(bare)}(?![\w-]|\.\w)"
        return re.search(pattern, self.words) is not None


def named_in(text: str, answers: Mapping[str, str], *known: Specification | None) -> Named:
    """Return what a text names, services by their names (`Slack`) included.

    Args:
        text: A description or an instruction.
        answers: Answers by question id.
        known: Specifications that hold what is named as well: what the offline parser makes of
            the text, and the workflow that an instruction changes.
    """
    documents = [to_document(one) for one in known if one is not None]
    parts = [text, *answers.values(), *(json.dumps(one, ensure_ascii=False) for one in documents)]
    return Named("\n".join([*parts, *services_in(text)]).lower())


def services_in(text: str) -> Iterator[str]:
    """Yield how the services that a text names are called, with the secrets that this takes."""
    known = lexicon()
    found = [known.products[match[0].lower()] for match in known.product_pattern.finditer(text)]
    for product in {one.key: one for one in found}.values():
        for verb, call in (("write", product.write), ("read", product.read)):
            if call is not None:
                yield f"  {product.name}, to {verb}: {json.dumps(dict(call))}"


def unnamed(
    new: Specification,
    named: Named,
    agents: Mapping[str, AgentSignature],
    former: Specification | None = None,
    own: Own = NONE,
) -> list[Problem]:
    """Return what a specification touches that nobody named.

    Args:
        new: As a model planned it, without problems in its agents.
        named: What a person has named.
        agents: The agents that its nodes may name.
        former: The workflow that was changed.
        own: The organization's agents that the text may mean.
    """
    implied = {*_implied(new, named, agents), *_registered(new, named, own)}
    found = {
        one.value: (one.kind, one.node_id)
        for one in widens(former or _NOTHING, new, agents)
        if one.kind in _COMPARED
        and (one.kind, one.value) not in implied
        and not _is_named(one, named)
    }
    for kind, value, node_id in _mentioned(new):
        if not named.holds(value):
            found.setdefault(value, (kind, node_id))
    return [
        Problem(
            node_id or "settings",
            "not_named",
            f"The {kind} `{value}` stands neither in the text nor in an answer.",
            _REMEDY,
        )
        for value, (kind, node_id) in found.items()
    ]


def _implied(
    specification: Specification, named: Named, agents: Mapping[str, AgentSignature]
) -> Iterator[tuple[str, str]]:
    """Yield what comes with a service that is named: its hosts, and its secrets' usual names."""
    names = {node.agent for node in specification.nodes}
    names |= {worker.agent for node in specification.nodes for worker in node.workers.values()}
    for signature in (agents[name] for name in names if name in agents):
        if signature.service and named.holds(signature.service.lower()):
            yield from (("host", host) for host in signature.hosts)
            properties = signature.parameters_schema["properties"].values()
            yield from (("secret", one["x-secret"]) for one in properties if "x-secret" in one)


def _registered(specification: Specification, named: Named, own: Own) -> Iterator[tuple[str, str]]:
    """Yield where an own agent goes that is named, or only reads: whoever registered it said so."""
    for node in specification.nodes:
        agent = own.agents.get(node.agent)
        if agent is None:
            continue
        spoken = agent.name.replace("_", " ")
        if agent.side_effect in ("none", "reads") or named.holds(agent.name) or named.holds(spoken):
            yield from (("host", host) for host in agent.hosts if "{" not in host)
            yield from (("secret", secret) for secret in agent.secrets)


def _is_named(one: Widening, named: Named) -> bool:
    value = one.value
    if one.kind == "secret":
        return named.holds(value) or named.holds(f"secrets.{value}")
    if one.kind == "database":
        place = value.partition(": ")[2]
        return place == "the tenant's default" or named.holds(place.split("/")[0])
    # Who is told of failures: `mailto:ops@example.com`, `slack:https://…`.
    value = value.removeprefix("mailto:").removeprefix("slack:")
    if match := _URL_HOST.match(value):
        value = match[1]
    return named.holds(value)


def _mentioned(specification: Specification) -> Iterator[tuple[str, str, str]]:
    """Yield e-mail addresses and hosts that stand anywhere in nodes, in bodies and prompts too."""
    for node in to_document(specification)["nodes"]:
        text = json.dumps({**node, "description": ""}, ensure_ascii=False).lower()
        for address in _ADDRESS.findall(text):
            yield "address", address.strip("."), node["id"]
        for host in _URL_HOST.findall(text):
            if host.strip(".") != _SCHEMA_HOST:
                yield "host", host.strip("."), node["id"]
