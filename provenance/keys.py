"""Keys on disk: a development signing identity and the watermark master key.

Layout of `settings().keys_folder`:

| file | content |
|---|---|
| `signer.key` | PKCS#8 private key of the signer, mode 0600 |
| `signer.pem` | certificate chain, leaf first, without the root |
| `issuer.key`, `issuer.pem` | development issuing CA, to renew the leaf; mode 0600 |
| `root.pem` | development root; its private key is never written |
| `watermark.key` | 32 random bytes, mode 0600: everything the watermark derives comes from it |
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from assay.errors import KeysUnavailable, OutputRefused
from assay.provenance import certificates
from assay.settings import settings

SIGNER_KEY = "signer.key"
SIGNER_CHAIN = "signer.pem"
ISSUER_KEY = "issuer.key"
ISSUER_CERTIFICATE = "issuer.pem"
ROOT_CERTIFICATE = "root.pem"
WATERMARK_KEY = "watermark.key"
WATERMARK_KEY_BYTES = 32
DEVELOPMENT_LIST = "assay-development"
EXPIRY_WARNING_DAYS = 30
"""From here on every use of the signer says that it expires: a month covers a CA's delays."""


@dataclass(frozen=True)
class KeyInfo:
    """What can be said about the keys without showing one."""

    folder: Path
    signer: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    days_left: float
    development: bool
    watermark_key: bool

    @property
    def warning(self) -> str | None:
        """What the operator should do soon, or None."""
        if self.days_left < 0:
            return f"the signing certificate expired on {self.not_after:%Y-%m-%d}"
        if self.days_left < EXPIRY_WARNING_DAYS:
            return (
                f"the signing certificate expires in {self.days_left:.0f} days "
                f"({self.not_after:%Y-%m-%d})"
            )
        return None


def init(folder: Path | None = None) -> KeyInfo:
    """Make a development CA, a signing identity and a watermark key.

    The development root is also put into the trust folder as the list `assay-development`,
    so that this machine, and no other, calls its own signatures trusted.

    Args:
        folder: default `settings().keys_folder`.

    Raises:
        KeysUnavailable: with `ASSAY_ENV=production`, or when keys are already there: they
            are never overwritten.
        OutputRefused: the folder cannot be written.
    """
    from assay.provenance import trust

    if settings().env == "production":
        raise KeysUnavailable(
            "development keys are refused with ASSAY_ENV=production",
            advice="import a certificate of a real CA with `assay keys import`",
        )
    folder = folder or settings().keys_folder
    _refuse_existing(folder, SIGNER_KEY, SIGNER_CHAIN, ISSUER_KEY)
    root = certificates.make_root()
    issuer = certificates.make_intermediate(root)
    leaf = certificates.make_leaf(issuer)
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    write_new(folder / SIGNER_KEY, certificates.key_to_pem(leaf.key))
    write_new(folder / SIGNER_CHAIN, chain)
    write_new(folder / ISSUER_KEY, certificates.key_to_pem(issuer.key))
    write_new(folder / ISSUER_CERTIFICATE, certificates.to_pem(issuer.certificate))
    root_pem = certificates.to_pem(root.certificate)
    write_new(folder / ROOT_CERTIFICATE, root_pem)
    ensure_watermark_key(folder)
    trust.add(DEVELOPMENT_LIST, root_pem, replace=True)
    return show(folder)


def renew(folder: Path | None = None) -> KeyInfo:
    """Replace the development leaf by a fresh one of the same issuer.

    Raises:
        KeysUnavailable: there is no development issuer here, or this is production.
    """
    if settings().env == "production":
        raise KeysUnavailable("development certificates are not renewed in production")
    folder = folder or settings().keys_folder
    [certificate] = certificates.load_chain(_read(folder / ISSUER_CERTIFICATE))
    key = serialization.load_pem_private_key(_read(folder / ISSUER_KEY), password=None)
    if not isinstance(key, certificates.PrivateKey):
        raise KeysUnavailable(f"{folder / ISSUER_KEY}: not a signing key")
    leaf = certificates.make_leaf(certificates.Issued(certificate, key))
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(certificate)
    _replace(folder / SIGNER_KEY, certificates.key_to_pem(leaf.key))
    _replace(folder / SIGNER_CHAIN, chain)
    return show(folder)


def import_signer(chain: bytes, key: bytes, folder: Path | None = None) -> KeyInfo:
    """Install a signing identity of a real CA.

    Args:
        chain: PEM certificates, leaf first, root optional.
        key: unencrypted PKCS#8 PEM.
        folder: default `settings().keys_folder`.

    Raises:
        KeysUnavailable: the key does not belong to the leaf, is not PKCS#8, or a signer is
            already installed.
    """
    folder = folder or settings().keys_folder
    leaf = certificates.load_chain(chain)[0]
    if b"-----BEGIN PRIVATE KEY-----" not in key:
        raise KeysUnavailable(
            "the private key is not unencrypted PKCS#8",
            advice="convert it with `openssl pkcs8 -topk8 -nocrypt`",
        )
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise KeysUnavailable(f"the private key does not parse: {error}") from error
    if private.public_key() != leaf.public_key():
        raise KeysUnavailable("the private key does not belong to the first certificate")
    _refuse_existing(folder, SIGNER_KEY, SIGNER_CHAIN)
    write_new(folder / SIGNER_KEY, key)
    write_new(folder / SIGNER_CHAIN, chain)
    ensure_watermark_key(folder)
    return show(folder)


def show(folder: Path | None = None) -> KeyInfo:
    """Describe the installed keys.

    Raises:
        KeysUnavailable: there are none.
    """
    folder = folder or settings().keys_folder
    leaf = certificates.load_chain(_read(folder / SIGNER_CHAIN), what=SIGNER_CHAIN)[0]
    return KeyInfo(
        folder=folder,
        signer=certificates.common_name(leaf),
        issuer=leaf.issuer.rfc4514_string(),
        serial_number=f"{leaf.serial_number:x}",
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        days_left=certificates.days_left(leaf),
        development=certificates.is_development(leaf),
        watermark_key=(folder / WATERMARK_KEY).is_file(),
    )


def watermark_key(folder: Path | None = None) -> bytes:
    """The 32-byte watermark master key.

    Raises:
        KeysUnavailable: missing or of another length.
    """
    path = (folder or settings().keys_folder) / WATERMARK_KEY
    key = _read(path)
    if len(key) != WATERMARK_KEY_BYTES:
        raise KeysUnavailable(f"{path}: {len(key)} bytes, expected {WATERMARK_KEY_BYTES}")
    return key


def ensure_watermark_key(folder: Path | None = None) -> None:
    """Make the watermark key unless there is one. Losing it loses every watermark made."""
    path = (folder or settings().keys_folder) / WATERMARK_KEY
    if not path.exists():
        write_new(path, secrets.token_bytes(WATERMARK_KEY_BYTES))


def _refuse_existing(folder: Path, *names: str) -> None:
    for name in names:
        if (folder / name).exists():
            raise KeysUnavailable(
                f"{folder / name} already exists and is never overwritten",
                advice="set ASSAY_HOME to another folder, or move the old keys away",
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysUnavailable(
            f"{path}: {error.strerror or error}", advice="run `assay keys init`"
        ) from error


def write_new(path: Path, data: bytes) -> None:
    """Create `path` for the owner only, whole or not at all.

    Raises:
        OutputRefused: it exists already, or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        _name_it(temporary, path)
    except OSError as error:
        raise OutputRefused(f"{path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _name_it(temporary: Path, path: Path) -> None:
    """Give a finished file its name, never over another file."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise
        os.rename(temporary, path)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    write_new(temporary, data)
    os.replace(temporary, path)
