"""Errors as RFC 9457 problems: what is wrong, where, and what to do."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from compiler.errors import Problem, SpecificationError
from store.errors import Conflict, DatabaseUnavailable, NestedTooDeep, NotFound
from store.postgres import UNREACHABLE

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class ApiError(Exception):
    """An error with its HTTP status.

    Attributes:
        status: The HTTP status.
        remedy: What to do about it, in one sentence.
        extra: Further members of the problem.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        remedy: str = "",
        *,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.headers = headers or {}
        self.extra = extra
        super().__init__(detail)


class BodyTooLarge(HTTPException):
    """A request body passed the limit while it was read.

    FastAPI answers 400 for any other exception that reading a body raises.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(413, f"The request body is larger than {limit_bytes} bytes.")


def problem_document(problem: Problem) -> dict[str, Any]:
    """Return a specification's problem as JSON."""
    return {
        "path": problem.path,
        "rule": problem.rule,
        "message": problem.message,
        "remedy": problem.remedy,
        "line": problem.line,
    }


def problem_response(error: ApiError) -> JSONResponse:
    """Return an error's answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        **({"remedy": error.remedy} if error.remedy else {}),
        **error.extra,
    }
    return JSONResponse(body, error.status, headers=error.headers, media_type=MEDIA_TYPE)


def as_api_error(error: Exception) -> ApiError:
    """Return how an error is told to the outside: the one table of statuses."""
    match error:
        case ApiError():
            return error
        case SpecificationError():
            return ApiError(
                422,
                f"What was sent has {len(error.problems)} problem(s).",
                "Mend each of `problems` and send it again.",
                problems=[problem_document(problem) for problem in error.problems],
            )
        case RequestValidationError():
            return _invalid_request(error)
        case NotFound():
            return ApiError(404, str(error), "Check the identifier and the token's organization.")
        case NestedTooDeep():
            return ApiError(422, str(error), "Flatten the data, or send it as a text.")
        case Conflict():
            return ApiError(409, str(error), error.remedy)
        case BodyTooLarge():
            remedy = "Send less, or put large data where the workflow can fetch it."
            return ApiError(413, error.detail, remedy)
        case HTTPException():
            return ApiError(error.status_code, str(error.detail), headers=dict(error.headers or {}))
    if isinstance(error, (DatabaseUnavailable, *UNREACHABLE)):
        return ApiError(
            503,
            "The database does not answer just now; nothing was changed.",
            "Try again in a moment with the same Idempotency-Key.",
            headers={"Retry-After": "1"},
        )
    return ApiError(500, "Something went wrong on our side.", "Try again; the log says more.")


def _invalid_request(error: RequestValidationError) -> ApiError:
    problems = [
        {
            "path": ".".join(str(part) for part in problem["loc"]),
            "rule": problem["type"],
            "message": problem["msg"],
            "remedy": "See /openapi.json for what this call takes.",
            "line": None,
        }
        for problem in error.errors()
    ]
    first = problems[0]
    return ApiError(
        422, f"The request is not valid: {first['path']}: {first['message']}.",
        "Mend each of `problems` and send it again.", problems=problems,
    )  # fmt: skip


_KINDS = (
    ApiError, SpecificationError, RequestValidationError, NotFound, Conflict, NestedTooDeep,
    HTTPException, DatabaseUnavailable, *UNREACHABLE, Exception,
)  # fmt: skip


def install(app: FastAPI) -> None:
    """Answer every error of an app as a problem."""

    async def answer(_request: Request, error: Exception) -> JSONResponse:
        told = as_api_error(error)
        if told.status >= 500:
            log.error("api.error", status=told.status, error=repr(error), exc_info=error)
        return problem_response(told)

    for kind in _KINDS:
        app.add_exception_handler(kind, answer)


Handler = Callable[[Request], Awaitable[Any]]
