"""The Python client of Weft.

>>> import weft
>>> with weft.Client() as client:
...     workflow = client.create("Summarize {input.text} in one sentence")
...     execution = client.execute(workflow["workflow_id"], {"text": "..."}, wait=True)
"""

from weft.async_client import AsyncClient
from weft.client import Client
from weft.errors import Unreachable, WeftError
from weft.records import Event, Execution, Plan, Workflow
from weft.retries import Retries

__all__ = [
    "AsyncClient",
    "Client",
    "Event",
    "Execution",
    "Plan",
    "Retries",
    "Unreachable",
    "WeftError",
    "Workflow",
]
