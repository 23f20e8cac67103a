"""What the engine measures: every name, unit and help text, and the way to the outside.

An instrument is shown at the platform's `/metrics`, which reads what each process wrote last of
itself (`report`), and with Ray's own metrics, in processes that ask for it. Nothing is measured for
each record: an observation takes microseconds, so there is one for a flush, an attempt, an end.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Literal
from uuid import UUID

import orjson
import prometheus_client
import structlog
from asyncpg import exceptions
from prometheus_client import REGISTRY
from ray.util import metrics as ray_metrics

from store.events import TERMINAL
from store.postgres import UNREACHABLE, Pool
from store.records import Event
from store.statements import statement

log = structlog.get_logger(__name__)

REPORT_SECONDS = 5.0
"""How often a process writes what it has measured."""
LIVING_SECONDS = 30.0
"""A process that has written nothing for so long is gone."""
LAG_SECONDS = 0.5
"""How often the lateness of the event loop is measured."""

Kind = Literal["counter", "gauge", "histogram"]
_instruments: list["Instrument"] = []
_shown_in_ray = False


class Instrument:
    """One metric of this process; it begins to be shown when it is first recorded.

    Args:
        kind: A counter is added to, a gauge is set, a histogram counts observations.
        name: With its unit.
        help: One sentence.
        labels: The names of its labels, whose values must be few.
        buckets: The upper bounds of a histogram's buckets.
    """

    def __init__(
        self,
        kind: Kind,
        name: str,
        help: str,
        labels: tuple[str, ...] = (),
        buckets: tuple[float, ...] = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.help = help
        self.labels = labels
        self.buckets = buckets
        self._own: Any = None
        self._ray: Any = None
        self._children: dict[tuple[str, ...], Callable[[float], None]] = {}
        _instruments.append(self)

    def record(self, value: float = 1.0, *labels: str) -> None:
        """Add to a counter, set a gauge, or observe a value; from the event loop's thread."""
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._child(labels)
        child(value)

    def _child(self, labels: tuple[str, ...]) -> Callable[[float], None]:
        own = self._make().labels(*labels) if labels else self._make()
        mine: Callable[[float], None] = getattr(own, _VERBS[self.kind])
        if not _shown_in_ray:
            return mine
        rays = self._make_in_ray()
        theirs = getattr(rays, _VERBS[self.kind])
        tags = dict(zip(self.labels, labels, strict=True))

        def both(value: float) -> None:
            mine(value)
            if value or self.kind != "counter":
                theirs(value, tags)

        return both

    def _make(self) -> Any:
        if self._own is None:
            more = {"buckets": self.buckets} if self.kind == "histogram" else {}
            made = getattr(prometheus_client, self.kind.capitalize())
            self._own = made(self.name, self.help, self.labels, **more)
        return self._own

    def _make_in_ray(self) -> Any:
        if self._ray is None:
            more = {"boundaries": list(self.buckets)} if self.kind == "histogram" else {}
            made = getattr(ray_metrics, self.kind.capitalize())
            self._ray = made(self.name, self.help, tag_keys=self.labels, **more)
        return self._ray

    def forget_children(self) -> None:
        """Let the next record decide anew where it is shown."""
        self._children.clear()


_VERBS: dict[Kind, str] = {"counter": "inc", "gauge": "set", "histogram": "observe"}
_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
         3600.0, 86_400.0)  # fmt: skip

JOURNAL_FLUSH_SECONDS = Instrument(
    "histogram", "weft_journal_flush_seconds", "Time that a flush of the journal takes.",
    buckets=_SHORT,
)  # fmt: skip
JOURNAL_FLUSH_ROWS = Instrument(
    "histogram", "weft_journal_flush_rows", "Records that a flush of the journal writes.",
    buckets=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0),
)  # fmt: skip
JOURNAL_QUEUE_ENTRIES = Instrument(
    "gauge", "weft_journal_queue_entries", "Entries that wait for a flush of the journal."
)
JOURNAL_RETRIES = Instrument(
    "counter", "weft_journal_retries_total", "Flushes that are tried again after the database."
)
EXECUTIONS_RUNNING = Instrument(
    "gauge", "weft_executions_running", "Executions that the process drives."
)
EXECUTIONS = Instrument(
    "counter", "workflow_executions_total", "Executions that ended, by how.", ("status",)
)
EXECUTION_SECONDS = Instrument(
    "histogram", "workflow_duration_seconds", "Time from an execution's start to its end.",
    buckets=_LONG,
)  # fmt: skip
FAILURES = Instrument("counter", "workflow_failures_total", "Executions that failed.")
AGENT_SECONDS = Instrument(
    "histogram", "agent_execution_duration_seconds", "Time that an attempt at a node takes.",
    ("agent",), _LONG,
)  # fmt: skip
LEASES_LOST = Instrument(
    "counter", "weft_leases_lost_total", "Executors that did not renew their lease in time."
)
RECOVERED_EXECUTIONS = Instrument(
    "counter", "weft_recovered_executions_total", "Executions that a new executor took over."
)
LOCAL_PERMITS = Instrument(
    "counter",
    "weft_local_permits_total",
    "Calls whose rate limit one process kept by itself, since Redis did not answer.",
)
LOOP_LAG_SECONDS = Instrument(
    "histogram", "weft_event_loop_lag_seconds", "How late the process's event loop is.",
    buckets=_SHORT,
)  # fmt: skip


def show_in_ray() -> None:
    """Show what this process measures with Ray's metrics as well; needs a Ray worker."""
    global _shown_in_ray
    _shown_in_ray = True
    for instrument in _instruments:
        instrument.forget_children()


def count_ended(events: Iterable[Event]) -> None:
    """Count the executions that events, which are committed, say have ended.

    An execution's id tells when it was started.
    """
    for event in events:
        if event.event_type in TERMINAL:
            status = event.event_type.removeprefix("workflow_")
            EXECUTIONS.record(1, status)
            if status == "failed":
                FAILURES.record()
            lasted_seconds = event.created_at.timestamp() - _begun(event.execution_id)
            EXECUTION_SECONDS.record(max(0.0, lasted_seconds))


def _begun(execution_id: UUID) -> float:
    """Return when a version 7 identifier was made, in seconds."""
    return (execution_id.int >> 80) / 1000


def snapshot() -> list[dict[str, Any]]:
    """Return all metrics of this process as JSON data."""
    return [
        {
            "name": family.name,
            "kind": family.type,
            "help": family.documentation,
            "samples": [
                [sample.name, sample.labels, sample.value]
                for sample in family.samples
                if not sample.name.endswith("_created")
            ],
        }
        for family in REGISTRY.collect()
    ]


async def write_snapshot(pool: Pool, process: str) -> None:
    """Write what this process has measured; safe to repeat."""
    text = orjson.dumps(snapshot()).decode("utf-8")
    await pool.execute(statement("write_metrics"), process, text)


async def report(pool: Pool, process: str, sample: Callable[[], None]) -> None:
    """Measure the event loop, and write what the process measures, until cancelled.

    Args:
        pool: A pool of role weft_engine or weft_api.
        process: The process's name, under which it replaces what it wrote before.
        sample: Sets gauges.
    """
    loop = asyncio.get_running_loop()
    written_at = loop.time() - REPORT_SECONDS
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        LOOP_LAG_SECONDS.record(max(0.0, loop.time() - due))
        if loop.time() - written_at < REPORT_SECONDS:
            continue
        written_at = loop.time()
        sample()
        try:
            await write_snapshot(pool, process)
        except (*UNREACHABLE, exceptions.PostgresError) as error:
            log.warning("metrics.not_written", error=repr(error))
