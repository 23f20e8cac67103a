"""The metrics of the API, with their names and units in one place, and those of the platform."""

import secrets
import time

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.metrics import LIVING_SECONDS, write_snapshot
from store.json_values import loads
from store.postgres import Pool
from store.statements import statement

REQUESTS = Counter("weft_http_requests_total", "HTTP requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "weft_http_request_seconds",
    "Time from request to answer, in seconds.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PARSER_CALLS = Counter(
    "weft_parser_calls_total",
    "Language models that were asked to read a text, by what came of it.",
    ["kind", "model", "outcome"],
)
PARSER_TOKENS = Counter(
    "weft_parser_tokens_total", "Tokens of models that read texts.", ["model", "direction"]
)
PARSER_COST_USD = Counter(
    "weft_parser_cost_usd_total", "Cost of models that read texts, in USD.", ["model"]
)
PARSER_CACHED = Counter(
    "weft_parser_cached_total", "Texts that a model had read before, so that none was asked."
)
PARSER_SECONDS = Histogram(
    "weft_parser_seconds",
    "Time that reading a text takes, in seconds.",
    ["kind", "reader"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 30, 60),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word can be sent as a method; a label for each would fill the memory."""
PROCESS = f"api-{secrets.token_hex(4)}"
"""How this process's metrics are told from those of others."""


async def exposition(pool: Pool) -> bytes:
    """Return the metrics of all processes of the platform in Prometheus's text format.

    Each sample names its process; whichever replica is asked, the answer is the same.
    """
    await write_snapshot(pool, PROCESS)
    executors = Metric("weft_executors", "Executors that hold a lease.", "gauge")
    executors.add_sample("weft_executors", {}, await pool.fetchval(statement("count_executors")))
    found: dict[str, Metric] = {executors.name: executors}
    for row in await pool.fetch(statement("list_metrics"), LIVING_SECONDS):
        for told in loads(row["families"]):
            family = found.setdefault(
                told["name"], Metric(told["name"], told["help"], told["kind"])
            )
            for name, labels, value in told["samples"]:
                family.add_sample(name, {**labels, "process": row["process"]}, value)
    registry = CollectorRegistry()
    registry.register(_Found(list(found.values())))
    return generate_latest(registry)


class _Found(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return what was found."""
        return self._families


class Measured:
    """ASGI middleware that counts and times requests, by route and not by path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(method, route, status).inc()
            REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - begun)
