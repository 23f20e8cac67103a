"""AWS KMS on loopback: moto's, behind a front that counts, refuses and falls silent."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import boto3
import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION = "eu-central-1"


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


class Kms:
    """A KMS that runs."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        """What it was asked by the platform, oldest first; `operation` is among the keys."""
        self.refusal: str | None = None
        """The error that it answers everything with; moto itself lets disabled keys decrypt."""
        self.status = 400
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet
        )
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._reset()

    def _answer(self, environment: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        if "weft-tests" not in environment.get("HTTP_USER_AGENT", ""):
            operation = environment.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
            length = int(environment["CONTENT_LENGTH"])
            body = environment["wsgi.input"].read(length)
            environment["wsgi.input"] = BytesIO(body)
            self.calls.append({"operation": operation, **json.loads(body)})
            if self.refusal:
                start(f"{self.status} Refused", [("Content-Type", "application/x-amz-json-1.1")])
                return [json.dumps({"__type": self.refusal, "message": "no"}).encode()]
        answered: Iterable[bytes] = self._app(environment, start)
        return answered

    def called(self, operation: str) -> int:
        """Return how often an operation was asked for."""
        return sum(call["operation"] == operation for call in self.calls)

    def make_key(self, alias: str | None = None) -> str:
        """Make a key and return its ARN."""
        client = self._client()
        arn: str = client.create_key()["KeyMetadata"]["Arn"]
        if alias is not None:
            client.create_alias(AliasName=alias, TargetKeyId=arn)
        client.close()
        return arn

    def _reset(self) -> None:
        """Forget the keys of an earlier test; moto keeps them for the process."""
        with httpx.Client(base_url=self.url, headers={"user-agent": "weft-tests"}) as client:
            client.post("/moto-api/reset").raise_for_status()

    def _client(self) -> Any:
        return boto3.session.Session().client(
            "kms",
            region_name=REGION,
            endpoint_url=self.url,
            config=boto3.session.Config(user_agent="weft-tests"),
        )

    def close(self) -> None:
        """End it; nobody listens at its port any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def open_kms() -> Iterator[Kms]:
    """Run a KMS."""
    kms = Kms()
    try:
        yield kms
    finally:
        kms.close()
