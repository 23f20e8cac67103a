"""Where the master key of tenants' secrets is, and which port of it agents must not reach."""

from serve.platform import secrets_key
from serve.settings import Settings
from store.secrets_keyring import KeyPlace, KmsPlace


def key_place(settings: Settings) -> KeyPlace:
    """Return where the master keys are; KMS is asked by nobody when none of its keys is set."""
    present, former = settings.secrets_kms_key, settings.secrets_kms_former_keys
    if present is None and not former:
        return KeyPlace(secrets_key(settings.home))
    kms = KmsPlace(present, former, settings.secrets_kms_region, settings.secrets_kms_endpoint)
    return KeyPlace(secrets_key(settings.home), kms)
