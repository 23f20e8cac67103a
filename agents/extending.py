"""Agents of other packages: written as a function or a class, found by their entry points.

A package names its agents in the entry point group `weft.agents`; the entry point's name is what a
node's `agent` says, its object an `Agent` or a function that `agent` has decorated.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast, get_type_hints

from agents.agent import Agent, AgentContext, AgentResult, Parameters, SideEffect

GROUP = "weft.agents"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_NEEDED = (
    "name", "description", "parameters", "side_effect", "default_timeout_seconds",
    "output_fields", "run",
)  # fmt: skip

P = TypeVar("P", bound=Parameters)
Work = Callable[[P, AgentContext], Awaitable[Any]]


class ExtensionError(Exception):
    """A package's agent cannot be used; says which, and why."""


class FunctionAgent:
    """An agent that is one function; made by `agent`."""

    def __init__(
        self,
        work: Work[Any],
        model: type[Parameters],
        side_effect: SideEffect,
        timeout_seconds: float,
        output_fields: tuple[str, ...],
    ) -> None:
        self.name = work.__name__
        self.description = _summary(work)
        self.parameters = model
        self.side_effect = side_effect
        self.default_timeout_seconds = timeout_seconds
        self.output_fields = output_fields
        self._work = work

    async def run(self, parameters: Parameters, context: AgentContext) -> AgentResult:
        """Do the work once.

        Raises:
            AgentError: As the function does.
        """
        result = await self._work(parameters, context)
        return result if isinstance(result, AgentResult) else AgentResult(result)


def agent(
    *,
    side_effect: SideEffect,
    timeout_seconds: float = 60.0,
    output_fields: tuple[str, ...] = (),
) -> Callable[[Work[P]], FunctionAgent]:
    """Make an agent of an async function of its parameters and the context.

    The function's name is the agent's, the first sentence of its docstring the description, the
    annotation of its first argument the parameter model. It returns an `AgentResult`, or any JSON
    value.

    Args:
        side_effect: What one run does to the outside world at most.
        timeout_seconds: The bound of one attempt when the node names none.
        output_fields: The fields of the output object; empty when its shape is not known.

    Raises:
        ExtensionError: The function has another form, or no docstring.
    """

    def decorate(work: Work[P]) -> FunctionAgent:
        named = f"{work.__module__}.{work.__qualname__}"
        if not inspect.iscoroutinefunction(work):
            raise ExtensionError(f"{named} must be an async function.")
        arguments = list(inspect.signature(work).parameters)
        model = get_type_hints(work).get(arguments[0]) if len(arguments) == 2 else None
        if not (isinstance(model, type) and issubclass(model, Parameters)):
            raise ExtensionError(
                f"{named} must take (parameters, context), the first annotated with a subclass of "
                "agents.agent.Parameters."
            )
        if not work.__doc__:
            raise ExtensionError(f"{named} needs a docstring: it is what people read.")
        return FunctionAgent(work, model, side_effect, timeout_seconds, output_fields)

    return decorate


def _summary(work: Work[Any]) -> str:
    paragraph = inspect.cleandoc(work.__doc__ or "").split("\n\n", 1)[0]
    return " ".join(paragraph.split())


def installed_agents(taken: Collection[str]) -> tuple[Agent[Any], ...]:
    """Return the agents that installed packages bring.

    Args:
        taken: Names that none of them may have.

    Raises:
        ExtensionError: One cannot be loaded, is no agent, or has a name that is taken or none.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        name = point.name
        if not _NAME.fullmatch(name):
            raise _error(point, "its name is not in lower case with underscores")
        if name in taken:
            raise _error(point, "an agent of Weft's own has that name")
        if name in found:
            raise _error(point, f"{_origin(found[name])} brings one of that name, too")
        found[name] = point
    return tuple(map(_load, found.values()))


def _load(point: EntryPoint) -> Agent[Any]:
    try:
        found = point.load()
        made = found() if isinstance(found, type) else found
    except Exception as error:
        raise _error(point, f"{type(error).__name__}: {error}") from error
    missing = [part for part in _NEEDED if not hasattr(made, part)]
    if missing:
        raise _error(point, f"{point.value} has no {', '.join(missing)}")
    if made.name != point.name:
        raise _error(point, f"{point.value} calls itself {made.name}")
    return cast(Agent[Any], made)


def _error(point: EntryPoint, why: str) -> ExtensionError:
    return ExtensionError(
        f"The agent {point.name} of {_origin(point)} cannot be used: {why}. "
        "Correct the package, or take it away."
    )


def _origin(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist else "a package"
