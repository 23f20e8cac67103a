"""OpenAI, and servers that speak its protocol. Imported only when used; see `agents/models.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from agents.completion import complete, open_client
from agents.egress import Egress
from agents.models import KEY_NAMES, Access, Completion, Conversation

_ADDRESS = "https://api.openai.com/v1"


class OpenAI:
    """The API behind one key."""

    def __init__(self, provider: OpenAIProvider) -> None:
        self._provider = provider

    async def complete(self, model: str, conversation: Conversation) -> Completion:
        """Ask one of its models once; see `agents.models.Provider`."""
        bound = OpenAIChatModel(model, provider=self._provider)
        return await complete(bound, conversation, key_name=KEY_NAMES["openai"])


@asynccontextmanager
async def open_provider(egress: Egress, access: Access) -> AsyncIterator[OpenAI]:
    """Open the client; retries are the engine's, not the library's."""
    key = access.key.get_secret_value() if access.key else "none"
    async with open_client(egress, access.base_url) as http_client:
        client = AsyncOpenAI(
            api_key=key,
            base_url=access.base_url or _ADDRESS,
            http_client=http_client,
            max_retries=0,
        )
        yield OpenAI(OpenAIProvider(openai_client=client))
