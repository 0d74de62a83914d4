"""A local RFC 3161 time stamp authority: `openssl ts` behind HTTP."""

from __future__ import annotations

import datetime as dt
import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from assay.provenance import certificates
from assay.provenance.certificates import Issued

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/issuer.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def make_tsa(issuer: Issued) -> Issued:
    """A certificate that may stamp times and nothing else."""
    key = rsa.generate_private_key(65537, 2048)
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(True, *[False] * 8)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test TSA")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=100))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
        .sign(issuer.key, hashes.SHA384())
    )
    return Issued(certificate, key)


@contextmanager
def serve(issuer: Issued, folder: Path) -> Iterator[str]:
    """Run the authority; gives its URL."""
    tsa = make_tsa(issuer)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.pem").write_bytes(certificates.to_pem(tsa.certificate))
    (folder / "tsa.key").write_bytes(certificates.key_to_pem(tsa.key))
    (folder / "issuer.pem").write_bytes(certificates.to_pem(issuer.certificate))
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = folder / "query.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["content-length"])))
            command = ["openssl", "ts", "-reply", "-config", f"{folder}/tsa.cnf"]
            command += ["-queryfile", str(query), "-out", f"{folder}/reply.tsr"]
            subprocess.run(command, check=True, capture_output=True)
            body = (folder / "reply.tsr").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def variant(leaf: Issued, issuer: Issued, *, drop: type, add: x509.ExtensionType | None) -> Issued:
    """A certificate like `leaf` with one extension missing or replaced."""
    old = leaf.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    for extension in old.extensions:
        if not isinstance(extension.value, drop):
            builder = builder.add_extension(extension.value, extension.critical)
    if add is not None:
        builder = builder.add_extension(add, critical=False)
    return Issued(builder.sign(issuer.key, hashes.SHA384()), leaf.key)
