"""What a container is, wherever one is named: its image, its limits, the hosts that it reaches."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agents.bound import host_pattern

_MEMORY_MB = 512
_MOST_HOSTS = 50


def _as_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(host_pattern, hosts)))


class ContainerParameters(BaseModel):
    """An image that the operator has, and what its program may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]{0,254}$")
    command: tuple[str, ...] | None = Field(
        default=None, max_length=100, description="Instead of the image's own."
    )
    memory_mb: int = Field(default=_MEMORY_MB, ge=16, le=65_536)
    cpus: float = Field(default=0.5, gt=0, le=64)
    hosts: Annotated[tuple[str, ...], AfterValidator(_as_hosts)] = Field(
        default=(),
        max_length=_MOST_HOSTS,
        description="The only hosts that it reaches, such as `api.example.com`; none: no network.",
    )
