"""Weft beside other engines: the same work, on the same machine, in one run.

Two comparisons. In process: one worker process each and one PostgreSQL for all. Through HTTP: whole
installations, with `wrk` as their client. Each engine is a module that also runs alone.
"""
