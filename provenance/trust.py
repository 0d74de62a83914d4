"""Named trust lists: who is believed, and which list says so.

One file per list, `<name>.pem` in `settings().trust_folder`: certificates, preceded by
header lines such as

    # trust-uri: https://example.org/c2pa-anchors
    # kind: manifest

Each list becomes its own anchor entry of the C2PA validator, so that a result names the list
that vouches for the signer. The lists of the C2PA conformance program are added like any
other; whom to believe is the operator's decision and the list's edition is theirs to keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography import x509

from assay.errors import ConfigurationError
from assay.files import write_atomically
from assay.provenance.certificates import common_name, to_pem
from assay.settings import settings

Kind = Literal["manifest", "tsa", "cawg"]

# Extended key usages a signing certificate may have: C2PA claim signing, document signing
# and e-mail protection. Without this list the library accepts e-mail protection only and
# calls every certificate of the official profile invalid.
TRUST_CONFIG = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.36\n1.3.6.1.5.5.7.3.4\n"

_END = "-----END CERTIFICATE-----\n"
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
_HEADER = re.compile(r"^#\s*([a-z-]+):\s*(\S+)\s*$", re.MULTILINE)
_URI = re.compile(r"^(https?://|urn:)\S{1,500}$")


@dataclass(frozen=True)
class TrustList:
    """A named set of trust anchors.

    Attributes:
        name: short name used in reports and on the command line.
        uri: identifier handed to the validator, `urn:assay:trust:<name>` by default.
        kind: what the anchors are believed for: manifests, time stamps or CAWG identities.
        pem: the certificates.
    """

    name: str
    uri: str
    kind: Kind
    pem: str

    @property
    def certificates(self) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.pem.encode())

    @property
    def subjects(self) -> list[str]:
        return [common_name(certificate) for certificate in self.certificates]


def add(
    name: str,
    pem: bytes,
    *,
    uri: str | None = None,
    kind: Kind = "manifest",
    folder: Path | None = None,
    replace: bool = False,
) -> TrustList:
    """Keep a trust list under a name.

    Args:
        name: lower-case letters, digits, dots, hyphens.
        pem: at least one certificate; other text in the file is dropped.
        uri: where the list is published, if it is.
        kind: what the anchors are believed for.
        folder: default `settings().trust_folder`.
        replace: overwrite a list of that name.

    Raises:
        ConfigurationError: bad name or URI, no certificate, or the name is taken.
        OutputRefused: the folder cannot be written.
    """
    check_name(name)
    uri = uri or f"urn:assay:trust:{name}"
    if not _URI.match(uri):
        raise ConfigurationError(f"{uri!r} is not a URI: use https://..., http://... or urn:...")
    if kind not in get_args(Kind):
        raise ConfigurationError(f"{kind!r}: a list is for {', '.join(get_args(Kind))}")
    text = _certificates_only(name, pem)
    path = (folder or settings().trust_folder) / f"{name}.pem"
    if path.exists() and not replace:
        raise ConfigurationError(
            f"trust list {name!r} exists", advice="pass --replace to overwrite it"
        )
    write_atomically(path, f"# trust-uri: {uri}\n# kind: {kind}\n{text}")
    return TrustList(name, uri, kind, text)


def check_name(name: str) -> None:
    """Refuse a name that no list may have: it becomes a file name.

    Raises:
        ConfigurationError: says what a name is.
    """
    if not _NAME.match(name):
        raise ConfigurationError(f"{name!r} is not a list name: use a-z, 0-9, dot, hyphen")


def remove(name: str, *, folder: Path | None = None) -> None:
    """Forget a trust list.

    Raises:
        ConfigurationError: no such list.
    """
    path = (folder or settings().trust_folder) / f"{name}.pem"
    if not _NAME.match(name) or not path.is_file():
        raise ConfigurationError(f"no trust list {name!r}")
    path.unlink()


def installed(folder: Path | None = None) -> tuple[TrustList, ...]:
    """Every list of a folder, default `settings().trust_folder`, by name.

    Raises:
        ConfigurationError: a file of the folder is not a trust list.
    """
    folder = folder or settings().trust_folder
    if not folder.is_dir():
        return ()
    return _load(tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.pem"))))


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...]) -> tuple[TrustList, ...]:
    return tuple(_read(path) for path, _ in files)


def _read(path: Path) -> TrustList:
    try:
        content = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not a readable trust list: {error}") from error
    headers = dict(_HEADER.findall(content.partition("-----BEGIN")[0]))
    kind = headers.get("kind", "manifest")
    if kind not in get_args(Kind):
        raise ConfigurationError(f"{path}: unknown kind {kind!r}")
    return TrustList(
        name=path.stem,
        uri=headers.get("trust-uri", f"urn:assay:trust:{path.stem}"),
        kind=kind,
        pem=_certificates_only(path.stem, content.encode()),
    )


def _certificates_only(name: str, pem: bytes) -> str:
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigurationError(f"trust list {name!r}: no readable certificate") from error
    return "".join(to_pem(certificate).decode() for certificate in certificates)


def validator_settings(lists: tuple[TrustList, ...]) -> dict[str, Any]:
    """The `trust` section of the C2PA library's settings.

    The library pools all lists and names any one that has the anchor. So an anchor that a
    list of signers has is left out of the other lists, which changes nothing in what is
    accepted and makes the name right.
    """
    vouching = {
        block for entry in lists if entry.kind == "manifest" for block in _blocks(entry.pem)
    }
    anchors = []
    for entry in lists:
        pem = entry.pem
        if entry.kind != "manifest":
            pem = "".join(block for block in _blocks(pem) if block not in vouching)
        if pem:
            anchors.append({"trust_uri": entry.uri, "trust_kind": entry.kind, "trust_anchors": pem})
    return {"trust_config": TRUST_CONFIG, **({"anchors": anchors} if anchors else {})}


def _blocks(pem: str) -> list[str]:
    """The PEM blocks of a text that `_certificates_only` wrote."""
    return [block + _END for block in pem.split(_END) if block]


def name_of(uri: str, lists: tuple[TrustList, ...]) -> str:
    """The list's name for a URI reported by the validator; the URI itself if unknown."""
    return next((entry.name for entry in lists if entry.uri == uri), uri)
