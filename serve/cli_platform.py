"""The commands' way to the platform itself, which is loaded only when one of them needs it.

Loading Ray and the database clients takes seconds, and `weft list` needs none of them.
"""

from importlib import import_module
from typing import cast

from rich.console import Console

from serve.settings import Settings


def run_foreground(settings: Settings) -> int:
    """Run the platform until it is interrupted; return the exit code."""
    return cast("int", import_module("serve.platform").run_foreground(settings))


def start_background(settings: Settings) -> str:
    """Start a platform that outlives this process; return its address once it is ready."""
    return cast("str", import_module("serve.platform").start_background(settings))


def stop(settings: Settings) -> bool:
    """Stop the platform of this folder; return whether one was running."""
    return cast("bool", import_module("serve.platform").stop_platform(settings.home))


def run_demo(keep: bool) -> int:
    """Run the demonstration; with `keep` leave the platform up; return the exit code."""
    return cast("int", import_module("serve.demo").run_demo(keep))


def diagnose(settings: Settings, console: Console) -> int:
    """Check everything that the platform needs; return the exit code."""
    return cast("int", import_module("serve.doctor").diagnose(settings, console))
