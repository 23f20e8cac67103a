"""Changing the master key of secrets, on the machine where the platform runs."""

import asyncio

from serve.embedded import socket_folder
from serve.platform import secrets_key
from serve.settings import Settings
from store.errors import StoreError
from store.secrets import rotate
from store.secrets_sealing import KeyFile


class RotationError(Exception):
    """The master key could not be changed; the message says why."""


def rotate_secrets(settings: Settings) -> int:
    """Make a new master key and wrap all data keys with it; return how many there are.

    Raises:
        RotationError: The key file or the database cannot be used.
    """
    url = settings.database_url
    if url is None:
        url = f"postgresql://weft@/postgres?host={socket_folder(settings.home)}&port=5432"
    try:
        return asyncio.run(rotate(url, KeyFile(secrets_key(settings.home))))
    except StoreError as error:
        raise RotationError(str(error)) from error
