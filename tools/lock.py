"""Resolves the dependencies anew and keeps `uv.lock` free of where packages came from.

The lock names versions and hashes only, so that every machine installs the same files from the
index it is set up for. Run as `python -m tools.lock`.
"""

import re
import subprocess
import sys
from pathlib import Path

LOCK = Path("uv.lock")
INDEX = "https://index.invalid/simple"
"""Stands where a lock must name an index; `.invalid` never resolves (RFC 2606)."""


def stripped(text: str) -> str:
    """Return a lock's text with its addresses replaced."""
    text = re.sub(r'registry = "[^"]+"', f'registry = "{INDEX}"', text)
    text = re.sub(r'url = "https?://[^"]*/([^"/]+)"', r'url = "https://index.invalid/\1"', text)
    return text


def main() -> int:
    """Resolve, then strip; returns the exit code."""
    LOCK.unlink(missing_ok=True)
    result = subprocess.run([sys.executable, "-m", "uv", "lock", "--quiet"], check=False)
    if result.returncode == 0:
        LOCK.write_text(stripped(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
