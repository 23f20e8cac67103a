"""Runs every benchmark."""

from benchmarks import executions, fan_out, idle, in_flight, parked, state

state.main()
executions.main()
fan_out.main()
in_flight.main()
parked.main()
idle.main()
