"""Durable execution on Ray: executors, supervisor, journal and checkpointer."""
