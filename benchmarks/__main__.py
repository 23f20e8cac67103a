"""Runs every benchmark."""

from benchmarks import executions, state

state.main()
executions.main()
