"""Signing with a key inside a PKCS#11 token (OASIS PKCS#11 3.1): HSMs, smart cards, SoftHSM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256, sha384
from typing import TYPE_CHECKING, Any

from assay.errors import ConfigurationError, KeysUnavailable, MissingExtra
from assay.provenance import certificates, keys
from assay.provenance.signers import CallbackSigner, algorithm_for

if TYPE_CHECKING:
    import c2pa
    from cryptography import x509

    from assay.settings import Settings

_PSS_SALT = 32
"""COSE PS256 fixes the salt to the length of the hash (RFC 8230, section 2)."""


@dataclass(frozen=True)
class Pkcs11Signer:
    """A signing key in a token; a session is opened for each signature.

    Attributes:
        module: path of the vendor's PKCS#11 library.
        token: label of the token.
        key_label: label of the private key.
        pin: user PIN.
        chain: PEM certificates of the key, leaf first.
        timestamp_url: RFC 3161 authority, or None for no time stamp.
    """

    module: str
    token: str
    key_label: str
    pin: str = field(repr=False)
    chain: bytes = field(repr=False)
    timestamp_url: str | None = None

    @classmethod
    def from_settings(cls, current: Settings) -> Pkcs11Signer:
        """The token of the settings; its certificate chain is `signer.pem` in the keys folder.

        Raises:
            ConfigurationError: the token, key or PIN is not set.
            KeysUnavailable: there is no chain.
        """
        if not (current.pkcs11_token and current.pkcs11_key and current.pkcs11_pin):
            raise ConfigurationError(
                "ASSAY_PKCS11_MODULE is set without the token, the key or the PIN",
                advice="set ASSAY_PKCS11_TOKEN, ASSAY_PKCS11_KEY and ASSAY_PKCS11_PIN",
            )
        path = current.keys_folder / keys.SIGNER_CHAIN
        try:
            chain = path.read_bytes()
        except OSError as error:
            raise KeysUnavailable(f"{path}: {error.strerror}") from error
        return cls(
            str(current.pkcs11_module),
            current.pkcs11_token,
            current.pkcs11_key,
            current.pkcs11_pin.get_secret_value(),
            chain,
            current.timestamp_url,
        )

    @property
    def certificate(self) -> x509.Certificate:
        return certificates.load_chain(self.chain)[0]

    @contextmanager
    def open(self, *, timestamp: bool = True) -> Iterator[c2pa.Signer]:
        """As `Signer.open`.

        Raises:
            KeysUnavailable: the token refuses; its error is the cause.
            MissingExtra: python-pkcs11 is not installed.
        """
        callback = CallbackSigner(self.chain, self._sign, self.timestamp_url)
        with callback.open(timestamp=timestamp) as native:
            yield native

    def _sign(self, data: bytes) -> bytes:
        pkcs11 = _library()
        try:
            token = pkcs11.lib(self.module).get_token(token_label=self.token)
            with token.open(user_pin=self.pin) as session:
                key = session.get_key(
                    object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.key_label
                )
                return self._sign_with(pkcs11, key, data)
        except pkcs11.PKCS11Error as error:
            reason = str(error) or type(error).__name__
            raise KeysUnavailable(f"PKCS#11 token {self.token!r}: {reason}") from error

    def _sign_with(self, pkcs11: Any, key: Any, data: bytes) -> bytes:
        mechanism = pkcs11.Mechanism
        algorithm = algorithm_for(self.certificate)
        if algorithm == "ps256":
            parameters = (mechanism.SHA256, pkcs11.MGF.SHA256, _PSS_SALT)
            return bytes(
                key.sign(data, mechanism=mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=parameters)
            )
        if algorithm == "ed25519":
            return bytes(key.sign(data, mechanism=mechanism.EDDSA))
        digest = (sha384 if algorithm == "es384" else sha256)(data).digest()
        return bytes(key.sign(digest, mechanism=mechanism.ECDSA))


def _library() -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise MissingExtra(
            "signing with a PKCS#11 token needs python-pkcs11",
            advice="pip install 'assay[hsm]'",
        ) from error
    return pkcs11
