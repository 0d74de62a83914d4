"""A delegated OCSP responder, and the stapling of its answers to a signed file."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from assay.provenance.certificates import Issued

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
_PAD = b"\x63pad\x59"  # a text key, then a byte string with a length of two bytes (RFC 8949)


def make_responder(issuer: Issued) -> Issued:
    """A certificate that may answer for its issuer (RFC 6960, 4.2.2.2) and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test responder")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=3))
        .not_valid_after(NOW + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(x509.KeyUsage(True, *[False] * 8), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .sign(issuer.key, hashes.SHA384())
    )
    return Issued(certificate, key)


def answer(
    leaf: x509.Certificate, issuer: Issued, responder: Issued, revoked: dt.datetime | None
) -> bytes:
    """What the responder says of a certificate, DER."""
    good = revoked is None
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf,
            issuer=issuer.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD if good else ocsp.OCSPCertStatus.REVOKED,
            this_update=NOW - dt.timedelta(days=1),
            next_update=NOW + dt.timedelta(days=7),
            revocation_time=revoked,
            revocation_reason=None if good else x509.ReasonFlags.key_compromise,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        .certificates([responder.certificate])
        .sign(responder.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def stapled(signed: bytes, response: bytes) -> bytes:
    """The file with the response in the signature's unprotected header.

    `rVals` (C2PA 2.4, 13.2.5) takes the place of padding there: no length in the file
    changes, and nothing that is signed.
    """
    pad = signed.rindex(_PAD)
    room = int.from_bytes(signed[pad + 5 : pad + 7], "big")
    values = b"\x65rVals\xa1\x68ocspVals\x81\x59" + len(response).to_bytes(2, "big") + response
    left = room - len(values)
    assert left > 255, "the padding is too small"
    cose = signed.index(b"\xd2\x84\x59")  # COSE_Sign1: tag, array of four, protected header
    unprotected = cose + 5 + int.from_bytes(signed[cose + 3 : cose + 5], "big")
    changed = bytearray(signed)
    changed[pad : pad + 7 + room] = values + _PAD + left.to_bytes(2, "big") + bytes(left)
    changed[unprotected] += 1  # one entry more in the map
    return bytes(changed)


def make_crl(issuer: Issued, revoked: dict[int, dt.datetime]) -> bytes:
    """The issuer's revocation list, DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - dt.timedelta(days=1))
        .next_update(NOW + dt.timedelta(days=7))
    )
    for serial, when in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA384()).public_bytes(Encoding.DER)
