"""How Ray's dashboard shows our actors and tasks."""

import shlex
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

NAMESPACE = "weft"
"""The Ray namespace of all actors of a platform."""


def _environment(metrics: bool) -> dict[str, Any]:
    environment: dict[str, Any] = {
        "env_vars": {"RAY_enable_metrics_collection": str(int(metrics))},
    }
    # Ray puts the interpreter's path into a shell command as it is.
    if (quoted := shlex.quote(sys.executable)) != sys.executable:
        environment["py_executable"] = quoted
    return environment


MANY_NAMES = _environment(metrics=False)
"""The runtime environment of processes that call or run tasks of ever new names. Ray's own metrics
count tasks by name, in the process that calls and in the one that runs, and forget none: 10 kB a
call or more, for as long as the process lives. Ray's list of tasks does not need them. What such a
process starts inherits it: so do the workers of chunks."""

ONE_NAME = _environment(metrics=True)
"""That of a process of a single execution, which would inherit its starter's."""


def execution_name(workflow_name: str, execution_id: UUID) -> str:
    """Return the name of the task that drives an execution."""
    return f"{workflow_name} exec_{execution_id.hex}"


def batch_name(verb: str, execution_ids: Sequence[UUID]) -> str:
    """Return the name of the task that drives executions which went on together."""
    more = len(execution_ids) - 1
    return f"{verb} exec_{execution_ids[0].hex}" + (f" and {more} more" if more else "")
