"""Anthropic. Imported only when used; see `agents/models.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from anthropic import AsyncAnthropic
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from agents.completion import complete, open_client
from agents.egress import Egress
from agents.models import KEY_NAMES, Access, Completion, Conversation, Heard, ProviderName

_ADDRESS = "https://api.anthropic.com"


class Anthropic:
    """The API behind one key."""

    def __init__(self, provider: AnthropicProvider) -> None:
        self._provider = provider

    async def complete(
        self, model: str, conversation: Conversation, heard: Heard | None
    ) -> Completion:
        """Ask one of its models once; see `agents.models.Provider`."""
        # Anthropic's scale ends at 1.
        bounded = replace(conversation, temperature=min(conversation.temperature, 1.0))
        key_name = KEY_NAMES["anthropic"]
        return await complete(self.model(model), bounded, key_name=key_name, heard=heard)

    def model(self, name: str) -> AnthropicModel:
        """Return one of its models."""
        return AnthropicModel(name, provider=self._provider)


@asynccontextmanager
async def open_provider(
    egress: Egress, name: ProviderName, access: Access
) -> AsyncIterator[Anthropic]:
    """Open the client; retries are the engine's, not the library's."""
    key = access.key.get_secret_value() if access.key else "none"
    async with open_client(egress, access.base_url) as http_client:
        client = AsyncAnthropic(
            api_key=key,
            base_url=access.base_url or _ADDRESS,
            http_client=http_client,
            max_retries=0,
        )
        yield Anthropic(AnthropicProvider(anthropic_client=client))
