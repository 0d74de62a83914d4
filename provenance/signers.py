"""Who signs: a certificate chain, a key that may live elsewhere, and a time stamp authority."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from assay.errors import AssayError, KeysUnavailable
from assay.provenance import certificates

if TYPE_CHECKING:
    import c2pa
    from cryptography import x509

Algorithm = Literal["es256", "es384", "ps256", "ed25519"]

_log = logging.getLogger(__name__)

_CURVES: dict[str, Algorithm] = {"secp256r1": "es256", "secp384r1": "es384"}
_MIN_RSA_BITS = 2048
"""C2PA 2.4, 13.2.1."""


class Signer(Protocol):
    """Anything that can sign claims."""

    @property
    def certificate(self) -> x509.Certificate:
        """The leaf."""
        ...

    @property
    def timestamp_url(self) -> str | None:
        """RFC 3161 authority that is asked at each signature."""
        ...

    def open(self, *, timestamp: bool = True) -> AbstractContextManager[c2pa.Signer]:
        """A native signer, made anew for each signature and closed after it.

        Native signers die in forked children, so none is kept.
        """
        ...


def algorithm_for(certificate: x509.Certificate) -> Algorithm:
    """The C2PA signature algorithm that a certificate's public key implies.

    Raises:
        KeysUnavailable: a key type or size that C2PA 2.4 does not allow.
    """
    key = certificate.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return "ps256"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise KeysUnavailable(
        "the certificate's key cannot sign claims",
        advice="use P-256, P-384, Ed25519 or RSA of at least 2048 bits",
    )


def _native_algorithm(certificate: x509.Certificate) -> c2pa.C2paSigningAlg:
    import c2pa

    return getattr(c2pa.C2paSigningAlg, algorithm_for(certificate).upper())


@dataclass(frozen=True)
class PemSigner:
    """A key in memory, read from PEM.

    Attributes:
        chain: PEM certificates, leaf first.
        key: unencrypted PKCS#8 PEM.
        timestamp_url: RFC 3161 authority, or None for no time stamp.
    """

    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    timestamp_url: str | None = None

    @property
    def certificate(self) -> x509.Certificate:
        return certificates.load_chain(self.chain)[0]

    @classmethod
    def from_files(cls, chain: Path, key: Path, *, timestamp_url: str | None = None) -> PemSigner:
        """Read a signer from two files.

        Raises:
            KeysUnavailable: one cannot be read.
        """
        try:
            return cls(chain.read_bytes(), key.read_bytes(), timestamp_url)
        except OSError as error:
            raise KeysUnavailable(
                f"{error.filename}: {error.strerror}", advice="run `assay keys init`"
            ) from error

    @contextmanager
    def open(self, *, timestamp: bool = True) -> Iterator[c2pa.Signer]:
        import c2pa

        info = c2pa.C2paSignerInfo(
            _native_algorithm(self.certificate),
            self.chain,
            self.key,
            self.timestamp_url if timestamp else None,
        )
        try:
            signer = c2pa.Signer.from_info(info)
        except c2pa.C2paError as error:
            raise KeysUnavailable(f"the signing key is not usable: {error}") from error
        with signer:
            yield signer


@dataclass(frozen=True)
class CallbackSigner:
    """A key that never leaves its service: a cloud KMS, an HSM, a signing proxy.

    Attributes:
        chain: PEM certificates, leaf first.
        sign: called with the bytes to be signed (under 2 KB, not hashed yet); returns the
            signature. ES256 and ES384 as DER or r||s; PS256 with a salt of 32 bytes;
            Ed25519 of the bytes themselves.
        timestamp_url: RFC 3161 authority, or None for no time stamp.
    """

    chain: bytes = field(repr=False)
    sign: Callable[[bytes], bytes] = field(repr=False)
    timestamp_url: str | None = None

    @property
    def certificate(self) -> x509.Certificate:
        return certificates.load_chain(self.chain)[0]

    @contextmanager
    def open(self, *, timestamp: bool = True) -> Iterator[c2pa.Signer]:
        """As `Signer.open`.

        Raises:
            KeysUnavailable: `sign` raised; the error it raised is the cause. The library
                itself would only say that the signature is invalid.
        """
        import c2pa

        failures: list[Exception] = []

        def call(data: bytes) -> bytes:
            try:
                return self.sign(data)
            except Exception as error:  # whatever a vendor's client raises, kept as the cause
                failures.append(error)
                raise

        signer = c2pa.Signer.from_callback(
            call,
            _native_algorithm(self.certificate),
            self.chain.decode(),
            self.timestamp_url if timestamp else None,
        )
        try:
            with signer:
                yield signer
        except c2pa.C2paError:
            if not failures:
                raise
            if isinstance(failures[-1], AssayError):
                raise failures[-1] from None
            raise KeysUnavailable(f"the key service failed: {failures[-1]}") from failures[-1]
