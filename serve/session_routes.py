"""The browser's session: a token becomes a cookie that scripts cannot read."""

from fastapi import APIRouter, Request, Response

from serve.answers import Session, json_answer
from serve.context import COOKIE, Caller, Shared, principal_of
from serve.identifiers import render
from serve.requests import OpenSession

router = APIRouter(prefix="/api/v1/session", tags=["session"])

DAYS = 30


@router.post("", status_code=204, responses={401: {"description": "The token is not known"}})
async def open_session(
    body: OpenSession, request: Request, response: Response, context: Shared
) -> None:
    """Turn a token into an HttpOnly, SameSite cookie, which also opens the WebSocket."""
    await principal_of(context, body.token)
    response.set_cookie(
        COOKIE,
        body.token,
        max_age=DAYS * 86_400,
        httponly=True,
        samesite="strict",
        secure=request.headers.get("x-forwarded-proto", request.url.scheme) == "https",
        path="/",
    )


@router.get("", responses={200: {"model": Session}})
async def get_session(caller: Caller) -> Response:
    """Return who is calling."""
    document = {
        "user": {
            "id": render("user", caller.user_id), "email": caller.email, "name": caller.user_name,
        },
        "organization": {
            "id": render("org", caller.organization_id), "name": caller.organization_name,
        },
        "role": caller.role,
    }  # fmt: skip
    return json_answer(document)


@router.delete("", status_code=204)
async def close_session(response: Response) -> None:
    """Forget the cookie."""
    response.delete_cookie(COOKIE, path="/")
