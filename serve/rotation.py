"""Changing the master key of secrets, on the machine where the platform runs."""

import asyncio

from serve.embedded import socket_folder
from serve.keys import key_place
from serve.settings import Settings
from store.errors import StoreError
from store.secrets import rotate
from store.secrets_keyring import Keyring


class RotationError(Exception):
    """The master key could not be changed; the message says why."""


def rotate_secrets(settings: Settings) -> int:
    """Wrap all data keys with a new master key, or the one of KMS; return how many were wrapped.

    Raises:
        RotationError: The master key or the database cannot be used.
    """
    url = settings.database_url
    if url is None:
        url = f"postgresql://weft@/postgres?host={socket_folder(settings.home)}&port=5432"
    try:
        return asyncio.run(_rotate(url, Keyring(key_place(settings))))
    except StoreError as error:
        raise RotationError(str(error)) from error


async def _rotate(url: str, keys: Keyring) -> int:
    try:
        return await rotate(url, keys)
    finally:
        keys.close()
