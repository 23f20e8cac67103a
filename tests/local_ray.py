"""A Ray of two cores in the process of the tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import ray

TOKEN = "0" * 64
"""Ray reads its token once in a process, so all that run in this one have the same."""
OBJECT_STORE_BYTES = 128 * 1024 * 1024


@contextmanager
def local_ray(namespace: str | None = None) -> Iterator[None]:
    """Run a Ray with a folder of its own; this process is its driver."""
    folder = Path(tempfile.mkdtemp(prefix="wr-"))
    (folder / "token").write_text(TOKEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(folder / "token"))
        ray.init(
            address="local", namespace=namespace, num_cpus=2, include_dashboard=False,
            log_to_driver=False, configure_logging=False, object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=str(folder),
        )  # fmt: skip
        try:
            yield
        finally:
            ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
