"""Access tokens for client credentials (RFC 6749, section 4.4), kept until shortly before they end.

A token is kept in this process's memory only, under everything that names it: the tenant, the
token's address, the client with its secret, scope and audience. It is in no output and no log.
"""

import asyncio
import base64
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode
from uuid import UUID

import httpx2
import orjson

from agents.api_parameters import OAuth2Auth
from agents.errors import AgentError
from agents.exchange import Answer, Request, fetch
from agents.waiting import BUSY, retry_after_seconds

_TOKEN_BYTES = 64 * 1024
_TIMEOUT_SECONDS = 20.0
_MOST_TOKENS = 1_000
_USUAL_SECONDS = 300.0
"""How long a token is kept whose server does not say how long it holds."""
_EARLY_SECONDS = 60.0
_EARLY_PART = 0.2


@dataclass(slots=True)
class _Place:
    """Where a token is kept; who asks for it holds the lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = ""
    until: float = 0.0


class Tokens:
    """The tokens of one process."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, _Place] = OrderedDict()

    async def get(
        self, client: httpx2.AsyncClient, tenant_id: UUID, auth: OAuth2Auth, refused: str = ""
    ) -> tuple[str, bool]:
        """Return a token and whether it is new; a kept one that was `refused` is not given again.

        Args:
            client: A guarded client.
            tenant_id: Whose credentials these are.
            auth: The credentials.
            refused: A token that is known to hold no more.

        Raises:
            AgentError: The server refuses (final), or is away or busy (retryable).
        """
        place = self._place(_key(tenant_id, auth))
        async with place.lock:
            if place.token != refused and time.monotonic() < place.until:
                return place.token, False
            place.token, seconds = await _ask(client, auth)
            early = min(_EARLY_SECONDS, seconds * _EARLY_PART)
            place.until = time.monotonic() + seconds - early
            return place.token, True

    def _place(self, key: str) -> _Place:
        place = self._places.setdefault(key, _Place())
        self._places.move_to_end(key)
        while len(self._places) > _MOST_TOKENS:
            self._places.popitem(last=False)
        return place


def _key(tenant_id: UUID, auth: OAuth2Auth) -> str:
    """Return a digest, so that the secret is kept nowhere."""
    named = orjson.dumps([str(tenant_id), auth.model_dump()], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(named).hexdigest()


async def _ask(client: httpx2.AsyncClient, auth: OAuth2Auth) -> tuple[str, float]:
    fields = {"grant_type": "client_credentials"}
    fields |= {name: value for name in ("scope", "audience") if (value := getattr(auth, name))}
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if auth.client_authentication == "body":
        fields |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
    else:
        pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    request = Request(
        "POST", auth.token_url, headers, content=urlencode(fields).encode(),
        timeout_seconds=_TIMEOUT_SECONDS, redirects=0,
    )  # fmt: skip
    try:
        answer = await fetch(client, request, max_bytes=_TOKEN_BYTES)
    except httpx2.HTTPError as error:
        raise AgentError(
            f"The token server does not answer: {type(error).__name__}: {error}.", retryable=True
        ) from error
    return _read(answer)


def _read(answer: Answer) -> tuple[str, float]:
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        told = None
    told = told if isinstance(told, dict) else {}
    if answer.status_code != 200:
        reasons = (told.get("error"), told.get("error_description"))
        reason = ": ".join(reason for reason in reasons if isinstance(reason, str))[:300]
        raise AgentError(
            f"The token server answers {answer.status_code} {reason}".rstrip() + ".",
            retryable=answer.status_code in BUSY,
            retry_after_seconds=retry_after_seconds(answer.headers),
            remedy="Check the client's id, secret and scope.",
        )
    token, kind = told.get("access_token"), str(told.get("token_type", "bearer"))
    if not isinstance(token, str) or not token or kind.lower() != "bearer":
        raise AgentError("The token server's answer holds no bearer token.")
    seconds = told.get("expires_in")
    if isinstance(seconds, str) and seconds.isdigit():
        seconds = int(seconds)
    if isinstance(seconds, int | float) and seconds > 0:
        return token, float(seconds)
    return token, _USUAL_SECONDS
