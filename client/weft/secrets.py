"""Secrets of the organization: set, listed and deleted, never read; for both clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from weft.requests import PREFIX, Request, path_of
from weft.sending import AsyncSender, Sender

_SECRETS = f"{PREFIX}/secrets"


class Secret(TypedDict):
    """What is told of a secret; times are ISO 8601."""

    name: str
    hosts: list[str]
    version: int
    created_at: str
    updated_at: str
    last_used_at: str | None


def _list() -> Request[list[Secret]]:
    return Request("GET", _SECRETS, member="secrets")


def _set(name: str, value: str, hosts: Sequence[str]) -> Request[Secret]:
    body = {"value": value, "hosts": list(hosts)}
    return Request("PUT", path_of(_SECRETS, name), body=body)


def _delete(name: str) -> Request[None]:
    return Request("DELETE", path_of(_SECRETS, name), reads="nothing", repeatable=False)


class Secrets(Sender):
    """What `Client` can do with secrets."""

    def secrets(self) -> list[Secret]:
        """Return the organization's secrets by name: hosts and times, never what they hold."""
        return self._send(_list())

    def set_secret(self, name: str, value: str, hosts: Sequence[str]) -> Secret:
        """Set a secret, or replace it.

        Args:
            name: What `{secrets.name}` says.
            value: What it holds; no call gives it back.
            hosts: Where it may be sent: `api.example.com`, `*.example.com`, an address.
        """
        return self._send(_set(name, value, hosts))

    def delete_secret(self, name: str) -> None:
        """Delete a secret."""
        self._send(_delete(name))


class AsyncSecrets(AsyncSender):
    """What `AsyncClient` can do with secrets."""

    async def secrets(self) -> list[Secret]:
        """Return the organization's secrets by name: hosts and times, never what they hold."""
        return await self._send(_list())

    async def set_secret(self, name: str, value: str, hosts: Sequence[str]) -> Secret:
        """Set a secret, or replace it; see `Secrets.set_secret`."""
        return await self._send(_set(name, value, hosts))

    async def delete_secret(self, name: str) -> None:
        """Delete a secret."""
        await self._send(_delete(name))
