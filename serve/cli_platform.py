"""The commands' way to the platform itself, which is loaded only when one of them needs it.

Loading Ray and the database clients takes seconds, and `weft list` needs none of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import cast

from rich.console import Console
from weft import WeftError

from serve.settings import Settings


@contextmanager
def _platform() -> Iterator[ModuleType]:
    """Give the platform's module; what it cannot do is an error like every other.

    Raises:
        WeftError: The platform cannot be started or stopped.
    """
    module = import_module("serve.platform")
    try:
        yield module
    except module.PlatformError as error:
        raise WeftError(
            "The platform did not start",
            detail=str(error).removeprefix("Weft did not start: "),
            remedy="`weft doctor` checks what it needs.",
        ) from error


def run_foreground(settings: Settings) -> int:
    """Run the platform until it is interrupted; return the exit code."""
    with _platform() as module:
        return cast("int", module.run_foreground(settings))


def start_background(settings: Settings) -> str:
    """Start a platform that outlives this process; return its address once it is ready."""
    with _platform() as module:
        return cast("str", module.start_background(settings))


def stop(settings: Settings) -> bool:
    """Stop the platform of this folder; return whether one was running."""
    with _platform() as module:
        return cast("bool", module.stop_platform(settings.home))


def run_demo(keep: bool) -> int:
    """Run the demonstration; with `keep` leave the platform up; return the exit code."""
    return cast("int", import_module("serve.demo").run_demo(keep))


def diagnose(settings: Settings, console: Console) -> int:
    """Check everything that the platform needs; return the exit code."""
    return cast("int", import_module("serve.doctor").diagnose(settings, console))
