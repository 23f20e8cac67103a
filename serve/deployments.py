"""The Ray Serve application: the API's ingress and the parser behind it."""

from typing import TYPE_CHECKING, Any

from ray import serve as ray_serve

from actors.logs import configure_logs
from actors.names import MANY_NAMES
from serve.api_config import ApiConfig
from serve.parser import Parser, ParserConfig

if TYPE_CHECKING:
    from fastapi import FastAPI


@ray_serve.deployment(
    name="api",
    max_ongoing_requests=1000,
    ray_actor_options={"num_cpus": 0, "runtime_env": MANY_NAMES},
)
@ray_serve.ingress()
class Api:
    """Serves the API and the dashboard."""

    def __init__(self, config: ApiConfig, parser: Any) -> None:
        configure_logs()
        self._config = config
        self._parser = parser

    def __serve_build_asgi_app__(self) -> "FastAPI":
        """Return the app that this replica serves."""
        # The app takes seconds to import; whoever only names this class is spared.
        from serve.app import build_app  # noqa: PLC0415

        return build_app(self._config, self._parser)


def application(
    config: ApiConfig, parser_config: ParserConfig, replicas: int
) -> ray_serve.Application:
    """Return the application to run.

    Args:
        config: Addresses and keys.
        parser_config: Which models read texts.
        replicas: How many processes serve the API.
    """
    # The decorators' types are made at run time.
    api: Any = Api
    parser: Any = Parser
    bound: ray_serve.Application = api.options(num_replicas=replicas).bind(
        config, parser.bind(parser_config)
    )
    return bound
