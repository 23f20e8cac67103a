"""Runs every benchmark."""

from benchmarks import executions

executions.main()
