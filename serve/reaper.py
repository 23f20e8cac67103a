"""Waits until the platform's main process is gone, then ends what it left."""

import sys

from serve.processes import end_processes


def main() -> None:
    """Read standard input to its end, then end the platform named by the first argument."""
    sys.stdin.buffer.read()
    end_processes(sys.argv[1], grace_seconds=1)


if __name__ == "__main__":
    main()
