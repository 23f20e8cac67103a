"""Logs as JSON lines: timestamp, level, event and its fields."""

import logging
import sys

import structlog


def configure_logs(level: str = "INFO") -> None:
    """Write this process's logs to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # In its replicas Ray Serve puts a logger in the place of `sys.stderr`, which drops it all.
        logger_factory=structlog.WriteLoggerFactory(file=sys.__stderr__),
        cache_logger_on_first_use=True,
    )
