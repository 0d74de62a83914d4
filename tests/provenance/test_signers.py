from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from assay.errors import ConfigurationError, KeysUnavailable, MarkFailed
from assay.media import Media
from assay.provenance import certificates, keys, timestamping, trust
from assay.provenance.certificates import Issued, PrivateKey
from assay.provenance.installed_signer import installed
from assay.provenance.reading import read
from assay.provenance.signers import CallbackSigner, PemSigner, algorithm_for
from assay.provenance.signing import sign_bytes
from assay.provenance.timestamping import TimestampUnavailable
from assay.settings import settings

from . import authority
from .conftest import generated

KEYS: dict[str, Callable[[], PrivateKey]] = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
SOFTHSM_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
SOFTHSM = next((place for place in SOFTHSM_PLACES if Path(place).exists()), None)


@pytest.fixture(scope="module")
def root() -> Issued:
    return certificates.make_root()


@pytest.fixture(scope="module")
def issuer(root: Issued) -> Issued:
    return certificates.make_intermediate(root)


@pytest.fixture
def trusted(root: Issued) -> None:
    trust.add("house", certificates.to_pem(root.certificate))


def chain_of(leaf: Issued, issuer: Issued) -> bytes:
    return certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)


def pem_signer(issuer: Issued, key: PrivateKey | None = None, **options: object) -> PemSigner:
    leaf = certificates.make_leaf(issuer, key=key)
    return PemSigner(chain_of(leaf, issuer), certificates.key_to_pem(leaf.key), **options)


def raw_signature(key: PrivateKey, data: bytes) -> bytes:
    """What a key service answers."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(data, salted, hashes.SHA256())
    digest = hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()
    return key.sign(data, ec.ECDSA(digest))


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_algorithm_from_pem(
    algorithm: str, issuer: Issued, trusted: None, photo: bytes
) -> None:
    signer = pem_signer(issuer, KEYS[algorithm]())
    assert algorithm_for(signer.certificate) == algorithm
    credentials = read(sign_bytes(Media.from_bytes(photo), generated(), signer))
    assert (credentials.state, credentials.trust_list) == ("trusted", "house")
    assert credentials.signer is not None
    assert (credentials.signer.algorithm or "").lower() == algorithm


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_algorithm_from_a_key_service(
    algorithm: str, issuer: Issued, trusted: None, photo: bytes
) -> None:
    leaf = certificates.make_leaf(issuer, key=KEYS[algorithm]())
    asked: list[int] = []

    def service(data: bytes) -> bytes:
        asked.append(len(data))
        return raw_signature(leaf.key, data)

    signer = CallbackSigner(chain_of(leaf, issuer), service)
    assert read(sign_bytes(Media.from_bytes(photo), generated(), signer)).state == "trusted"
    assert asked
    assert max(asked) < 4096


def test_the_real_error_of_a_key_service_is_kept(issuer: Issued, photo: bytes) -> None:
    leaf = certificates.make_leaf(issuer)

    def service(data: bytes) -> bytes:
        raise ConnectionError("quota of project x exceeded")

    signer = CallbackSigner(chain_of(leaf, issuer), service)
    with pytest.raises(KeysUnavailable, match="quota of project x exceeded") as failure:
        sign_bytes(Media.from_bytes(photo), generated(), signer)
    assert isinstance(failure.value.__cause__, ConnectionError)


def test_a_wrong_signature_is_never_released(issuer: Issued, photo: bytes) -> None:
    leaf = certificates.make_leaf(issuer)
    signer = CallbackSigner(chain_of(leaf, issuer), lambda data: b"\x01" * 64)
    with pytest.raises(MarkFailed):
        sign_bytes(Media.from_bytes(photo), generated(), signer)


def test_keys_that_are_not_plain_pkcs8_are_refused(issuer: Issued, photo: bytes) -> None:
    leaf = certificates.make_leaf(issuer)
    sec1 = leaf.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    locked = leaf.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    for key in (sec1, locked):
        with pytest.raises((KeysUnavailable, MarkFailed)):
            sign_bytes(Media.from_bytes(photo), generated(), PemSigner(chain_of(leaf, issuer), key))


def test_a_key_of_another_certificate_is_refused(issuer: Issued, photo: bytes) -> None:
    leaf, other = certificates.make_leaf(issuer), certificates.make_leaf(issuer)
    signer = PemSigner(chain_of(leaf, issuer), certificates.key_to_pem(other.key))
    with pytest.raises(MarkFailed):
        sign_bytes(Media.from_bytes(photo), generated(), signer)


@pytest.mark.parametrize("kind", ["ec521", "rsa1024"])
def test_weak_or_foreign_keys_are_refused(kind: str, issuer: Issued) -> None:
    key = (
        ec.generate_private_key(ec.SECP521R1())
        if kind == "ec521"
        else rsa.generate_private_key(65537, 1024)
    )
    leaf = certificates.make_leaf(issuer, key=key)
    with pytest.raises(KeysUnavailable, match="cannot sign claims"):
        algorithm_for(leaf.certificate)


@pytest.mark.parametrize(
    ("drop", "add"),
    [
        (x509.ExtendedKeyUsage, None),
        (x509.ExtendedKeyUsage, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
        (
            x509.ExtendedKeyUsage,
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        ),
        (x509.KeyUsage, None),
        (x509.AuthorityKeyIdentifier, None),
        (x509.BasicConstraints, x509.BasicConstraints(ca=True, path_length=None)),
    ],
)
def test_certificates_outside_the_profile_do_not_sign(
    drop: type, add: x509.ExtensionType | None, issuer: Issued, trusted: None, photo: bytes
) -> None:
    leaf = authority.variant(certificates.make_leaf(issuer), issuer, drop=drop, add=add)
    signer = PemSigner(chain_of(leaf, issuer), certificates.key_to_pem(leaf.key))
    with pytest.raises(MarkFailed, match="certificate"):
        sign_bytes(Media.from_bytes(photo), generated(), signer)


def test_a_certificate_of_the_future_does_not_sign(issuer: Issued, photo: bytes) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=5)
    leaf = certificates.make_leaf(issuer, now=later)
    signer = PemSigner(chain_of(leaf, issuer), certificates.key_to_pem(leaf.key))
    with pytest.raises(MarkFailed):
        sign_bytes(Media.from_bytes(photo), generated(), signer)


def test_a_chain_without_its_intermediate_is_not_trusted(
    issuer: Issued, trusted: None, photo: bytes
) -> None:
    leaf = certificates.make_leaf(issuer)
    alone = PemSigner(certificates.to_pem(leaf.certificate), certificates.key_to_pem(leaf.key))
    credentials = read(sign_bytes(Media.from_bytes(photo), generated(), alone))
    assert credentials.state == "valid"


def expiring(issuer: Issued, seconds: float) -> Issued:
    """A leaf that expires in `seconds`."""
    now = dt.datetime.now(dt.UTC)
    start = now + dt.timedelta(seconds=seconds, minutes=5) - dt.timedelta(days=1)
    return certificates.make_leaf(issuer, now=start, days=1)


def test_a_certificate_that_expires_soon_signs_with_a_warning(
    issuer: Issued, home: Path, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sign_bytes(Media.from_bytes(photo), generated())
    assert caplog.text == ""
    leaf = expiring(issuer, 3600)
    (home / "keys" / keys.SIGNER_CHAIN).write_bytes(chain_of(leaf, issuer))
    (home / "keys" / keys.SIGNER_KEY).write_bytes(certificates.key_to_pem(leaf.key))
    sign_bytes(Media.from_bytes(photo), generated())
    assert "expires in 0 days" in caplog.text


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@needs_openssl
def test_a_time_stamp_outlives_the_certificate(
    root: Issued, issuer: Issued, trusted: None, photo: bytes, tmp_path: Path
) -> None:
    trust.add("stamps", certificates.to_pem(root.certificate), kind="tsa")
    leaf = expiring(issuer, 3)
    chain, key = chain_of(leaf, issuer), certificates.key_to_pem(leaf.key)
    media = Media.from_bytes(photo)
    with authority.serve(issuer, tmp_path) as url:
        stamped = sign_bytes(media, generated(), PemSigner(chain, key, url))
    plain = sign_bytes(media, generated(), PemSigner(chain, key))
    before = read(stamped)
    assert before.state == "trusted"
    assert before.signed_at is not None
    assert abs((dt.datetime.now(dt.UTC) - before.signed_at).total_seconds()) < 60
    wait = (leaf.certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)).total_seconds()
    time.sleep(max(0, wait) + 1.1)
    assert read(stamped).state == "trusted"
    expired = read(plain)
    assert expired.state == "invalid"
    assert "signingCredential.expired" in [problem.code for problem in expired.problems]
    assert not any(problem.breaks_integrity for problem in expired.problems)


@pytest.mark.parametrize("policy", ["require", "prefer"])
def test_an_authority_that_is_down(
    policy: str,
    issuer: Issued,
    trusted: None,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(timestamping, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("ASSAY_TIMESTAMP_POLICY", policy)
    settings.cache_clear()
    signer = pem_signer(issuer, timestamp_url="http://127.0.0.1:9/")
    media = Media.from_bytes(photo)
    if policy == "require":
        with pytest.raises(TimestampUnavailable, match="authority failed 3 times") as caught:
            sign_bytes(media, generated(), signer)
        assert isinstance(caught.value, MarkFailed)
        assert caught.value.code == "timestamp-unavailable"
    else:
        credentials = read(sign_bytes(media, generated(), signer))
        assert (credentials.state, credentials.signed_at) == ("trusted", None)
        assert "signed without a time stamp" in caplog.text


@needs_openssl
def test_an_authority_that_stumbles_once_is_asked_again(
    issuer: Issued, trusted: None, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamping, "WAITS", (0.0, 0.0))
    real, calls = subprocess.run, []

    def flaky(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise BrokenPipeError
        return real(*arguments, **options)

    monkeypatch.setattr(authority.subprocess, "run", flaky)
    monkeypatch.setattr(authority.http.server.ThreadingHTTPServer, "handle_error", lambda *_: None)
    with authority.serve(issuer, tmp_path) as url:
        signer = pem_signer(issuer, timestamp_url=url)
        credentials = read(sign_bytes(Media.from_bytes(photo), generated(), signer))
    assert credentials.signed_at is not None
    assert len(calls) == 2


TOKEN_ALGORITHMS = ("es256", "es384", "ps256")
Token = Callable[[str], None]


@pytest.fixture(scope="module")
def token_chains(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issued
) -> Iterator[dict[str, bytes]]:
    """A SoftHSM token for each algorithm, and the chains of their keys.

    Made before the library is first loaded: it reads its slots once per process.
    """
    pytest.importorskip("pkcs11")
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("needs SoftHSM")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        chains = {}
        for algorithm in TOKEN_ALGORITHMS:
            leaf = certificates.make_leaf(issuer, key=KEYS[algorithm]())
            (folder / "key.pem").write_bytes(certificates.key_to_pem(leaf.key))
            softhsm("--init-token", "--free", "--label", algorithm, "--so-pin", "4321")
            softhsm("--import", f"{folder}/key.pem", "--token", algorithm, "--label", "signing")
            chains[algorithm] = chain_of(leaf, issuer)
        yield chains


def softhsm(*arguments: str) -> None:
    identity = ["--id", "01"] if "--import" in arguments else []
    command = ["softhsm2-util", *arguments, *identity, "--pin", "1234"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def token(token_chains: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """Configure the token that holds a key of an algorithm."""

    def configure(algorithm: str) -> None:
        (home / "keys" / keys.SIGNER_CHAIN).write_bytes(token_chains[algorithm])
        (home / "keys" / keys.SIGNER_KEY).unlink()
        monkeypatch.setenv("ASSAY_PKCS11_MODULE", str(SOFTHSM))
        monkeypatch.setenv("ASSAY_PKCS11_TOKEN", algorithm)
        monkeypatch.setenv("ASSAY_PKCS11_KEY", "signing")
        monkeypatch.setenv("ASSAY_PKCS11_PIN", "1234")
        settings.cache_clear()

    return configure


@pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
def test_a_pkcs11_token_signs(algorithm: str, token: Token, trusted: None, photo: bytes) -> None:
    token(algorithm)
    assert read(sign_bytes(Media.from_bytes(photo), generated())).trust_list == "house"


def test_a_pkcs11_token_that_refuses_says_why(
    token: Token, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    token("es256")
    monkeypatch.setenv("ASSAY_PKCS11_PIN", "0000")
    settings.cache_clear()
    with pytest.raises(KeysUnavailable, match="PinIncorrect"):
        sign_bytes(Media.from_bytes(photo), generated())


def test_an_incomplete_token_configuration_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_PKCS11_MODULE", "/usr/lib/x.so")
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="ASSAY_PKCS11_MODULE"):
        installed()
