"""X.509 certificates: the development CA's profile, and what a chain says about its holder."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from assay.errors import KeysUnavailable

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

# C2PA certificate profile for claim signing, conformance program document 0.2.
CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
CERTIFICATE_POLICY = ObjectIdentifier("1.3.6.1.4.1.62558.1.1")
ASSURANCE_LEVEL = ObjectIdentifier("1.3.6.1.4.1.62558.3")
ASSURANCE_LEVEL_1 = ObjectIdentifier("1.3.6.1.4.1.62558.3.10")
CONFORMING_PRODUCT = ObjectIdentifier("1.3.6.1.4.1.62558.4")
MAX_LEAF_DAYS = 366
"""Longest life of a claim signing certificate, same profile."""

DEVELOPMENT_ORGANIZATION = "Assay DEVELOPMENT - proves nothing"
"""Subject and issuer organisation of every certificate that `assay keys init` makes."""

_ROOT_DAYS = 3650
_INTERMEDIATE_DAYS = 1825
# .invalid can never resolve (RFC 2606). The trailing slash matters: the C2PA library
# replaces the last path segment of the URL when it asks.
_OCSP_URL = "http://ocsp.assay-development.invalid/ocsp/"
_NO_COUNTRY = "ZZ"  # ISO 3166-1 leaves it to users; the profile demands a country
_NO_PRODUCT_RECORD = "00000000-0000-0000-0000-000000000000"
_BACKDATE = dt.timedelta(minutes=5)
"""Certificates start a little in the past, for verifiers whose clock is behind."""


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey


def make_root(*, now: dt.datetime | None = None) -> Issued:
    """A self-signed development root (P-384)."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name("Assay development root CA")
    builder = _builder(name, name, key, key, now, _ROOT_DAYS)
    builder = _as_authority(builder, path_length=1)
    return Issued(builder.sign(key, hashes.SHA384()), key)


def make_intermediate(root: Issued, *, now: dt.datetime | None = None) -> Issued:
    """The development authority that issues leaves (P-384, path length 0)."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name("Assay development issuing CA")
    issuer = root.certificate.subject
    builder = _builder(name, issuer, key, root.key, now, _INTERMEDIATE_DAYS)
    builder = _as_authority(builder, path_length=0)
    return Issued(builder.sign(root.key, hashes.SHA384()), key)


def make_leaf(
    issuer: Issued,
    *,
    common_name: str = "Assay development signer",
    key: PrivateKey | None = None,
    now: dt.datetime | None = None,
    days: int = MAX_LEAF_DAYS,
) -> Issued:
    """A claim signing certificate that imitates the C2PA assurance level 1 profile.

    It has the profile's extended key usages, key usage, policy, assurance level, product
    record (nil UUID) and OCSP address; only its names say that it is for development.

    Args:
        issuer: the authority and its key.
        common_name: subject common name.
        key: default: a new P-256 key (ES256).
        now: start of validity, default now.
        days: validity, at most 366.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(common_name), issuer.certificate.subject, key, issuer.key, now, days)
    usages = [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    policy = x509.PolicyInformation(CERTIFICATE_POLICY, None)
    ocsp = x509.AccessDescription(
        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(_OCSP_URL)
    )
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signer=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([ocsp]), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(ASSURANCE_LEVEL, _der_oid(ASSURANCE_LEVEL_1)),
            critical=False,
        )
        .add_extension(
            x509.UnrecognizedExtension(CONFORMING_PRODUCT, _der_utf8(_NO_PRODUCT_RECORD)),
            critical=False,
        )
    )
    return Issued(builder.sign(issuer.key, _hash_for(issuer.key)), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, _NO_COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT_ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    issuer_key: PrivateKey,
    now: dt.datetime | None,
    days: int,
) -> x509.CertificateBuilder:
    start = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0) - _BACKDATE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
    )


def _as_authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(
        _key_usage(signer=False), critical=True
    )


def _key_usage(*, signer: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signer,
        content_commitment=signer,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signer,
        crl_sign=not signer,
        encipher_only=False,
        decipher_only=False,
    )


def _hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()


def _der_oid(oid: ObjectIdentifier) -> bytes:
    """DER of an object identifier (X.690 8.19)."""
    first, second, *rest = (int(part) for part in oid.dotted_string.split("."))
    body = bytearray([first * 40 + second])
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(0x80 | (part & 0x7F))
        body += bytes(reversed(digits))
    return bytes([0x06, len(body)]) + bytes(body)


def _der_utf8(text: str) -> bytes:
    """DER of a short UTF8String (X.690 8.23)."""
    body = text.encode()
    return bytes([0x0C, len(body)]) + body


def to_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_to_pem(key: PrivateKey) -> bytes:
    """PKCS#8 without password, the only form that the C2PA library reads."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_chain(pem: bytes, *, what: str = "certificate chain") -> list[x509.Certificate]:
    """Certificates of a PEM file, leaf first.

    Raises:
        KeysUnavailable: there is none, or one does not parse.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise KeysUnavailable(
            f"{what}: no readable PEM certificate",
            advice="expected: text with -----BEGIN CERTIFICATE-----, leaf first",
        ) from error


def is_development(certificate: x509.Certificate) -> bool:
    """Whether `assay keys init` made this certificate."""
    return any(
        attribute.value == DEVELOPMENT_ORGANIZATION
        for name in (certificate.subject, certificate.issuer)
        for attribute in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    )


def days_left(certificate: x509.Certificate, *, now: dt.datetime | None = None) -> float:
    """Days until the certificate expires; negative after that."""
    remaining = certificate.not_valid_after_utc - (now or dt.datetime.now(dt.UTC))
    return remaining.total_seconds() / 86_400


def common_name(certificate: x509.Certificate) -> str:
    """Subject common name, or the whole subject when it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
