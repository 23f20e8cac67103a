"""OpenAI, Google, Ollama, and servers that speak OpenAI's protocol.

Imported only when used; see `agents/models.py`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles import ModelProfile, merge_profile
from pydantic_ai.profiles.google import google_model_profile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

from agents.completion import complete, open_client
from agents.egress import Egress
from agents.models import KEY_NAMES, Access, Completion, Conversation, Heard, ProviderName

_ADDRESSES: Mapping[ProviderName, str] = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai/",
}


class OpenAI:
    """The API behind one key."""

    def __init__(self, name: ProviderName, provider: OpenAIProvider | OllamaProvider) -> None:
        self._name = name
        self._provider = provider

    async def complete(
        self, model: str, conversation: Conversation, heard: Heard | None
    ) -> Completion:
        """Ask one of its models once; see `agents.models.Provider`."""
        key_name = KEY_NAMES[self._name]
        return await complete(self.model(model), conversation, key_name=key_name, heard=heard)

    def model(self, name: str) -> OpenAIChatModel:
        """Return one of its models."""
        return OpenAIChatModel(name, provider=self._provider)


class _Google(OpenAIProvider):
    """Google's own endpoint for OpenAI's protocol."""

    @property
    def name(self) -> str:
        return "google"

    @staticmethod
    def model_profile(model_name: str) -> ModelProfile | None:
        # Gemini's schemas are a subset of JSON Schema, and it knows no strict tools.
        return merge_profile(
            google_model_profile(model_name),
            OpenAIModelProfile(openai_supports_strict_tool_definition=False),
        )


_PROVIDERS: Mapping[ProviderName, type[OpenAIProvider] | type[OllamaProvider]] = {
    "openai": OpenAIProvider,
    "google": _Google,
    "ollama": OllamaProvider,
}


@asynccontextmanager
async def open_provider(
    egress: Egress, name: ProviderName, access: Access
) -> AsyncIterator[OpenAI]:
    """Open the client; retries are the engine's, not the library's."""
    key = access.key.get_secret_value() if access.key else "none"
    async with open_client(egress, access.base_url) as http_client:
        client = AsyncOpenAI(
            api_key=key,
            base_url=_address(name, access),
            http_client=http_client,
            max_retries=0,
        )
        yield OpenAI(name, _PROVIDERS[name](openai_client=client))


def _address(name: ProviderName, access: Access) -> str:
    if access.base_url is None:
        return _ADDRESSES[name]
    if name == "ollama" and urlsplit(access.base_url).path in ("", "/"):
        return f"{access.base_url.rstrip('/')}/v1"
    return access.base_url
