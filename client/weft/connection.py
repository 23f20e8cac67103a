"""Where the platform is and as whom to speak to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from weft.errors import WeftError

DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Connection:
    """The address of a platform and the token for it.

    Attributes:
        base_url: Scheme, host and port, without a slash at the end.
        token: The bearer token; None when none is known.
        timeout_seconds: How long one request may take.
    """

    base_url: str
    token: str | None = field(repr=False)
    timeout_seconds: float = 30.0

    @classmethod
    def find(
        cls,
        base_url: str | None = None,
        token: str | None = None,
        timeout_seconds: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> Connection:
        """Fill what is not given from the environment and from the platform's token file.

        The address is `WEFT_URL`, else this machine at `WEFT_PORT` or 8000. The token is
        `WEFT_TOKEN`, else the file `token` in `WEFT_HOME` (or `.weft`). The file holds the key of
        the platform on this machine, so it is read for a loopback address only.

        Raises:
            WeftError: The address is not an http or https URL.
        """
        if environment is None:
            environment = os.environ  # noqa: TID251 (a distribution of its own, without settings)
        port = environment.get("WEFT_PORT") or DEFAULT_PORT
        address = base_url or environment.get("WEFT_URL") or f"http://127.0.0.1:{port}"
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise WeftError(
                "The address of the platform is wrong",
                detail=f"{address!r} is not an http or https URL.",
                remedy="Give one such as http://127.0.0.1:8000 (WEFT_URL or base_url).",
            )
        token = token or environment.get("WEFT_TOKEN")
        if not token and _is_loopback(parts.hostname):
            token = _stored_token(Path(environment.get("WEFT_HOME") or ".weft"))
        return cls(address.rstrip("/"), token or None, timeout_seconds)

    @property
    def is_local(self) -> bool:
        """Whether the platform is on this machine: then no proxy of the environment applies."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def websocket_url(self, path: str, query: Mapping[str, int]) -> str:
        """Return the ws or wss address of a path, with its query."""
        base = self.base_url.replace("http", "ws", 1)
        return f"{base}{path}" + (f"?{urlencode(query)}" if query else "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _stored_token(home: Path) -> str | None:
    try:
        return (home / "token").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WeftError(
            "The token file cannot be read",
            detail=str(error),
            remedy="Set WEFT_TOKEN, or run as the user who started the platform.",
        ) from error
