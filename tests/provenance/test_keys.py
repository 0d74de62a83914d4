from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from assay.errors import KeysUnavailable
from assay.provenance import certificates, keys, trust
from assay.settings import settings


def leaf_of(home: Path) -> x509.Certificate:
    return certificates.load_chain((home / "keys" / keys.SIGNER_CHAIN).read_bytes())[0]


def test_secrets_are_for_the_owner_only(home: Path) -> None:
    for name in (keys.SIGNER_KEY, keys.ISSUER_KEY, keys.WATERMARK_KEY):
        assert stat.S_IMODE((home / "keys" / name).stat().st_mode) == 0o600


def test_root_key_is_never_written(home: Path) -> None:
    root = certificates.load_chain((home / "keys" / keys.ROOT_CERTIFICATE).read_bytes())[0]
    for path in (home / "keys").glob("*.key"):
        if path.name != keys.WATERMARK_KEY:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            key = load_pem_private_key(path.read_bytes(), None)
            assert key.public_key() != root.public_key()


def test_leaf_imitates_the_assurance_level_1_profile(home: Path) -> None:
    leaf = leaf_of(home)
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert certificates.CLAIM_SIGNING in usages
    assert ExtendedKeyUsageOID.EMAIL_PROTECTION in usages
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.content_commitment
    assert not usage.value.key_cert_sign
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert lifetime.days <= 366
    policies = leaf.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier for policy in policies] == [certificates.CERTIFICATE_POLICY]
    level = leaf.extensions.get_extension_for_oid(certificates.ASSURANCE_LEVEL).value
    # DER of 1.3.6.1.4.1.62558.3.10, computed by hand: 62558 = 0x83 0xE8 0x5E in base 128.
    assert level.value == bytes.fromhex("060a2b0601040183e85e030a")


def test_certificates_say_that_they_are_for_development(home: Path) -> None:
    leaf = leaf_of(home)
    assert certificates.is_development(leaf)
    assert "DEVELOPMENT" in leaf.subject.rfc4514_string()
    assert keys.show().development


def test_existing_keys_are_never_overwritten(home: Path) -> None:
    before = {path.name: path.read_bytes() for path in (home / "keys").iterdir()}
    with pytest.raises(KeysUnavailable, match="never overwritten"):
        keys.init()
    assert before == {path.name: path.read_bytes() for path in (home / "keys").iterdir()}


def test_production_refuses_to_make_keys(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_ENV", "production")
    settings.cache_clear()
    with pytest.raises(KeysUnavailable, match="production"):
        keys.init()
    assert not (isolated_home / "keys").exists()


def test_watermark_key_is_random_and_checked(home: Path) -> None:
    key = keys.watermark_key()
    assert len(key) == 32
    assert len(set(key)) > 8
    (home / "keys" / keys.WATERMARK_KEY).write_bytes(b"short")
    with pytest.raises(KeysUnavailable, match="5 bytes, expected 32"):
        keys.watermark_key()


def test_missing_keys_say_what_to_do() -> None:
    with pytest.raises(KeysUnavailable) as refusal:
        keys.show()
    assert refusal.value.advice == "run `assay keys init`"


def test_renewing_keeps_the_issuer_and_changes_the_leaf(home: Path) -> None:
    before, after = leaf_of(home), None
    keys.renew()
    after = leaf_of(home)
    assert after.issuer == before.issuer
    assert after.serial_number != before.serial_number


def test_importing_checks_that_key_and_certificate_belong_together(
    made_home: Path, isolated_home: Path
) -> None:
    folder = made_home / "keys"
    chain = (folder / keys.SIGNER_CHAIN).read_bytes()
    with pytest.raises(KeysUnavailable, match="does not belong"):
        keys.import_signer(chain, (folder / keys.ISSUER_KEY).read_bytes())
    with pytest.raises(KeysUnavailable, match="PKCS#8"):
        keys.import_signer(chain, b"-----BEGIN EC PRIVATE KEY-----\n")
    info = keys.import_signer(chain, (folder / keys.SIGNER_KEY).read_bytes())
    assert info.watermark_key
    assert info.folder == isolated_home / "keys"


def test_development_root_is_a_named_trust_list(home: Path) -> None:
    [entry] = trust.installed()
    assert entry.name == keys.DEVELOPMENT_LIST
    assert entry.uri == "urn:assay:trust:assay-development"
    assert entry.subjects == ["Assay development root CA"]


def test_expiry_is_announced(home: Path) -> None:
    import dataclasses

    info = keys.show()
    assert info.warning is None
    assert "expires in 5 days" in (dataclasses.replace(info, days_left=5.2).warning or "")
    assert "expired" in (dataclasses.replace(info, days_left=-1).warning or "")
