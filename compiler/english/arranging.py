"""Fourth stage: arranges clauses as a program."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from compiler.english.clause import Clause
from compiler.english.conditions import is_decision
from compiler.english.control_words import GIVEN_BACK
from compiler.english.distributing import distributed
from compiler.english.implied import implied_steps
from compiler.english.neighbours import (
    are_apart,
    is_given,
    looks_outside,
    points_back,
    sends_all,
    side_by_side,
    tells_what_was_read,
    with_tools_told,
)
from compiler.english.normalise import MARK, Text
from compiler.english.nouns import each_noun
from compiler.english.opposites import AFFIRMED, opposite
from compiler.english.program import Arm, Choice, Fork, Part, Program, with_decisions
from compiler.english.sources import Sources, infer_items
from compiler.english.steps import Step, read_step
from compiler.english.verbs import read_opening
from compiler.inflection import plural


def read_program(clauses: list[Clause], text: Text) -> Program:
    """Arrange clauses as a program."""
    builder = _Builder(text)
    for place, clause in enumerate(clauses):
        following = clauses[place + 1] if place + 1 < len(clauses) else None
        if clause.kind == "parallel":
            builder.fine = _is_fine(clauses[place + 1 :])
        builder.otherwise = _has_otherwise(clauses[place + 1 :])
        builder.add(clause, following)
    return builder.finish()


_POINTS_BACK = re.compile(
    r"approval: |(?:wait|hold|pause)s? |(?:capture|record|collect|get|receive|process"
    r"|read)s? (?:the |their |his |her )?(?:[\w-]+ )?(?:decision|response|answer|approval)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"^(?:they|it|he|she|this|that|there|the \w+|none|one|any) (?:(?:is|are|do|does|has|have|was"
    r"|were|did)(?:n't| not)(?: (?:exist|match|pass|qualify|apply|work|succeed|found|one|any"
    r"|there|hold"
    r"|the case|yet|already))*|cannot be found)$|^(?:none|nothing|not|it's not)(?: (?:is |was"
    r" )?found)?$",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"^(?:new )?(?P<noun>[\w-]+(?: [\w-]+)?) (?P<which>(?:that|which|who|whose|without|having"
    r"|marked|rated|above|below|over"
    r"|under|older than|newer than|with (?:an?|no|more|less|fewer))\b.+)$",
    re.IGNORECASE,
)
_KIND = "it is one of the "
"""How conditions begin that were told as kinds: "for bugs, …"."""
_OUTPUTS = re.compile(r"(?:outputs?|returns?) an? [^,]*$", re.IGNORECASE)
_JOINING = re.compile(r"(?:and )?(?:then|finally|after that|afterwards)\b", re.IGNORECASE)


def _is_fine(clauses: list[Clause]) -> bool:
    """Whether "in parallel:" is followed by a list whose entries may hold several steps."""
    for clause in clauses:
        if clause.separator in ("arrow", "sentence") or _JOINING.match(clause.text):
            return False
        if clause.separator in ("semicolon", "item"):
            return True
    return False


def _joins(clause: Clause) -> bool:
    """Whether a step after "then" takes together what branches made."""
    opening = read_opening(clause.text)
    gathers = opening is not None and opening.verb.action == "aggregate"
    return clause.separator == "then" and gathers


def _has_otherwise(clauses: list[Clause]) -> bool:
    """Whether the open choice has another way further on."""
    ahead = next((clause.kind for clause in clauses if clause.kind in ("if", "else")), None)
    return ahead == "else"


@dataclass(slots=True)
class _OpenArm:
    condition: str
    negated: bool
    body: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    text: Text
    fine: bool = False
    """The open group's branches are list entries, each of which may hold several steps."""
    otherwise: bool = False
    """An "otherwise" comes after the clause that is read."""
    since: int = 0
    """Where the steps begin that a clause of several steps can put side by side."""
    parts: list[Part] = field(default_factory=list)
    arms: list[_OpenArm] = field(default_factory=list)
    bound: bool = False
    """The open choice was written after its action, so nothing more joins the arm."""
    arrows: bool = False
    """The open arm began with an arrow, so arrows continue it."""
    group: list[list[Part]] | None = None
    each: str | None = None
    question: str | None = None
    """What "check whether" asked, until "if so" or "if not" uses it."""
    unknown: list[Clause] = field(default_factory=list)
    sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        self.sources = Sources(self.text)

    def add(self, clause: Clause, following: Clause | None) -> None:
        """Take in the next clause."""
        if self._closes(clause):
            self._close()
        if clause.kind == "action":
            parts = distributed(clause)
            if len(parts) > 1 and self._is_read(parts[0]):
                parts = parts[1:]
            self.since = len(self.parts) if len(parts) > 1 else 0
            for part in parts:
                self._action(part)
        elif clause.kind == "if":
            self._if(clause, following)
        elif clause.kind == "else":
            self._else(clause)
        elif clause.kind == "each":
            self._each(clause)
        elif clause.kind == "parallel":
            self._close()
            self.group = []
        else:
            self._whether(clause, following)

    def _is_read(self, clause: Clause) -> bool:
        """Whether what a message tells was just read: "get the weather and mail the forecast"."""
        last = self._last()
        return last is not None and last.role == "source" and tells_what_was_read(clause.text)

    def _each(self, clause: Clause) -> None:
        """Open a loop; "for each review at URL" reads the page first."""
        self.each = clause.text
        marks = "".join(f" {match[0]}" for match in MARK.finditer(clause.text))
        noun = each_noun(f"each {clause.text}")
        step = None
        if noun and self.text.literals_in(clause.text, "url"):
            step = read_step(f"scrape {plural(noun)} from{marks}", self.text)
        elif source := self.sources.of_loop(clause.text, fresh=not (self.parts or self.arms)):
            step = read_step(source, self.text)
        if step is not None:
            self.sources.before(step)
            self._place(step, clause)
        limit = _LIMITED.match(clause.text)
        if limit and (
            kept := read_step(f"filter the {plural(limit['noun'])} {limit['which']}", self.text)
        ):
            self._place(kept, clause)

    def finish(self) -> Program:
        """Return the program."""
        self._close()
        parts = with_decisions(infer_items(side_by_side(self.parts)))
        return Program(parts, tuple(self.unknown))

    def _closes(self, clause: Clause) -> bool:
        """Whether the open choice or group ends before this clause."""
        if clause.kind in ("else", "if"):
            return False
        if clause.separator in ("sentence", "line"):
            self.each = None
        if self.group is not None:
            ends = clause.separator in ("arrow", "sentence", "line")
            joins = bool(self.group) and (bool(_JOINING.match(clause.text)) or _joins(clause))
            return ends or joins or (clause.separator == "then" and not self.fine)
        if not self.arms:
            return False
        if (
            clause.always
            or self._sums_up(clause)
            or (self.bound and clause.separator != "condition")
        ):
            return True
        if clause.separator == "arrow":
            return not self.arrows
        return clause.separator in ("sentence", "line", "item", "semicolon")

    def _sums_up(self, clause: Clause) -> bool:
        """Whether a step after "…, then" follows whichever way was taken.

        It does when it speaks of the result of either way, and when the way before it only asked
        for an approval: "if it is above 1000, have a manager approve it, then save it".
        """
        last = self.arms[-1]
        if clause.separator != "then" or not last.body:
            return False
        if not last.condition:
            return bool(re.search(r"\b(?:results?|outcome|output)\b", clause.text, re.IGNORECASE))
        approvals = all(isinstance(p, Step) and p.agent == "human_loop" for p in last.body)
        return approvals and not self.otherwise and is_decision(last.condition) is None

    def _close(self) -> None:
        if self.arms:
            arms = tuple(Arm(arm.condition, arm.negated, tuple(arm.body)) for arm in self.arms)
            if any(arm.body for arm in arms):
                self.parts.append(Choice(arms))
            elif self.arms[0].condition:
                self.unknown.append(Clause("action", "sentence", f"if {self.arms[0].condition}"))
            self.arms = []
        if self.group is not None:
            branches = tuple(tuple(branch) for branch in self.group if branch)
            self.parts.extend(
                [Fork(branches)] if len(branches) > 1 else [p for b in branches for p in b]
            )
            self.group = None
        self.bound = self.arrows = False

    def _action(self, clause: Clause) -> None:
        if (step := read_step(clause.text, self.text, clause.parallel)) is None:
            self.unknown.append(clause)
            return
        step = with_tools_told(step, self.arms[-1].body if self.arms else self.parts)
        works = clause.worker and step.product is None
        if not step.named and works and step.agent not in ("web_scraping", "email"):
            step = replace(step, action="generate", agent="llm")
        if not step.named and self._is_needless(step):
            return
        if _OUTPUTS.match(step.marked) and not step.named:
            step = replace(step, action="generate", agent="llm")
        if self._gathers(step):
            step = replace(step, action="aggregate", agent="aggregator")
        if step.agent == "aggregator" or sends_all(step, self._last()):
            self.each = None
        if self.each is not None and step.each is None:
            step = replace(step, each=each_noun(f"each {self.each}"))
        for found in (*self.sources.before(step), *implied_steps(step, self._before(), self.text)):
            self._place(found, clause)
        self._place(step, clause)

    def _is_needless(self, step: Step) -> bool:
        """Whether a step only says what there is already: given, approved, joined, given back."""
        last = self._last()
        joined = last is not None and last.agent == step.agent == "aggregator" and points_back(step)
        back = step.product is None and self._gives_back(step)
        return self._repeats(step) or is_given(step) or joined or back

    def _gives_back(self, step: Step) -> bool:
        """Whether a step only ends with what there is: "and returns the summary"."""
        to_somebody = re.search(r"\b(?:to|in|on|via|at|as|into)\b", step.rest)
        return bool(self._last() and GIVEN_BACK.match(step.marked) and not to_somebody)

    def _gathers(self, step: Step) -> bool:
        """Whether a step takes together what the one before it made of each: "collect them"."""
        mapped = (last := self._last()) is not None and last.each is not None and not step.named
        return mapped and step.verb in ("collect", "gather") and " from " not in step.rest

    def _last(self) -> Step | None:
        """The step that was written last where the next one goes."""
        body = self.arms[-1].body if self.arms else self.parts
        last = body[-1] if body else None
        return last if isinstance(last, Step) and self.group is None else None

    def _before(self) -> Step | None:
        """The last step, also of those that stand side by side."""
        beside = self.parts[-1] if self.parts and not self.arms and self.group is None else None
        if isinstance(beside, Fork) and isinstance(last := beside.branches[-1][-1], Step):
            return last
        return self._last()

    def _repeats(self, step: Step) -> bool:
        """Whether a step only points back to the approval before it: "once approved, …"."""
        last = self._last()
        asked = last is not None and last.agent == "human_loop"
        pointing = bool(_POINTS_BACK.match(step.marked))
        return asked and pointing and not re.search(r"\b(?:by|from|of)\b", step.marked)

    def _place(self, step: Step, clause: Clause) -> None:
        if clause.times > 1 and not self.arms and self.group is None:
            step = replace(step, parallel=False)
            self.parts.append(Fork(((step,),) * clause.times))
            return
        if self.arms:
            self.arms[-1].body.append(step)
        elif self.group is not None:
            continues = clause.separator == "then" and self.group
            split = not self.fine or clause.separator in ("semicolon", "item", "condition")
            if split and not continues:
                self.group.append([])
            (self.group[-1] if self.group else self.parts).append(step)
        else:
            self.parts.append(step)
            if clause.parallel:
                self._gather(clause.separator)

    def _gather(self, joined: str) -> None:
        """Put the last steps side by side: "email it and post it to Slack at the same time"."""
        last = self.parts[-1]
        run: list[Part] = []
        while len(self.parts) > self.since and isinstance(last, Step):
            if not isinstance(self.parts[-1], Step):
                break
            same = self.parts[-1].role == last.role and self.parts[-1].each is None
            apart = last.role != "process" or not points_back(last)
            if not same or last.each is not None or (run and not apart):
                break
            run.insert(0, self.parts.pop())
        if len(run) == 1 and isinstance(last, Step) and self.parts and joined == "comma":
            before = self.parts[-1]
            if isinstance(before, Step) and are_apart(before, last):
                run.insert(0, self.parts.pop())
        if len(run) > 1:
            steps = [replace(step, parallel=False) for step in run if isinstance(step, Step)]
            self.parts.append(Fork(tuple((step,) for step in steps)))
        else:
            self.parts.extend(run)

    def _if(self, clause: Clause, following: Clause | None) -> None:
        if self.group is not None:
            self._close()
        last = self.parts[-1] if self.parts else None
        decided = self.arms or self.question is not None or isinstance(last, Choice)
        if decided and _DENIED.match(clause.text):
            self._else(clause)
            return
        again = bool(self.arms) and self._continues(clause)
        if not again:
            self._close()
            for found in self.sources.of_condition(clause.text):
                self._place(found, clause)
        condition = clause.text
        if self.question is not None and AFFIRMED.match(condition):
            condition, self.question = self.question, None
        self.arms.append(_OpenArm(condition, clause.negated))
        self.bound = clause.bound
        self.arrows = following is not None and following.separator == "arrow"

    def _continues(self, clause: Clause) -> bool:
        """Whether this condition is another way of the open choice."""
        if not self.arms[-1].condition:
            return False
        if clause.separator == "condition":
            return True
        if any(opposite(arm.condition, clause.text) for arm in self.arms):
            return True
        if all(text.startswith(_KIND) for text in (self.arms[-1].condition, clause.text)):
            return True
        if clause.separator == "semicolon":
            return True
        return clause.separator in ("comma", "item") and not self.bound

    def _else(self, clause: Clause) -> None:
        self.bound = False
        if not self.arms and self.question is not None:
            self.arms.append(_OpenArm(self.question, True))
            self.question = None
            return
        last = self.parts[-1] if self.parts else None
        if not self.arms and isinstance(last, Choice):
            self.parts.pop()
            self.arms = [_OpenArm(a.condition, a.negated, list(a.body)) for a in last.arms]
        elif not self.arms and (place := self._asked()) is not None:
            self.arms = [_OpenArm("approved", False, self.parts[place + 1 :])]
            del self.parts[place + 1 :]
        if self.arms and self.arms[-1].condition:
            self.arms.append(_OpenArm("", False))
        elif not self.arms:
            self.unknown.append(clause)

    def _asked(self) -> int | None:
        """Where the approval stands whose other way an "otherwise" is: at most two steps back."""
        for place in range(len(self.parts) - 1, max(-1, len(self.parts) - 4), -1):
            part = self.parts[place]
            if not isinstance(part, Step):
                return None
            if part.agent == "human_loop":
                return place
        return None

    def _whether(self, clause: Clause, following: Clause | None) -> None:
        """Read "check whether X": a look at X, and the condition that "if so" and "if not" mean."""
        self._close()
        decided = following is not None and following.kind in ("if", "else")
        if (look := read_step(f"check {clause.text}", self.text)) is None:
            self.unknown.append(clause)
        elif not decided or (look.agent != "llm" and looks_outside(look)):
            self.parts.append(look)
        self.question = clause.text if decided else None
