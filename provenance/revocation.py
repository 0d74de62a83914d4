"""House revocation lists: certificates that their authority has taken back, known offline.

C2PA asks for OCSP, and the library honours a response that is stapled to a signature (by a
delegated responder, with a time stamp); most files carry none, and Assay asks no server. A
list in `settings().trust_folder`, `<name>.crl`, covers the signers that matter to a house:
it is compared with the issuer and the serial number of whoever signed (RFC 5280, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from assay.errors import ConfigurationError
from assay.files import write_atomically
from assay.provenance import trust
from assay.provenance.credentials import Credentials, Ingredient, Problem, SignerIdentity
from assay.provenance.statuscodes import SIGNER_REVOKED
from assay.settings import settings


@dataclass(frozen=True)
class RevocationList:
    """One authority's list.

    Attributes:
        name: as it was added.
        issuer: common name of the authority, or its organisation when it has none.
        revoked: serial numbers with the time of each revocation.
        updated, next_update: when it was made, and when a newer one should be there.
    """

    name: str
    issuer: str
    revoked: tuple[tuple[int, datetime], ...]
    updated: datetime
    next_update: datetime | None

    def find(self, signer: SignerIdentity) -> datetime | None:
        """When this signer's certificate was revoked, if it was."""
        if signer.issuer != self.issuer or signer.serial_number is None:
            return None
        try:
            serial = int(signer.serial_number, 16)
        except ValueError:
            return None
        return dict(self.revoked).get(serial)


def add(
    name: str,
    data: bytes,
    *,
    issuer: bytes | None = None,
    folder: Path | None = None,
    replace_old: bool = False,
) -> RevocationList:
    """Keep a revocation list under a name.

    Args:
        name: lower-case letters, digits, dots, hyphens.
        data: a certificate revocation list, PEM or DER.
        issuer: PEM certificate of the authority that signed it; default: looked for in the
            trust lists.
        folder: default `settings().trust_folder`.
        replace_old: overwrite a list of that name.

    Raises:
        ConfigurationError: not a list, signed by none of these, or the name is taken.
    """
    trust.check_name(name)
    crl = _load_crl(name, data)
    if issuer is not None:
        try:
            known = x509.load_pem_x509_certificates(issuer)
        except ValueError as error:
            raise ConfigurationError("the issuer: no readable certificate") from error
    else:
        known = [one for entry in trust.installed(folder) for one in entry.certificates]
    if not any(_signed_by(crl, certificate) for certificate in known):
        raise ConfigurationError(
            f"revocation list {name!r}: not signed by any authority that is known here",
            advice="pass the authority's certificate with --issuer",
        )
    path = (folder or settings().trust_folder) / f"{name}.crl"
    if path.exists() and not replace_old:
        raise ConfigurationError(
            f"revocation list {name!r} exists", advice="pass --replace to overwrite it"
        )
    write_atomically(path, crl.public_bytes(Encoding.PEM))
    return _parsed(name, crl)


def remove(name: str, *, folder: Path | None = None) -> None:
    """Forget a revocation list.

    Raises:
        ConfigurationError: no such list.
    """
    trust.check_name(name)
    path = (folder or settings().trust_folder) / f"{name}.crl"
    if not path.is_file():
        raise ConfigurationError(f"no revocation list {name!r}")
    path.unlink()


def installed(folder: Path | None = None) -> tuple[RevocationList, ...]:
    """Every revocation list of a folder, default `settings().trust_folder`, by name.

    Raises:
        ConfigurationError: a file of the folder is not a revocation list.
    """
    folder = folder or settings().trust_folder
    if not folder.is_dir():
        return ()
    return _load(tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.crl"))))


def applied(credentials: Credentials, lists: tuple[RevocationList, ...]) -> Credentials:
    """Credentials that no longer rest on a revoked certificate.

    A signature that a time stamp puts before the revocation stays good. Of ingredients the
    time is not known, so theirs do not.
    """
    if not lists:
        return credentials
    ingredients = tuple(_ingredient(part, lists) for part in credentials.ingredients)
    problem = _problem(credentials.signer, credentials.signed_at, lists)
    if problem is None or credentials.state not in ("valid", "trusted"):
        return replace(credentials, ingredients=ingredients)
    return replace(
        credentials,
        state="invalid",
        trust_list=None,
        problems=(*credentials.problems, problem),
        ingredients=ingredients,
    )


def _ingredient(part: Ingredient, lists: tuple[RevocationList, ...]) -> Ingredient:
    below = tuple(_ingredient(inner, lists) for inner in part.ingredients)
    problem = _problem(part.signer, None, lists)
    if problem is None:
        return replace(part, ingredients=below)
    problems = (*part.problems, problem)
    return replace(part, state="invalid", problems=problems, ingredients=below)


def _problem(
    signer: SignerIdentity | None,
    signed_at: datetime | None,
    lists: tuple[RevocationList, ...],
) -> Problem | None:
    for entry in lists:
        revoked_at = entry.find(signer) if signer else None
        if revoked_at is not None and (signed_at is None or signed_at >= revoked_at):
            why = f"revoked on {revoked_at:%Y-%m-%d} according to the list {entry.name}"
            return Problem(SIGNER_REVOKED, why)
    return None


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...]) -> tuple[RevocationList, ...]:
    lists = []
    for path, _ in files:
        try:
            lists.append(_parsed(path.stem, _load_crl(path.stem, path.read_bytes())))
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    return tuple(lists)


def _load_crl(name: str, data: bytes) -> x509.CertificateRevocationList:
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except ValueError as error:
        raise ConfigurationError(
            f"revocation list {name!r}: not a certificate revocation list"
        ) from error


def _parsed(name: str, crl: x509.CertificateRevocationList) -> RevocationList:
    names = [
        *crl.issuer.get_attributes_for_oid(NameOID.COMMON_NAME),
        *crl.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
    ]
    return RevocationList(
        name=name,
        issuer=str(names[0].value) if names else "",
        revoked=tuple((entry.serial_number, entry.revocation_date_utc) for entry in crl),
        updated=crl.last_update_utc,
        next_update=crl.next_update_utc,
    )


def _signed_by(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    if certificate.subject != crl.issuer:
        return False
    try:
        return crl.is_signature_valid(certificate.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
