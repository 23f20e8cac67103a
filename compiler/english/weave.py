"""Fifth stage: the program as a graph: nodes with their parameters, edges, routers, gates."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from compiler.english.conditions import expression, is_decision
from compiler.english.draft import Draft, Output, escaped, nouns_in
from compiler.english.graph_draft import Exit, Exits, GraphDraft
from compiler.english.joining_steps import write_aggregator
from compiler.english.lexicon import lexicon
from compiler.english.links import PRONOUN, Reading, Scope, find_reading
from compiler.english.naming import arm_label, arm_sentence
from compiler.english.normalise import Text
from compiler.english.opposites import opposite
from compiler.english.own_steps import named_agent, own_reading, write_own
from compiler.english.placing import Place, Written, wanted_id
from compiler.english.program import Arm, Choice, Fork, Part, steps_of
from compiler.english.reading_steps import write_api_read, write_database_read, write_scraping
from compiler.english.ready_agents import ReadyAgent
from compiler.english.ready_choice import choose_ready, thing_words
from compiler.english.ready_steps import made_by, write_ready
from compiler.english.sending_steps import write_api_send, write_email, write_human, write_store
from compiler.english.steps import Step, read_step
from compiler.english.thinking_steps import write_data_processing, write_llm
from compiler.english.tool_steps import with_tools, write_call
from compiler.english.waiting_steps import write_wait
from compiler.inflection import singular

_EACH_OF = re.compile(
    r"\b(?:each|every)(?: one)?(?: of)?(?: the)?(?: [a-z-]+)?? (?P<noun>[a-z-]+) (?:in|of|from|on)"
    r" (?:the )?\ue003(?P<place>\d+)\ue00f",
    re.IGNORECASE,
)
_WRITERS: dict[str, Callable[[Place], Written]] = {
    "web_scraping": write_scraping,
    "llm": write_llm,
    "email": write_email,
    "human_loop": write_human,
    "data_processing": write_data_processing,
    "aggregator": write_aggregator,
    "mcp": write_call,
    "wait": write_wait,
}


@dataclass(slots=True)
class Weaver:
    """Turns a program into nodes and edges."""

    draft: Draft
    text: Text
    subject: str | None = None
    graph: GraphDraft = field(default_factory=GraphDraft)
    judges: set[str] = field(default_factory=set)
    """Nodes that only answer the question of the router after them."""
    copies: set[str] = field(default_factory=set)
    """Nodes that are written once more for a way that cannot meet the others."""
    forked: bool = False
    met: bool = False
    """Branches that bring data side by side meet again."""
    joined: bool = False
    """Branches were joined, or a map's results were."""

    def weave(self, parts: tuple[Part, ...]) -> None:
        """Write the whole program.

        Raises:
            TooManyNodes: It would be too large.
        """
        scope = Scope()
        if self.subject:
            words = frozenset({self.subject, "event", "payload"})
            scope = scope.with_output(Output("input", "object", words))
        for place, literal in enumerate(self.text.literals):
            if literal.kind == "reference":
                scope = scope.with_output(self._given(literal.value.strip("{}"), place))
        self._walk(parts, (), scope, "")
        self.graph.finish()

    def _given(self, name: str, place: int) -> Output:
        """Return an input that the text names; a list after "each topic in"."""
        words = nouns_in(name.rpartition(".")[2])
        for one in _EACH_OF.finditer(self.text.marked):
            if int(one["place"]) == place:
                return Output(name, "list", words | {singular(one["noun"].lower())})
        return Output(name, "text", words)

    def _walk(
        self,
        parts: tuple[Part, ...],
        exits: Exits,
        scope: Scope,
        circumstance: str,
        key: str | None = None,
    ) -> tuple[Exits, Scope]:
        """Write parts in order after the open ends; return the new open ends and scope."""
        side: Exits = ()
        for place, part in enumerate(parts):
            following = parts[place + 1] if place + 1 < len(parts) else None
            if isinstance(part, Step):
                last_key = key if following is None else None
                if self.forked:
                    side += tuple(Exit(e.node_id) for e in exits if e.gate)
                exits, scope = self._step(part, exits, scope, circumstance, last_key)
                if (
                    isinstance(following, Choice)
                    and is_decision(following.arms[0].condition) is not None
                ):
                    exits = tuple(replace(e, gate=None) for e in exits)
            elif isinstance(part, Choice):
                exits, scope = self._choice(part, exits, scope)
                if following is not None:
                    exits = self._copied(parts[place + 1 :], exits, scope, circumstance)
            else:
                exits, scope = self._fork(part, exits, scope, circumstance)
        return exits + side, scope

    def _copied(
        self, rest: tuple[Part, ...], exits: Exits, scope: Scope, circumstance: str
    ) -> Exits:
        """Write the rest once more for each way that must stay apart from the others."""
        ways = list(dict.fromkeys(end.apart for end in exits))
        for way in ways[:-1]:
            own = tuple(replace(end, apart=None) for end in exits if end.apart == way)
            before = set(self.graph.nodes)
            self._walk(rest, own, scope, circumstance)
            self.copies |= set(self.graph.nodes) - before
            exits = tuple(end for end in exits if end.apart != way)
        return tuple(replace(end, apart=None) for end in exits)

    def _step(
        self, step: Step, exits: Exits, scope: Scope, circumstance: str, key: str | None
    ) -> tuple[Exits, Scope]:
        step = self._refined(step, scope)
        named = named_agent(step, self.text.own)
        reading = _of_made(step, find_reading(step, scope, self.draft), scope)
        reading = own_reading(named, reading) if named else reading
        made = {one.key for one in scope.made}
        given = tuple(o for o in reading.outputs if o not in scope.outputs and o.key not in made)
        scope = replace(scope, outputs=(*given, *scope.outputs))
        node_id = self.draft.new_id(wanted_id(step, reading))
        place = Place(step, reading, self.draft, self.text, node_id, circumstance, self.subject)
        ready = named or choose_ready(step, reading, scope.made)
        if named:
            written = write_own(place, named, scope.made, self.text.own)
        else:
            written = write_ready(place, ready, scope.made) if ready else _writer(step)(place)
        if step.tools:
            written = with_tools(place, written)
        output = written.output
        if key and output and output.kind != "approval":
            output = replace(output, key=key)
        if ready:
            scope = _with_made(scope, ready, written, output.key if output else node_id, place)
        self.graph.add(place, written, output, ready.name if ready else None)
        self.graph.connect(exits, node_id)
        if output and output.kind == "approval":
            return (Exit(node_id, gate=f"{output.key}.approved"),), scope.with_output(output)
        return (Exit(node_id),), scope.with_output(output) if output else replace(
            scope, joined=scope.joined
        )

    def _refined(self, step: Step, scope: Scope) -> Step:
        """Let an aggregator write what joins branches or sums up a map's results."""
        latest = scope.joined or scope.data[-1:]
        if step.own:
            return step
        joins = bool(scope.joined) or (bool(latest) and latest[-1].mapped)
        sums_up = (
            step.action in ("generate", "summarize") and step.each is None and not step.parallel
        )
        read = all(output.kind in ("response", "rows", "list") for output in scope.joined)
        if scope.joined and read and step.action == "summarize" and step.noun is None:
            return step
        written = step.noun is None or step.noun.rpartition("_")[2] in lexicon().words("summing_up")
        if joins and sums_up and written and step.model is None and "llm" not in step.words:
            self.joined = True
            return replace(step, agent="aggregator")
        self.joined = self.joined or (step.agent == "aggregator" and joins)
        return step

    def _fork(
        self, part: Fork, exits: Exits, scope: Scope, circumstance: str
    ) -> tuple[Exits, Scope]:
        """Write branches side by side; one after the other where the graph has no single start."""
        plain = not exits or (len(exits) == 1 and not exits[0].gate and not exits[0].slot)
        if not plain or self.forked:
            inline = tuple(step for branch in part.branches for step in branch)
            return self._walk(inline, exits, scope, circumstance)
        ends: Exits = ()
        outputs, last = list(scope.outputs), []
        self.forked = True
        for branch in part.branches:
            branch_exits, branch_scope = self._walk(branch, exits, scope, circumstance)
            ends += branch_exits
            made = [o for o in branch_scope.outputs if o not in scope.outputs]
            given = tuple(o for o in made if o.key.startswith("input."))
            made = [o for o in made if o not in given]
            scope = replace(scope, outputs=(*given, *scope.outputs))
            outputs += [*given, *made]
            last += [o for o in made if o.kind != "approval"][-1:]
        self.forked = False
        gates = [end.gate for end in ends if end.gate]
        if gates:
            ends = (self._gate(tuple(replace(end, gate=None) for end in ends), gates),)
        self.met = self.met or len(last) > 1
        joined = tuple(last) if len(last) > 1 else ()
        return ends, Scope(tuple(outputs), joined, scope.made)

    def _gate(self, exits: Exits, gates: list[str]) -> Exit:
        """Write the router that lets joined branches go on only when all was approved."""
        keys = [gate.removesuffix(".approved") for gate in gates]
        node_id = self._router({"condition": " and ".join(gates)}, keys, "Go on when approved")
        self.graph.connect(exits, node_id)
        return Exit(node_id, "approved", "if_true")

    def _router(self, parameters: dict[str, Any], keys: list[str], text: str) -> str:
        node_id = self.draft.new_id("router")
        self.graph.add_router(node_id, parameters, keys, text)
        return node_id

    def _choice(self, part: Choice, exits: Exits, scope: Scope) -> tuple[Exits, Scope]:
        asked = any(is_decision(arm.condition) is not None for arm in part.arms if arm.condition)
        granted = any(is_decision(arm.condition) for arm in part.arms if arm.condition)
        if granted and not any(o.kind == "approval" for o in scope.outputs):
            step = read_step("wait for approval", self.text)
            if step is not None and not _about_data(part, scope):
                exits, scope = self._step(step, exits, scope, "", None)
        exits = tuple(replace(end, gate=None) for end in exits) if asked else exits
        part = _turned(part)
        first = part.arms[0]
        binary = len([arm for arm in part.arms if arm.condition]) == 1 or (
            len(part.arms) == 2 and opposite(first.condition, part.arms[1].condition)
        )
        router, exits, scope = self._decide(part, exits, scope, binary)
        self.graph.connect(exits, router)
        return self._arms(part, router, scope, binary)

    def _decide(
        self, part: Choice, exits: Exits, scope: Scope, binary: bool
    ) -> tuple[str, Exits, Scope]:
        """Write the router, after a node that judges what no expression can tell."""
        arms = [arm for arm in part.arms if arm.condition]
        arms = arms[:1] if binary else arms
        texts = [self.text.restore(arm.condition) for arm in arms]
        found = [expression(text, scope, self.draft) for text in texts]
        keys = [key for one in found if one for key in one.reads if not key.startswith("input")]
        sources = [one.source if one else "" for one in found]
        if not all(found):
            output, exits = self._judge(texts, exits, scope)
            scope = scope.with_output(output)
            labels = ["yes"] if len(texts) == 1 else texts
            sources = [f"{output.key} == {label!r}" for label in labels]
            keys = [output.key]
        sources = [f"not ({s})" if arm.negated else s for arm, s in zip(arms, sources, strict=True)]
        parameters: dict[str, Any] = (
            {"condition": sources[0]}
            if binary
            else {"routes": [{"when": s, "to": ""} for s in sources]}
        )
        return self._router(parameters, keys, f"If {texts[0]}"), exits, scope

    def _judge(self, texts: list[str], exits: Exits, scope: Scope) -> tuple[Output, Exits]:
        """Write the llm node that decides what only a reader can tell."""
        question = (
            f"decide whether {texts[0]}" if len(texts) == 1 else "decide which of these holds"
        )
        step = read_step("classify it", self.text)
        if step is None:
            raise AssertionError("the lexicon has no verb `classify`")
        step = replace(
            step, text=question, marked=question, rest=question, verb="decide", noun=None
        )
        reading = find_reading(step, scope, self.draft)
        node_id = self.draft.new_id("decide")
        self.judges.add(node_id)
        labels = ["yes", "no"] if len(texts) == 1 else [*map(escaped, texts), "none of these"]
        asked = (
            f"Does this hold: {texts[0]}? Answer yes or no."
            if len(texts) == 1
            else "Which of these holds?"
        )
        data = "\n\n".join(f"{{{output.value}}}" for output in reading.outputs)
        parameters = {
            "prompt": f"{escaped(asked)}\n\n{data}".strip(),
            "task": "classify",
            "labels": labels,
        }
        output = Output(self.draft.new_key("decision"), "text", frozenset({"decision"}), node_id)
        place = Place(step, reading, self.draft, self.text, node_id)
        self.graph.add(place, Written(parameters, output), output)
        self.graph.connect(exits, node_id)
        return output, (Exit(node_id),)

    def _arms(self, part: Choice, router: str, scope: Scope, binary: bool) -> tuple[Exits, Scope]:
        ends: Exits = ()
        made: list[Output | None] = []
        complete = len(part.arms) > 1 and (binary or not part.arms[-1].condition)
        shared = self.draft.new_key(_shared_noun(part)) if complete and _all_make(part) else None
        # A rejection ends its way, so ways with an approval in them cannot meet the others again.
        approvals = any(s.agent == "human_loop" for arm in part.arms for s in steps_of(arm.body))
        apart = approvals and not self.forked
        for number, arm in enumerate(part.arms):
            slot = _slot(number, arm, binary)
            start = Exit(router, arm_label(arm, part, self.text), slot)
            sentence = arm_sentence(arm, part, self.text)
            arm_ends, arm_scope = self._walk(arm.body, (start,), scope, sentence, shared)
            if apart:
                arm_ends = tuple(replace(end, apart=f"{router} {number}") for end in arm_ends)
            ends += arm_ends
            new = [o for o in arm_scope.data if o not in scope.outputs]
            made.append(new[-1] if new else None)
        if not complete:
            slot = "if_false" if binary else "default"
            ends += (Exit(router, "otherwise", slot, apart=f"{router} {slot}" if apart else None),)
        if shared is None or made[0] is None:
            return ends, replace(scope, joined=())
        words = frozenset(word for output in made if output for word in output.words)
        # The ways may give different things: none of a service's fields is in all of them.
        output = replace(made[0], key=shared, kind="text", words=words, field="", service="")
        return ends, scope.with_output(output)


def _all_make(part: Choice) -> bool:
    """Whether every way ends in a step that makes something, so that they can share one key."""
    last = [arm.body[-1] if arm.body else None for arm in part.arms]
    return all(isinstance(step, Step) and step.role == "process" for step in last)


def _shared_noun(part: Choice) -> str:
    actions = {step.action for arm in part.arms for step in steps_of(arm.body[-1:])}
    return {"summarize": "summary", "translate": "translation"}.get(
        actions.pop() if len(actions) == 1 else "", "result"
    )


def _turned(part: Choice) -> Choice:
    """Put a way that does something first: "if up, do nothing; if down, alert"."""
    if len(part.arms) != 2 or part.arms[0].body:
        return part
    first, second = part.arms
    if second.condition:
        return Choice((second,)) if opposite(first.condition, second.condition) else part
    return Choice((Arm(first.condition, not first.negated, second.body),))


def _slot(number: int, arm: Arm, binary: bool) -> str:
    if binary:
        return "if_true" if number == 0 else "if_false"
    return f"route {number}" if arm.condition else "default"


def _about_data(part: Choice, scope: Scope) -> bool:
    """Whether "yes" and "no" answer a question about data, not one to a person."""
    words = {arm.condition.lower().strip(" .") for arm in part.arms}
    return bool(words & {"yes", "no", "so", "not"}) and bool(scope.data)


def _of_made(step: Step, reading: Reading, scope: Scope) -> Reading:
    """Let "it" be what a ready agent just made, where no data stands before the step."""
    last = scope.made[-1] if scope.made else None
    if reading.outputs or last is None or not last.fields or step.role not in ("process", "sink"):
        return reading
    if not PRONOUN.match(step.phrase):
        return reading
    return Reading((Output(last.key, "text", last.words, service=last.service),))


def _with_made(scope: Scope, ready: ReadyAgent, written: Written, key: str, place: Place) -> Scope:
    """Return the scope in which later steps may mean what a ready agent made."""
    words = thing_words(place.step, ready)
    made = made_by(ready, written, key, words, mapped=place.reading.mapped)
    return replace(scope, made=(*scope.made, made))


def _writer(step: Step) -> Callable[[Place], Written]:
    if step.agent == "api":
        return write_api_read if step.role == "source" else write_api_send
    if step.agent == "database":
        return write_database_read if step.role == "source" else write_store
    return _WRITERS[step.agent]
