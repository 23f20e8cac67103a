"""Errors as problem documents: the table of statuses, the members, and what is not told."""

import json
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from asyncpg import exceptions
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from compiler.errors import Problem, SpecificationError
from serve.answers import ProblemDetails
from serve.problems import MEDIA_TYPE, ApiError, BodyTooLarge, as_api_error, problem_response
from store.errors import Conflict, DatabaseUnavailable, NotFound

PROBLEM = Problem("nodes[0].agent", "unknown_agent", "There is none.", "Write another.", 3)
TABLE: list[tuple[Exception, int]] = [
    (ApiError(418, "No."), 418),
    (SpecificationError([PROBLEM]), 422),
    (RequestValidationError([{"loc": ("body", "n"), "type": "int", "msg": "Not a number"}]), 422),
    (NotFound("workflow", "wf_1"), 404),
    (Conflict("It ended.", "Start another."), 409),
    (BodyTooLarge(10), 413),
    (HTTPException(405), 405),
    (DatabaseUnavailable("refused"), 503),
    (ConnectionRefusedError(111, "refused"), 503),
    (exceptions.TooManyConnectionsError("full"), 503),
    (exceptions.AdminShutdownError("going"), 503),
    (TimeoutError(), 503),
    (ValueError("a secret"), 500),
    (exceptions.UndefinedTableError("no table"), 500),
]


def told(error: Exception) -> Any:
    """The document with which an error is answered."""
    return json.loads(bytes(problem_response(as_api_error(error)).body))


@pytest.mark.parametrize(("error", "status"), TABLE, ids=lambda value: type(value).__name__)
def test_the_table_of_statuses(error: Exception, status: int) -> None:
    """Each kind of error has its status, and its document the members of RFC 9457."""
    answer = problem_response(as_api_error(error))
    document = told(error)
    assert answer.status_code == document["status"] == status
    assert answer.media_type == MEDIA_TYPE
    assert document["type"] == "about:blank"
    assert document["title"] == HTTPStatus(status).phrase
    assert document["detail"]
    ProblemDetails.model_validate(document)


@pytest.mark.parametrize("error", [e for e, status in TABLE if status not in (405, 418)])
def test_errors_have_a_remedy(error: Exception) -> None:
    """Whoever gets an error is told what to do."""
    assert as_api_error(error).remedy


def test_a_specification_tells_every_problem() -> None:
    """All problems stand in the document, with place, rule, remedy and line."""
    document = told(SpecificationError([PROBLEM]))
    assert document["problems"] == [
        {"path": "nodes[0].agent", "rule": "unknown_agent", "message": "There is none.",
         "remedy": "Write another.", "line": 3}
    ]  # fmt: skip


def test_headers_of_an_error_are_kept() -> None:
    """405 names the methods, 503 says when to come again."""
    refused = HTTPException(405, headers={"Allow": "GET"})
    assert problem_response(as_api_error(refused)).headers["allow"] == "GET"
    away = problem_response(as_api_error(DatabaseUnavailable("refused")))
    assert away.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("password=hunter2"), 500),
        (exceptions.PostgresSyntaxError("SELECT secret"), 500),
        (ConnectionRefusedError("10.0.0.1:5432"), 503),
    ],
)
async def test_internals_are_not_told(
    app: FastAPI, anonymous: httpx.AsyncClient, error: Exception, status: int
) -> None:
    """What broke inside goes to the log; the answer is a problem without a trace of it."""

    async def broken() -> Any:
        raise error

    app.router.add_api_route("/broken", broken)
    app.router.routes.insert(0, app.router.routes.pop())
    answer = await anonymous.get("/broken")
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["remedy"]
    assert str(error) not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PATCH", "/api/v1/workflows", 405),
        ("POST", "/api/v1/session", 422),
        ("GET", "/api/v1/workflows", 401),
    ],
)
async def test_the_framework_s_own_errors_are_problems(
    anonymous: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """An unknown path, a wrong method and a body that does not fit look like the others."""
    answer = await anonymous.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json()["status"] == status
