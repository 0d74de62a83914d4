"""The signer that the settings name: a PKCS#11 token, or the PEM files of the keys folder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from assay.errors import KeysUnavailable
from assay.provenance import certificates, keys
from assay.provenance.pkcs11 import Pkcs11Signer
from assay.provenance.signers import PemSigner, Signer
from assay.settings import settings

if TYPE_CHECKING:
    from cryptography import x509

_log = logging.getLogger(__name__)


def installed() -> Signer:
    """The signer of the settings: a PKCS#11 token when one is named, else the keys folder.

    Raises:
        KeysUnavailable: there is none, it expired, or it is a development certificate and
            this is production.
    """
    current = settings()
    folder = current.keys_folder
    signer: Signer
    if current.pkcs11_module is None:
        signer = PemSigner.from_files(
            folder / keys.SIGNER_CHAIN,
            folder / keys.SIGNER_KEY,
            timestamp_url=current.timestamp_url,
        )
    else:
        signer = Pkcs11Signer.from_settings(current)
    _refuse_unfit(signer.certificate)
    remaining = certificates.days_left(signer.certificate)
    if remaining < keys.EXPIRY_WARNING_DAYS:
        _log.warning("the signing certificate expires in %.0f days", remaining)
    return signer


def _refuse_unfit(certificate: x509.Certificate) -> None:
    """Raise `KeysUnavailable` for an expired certificate, or a development one in production."""
    if settings().env == "production" and certificates.is_development(certificate):
        raise KeysUnavailable(
            "development certificates do not sign with ASSAY_ENV=production",
            advice="import a certificate of a real CA with `assay keys import`",
        )
    remaining = certificates.days_left(certificate)
    if remaining < 0:
        raise KeysUnavailable(
            f"the signing certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            advice="`assay keys renew` for development, else ask your CA",
        )
