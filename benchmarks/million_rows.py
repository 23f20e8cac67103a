"""1,000,000 rows through data_processing in Ray tasks: time, and how late the event loop is.

The rows are values of this process, as an executor has them: what is measured is the whole way of
a node, from them to its output. Only one of each operation's rounds is the first of its process.
"""

import asyncio
import gc
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import ray

from actors.limits import open_shared_services
from actors.logs import configure_logs
from actors.memory import settle_memory
from agents.agent import AgentContext
from agents.data_processing import DataProcessing
from agents.services import Services
from agents.settings import AgentSettings
from agents.tables import formats
from agents.tables.parameters import DataProcessingParameters
from agents.tables.steps import CsvDialect
from benchmarks.figures import spread, write
from benchmarks.state import longest_stall_ms, open_world

ROWS = 1_000_000
ROUNDS = 3
CASES: dict[str, dict[str, Any]] = {
    "groups of two fields, five aggregates": {
        "operation": "aggregate", "by": ["region", "product"],
        "aggregates": {"n": "count", "sum": "sum(price)", "mean": "mean(price)",
                       "most": "max(price)", "buyers": "count_distinct(buyer)"},
    },
    "filter, sort by two fields, the first 1,000": {
        "operation": "sort", "filters": [{"field": "price", "operator": ">", "value": 50}],
        "sort_by": [{"field": "price", "descending": True}, "id"], "limit": 1_000,
    },
    "dedupe by a field of 50,000 values": {"operation": "dedupe", "by": "buyer"},
    "left join with 50,000 rows, then groups": {
        "operation": "join", "join": {"on": "buyer", "how": "left"},
        "by": "city", "aggregates": {"n": "count"},
    },
    "a computed column, then groups": {
        "operation": "aggregate", "compute": {"with_tax": "price * 1.2"}, "by": "region",
        "aggregates": {"sum": "sum(with_tax)"},
    },
    "sort, all rows back": {"operation": "sort", "sort_by": "price"},
}  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """Return a table of orders."""
    chance = random.Random(1)  # noqa: S311
    regions, products = [f"region {n}" for n in range(8)], [f"product {n}" for n in range(200)]
    return [
        {"id": number, "region": chance.choice(regions), "product": chance.choice(products),
         "buyer": chance.randrange(50_000), "price": round(chance.random() * 100, 2)}
        for number in range(ROWS)
    ]  # fmt: skip


async def one(services: Services, case: dict[str, Any], inputs: dict[str, Any]) -> dict[str, float]:
    """Run a node once and return its times."""
    nobody = UUID(int=0)
    context = AgentContext(nobody, nobody, nobody, "node", services, inputs=inputs)
    parameters = DataProcessingParameters.model_validate(case)
    done = asyncio.Event()
    stalled = asyncio.create_task(longest_stall_ms(done))
    begun = time.perf_counter()
    result = await DataProcessing().run(parameters, context)
    took_ms = (time.perf_counter() - begun) * 1000
    done.set()
    return {"took_ms": took_ms, "stalled_ms": await stalled, "rows": len(result.output)}


async def measure() -> dict[str, Any]:
    """Run every case and return its figures."""
    buyers = [{"buyer": number, "city": f"city {number % 90}"} for number in range(50_000)]
    inputs = {"orders": rows(), "buyers": buyers}
    settle_memory()
    figures: dict[str, Any] = {}
    async with open_shared_services(AgentSettings()) as services:
        for name, case in CASES.items():
            ran = [await one(services, case, inputs) for _ in range(ROUNDS)]
            gc.collect()
            figures[name] = {
                "a_node": spread([round_["took_ms"] for round_ in ran]),
                "longest_stall_ms": round(median(round_["stalled_ms"] for round_ in ran), 1),
                "rows": ran[-1]["rows"],
            }
    return figures


EXECUTION = {
    "name": "Totals",
    "nodes": [
        {"id": "sorted", "agent": "data_processing",
         "parameters": {"operation": "sort", "sort_by": "price", "input_format": "parquet",
                        "data": "{input.value}"}},
        {"id": "totals", "agent": "data_processing",
         "parameters": {"operation": "aggregate", "by": "region", "data": "{sorted}",
                        "aggregates": {"sum": "sum(price)"}}},
    ],
    "edges": [{"from": "sorted", "to": "totals"}],
}  # fmt: skip


async def measure_execution() -> dict[str, Any]:
    """Drive a workflow whose first node's result is the rows, and return its figures."""
    columns = [{name: row[name] for name in ("id", "region", "price")} for row in rows()]
    file = formats.write(columns, "parquet", CsvDialect())
    home = Path(tempfile.mkdtemp(prefix="weft-rows-"))
    (home / "logs").mkdir()
    try:
        async with open_world(home) as world:
            settle_memory()
            ran = [await world.run(2, file["base64"], EXECUTION) for _ in range(ROUNDS)]
            left = await world.bytes_of(ran[-1].execution_id)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {
        "a_node": spread([one.took_ms for one in ran]),
        "longest_stall_ms": round(median(one.stalled_ms for one in ran), 1),
        "bytes": left,
    }


def main() -> None:
    """Measure and write."""
    configure_logs("WARNING")
    folder = Path(tempfile.mkdtemp(prefix="wr-"))
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "token")
    (folder / "token").write_text("0" * 64)
    try:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
                 object_store_memory=2**30, _temp_dir=str(folder))  # fmt: skip
        figures = asyncio.run(measure())
        figures["an execution: Parquet, sorted, groups"] = asyncio.run(measure_execution())
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    claim = "1,000,000 rows are processed beside the executor, whose event loop goes on"
    print(write("million_rows", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
