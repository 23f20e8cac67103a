"""A custom agent that is a container image: JSON on its input, JSON on its output."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from agents.agent import AgentContext, AgentResult, SideEffect
from agents.container_network import open_door
from agents.custom.definition import DockerContainer
from agents.errors import AgentError

_SHOWN_CHARACTERS = 300


class ContainerRunner:
    """Runs the image without writable files, privileges or hosts but its own, within its limits."""

    own_secrets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, implementation: DockerContainer) -> None:
        self._implementation = implementation
        self.hosts = implementation.hosts
        self.side_effect: SideEffect = implementation.side_effect if self.hosts else "none"
        # Starting a container takes a while of its own.
        self.timeout_seconds = implementation.timeout_seconds + 30.0

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Return the JSON value that the program writes.

        Raises:
            AgentError: It fails, passes a limit, or writes something else (final); there is no
                engine, or none that lets it reach its hosts (final), or it does not answer
                (retryable).
        """
        # See `Services.containers`.
        from agents.containers import Contained  # noqa: PLC0415

        one, services = self._implementation, context.services
        label = f"{context.execution_id}:{context.node_id}"
        containers = await services.containers()
        async with open_door(services.egress, services.settings.containers_url, one.hosts) as door:
            program = Contained(one, one.timeout_seconds, label, door)
            ended = await containers.run(program, orjson.dumps(dict(values)))
        try:
            output = orjson.loads(ended.output)
        except orjson.JSONDecodeError as error:
            shown = ended.output[:_SHOWN_CHARACTERS].decode(errors="replace")
            raise AgentError(
                f"The container {one.image} wrote no JSON but: {shown or '(nothing)'}",
                remedy="Write one JSON value to standard output, and everything else to standard "
                "error.",
            ) from error
        return AgentResult(output, metadata={"image": one.image, "seconds": ended.seconds})
