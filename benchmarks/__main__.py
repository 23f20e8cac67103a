"""Runs every benchmark."""

from benchmarks import executions, idle

executions.main()
idle.main()
