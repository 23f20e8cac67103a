"""AWS KMS as the keeper of the master key: it wraps and unwraps data keys, and sees no secret.

Calls are made in threads of their own, within bounds of time. A data key that was unwrapped is
remembered for a while, so that not each use of a secret is a call.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from store.secrets_keyring import PREFIX, KmsPlace
from store.secrets_sealing import Binding, SecretsUnavailable

KEPT_SECONDS = 300.0
"""How long a process remembers a data key and which key an alias means, and so how long it opens
what it has opened before while the key is disabled or KMS does not answer."""
KEPT_KEYS = 1000
CALL_SECONDS = 10.0
"""Bound of one call with its repetitions."""
CALLS_AT_ONCE = 4
PAUSE_SECONDS = 2.0
"""How long nobody asks again after a call without an answer: those who wait fail at once."""
_CONNECT_SECONDS = 2.0
_READ_SECONDS = 3.0
_ATTEMPTS = 3
_FINAL = {
    "DisabledException": ("the key is disabled", "Enable it."),
    "KMSInvalidStateException": (
        "the key cannot be used in the state it is in",
        "Cancel its deletion, or finish importing its material.",
    ),
    "NotFoundException": (
        "there is no such key",
        "Correct WEFT_SECRETS_KMS_KEY and its region.",
    ),
    "AccessDeniedException": (
        "access is denied",
        "Allow kms:Encrypt, kms:Decrypt and kms:DescribeKey on it to the platform's credentials.",
    ),
    "InvalidCiphertextException": (
        "the data key was wrapped for another organization, name, version or list of hosts, or was "
        "changed",
        "Set the secret again.",
    ),
    "IncorrectKeyException": (
        "the data key was wrapped by another key",
        "Set the secret again.",
    ),
    "InvalidKeyUsageException": (
        "the key is not a symmetric one for encryption",
        "Name one with key usage ENCRYPT_DECRYPT.",
    ),
}
"""Answers that another attempt does not change, with what to do."""
_CREDENTIALS = (
    "Give the platform credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a "
    "role of the machine."
)
_REGION = "Set WEFT_SECRETS_KMS_REGION, or name the key by its ARN."
_REFUSED_CREDENTIALS = frozenset(
    {"UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
     "MissingAuthenticationTokenException", "IncompleteSignature"}
)  # fmt: skip
_TRANSIENT = frozenset(
    {"ThrottlingException", "LimitExceededException", "KeyUnavailableException",
     "DependencyTimeoutException", "KMSInternalException", "ExpiredTokenException",
     "RequestExpired"}
)  # fmt: skip
_FIRST_SERVER_ERROR = 500


class KeyService:
    """Wraps data keys with keys that never leave KMS.

    Args:
        place: Which keys are trusted, and where KMS is.
    """

    def __init__(self, place: KmsPlace) -> None:
        self._place = place
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="kms")
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._silence: tuple[float, str] | None = None
        self._connecting = threading.Lock()
        self._clients: dict[str | None, Any] = {}
        self._arns: dict[str, tuple[float, str]] = {}
        self._kept: OrderedDict[tuple[bytes, str, Binding], tuple[float, bytes]] = OrderedDict()

    @property
    def wraps(self) -> bool:
        """Whether it is what wraps new data keys."""
        return self._place.key is not None

    async def wrap(self, data_key: bytes, binding: Binding) -> tuple[bytes, str]:
        """Encrypt a data key with the present key; return it with that key's id.

        Raises:
            SecretsUnavailable: KMS does not do it; `retryable` when it may a moment later.
        """
        arn = await self._arn(self._place.key or "")
        told = await self._call(
            arn, "encrypt", KeyId=arn, Plaintext=data_key, EncryptionContext=_context(binding)
        )
        return told["CiphertextBlob"], PREFIX + told["KeyId"]

    async def unwrap(self, wrapped_key: bytes, wrapped_by: str, binding: Binding) -> bytes:
        """Decrypt a data key, or remember it.

        Raises:
            SecretsUnavailable: The key is none of those that are trusted, the data key belongs to
                another secret, or KMS does not do it.
        """
        entry = (wrapped_key, wrapped_by, binding)
        kept = self._kept.get(entry)
        if kept is not None and kept[0] > time.monotonic() - KEPT_SECONDS:
            return kept[1]
        arn = wrapped_by.removeprefix(PREFIX)
        await self._require_trusted(arn, binding)
        told = await self._call(
            arn,
            "decrypt",
            KeyId=arn,
            CiphertextBlob=wrapped_key,
            EncryptionContext=_context(binding),
        )
        data_key: bytes = told["Plaintext"]
        self._kept[entry] = (time.monotonic(), data_key)
        self._kept.move_to_end(entry)
        while len(self._kept) > KEPT_KEYS:
            self._kept.popitem(last=False)
        return data_key

    async def present_id(self) -> str:
        """Return the id of the key that wraps.

        Raises:
            SecretsUnavailable: KMS does not know it or does not answer.
        """
        return PREFIX + await self._arn(self._place.key or "")

    def close(self) -> None:
        """Close its connections; it may not be used any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    async def _require_trusted(self, arn: str, binding: Binding) -> None:
        """Refuse a key that the operator has not named, whoever wrote its name into the row."""
        for name in (self._place.key, *self._place.former):
            if name and arn == await self._arn(name):
                return
        raise SecretsUnavailable(
            f"The secret `{binding.name}` was sealed with the KMS key {arn}, which is not trusted. "
            "Add it to WEFT_SECRETS_KMS_FORMER_KEYS, or set the secret again."
        )

    async def _arn(self, name: str) -> str:
        """Return which key a name means; an alias may mean another one later."""
        if name.startswith("arn:") and ":key/" in name:
            return name
        kept = self._arns.get(name)
        if kept is None or kept[0] < time.monotonic() - KEPT_SECONDS:
            told = await self._call(name, "describe_key", KeyId=name)
            kept = (time.monotonic(), told["KeyMetadata"]["Arn"])
            self._arns[name] = kept
        return kept[1]

    async def _call(self, key: str, operation: str, **parameters: Any) -> Any:
        async with self._turns:
            if self._silence and self._silence[0] > time.monotonic() - PAUSE_SECONDS:
                raise _unreachable(key, self._silence[1])
            cause: Exception
            try:
                return await self._ask(key, operation, parameters)
            except TimeoutError as error:
                why, cause = f"no answer within {CALL_SECONDS:g} s", error
            except ClientError as error:
                raise _refused(key, error) from error
            except (NoCredentialsError, NoRegionError) as error:
                remedy = _REGION if isinstance(error, NoRegionError) else _CREDENTIALS
                raise SecretsUnavailable(f"AWS KMS cannot be asked: {error} {remedy}") from error
            except (BotoCoreError, ValueError) as error:
                why, cause = str(error), error
            self._silence = (time.monotonic(), why)
            raise _unreachable(key, why) from cause

    async def _ask(self, key: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CALL_SECONDS):
            return await loop.run_in_executor(
                self._threads, lambda: self._operation(key, operation)(**parameters)
            )

    def _operation(self, key: str, operation: str) -> Callable[..., Any]:
        """Return what makes a call; in a thread, since it may look for credentials."""
        region = key.split(":")[3] if key.startswith("arn:") else self._place.region
        with self._connecting:
            if region not in self._clients:
                self._clients[region] = self._connect(region)
        call: Callable[..., Any] = getattr(self._clients[region], operation)
        return call

    def _connect(self, region: str | None) -> Any:
        return boto3.session.Session().client(
            "kms",
            region_name=region,
            endpoint_url=self._place.endpoint,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                max_pool_connections=CALLS_AT_ONCE,
            ),
        )


def _context(binding: Binding) -> dict[str, str]:
    """Return what KMS authenticates with a data key, and writes into its own log."""
    context = {
        "weft:tenant": str(binding.tenant_id),
        "weft:secret": binding.name,
        "weft:version": str(binding.version),
    }
    if binding.hosts is not None:
        # A list of any length would not fit.
        context["weft:hosts"] = binding.hosts_digest.hex()
    return context


def _unreachable(key: str, why: str) -> SecretsUnavailable:
    return SecretsUnavailable(
        f"AWS KMS did not answer for the key {key}: {why}. Check the network and "
        "WEFT_SECRETS_KMS_ENDPOINT.",
        retryable=True,
    )


def _refused(key: str, error: ClientError) -> SecretsUnavailable:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _FINAL:
        why, remedy = _FINAL[code]
        return SecretsUnavailable(f"AWS KMS refuses the key {key}: {why} ({code}). {remedy}")
    if code in _REFUSED_CREDENTIALS:
        return SecretsUnavailable(f"AWS KMS refuses the credentials ({code}). {_CREDENTIALS}")
    return SecretsUnavailable(
        f"AWS KMS refuses the key {key}: {error}",
        retryable=code in _TRANSIENT or status >= _FIRST_SERVER_ERROR,
    )
