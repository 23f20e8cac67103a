"""The route on who reads texts here."""

from fastapi import APIRouter, Response

from serve.answers import Readers, json_answer
from serve.context import Caller, Shared

router = APIRouter(prefix="/api/v1/readers", tags=["workflows"])


@router.get("", responses={200: {"model": Readers}})
async def get_readers(context: Shared, caller: Caller) -> Response:
    """Return the language models that read descriptions and instructions."""
    return json_answer({"models": list(await context.parser.models.remote())})
