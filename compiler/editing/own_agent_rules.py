"""Instructions about an organization's own agents: another one for a step, a parameter of one."""

import re

from compiler.editing.finding import find_steps
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules, slug
from compiler.editing.replacement import replacement
from compiler.editing.wording import TO_SET, value_of
from compiler.english.normalise import possible_agents
from compiler.specification import Node

_WITH_AGENT = re.compile(
    r" (?:with|using|by) (?:the |our |my )?[\w-]+(?:@\d+)?(?: (?:agent|tool|function))?$",
    re.IGNORECASE,
)

_THINKING = ("llm", "data_processing", "aggregator")
"""Building blocks whose work an own agent may do, where no step is named."""


def _instead(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “use score_text instead”: the same step, done by that agent."""
    name = _agent(reader, match["new"])
    if name is None:
        return None
    groups = match.groupdict()
    said = groups.get("what") or groups.get("old") or ""
    node = _meant(reader, name, said.strip())
    return [replacement(reader, node, f"{_deed(reader, node)} with {name}")]


def _agent(reader: Reader, words: str) -> str | None:
    """Return the own agent that words are the name of."""
    named = possible_agents(f"use the {words} agent", f"use {words}")
    return next((one for one in named if one in reader.own.agents), None)


def _meant(reader: Reader, name: str, said: str) -> Node:
    """Return the step that words mean; without any the one that an own agent does, or is like it.

    Raises:
        Open: There are several.
    """
    old = _agent(reader, said) if said else None
    body = reader.specification.body
    if said and old is None:
        return reader.node(said)
    own = [
        node for node in body if node.agent == old or (not old and node.agent in reader.own.agents)
    ]
    if not own:
        words = name.partition("@")[0].replace("_", " ")
        thinking = [node.id for node in body if node.agent in _THINKING]
        found = find_steps(words, reader.specification, thinking)
        own = [node for node in body if node.id in found.node_ids]
    ids = [node.id for node in own or body]
    text = f"Which step shall `{name}` do?"
    return reader.specification.node(reader.one_of(f"step.{slug(name)}", text, ids))


def _deed(reader: Reader, node: Node) -> str:
    """Return what a step is said to do, without by whom."""
    said = node.description or node.id.replace("_", " ")
    return _WITH_AGENT.sub("", said) if node.agent in reader.own.agents else said


def _parameter(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “set the threshold of step 2 to 0.7”: a parameter that the agent has."""
    name = re.sub(r"[\s-]+", "_", match["field"].strip().lower())
    having = [node for node in reader.specification.body
              if name in _properties(reader, node)]  # fmt: skip
    if not having:
        return None
    words = (match.groupdict().get("what") or "").strip()
    ids = [node.id for node in having]
    found = find_steps(words, reader.specification, ids).one if words else None
    if words and found not in ids:
        return None
    text = f"The {name} of which step is meant?"
    chosen = found or reader.one_of(f"step.{slug(name)}", text, ids)
    return [SetField(chosen, ("parameters", name), value_of(match["value"]))]


def _properties(reader: Reader, node: Node) -> dict[str, object]:
    agent = reader.own.agents.get(node.agent)
    return dict(agent.parameters_schema.get("properties", {})) if agent else {}


def _deed_instead(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “score each review with score_text instead”."""
    name = _agent(reader, match["new"])
    if name is None:
        return None
    node = reader.node(match["what"])
    return [replacement(reader, node, f"{match['what']} with {name}")]


_STEP = r"(?:the )?(?:step|node) [\w ]+?|the [\w ]+? step|\w+_\w+"
_NEW = r"(?P<new>.+?)(?: instead(?: of (?P<old>.+))?)?"
RULES: tuple[Rule, ...] = rules(
    (rf"(?:in|for|at) (?P<what>{_STEP}),? use {_NEW}", _instead),
    (r"(?:replace|swap|exchange) (?P<old>.+?) (?:with|by|for) (?P<new>.+?)", _instead),
    (rf"(?:change|let|have|make) (?P<what>{_STEP}) (?:to )?use {_NEW}", _instead),
    (rf"use (?P<new>.+?) (?:in|for) (?P<what>{_STEP})(?: instead)?", _instead),
    (r"(?:use|run|call) (?P<new>.+?) instead(?: of (?P<old>.+))?", _instead),
    (r"(?:do|score|rate) (?:it|that|this|them) (?:with|using) (?P<new>.+?) instead", _instead),
    (r"(?P<what>\w+ .+?) (?:with|using) (?P<new>.+?) instead", _deed_instead),
    (
        rf"{TO_SET} (?:the )?(?P<field>[\w -]+?) (?:of|in|for) (?P<what>.+?) to (?P<value>.+)",
        _parameter,
    ),
    (rf"{TO_SET} (?:the )?(?P<field>[\w -]+?) to (?P<value>.+)", _parameter),
)
