"""Runs all engines in turn, some rounds, and tells how Weft stands beside each.

Each engine runs in a process of its own on a fresh database of one PostgreSQL, or as an
installation of its own behind HTTP; never two at a time. Others may use the machine meanwhile, so
only ratios within a round mean something; the figures of all rounds are kept.

A map at 1,000 at once is left out: the slowest engine alone would take minutes a round.
`python -m benchmarks.peers.weft --work map --concurrency 1000 --executions 1000 --dsn …` does it.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass

from benchmarks.figures import write
from benchmarks.peers.http_load import ToolMissing, require_wrk
from benchmarks.peers.load import CONNECTIONS
from benchmarks.peers.measured import Measured, Round, summarize, table
from benchmarks.peers.restate_http import restate_version
from benchmarks.peers.servers import Server, fresh_database, open_server
from benchmarks.peers.works import WORKS, Work

IN_PROCESS = ("weft", "dbos", "langgraph_postgres", "langgraph_savers")
THROUGH_HTTP = ("weft_http", "restate_http")
PACKAGES = ("ray", "langgraph", "asyncpg", "uvloop", "dbos", "langgraph-checkpoint-postgres",
            "psycopg", "restate-sdk", "hypercorn")  # fmt: skip
PEER_SECONDS = 600
"""How long one engine may take for one work."""
CLAIM = (
    "Weft beside other engines on one machine in one run: three trivial nodes in a row and a map "
    "of 100 trivial items, durable after each node (Weft's map: after each chunk of items)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done."""

    rounds: int
    loads: dict[Work, dict[int, int]]
    """How many executions, by work and by how many at once."""
    http_seconds: int


FULL = Plan(3, {"sequence": {1: 100, 100: 500, 1000: 1000}, "map": {1: 10, 100: 100}}, 5)
QUICK = Plan(1, {"sequence": {1: 50, 100: 200}, "map": {1: 10}}, 2)


def main() -> None:
    """Run the plan, print the tables, write the figures."""
    parser = argparse.ArgumentParser(description="Compare Weft with other engines.")
    parser.add_argument("--quick", action="store_true", help="one short round, two minutes")
    quick: bool = parser.parse_args().quick
    plan = QUICK if quick else FULL
    require_wrk()
    restate = restate_version()
    with open_server() as server:
        rounds = [_round(plan, server, number) for number in range(1, plan.rounds + 1)]
        postgres = server.version
    in_process = summarize([one.in_process for one in rounds])
    through_http = summarize([one.through_http for one in rounds])
    print(f"\nIn process, one PostgreSQL\n{table(in_process)}")
    print(f"\nThrough HTTP, whole installations\n{table(through_http)}\n")
    figures = {
        "in_process": [asdict(one) for one in in_process],
        "through_http": [asdict(one) for one in through_http],
        "settings": {"connections": CONNECTIONS, "http_seconds": plan.http_seconds,
                     "postgres": postgres, "restate_server": restate},
        "rounds": [asdict(one) for one in rounds],
    }  # fmt: skip
    print(write("peers-quick" if quick else "peers", CLAIM, figures, PACKAGES))


def _round(plan: Plan, server: Server, number: int) -> Round:
    result = Round(load_before=round(os.getloadavg()[0], 2))
    for work in WORKS:
        for module in IN_PROCESS:
            loads = plan.loads[work]
            with fresh_database(server) as dsn:
                result.in_process.extend(
                    _run(module, number, [
                        "--dsn", dsn, "--work", work, "--server-pid", str(server.pid),
                        "--concurrency", *map(str, loads), "--executions",
                        *map(str, loads.values()),
                    ])
                )  # fmt: skip
    for module in THROUGH_HTTP:
        result.through_http.extend(_run(module, number, ["--seconds", str(plan.http_seconds)]))
    return result


def _run(module: str, number: int, options: list[str]) -> list[Measured]:
    """Run one engine in a process of its own; return what it measured."""
    command = [sys.executable, "-m", f"benchmarks.peers.{module}", *options]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=PEER_SECONDS
    )
    measured = [Measured(**json.loads(line)) for line in result.stdout.splitlines()]
    for one in measured:
        print(
            f"round {number}  {module:20} {one.work:12} {one.concurrency:5} at once"
            f" {one.per_second:8.1f}/s  p50 {one.p50_ms:8.1f} ms  CPU {one.cpu_ms:7.2f} ms",
            flush=True,
        )
    return measured


if __name__ == "__main__":
    try:
        main()
    except ToolMissing as error:
        sys.exit(str(error))
