"""Benchmarks: each backs one claim and writes its figures as JSON."""
