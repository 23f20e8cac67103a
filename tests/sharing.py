"""How the workers of `pytest -n 2` share the tests: whole files, and all of Ray's to one worker."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

RAY = ("tests/acceptance/", "tests/actors/test_browsers.py", "tests/actors/test_hosting.py")
"""The tests that start a Ray; two at once would want more memory and cores than there are."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out files in the order of their collection, so that those of Ray, the longest, begin.

    A file's tests stay together: they share servers, browsers and platforms.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        # Otherwise the files with the most tests begin, and those take seconds only.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return "ray" if nodeid.startswith(RAY) else super()._split_scope(nodeid)
