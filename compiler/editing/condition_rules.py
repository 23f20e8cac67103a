"""Instructions about conditions: another one, another threshold, a step that is done only if."""

import re
from collections.abc import Mapping
from typing import Any

from compiler.editing.additions import added, merged_inputs
from compiler.editing.conditions import asked_condition, before, condition_of, inputs_of
from compiler.editing.finding import find_steps
from compiler.editing.operations import AddSteps, Operation, SetField
from compiler.editing.reader import Reader, Rule, rules, slug
from compiler.editing.reading import reads
from compiler.editing.thresholds import sign, threshold, with_threshold
from compiler.editing.ways import reached, router_about
from compiler.editing.wording import NUMBER, TO_SET, value_of

_ABOVE = (
    r"(?P<above>above|over|greater than|more than|higher than|exceeding|exceeds?|beyond|at least"
    r"|from)"
)
_BELOW = r"(?:below|under|less than|lower than|up to|at most)"


def _condition(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    routers = [node for node in reader.specification.nodes
               if node.agent == "router" and "condition" in node.parameters]  # fmt: skip
    if match["what"]:
        chosen = reader.step(match["what"], [node.id for node in routers])
    elif len(routers) == 1:
        chosen = routers[0].id
    else:
        return None
    expression = condition_of(reader, match["value"], before(reader, chosen))
    known = reader.specification.state_schema.input.get("properties", {})
    inputs = set(inputs_of(match["value"], expression or "").get("properties", {}))
    if expression is None or inputs - set(known):
        expression = asked_condition(reader, match["value"])
    return [SetField(chosen, ("parameters", "condition"), expression)]


def _threshold(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “ask only for totals above 2000”: another number for the choice before that step."""
    number = value_of(match["n"])
    step = find_steps(match["what"], reader.specification).one
    all_of_them = match.groupdict().get("all") is not None
    if step is None or not (all_of_them or re.search(r"\bonly\b", match[0], re.IGNORECASE)):
        return None
    sources = [edge.source for edge in reader.specification.edges if edge.target == step]
    routers = [
        node for id in sources if threshold(node := reader.specification.node(id)) is not None
    ]
    if len(routers) != 1 or not isinstance(number, int | float):
        return None
    way = "if_true" if routers[0].parameters.get("if_true") == step else "if_false"
    if (sign(routers[0]) in (">", ">=")) != ((match["above"] is not None) == (way == "if_true")):
        return None
    return [
        SetField(routers[0].id, ("parameters", "condition"), with_threshold(routers[0], number))
    ]


def _only_if(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    target = reader.step(match["what"], least=0.7)
    read = reader.specification.node(target).input_keys
    # “It” is what the step reads, whatever stands before it.
    sized = len(read) == 1 and re.search(NUMBER, match["when"])
    when = re.sub(r"^it\b", read[0], match["when"]) if sized else match["when"]
    expression = condition_of(reader, when, before(reader, target))
    inputs = inputs_of(match["when"], expression or "")
    if expression is None:
        expression, inputs = asked_condition(reader, match["when"]), {}
    reader.questions.extend(reader.about_inputs(match["when"], inputs.get("properties", {})))
    unless = match["word"].lower() == "unless"
    way = "if_false" if (not match["only"]) != unless else "if_true"
    ways, edges = {way: target}, []
    router = new_router(reader, match["when"], expression, ways)
    if (following := _goes_on(reader, target)) is not None:
        other = "if_true" if way == "if_false" else "if_false"
        router["parameters"][other] = following
        edges = [{"from": router["id"], "to": following, "condition": "otherwise"}]
    return [AddSteps((router,), tuple(edges), before=target, condition=slug(match["when"]),
                     inputs=inputs)]  # fmt: skip


def _only_above(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “only email totals above 5000”, when a step makes the total."""
    keys = [node.key for node in reader.specification.body if node.key == match["thing"].lower()]
    said = f"only {match['verb']} it if the {match['thing']} is {match['sign']} {match['n']}"
    again = _ONLY_IF.fullmatch(said) if keys else None
    return _only_if(reader, again) if again else None


def _goes_on(reader: Reader, target: str) -> str | None:
    """Return the step that follows one, when all that come after it can do without its result."""
    key = reader.specification.node(target).key
    following = [edge.target for edge in reader.specification.edges if edge.source == target]
    if len(following) != 1:
        return None
    after = [reader.specification.node(id) for id in reached(reader.specification, following[0])]
    needed = any(reads(node.parameters, key) or key in node.input_keys for node in after)
    return None if needed else following[0]


def new_router(
    reader: Reader, when: str, expression: str, ways: Mapping[str, str]
) -> dict[str, Any]:
    """Return a choice under a name that is free."""
    taken = {node.id for node in reader.specification.nodes}
    names = ("router", *(f"router_{number}" for number in range(2, len(taken) + 3)))
    return {
        "id": next(id for id in names if id not in taken),
        "agent": "router",
        "description": f"If {when}"[:200],
        "parameters": {"condition": expression, **ways},
    }


def _otherwise_if(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “if …, do …” as the other way of a choice about the same thing that has one so far."""
    subject = re.split(r"\b(?:is|are|was|equals|contains|has)\b", match["when"])[0]
    former = router_about(reader, subject)
    if former is None or "if_false" in former.parameters or "if_true" not in former.parameters:
        return None
    expression = condition_of(reader, match["when"], before(reader, former.id))
    beside = str(former.parameters["if_true"])
    tested = before(reader, former.id)
    steps = added(reader, match["what"], beside, None, each=True,
                  source=tested.id if tested else None)  # fmt: skip
    if expression is None or not steps or not isinstance(steps[0], AddSteps):
        return None
    first = steps[0].nodes[0]["id"]
    router = new_router(reader, match["when"], expression, {"if_true": first})
    edge = {"from": router["id"], "to": first, "condition": slug(match["when"])}
    tests = inputs_of(match["when"], expression)
    reader.questions.extend(reader.about_inputs(match["when"], tests.get("properties", {})))
    inputs = merged_inputs(steps[0].inputs, tests)
    nodes, edges = (router, *steps[0].nodes), (edge, *steps[0].edges)
    return [
        AddSteps(nodes, edges, after=former.id, condition="otherwise", inputs=inputs),
        SetField(former.id, ("parameters", "if_false"), router["id"]),
    ]


_ONLY_IF = re.compile(
    r"(?P<only>only) (?P<what>.+?) (?P<word>if|when|unless) (?P<when>.+)", re.IGNORECASE
)

RULES: tuple[Rule, ...] = rules(
    (rf"{TO_SET} (?:the )?condition(?: (?:of|on|in|for) (?P<what>.+?))? to "
     r"(?:if |when )?(?P<value>.+)", _condition),
    (rf"(?:only )?(?P<what>.+?)(?: only)? (?:for|if|when|with) (?:(?:it|they|the|an?) )*[\w ]*?"
     rf"(?:is |are )?(?:{_ABOVE}|{_BELOW}) (?P<n>{NUMBER})", _threshold),
    (rf"(?P<all>everything|anything|all [\w ]+?|[\w ]*(?:amounts|totals|orders|invoices|values))"
     rf" (?:that (?:is|are) )?(?:{_ABOVE}|{_BELOW}) (?P<n>{NUMBER}) (?:needs?|requires?|must have"
     r"|has to have|goes? (?:to|through)) (?P<what>.+)", _threshold),
    (r"only (?:require|need|ask for|request|get|want) (?P<what>[\w ]+?)(?: for [\w ]+?"
     rf"| (?:if|when) it is)? (?:{_ABOVE}|{_BELOW}) (?P<n>{NUMBER})", _threshold),
    (rf"only (?P<verb>\w+) (?:the )?(?P<thing>[a-z]+?)s? (?:(?P<sign>{_ABOVE}|{_BELOW}))"
     rf" (?P<n>{NUMBER})", _only_above),
    (r"if (?P<when>[^,]+), (?:then )?(?P<what>.+)", _otherwise_if),
    (r"(?P<only>only) (?:do |run |execute |perform )?(?P<what>.+?) "
     r"(?P<word>if|when|unless) (?P<when>.+)", _only_if),
    (r"(?P<what>.+?) (?P<only>only) (?P<word>if|when) (?P<when>.+)", _only_if),
    (r"(?:do not|don'?t|never|skip|omit) (?P<only>(?!))?(?:do |run )?"
     r"(?P<what>(?!do anything|anything).+?) (?P<word>if|when|unless) (?P<when>.+)", _only_if),
)  # fmt: skip
