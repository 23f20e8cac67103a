"""Runs every benchmark."""

from benchmarks import (
    agents,
    executions,
    fan_out,
    idle,
    in_flight,
    million_rows,
    parked,
    plan_history,
    sandbox,
    state,
)

state.main()
executions.main()
fan_out.main()
million_rows.main()
in_flight.main()
parked.main()
plan_history.main()
sandbox.main()
idle.main()
agents.main()
