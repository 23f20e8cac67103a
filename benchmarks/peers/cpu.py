"""CPU time of whole process trees: what an execution costs the machine, not one process."""

from collections.abc import Iterable

import psutil


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time that the trees under these processes have used.

    A process that has ended counts through its parent, which collected it, so the figure only
    grows while the roots live.
    """
    return sum(_used(process) for process in _trees(roots))


def _trees(roots: Iterable[int]) -> set[psutil.Process]:
    found: set[psutil.Process] = set()
    for pid in roots:
        try:
            root = psutil.Process(pid)
            found |= {root, *root.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def _used(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        # Its parent has it among its children's by now or by the next look.
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
