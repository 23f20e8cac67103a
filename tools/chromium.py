"""Finds a Chromium or installs one: the system's, else Playwright's, else the distribution's.

Run as `python -m tools.chromium`. Having none is no error: scraping then says how to get one, and
fetching plain HTTP works without.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from agents.chromium import find_chromium


def find() -> str | None:
    """Return the browser that scraping would start; None when there is none."""
    with sync_playwright() as playwright:
        return find_chromium(None, playwright.chromium.executable_path)


def _run(command: list[str]) -> bool:
    print(f"Chromium: trying `{' '.join(command)}` …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        result = subprocess.run(
            command, env=environment, check=False, timeout=600,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"Chromium: {error}")
        return False
    return result.returncode == 0


def install() -> None:
    """Install a browser in the first way that works on this machine."""
    playwright = str(Path(sys.executable).with_name("playwright"))
    if _run([playwright, "install", "chromium"]):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-qq"])
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])


def main() -> int:
    """Find a browser, else install one; returns 0 either way, with a remedy when there is none."""
    if find() is None:
        install()
        path = find()
        if path is None:
            print(
                "There is no Chromium, so pages that need JavaScript cannot be scraped. Install "
                "the package chromium of your distribution, or set WEFT_CHROMIUM to its path."
            )
        else:
            print(f"Chromium: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
