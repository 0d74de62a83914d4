"""Who answers is who the URL names."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assay.errors import FetchFailed, FetchRefused
from assay.fetching import fetch

from ..loopback import serve


def test_certificates_are_verified_for_the_name_in_the_url(tmp_path: Path) -> None:
    """The pinned address takes nothing from TLS: the name is sent and checked."""
    names = []

    def remember(socket: ssl.SSLObject, name: str, context: ssl.SSLContext) -> None:
        names.append(name)

    context, trusting = _certificate("good.invalid", tmp_path)
    context.sni_callback = remember
    with serve(context) as secure:
        secure.pages["/"] = (200, {}, b"picture")
        good, bad = f"good.invalid:{secure.port}", f"bad.invalid:{secure.port}"
        here = {"resolve": lambda host, port: ["127.0.0.1"], "allow": [good, bad, secure.host]}

        assert fetch(f"https://{good}/", tls=trusting, **here).data == b"picture"
        assert names == ["good.invalid"]
        for host, tls in ((bad, trusting), (secure.host, trusting), (good, None)):
            with pytest.raises(FetchFailed, match="no secure connection"):
                fetch(f"https://{host}/", tls=tls, **here)
        assert len(secure.seen) == 1

        with serve() as plain:
            secure.redirect("/down", plain.url())
            with pytest.raises(FetchRefused, match="from https to http"):
                fetch(
                    f"https://{good}/down",
                    tls=trusting,
                    resolve=here["resolve"],
                    allow=[good, plain.host],
                )


def _certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with this name and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain, private)
    return server, ssl.create_default_context(cafile=str(chain))
