"""Secrets whose data keys AWS KMS wraps: what it is told, what is remembered, how it fails."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from store import secrets_kms
from store.postgres import Pool
from store.secrets import Vault, rotate, set_secret
from store.secrets_keyring import KeyPlace, Keyring, KmsPlace
from store.secrets_sealing import Binding, KeyFile, SecretsUnavailable, seal, unseal
from tests.factories import Account
from tests.kms import REGION, Kms

VALUE = "pässword\nof two lines"
BINDING = Binding(UUID(int=1), "token", 1, ("a.example",))


@pytest.fixture
def place(kms: Kms, tmp_path: Path) -> KeyPlace:
    """A new key of it, and a file beside it."""
    KeyFile(tmp_path / "key").make()
    return KeyPlace(tmp_path / "key", KmsPlace(kms.make_key(), (), REGION, kms.url))


@pytest.fixture
def keys(place: KeyPlace) -> Iterator[Keyring]:
    """What wraps with that key."""
    keyring = Keyring(place)
    yield keyring
    keyring.close()


@pytest.fixture
def others() -> Iterator[list[Keyring]]:
    """Further ones, which are closed."""
    opened: list[Keyring] = []
    yield opened
    for keyring in opened:
        keyring.close()


def _at(place: KeyPlace, others: list[Keyring], key: str | None, *former: str) -> Keyring:
    assert place.kms is not None
    keyring = Keyring(replace(place, kms=replace(place.kms, key=key, former=former)))
    others.append(keyring)
    return keyring


def _key(place: KeyPlace) -> str:
    assert place.kms is not None
    assert place.kms.key is not None
    return place.kms.key


async def _set(pool: Pool, keys: Keyring, account: Account, name: str) -> None:
    principal = account.principal
    await set_secret(pool, keys, principal.tenant_id, principal.user_id, name, VALUE, ["a.example"])


@pytest.mark.requirement("FR-4.9")
async def test_kms_wraps_the_data_key_and_never_sees_the_value(
    keys: Keyring, place: KeyPlace, kms: Kms
) -> None:
    """It gets 32 bytes with the organization, name, version and hosts that they are bound to."""
    sealed = await seal(keys, BINDING, VALUE)
    assert await unseal(keys, BINDING, sealed) == VALUE
    assert sealed.key_id == f"kms:{_key(place)}" == await keys.present_id()
    assert [call["operation"] for call in kms.calls] == ["Encrypt", "Decrypt"]
    bound = {"weft:tenant": str(UUID(int=1)), "weft:secret": "token", "weft:version": "1",
             "weft:hosts": sha256(b'["a.example"]').hexdigest()}  # fmt: skip
    assert [call["EncryptionContext"] for call in kms.calls] == [bound, bound]
    assert len(kms.calls[0]["Plaintext"]) == 44
    assert VALUE not in str(kms.calls)


@pytest.mark.requirement("FR-4.9")
@pytest.mark.parametrize("change", [
    {"tenant_id": UUID(int=2)}, {"name": "other"}, {"version": 2},
    {"hosts": ("a.example", "b.example")},
])  # fmt: skip
async def test_another_binding_opens_nothing(keys: Keyring, change: dict[str, object]) -> None:
    """What was unwrapped and is remembered serves its own binding only."""
    sealed = await seal(keys, BINDING, VALUE)
    assert await unseal(keys, BINDING, sealed) == VALUE
    with pytest.raises(SecretsUnavailable, match="version or list of hosts") as caught:
        await unseal(keys, replace(BINDING, **change), sealed)  # type: ignore[arg-type]
    assert not caught.value.retryable


async def test_a_data_key_is_unwrapped_once_for_a_while(
    keys: Keyring, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is remembered KMS is not asked; afterwards it is."""
    sealed = await seal(keys, BINDING, VALUE)
    for _ in range(20):
        await unseal(keys, BINDING, sealed)
    assert kms.called("Decrypt") == 1
    monkeypatch.setattr(secrets_kms, "KEPT_SECONDS", 0.0)
    await unseal(keys, BINDING, sealed)
    assert kms.called("Decrypt") == 2


async def test_the_data_keys_that_are_remembered_are_bounded(
    keys: Keyring, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was unwrapped longest ago makes room."""
    monkeypatch.setattr(secrets_kms, "KEPT_KEYS", 2)
    sealed = {n: await seal(keys, replace(BINDING, version=n), VALUE) for n in (1, 2, 3)}
    for n in (1, 2, 3, 3, 2, 1):
        await unseal(keys, replace(BINDING, version=n), sealed[n])
    assert kms.called("Decrypt") == 4


@pytest.mark.parametrize(
    ("refusal", "status", "words", "retryable"),
    [
        ("DisabledException", 400, "is disabled", False),
        ("KMSInvalidStateException", 400, "state", False),
        ("AccessDeniedException", 400, "kms:Decrypt", False),
        ("NotFoundException", 400, "no such key", False),
        ("UnrecognizedClientException", 400, "credentials", False),
        ("ThrottlingException", 400, "Throttling", True),
        ("KeyUnavailableException", 500, "KeyUnavailable", True),
        ("KMSInternalException", 500, "KMSInternal", True),
    ],
)
async def test_refusals_say_what_to_do(
    keys: Keyring, kms: Kms, refusal: str, status: int, words: str, retryable: bool
) -> None:
    """Each says what is wrong, and whether another attempt may succeed."""
    sealed = await seal(keys, BINDING, VALUE)
    kms.refusal, kms.status = refusal, status
    with pytest.raises(SecretsUnavailable, match=words) as caught:
        await unseal(keys, BINDING, sealed)
    assert caught.value.retryable == retryable
    assert VALUE not in str(caught.value)


async def test_a_disabled_key_opens_what_is_remembered(keys: Keyring, kms: Kms) -> None:
    """For as long as data keys are kept, a process that has opened a secret goes on."""
    sealed = await seal(keys, BINDING, VALUE)
    await unseal(keys, BINDING, sealed)
    kms.refusal = "DisabledException"
    assert await unseal(keys, BINDING, sealed) == VALUE


async def test_without_an_answer_those_who_wait_fail_at_once(
    keys: Keyring, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call finds out that nobody answers; for a while the others do not ask."""
    sealed = await seal(keys, BINDING, VALUE)
    kms.close()
    with pytest.raises(SecretsUnavailable, match="did not answer") as caught:
        await unseal(keys, BINDING, sealed)
    assert caught.value.retryable
    asked: list[str] = []
    monkeypatch.setattr(secrets_kms.KeyService, "_ask", lambda *_: asked.append("again"))
    with pytest.raises(SecretsUnavailable, match="did not answer"):
        await unseal(keys, BINDING, sealed)
    assert asked == []


async def test_what_the_platform_lacks_to_ask_is_told(
    place: KeyPlace, others: list[Keyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No credentials, or a key whose region nobody has named."""
    assert place.kms is not None
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(place.file.with_name("none")))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SecretsUnavailable, match="AWS_ACCESS_KEY_ID"):
        await seal(_at(place, others, _key(place)), BINDING, VALUE)
    nowhere = Keyring(replace(place, kms=replace(place.kms, key="alias/weft", region=None)))
    others.append(nowhere)
    with pytest.raises(SecretsUnavailable, match="WEFT_SECRETS_KMS_REGION"):
        await nowhere.present_id()


async def test_an_alias_is_looked_up_once(place: KeyPlace, others: list[Keyring], kms: Kms) -> None:
    """What is stored is the ARN of the key that the alias means."""
    arn = kms.make_key("alias/weft")
    keys = _at(place, others, "alias/weft")
    sealed = await seal(keys, BINDING, VALUE)
    assert sealed.key_id == f"kms:{arn}"
    assert await unseal(keys, BINDING, sealed) == VALUE
    assert kms.called("DescribeKey") == 1


@pytest.mark.requirement("FR-4.9")
async def test_a_key_that_the_operator_has_not_named_is_not_asked(
    place: KeyPlace, others: list[Keyring], keys: Keyring, kms: Kms
) -> None:
    """Whoever can write to the database cannot have secrets opened by a key of theirs."""
    foreign = _at(place, others, kms.make_key())
    sealed = await seal(foreign, BINDING, VALUE)
    with pytest.raises(SecretsUnavailable, match="not trusted"):
        await unseal(keys, BINDING, sealed)
    assert kms.called("Decrypt") == 0
    with pytest.raises(SecretsUnavailable, match="no KMS key is set"):
        await unseal(Keyring(KeyPlace(place.file)), BINDING, sealed)


@pytest.mark.requirement("FR-4.9")
async def test_rotation_goes_from_file_to_kms_and_back(
    place: KeyPlace, others: list[Keyring], kms: Kms, api_pool: Pool, engine_pool: Pool,
    account: Account, dsn: str,
) -> None:  # fmt: skip
    """From the file to a key, to another key, and to the file; each step wraps every data key."""
    file = Keyring(KeyPlace(place.file))
    for name in ("one", "two"):
        await _set(api_pool, file, account, name)
    first, second = _key(place), kms.make_key()
    steps = (
        (_at(place, others, first), f"kms:{first}"),
        (_at(place, others, second, first), f"kms:{second}"),
        (_at(place, others, None, second), "file:"),
    )
    for keys, begins in steps:
        # Before it has run what was wrapped before is still opened.
        opened = await Vault(engine_pool.acquire, keys).open(account.tenant_id, ["one"])
        assert opened["one"].value == VALUE
        assert await rotate(dsn, keys) == 2
        ids = await engine_pool.fetch("SELECT key_id FROM secrets")
        assert all(row["key_id"].startswith(begins) for row in ids), ids
    opened = await Vault(engine_pool.acquire, file).open(account.tenant_id, ["one", "two"])
    assert [secret.value for secret in opened.values()] == [VALUE, VALUE]


async def test_rotation_to_the_same_key_wraps_nothing(
    keys: Keyring, api_pool: Pool, account: Account, dsn: str
) -> None:
    """KMS changes what is behind a key by itself."""
    await _set(api_pool, keys, account, "one")
    assert await rotate(dsn, keys) == 0
