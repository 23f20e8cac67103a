"""Runs every benchmark."""

from benchmarks import executions, fan_out

executions.main()
fan_out.main()
