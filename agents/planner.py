"""Reads descriptions and instructions with language models, and offline when none can.

The offline parser reads each text first, in milliseconds: what it finds says what the text names,
and is the answer when no model gives one. A model's answer counts only once it passes the check and
touches nothing that nobody named. Without a provider no provider's library is imported.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from agents.egress import egress_of
from agents.models import model_access, open_models
from agents.planner_chain import Chain, PlannerSettings
from agents.planner_edits import EditAnswer, edit_job
from agents.planner_output import WorkflowAnswer
from agents.planner_plan import plan_job
from agents.planner_reading import Planned, PlannerError, Reading, timed
from agents.settings import AgentSettings
from compiler.editing.instruction import read_edit
from compiler.english.own_agents import NONE, Own
from compiler.english.parser import parse
from compiler.signature import AgentSignature
from compiler.specification import Specification

Catalogue = Callable[[], Mapping[str, AgentSignature]]
"""Gives the agents that specifications may name, when a model is first asked."""


class Planner:
    """Reads texts; get one from `open_planner`."""

    def __init__(self, chain: Chain, agents: Catalogue) -> None:
        self._chain = chain
        self._agents = agents

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are asked, by name, the first one first."""
        return self._chain.names

    async def load(self) -> None:
        """Import what asking the models takes, before the first text comes."""
        if self._chain.names:
            self._agents()
            parse("Summarize it")
            await self._chain.load(WorkflowAnswer, EditAnswer)

    async def plan(
        self,
        text: str,
        name: str | None = None,
        answers: Mapping[str, str] | None = None,
        *,
        offline: bool = False,
        only: str | None = None,
        own: Own = NONE,
    ) -> Planned:
        """Turn a description into a specification and the questions that it leaves open.

        Args:
            text: The description.
            name: The workflow's name; without it a title is made of the text.
            answers: Answers by question id, from an earlier reading of the same text.
            offline: Ask no model.
            only: The one model that is to read it, with no other reader after it.
            own: The organization's agents that the text may mean.

        Raises:
            PlannerError: The model that alone was to read it could not.
        """
        begun, given = time.perf_counter(), dict(answers or {})
        parsed = parse(text, name, given, own)
        reading = Reading()
        if not offline and (only is not None or self._chain.names):
            said = given.get("description") or text
            job = plan_job(said, name, given, parsed.specification, self._agents(), own)
            asked = await self._chain.ask(job, begun, only)
            made, reading = asked
            if made is not None:
                return Planned(made.specification, made.questions, timed(reading, begun))
            if only is not None:
                raise PlannerError(reading)
        return Planned(parsed.specification, parsed.questions, timed(reading, begun))

    async def edit(
        self,
        text: str,
        specification: Specification,
        answers: Mapping[str, str] | None = None,
        *,
        offline: bool = False,
        own: Own = NONE,
    ) -> Planned:
        """Turn an instruction into a changed specification and the questions that it leaves open.

        What the offline reader understands as a whole costs no model.
        """
        begun, given = time.perf_counter(), dict(answers or {})
        read = read_edit(text, specification, given, own)
        reading = Reading()
        understood = read.specification is not None and not read.questions
        if not (understood or offline) and self._chain.names:
            said = given.get("instruction") or text
            job = edit_job(said, specification, given, self._agents(), own)
            asked = await self._chain.ask(job, begun)
            made, reading = asked
            if made is not None:
                return Planned(made.specification, made.questions, timed(reading, begun))
        return Planned(read.specification, read.questions, timed(reading, begun))


@asynccontextmanager
async def open_planner(
    settings: PlannerSettings, agent_settings: AgentSettings, agents: Catalogue
) -> AsyncIterator[Planner]:
    """Open the planner of this process; closes the connections to providers.

    Args:
        settings: Which models read, and their bounds.
        agent_settings: Keys and addresses of providers, as agents have them.
        agents: The agents that specifications may name.
    """
    access, default = model_access(agent_settings), agent_settings.default_model
    async with open_models(egress_of(agent_settings), access, default) as models:
        yield Planner(Chain(models, settings), agents)
