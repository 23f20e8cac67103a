"""The node of an organization's own agent: what the sentence says, what the steps before give.

Which parameters there are is known from the agent's tool specification alone. What the words give
("with threshold 0.8", "text = …") is taken; the one required parameter that holds data gets what
the step reads; what is left open becomes an input of the workflow, as for ready agents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from keyword import iskeyword
from typing import Any

from compiler.english.draft import Made, Output, OutputKind, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.links import Reading
from compiler.english.own_agents import Own
from compiler.english.own_values import said_values
from compiler.english.placing import Place, Written, output_key, output_noun, with_step
from compiler.english.ready_agents import ReadyAgent, ReadyParameter, ready_agents
from compiler.english.ready_steps import write_ready
from compiler.english.steps import Step
from compiler.signature import AgentSignature

_OF_THE_SCHEMA = ("type", "enum", "items", "minimum", "maximum", "minItems", "minLength")
"""What of a parameter is known here; patterns of others are not run in this process."""
_ROLES = {"email": "address", "uri": "url", "url": "url"}
"""Formats, and names of parameters, whose values stand in a text by themselves."""
_DATA = frozenset({"string", "array", "object"})
_KINDS: Mapping[str, OutputKind] = {"array": "list", "object": "object"}


def named_agent(step: Step, own: Own) -> ReadyAgent | None:
    """Return the agent that a step names, an organization's own or one of the catalog."""
    if not step.own:
        return None
    if (signature := own.agents.get(step.own)) is None:
        return ready_agents()[step.own]
    return ReadyAgent(
        name=step.own, service=step.own.partition("@")[0].replace("_", " "), base="llm",
        reads=False, forms=(),
        fields=signature.output_fields, gives="", parameters=_parameters(signature),
    )  # fmt: skip


def own_reading(agent: ReadyAgent, reading: Reading) -> Reading:
    """Return what a named agent reads: of a list each item, if it takes one at a time.

    "Score the reviews with score_text" means each, since its `text` is one.
    """
    source = reading.outputs[-1] if reading.outputs else None
    if reading.mapped or source is None or source.kind not in ("list", "rows"):
        return reading
    taken = [one for one in agent.parameters.values() if one.required and not one.secret]
    one_at_a_time = len(taken) == 1 and taken[0].schema.get("type") in ("string", "object")
    return Reading((source,), mapped=True) if one_at_a_time else reading


def write_own(place: Place, agent: ReadyAgent, made: Sequence[Made], own: Own) -> Written:
    """Return the parameters of a named agent's node, and what it gives."""
    known = {name: one for name, one in agent.parameters.items() if not one.secret}
    said, left = said_values(place.step, place.text, known)
    filled = {name: replace(known[name], role="", value=value) for name, value in said.items()}
    signature = own.agents.get(place.step.own)
    spoken = signature is None and any(one.role or one.names for one in known.values())
    data = {} if spoken else _from_data(place, known, said)
    for name, value in data.items():
        given = replace(known[name], value=value) if value else replace(known[name], role="data")
        filled[name] = given
    parameters = {name: filled.get(name, one) for name, one in agent.parameters.items()}
    written = write_ready(with_step(place, left), replace(agent, parameters=parameters), made)
    return replace(written, output=_output(place, signature)) if signature else written


def _parameters(signature: AgentSignature) -> dict[str, ReadyParameter]:
    schema = signature.parameters_schema
    required = schema.get("required", ())
    return {
        name: ReadyParameter(
            description=str(about.get("description", "")),
            schema={key: about[key] for key in _OF_THE_SCHEMA if key in about},
            required=name in required,
            role=_ROLES.get(str(about.get("format", "")), _ROLES.get(name, "")),
        )
        for name, about in schema.get("properties", {}).items()
        if isinstance(about, Mapping)
    }


def _from_data(
    place: Place, known: Mapping[str, ReadyParameter], said: Mapping[str, Any]
) -> dict[str, str]:
    """Return the parameters that the steps before fill: "" for all that is read, or a template."""
    outputs, mapped = place.reading.outputs, place.reading.mapped
    required = any(one.required for one in known.values())
    data = {
        name: one for name, one in known.items()
        if one.required == required and name not in said and _may_hold_data(one)
    }  # fmt: skip
    if len(data) == 1 and (required or outputs):
        return dict.fromkeys(data, "")
    if len(data) == len(outputs) and not mapped:
        return {name: f"{{{one.value}}}" for name, one in _paired(data, outputs)}
    usual = [name for name in data if name in lexicon().words("data_parameters")]
    meant = [name for name in data if outputs and nouns_in(name) & outputs[-1].words]
    return dict.fromkeys((meant or usual)[:1], "")


def _paired(data: Mapping[str, Any], outputs: Sequence[Output]) -> Iterator[tuple[str, Output]]:
    """Yield parameters with what fills them: by their names, else in order."""
    left = list(outputs)
    named = {name: next((one for one in left if nouns_in(name) & one.words), None) for name in data}
    left = [one for one in left if one not in named.values()]
    for name, meant in named.items():
        yield name, meant or left.pop(0)


def _may_hold_data(parameter: ReadyParameter) -> bool:
    kind = parameter.schema.get("type")
    kinds = {kind} if isinstance(kind, str) else set(kind or _DATA)
    return bool(kinds & _DATA) and "enum" not in parameter.schema and not parameter.role


def _output(place: Place, signature: AgentSignature) -> Output | None:
    """Return what later steps can read; nothing of what only goes somewhere."""
    step, mapped = place.step, place.reading.mapped
    if step.role == "sink" and signature.side_effect in ("writes", "sends"):
        return None
    fields = tuple(name for name in signature.output_fields if _is_plain(name))
    single = fields[0] if len(signature.output_fields) == len(fields) == 1 else ""
    key = output_key(place, _noun(place, single))
    kind: OutputKind = _KINDS.get(signature.output_type, "text")
    kind = "list" if mapped else "text" if single else kind
    noun = step.noun if step.role == "source" else None
    words = nouns_in(key, noun, signature.name.partition("@")[0], *fields)
    several = kind == "object" and bool(fields)
    return Output(
        key, kind, words, place.node_id, mapped, field="" if mapped else single,
        service="" if several else signature.name, fields=fields,
    )  # fmt: skip


def _is_plain(name: str) -> bool:
    """Whether an expression and a reference can name a field; schemas may have any names."""
    return name.isascii() and name.isidentifier() and not iskeyword(name)


def _noun(place: Place, single: str) -> str:
    """Return what a result is called: by the words, by its only field, else after the agent."""
    noun = (
        place.step.noun if place.step.role == "source" else output_noun(place.step, place.reading)
    )
    if noun in (None, "result"):
        plain = single and single not in lexicon().generic | lexicon().words("bare_fields")
        return single if plain else f"{place.step.own.partition('@')[0]}_result"
    return str(noun)
