"""Which language model a name means here, and one request to it.

Keys and base addresses are the operator's. The providers' libraries take seconds and a hundred
megabytes to import, so a process loads one only when it first asks that provider.
"""

import asyncio
import importlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, cast

from pydantic import SecretStr

from agents.agent import Usage
from agents.egress import Egress
from agents.errors import AgentError
from agents.settings import AgentSettings

ProviderName = Literal["openai", "anthropic", "google", "ollama"]

OFFLINE = "offline"
KEY_NAMES: Mapping[ProviderName, str] = MappingProxyType(
    {
        "openai": "OPENAI_API_KEY",
        "anthropic": "ANTHROPIC_API_KEY",
        "google": "GOOGLE_API_KEY",
        "ollama": "OLLAMA_BASE_URL",
    }
)
"""The variable that makes each provider available."""
ALIASES: Mapping[str, tuple[ProviderName, str]] = MappingProxyType(
    {
        "gpt-4": ("openai", "gpt-6.1-terra"),
        "gpt-3.5": ("openai", "gpt-6-luna"),
        "claude-opus": ("anthropic", "claude-opus-5-5"),
        "claude-sonnet": ("anthropic", "claude-sonnet-5-5"),
        "gemini": ("google", "gemini-3.8-flash"),
    }
)
"""The names that workflows use, and the model that each means today."""
_DEFAULTS: Mapping[ProviderName, str] = MappingProxyType(
    {"openai": "gpt-4", "anthropic": "claude-sonnet", "google": "gemini"}
)
"""What is asked when no model is named. Which models an Ollama server has, nobody knows."""
_MODULES: Mapping[ProviderName, str] = MappingProxyType(
    {
        "openai": "agents.openai_provider",
        "anthropic": "agents.anthropic_provider",
        "google": "agents.openai_provider",
        "ollama": "agents.openai_provider",
    }
)
_PREFIXES: tuple[tuple[str, ProviderName], ...] = (("claude", "anthropic"), ("gemini", "google"))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model name means here.

    Attributes:
        requested: The name as the workflow gives it.
        provider: Who serves it; None: the built-in offline model.
        model: The provider's own name of it.
        missing_key: The environment variable that would make it available, when it is not.
    """

    requested: str
    provider: ProviderName | None
    model: str
    missing_key: str = ""

    @property
    def offline(self) -> bool:
        """Whether only the built-in model can do the work."""
        return self.provider is None or bool(self.missing_key)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool called."""

    id: str
    name: str
    arguments_json: str
    """As the model wrote them; they may be anything."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON Schema of what the model may set."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    response: object = None
    """Of an assistant's turn: the answer as the provider gave it, calls of tools included."""
    call: ToolCall | None = None
    """Of a tool's turn: which call it answers."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one request; `cached` are those of the input that the provider had already."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input, self.output + other.output, self.cached + other.cached
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, and what it cost."""

    text: str
    usage: Usage
    model: str
    tokens: Tokens
    priced: bool
    """Whether the model's price is known; if not, it counts as nothing."""
    cut_short: bool
    """Whether the answer ended at `max_tokens`."""
    calls: tuple[ToolCall, ...]
    response: object
    """As the provider gave it, for the turn that follows."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a model is asked, and within which bounds."""

    turns: tuple[Turn, ...]
    temperature: float
    max_tokens: int
    tools: tuple[ToolSpec, ...] = ()


Heard = Callable[[str], None]
"""Takes the pieces of an answer as they come."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a provider; `base_url` None: its own address."""

    key: SecretStr | None
    base_url: str | None = None

    @property
    def configured(self) -> bool:
        """Whether there is anything to ask."""
        return self.key is not None or self.base_url is not None


class Provider(Protocol):
    """One provider's API, loaded on first use."""

    async def complete(
        self, model: str, conversation: Conversation, heard: Heard | None
    ) -> Completion:
        """Ask one of its models once; `heard` takes the pieces of the answer.

        Raises:
            AgentError: It refused (final) or failed for now (retryable).
        """
        ...

    def model(self, name: str) -> object:
        """Return one of its models as pydantic-ai has them, whose types nobody imports here."""
        ...


class _ProviderModule(Protocol):
    def open_provider(
        self, egress: Egress, name: ProviderName, access: Access
    ) -> AbstractAsyncContextManager[Provider]:
        """Open the provider's client."""
        ...


class Models:
    """The language models of this installation; get one from `open_models`."""

    def __init__(
        self,
        egress: Egress,
        access: Mapping[ProviderName, Access],
        default_model: str | None,
        stack: AsyncExitStack,
        fallbacks: tuple[str, ...] = (),
    ) -> None:
        self.fallbacks = fallbacks
        """The names of the models that are asked when one fails whose node names no others."""
        self._egress = egress
        self._access = access
        self._default_model = default_model
        self._stack = stack
        self._providers: dict[ProviderName, Provider] = {}
        self._lock = asyncio.Lock()

    def choose(self, name: str) -> Choice:
        """Say which model a workflow's model name means.

        Raises:
            AgentError: No provider is known for the name.
        """
        requested = name
        if name == "default":
            name = self._default_model or self._first()
        if name == OFFLINE:
            return Choice(requested, None, OFFLINE)
        provider, model = self._provider_of(name)
        configured = self._access[provider].configured
        return Choice(requested, provider, model, "" if configured else KEY_NAMES[provider])

    async def complete(
        self, choice: Choice, conversation: Conversation, heard: Heard | None = None
    ) -> Completion:
        """Ask a model once; `heard` takes the pieces of its answer as they come.

        Raises:
            AgentError: There is no key for it, the provider refused (both final), or the
                provider failed for now (retryable).
        """
        if choice.provider is None or choice.missing_key:
            raise missing_key(choice, "this job")
        provider = await self._provider(choice.provider)
        return await provider.complete(choice.model, conversation, heard)

    async def model(self, choice: Choice) -> object:
        """Return a model as pydantic-ai has them, for whoever leads a conversation of its own.

        Raises:
            AgentError: There is no key for it.
        """
        if choice.provider is None or choice.missing_key:
            raise missing_key(choice, "this job")
        return (await self._provider(choice.provider)).model(choice.model)

    def defaults(self) -> tuple[str, ...]:
        """Return the default model of each provider that is configured, by name."""
        return tuple(model for name, model in _DEFAULTS.items() if self._access[name].configured)

    def default_chain(self) -> tuple[str, ...]:
        """Return the models that read texts when none are named: two at most, the best first."""
        if self._default_model == OFFLINE:
            return ()
        named = (self._default_model,) if self._default_model else ()
        return tuple(dict.fromkeys([*named, *self.defaults()]))[:2]

    async def _provider(self, name: ProviderName) -> Provider:
        async with self._lock:
            if name not in self._providers:
                loaded = await asyncio.to_thread(importlib.import_module, _MODULES[name])
                module = cast("_ProviderModule", loaded)
                self._providers[name] = await self._stack.enter_async_context(
                    module.open_provider(self._egress, name, self._access[name])
                )
            return self._providers[name]

    def _first(self) -> str:
        return next(iter(self.defaults()), OFFLINE)

    @property
    def _names_as_written(self) -> bool:
        """Whether a server of one's own, with model names of its own, speaks for OpenAI."""
        return self._access["openai"].base_url is not None

    def _provider_of(self, name: str) -> tuple[ProviderName, str]:
        prefix, _, rest = name.partition(":")
        if rest and prefix in KEY_NAMES:
            return cast("ProviderName", prefix), rest
        if name in ALIASES and not (self._names_as_written and ALIASES[name][0] == "openai"):
            return ALIASES[name]
        for begin, owner in _PREFIXES:
            if name.startswith(begin):
                return owner, name
        if self._names_as_written or re.match(r"gpt|chatgpt|o\d|codex", name):
            return "openai", name
        raise AgentError(
            f"The model {name} is not known.",
            remedy=f"Use one of {', '.join([*ALIASES, OFFLINE])}, a model name of OpenAI, "
            "Anthropic or Google, `ollama:` with one of Ollama's, or set OPENAI_BASE_URL to a "
            "server that has it.",
        )


def missing_key(choice: Choice, job: str) -> AgentError:
    """Return the error for work that the built-in offline model cannot do."""
    keys = choice.missing_key or " or ".join(KEY_NAMES.values())
    return AgentError(
        f"The built-in offline model cannot do {job}, and no language model is configured"
        + (f" for {choice.requested}." if choice.missing_key else "."),
        remedy=f"Set {keys}.",
    )


def model_access(settings: AgentSettings) -> dict[ProviderName, Access]:
    """Return how each provider is reached in an installation."""
    return {
        "openai": Access(settings.openai_api_key, settings.openai_base_url),
        "anthropic": Access(settings.anthropic_api_key, settings.anthropic_base_url),
        "google": Access(settings.google_api_key),
        "ollama": Access(None, settings.ollama_base_url),
    }


@asynccontextmanager
async def open_models(
    egress: Egress,
    access: Mapping[ProviderName, Access],
    default_model: str | None,
    fallbacks: tuple[str, ...] = (),
) -> AsyncIterator[Models]:
    """Open the models of this installation; closes the providers that were used."""
    async with AsyncExitStack() as stack:
        yield Models(egress, access, default_model, stack, fallbacks)
