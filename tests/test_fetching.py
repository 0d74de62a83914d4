"""Nothing that a stranger names can turn the client inwards, fill memory or hold it up."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assay.addresses import is_public
from assay.errors import FetchFailed, FetchRefused, LimitExceeded
from assay.fetching import fetch, post
from assay.settings import settings

from .loopback import Loopback, serve

PUBLIC = "93.184.215.14"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as running:
        running.pages["/"] = (200, {"Content-Type": "image/png"}, b"picture")
        yield running


@pytest.mark.parametrize("address", ["1.1.1.1", PUBLIC, "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2606:4700::5efe:127.0.0.1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "127.0.0.01",
        "0",
        "1.1.1.1.1",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_no_spelling_of_loopback_is_asked(server: Loopback, host: str) -> None:
    for port in ("", f":{server.port}"):
        with pytest.raises(FetchRefused):
            fetch(f"http://{host}{port}/", resolve=None)
    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "gopher://example.org/",
        "data:image/png;base64,AAAA",
        "//example.org/",
        "example.org",
        "",
        "http://",
        "http:///path",
        "http://exa mple.org/",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org/\r\nHost: other",
        "http://example.org/" + "a" * 9000,
    ],
)
def test_urls_that_are_refused_before_any_look_up(url: str) -> None:
    with pytest.raises(FetchRefused):
        fetch(url, resolve=_no_look_up)


@pytest.mark.parametrize("port", [1, 22, 25, 53, 110, 2375, 5432, 6379, 9200, 11211, 65535])
def test_ports_of_other_services_are_refused(port: int) -> None:
    with pytest.raises(FetchRefused, match="port"):
        fetch(f"http://example.org:{port}/", resolve=_no_look_up)


def test_no_secret_of_a_url_is_repeated() -> None:
    with pytest.raises(FetchRefused) as refused:
        fetch("http://user:hunter2@example.org/?token=abc", resolve=_no_look_up)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(FetchRefused) as refused:
        fetch("http://example.org/a?token=abc", resolve=lambda host, port: ["10.1.2.3"])
    assert "abc" not in str(refused.value)
    assert "10.1.2.3" not in str(refused.value)


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(FetchRefused):
        fetch("http://example.org/", resolve=lambda host, port: [PUBLIC, "127.0.0.1"])


def test_a_name_that_changes_its_address_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: a public address at the first look-up, loopback at the second."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    connected = []

    def refuse(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(FetchFailed):
        fetch("http://rebind.example/", resolve=lambda host, port: next(answers))
    assert connected == [(PUBLIC, 80)]
    assert next(answers) == ["127.0.0.1"]


def test_the_connection_goes_to_the_address_that_was_checked(server: Loopback) -> None:
    """A name that no resolver knows: only the pinned address can have been used."""
    name = f"pinned.invalid:{server.port}"
    fetched = fetch(f"http://{name}/", allow=[name], resolve=lambda host, port: ["127.0.0.1"])
    assert fetched.data == b"picture"
    assert fetched.content_type == "image/png"
    assert server.seen[0][2]["host"] == name


def test_an_address_that_does_not_answer_leaves_the_next(server: Loopback) -> None:
    name = f"two.invalid:{server.port}"
    fetched = fetch(
        f"http://{name}/", allow=[name], resolve=lambda host, port: ["127.0.0.77", "127.0.0.1"]
    )
    assert fetched.status == 200


def test_allowed_hosts_come_from_the_settings(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", f"intranet.example, 127.0.0.1:{server.port}")
    settings.cache_clear()
    assert settings().fetch_allowed_hosts == ("intranet.example", server.host)
    assert fetch(server.url()).data == b"picture"
    with pytest.raises(FetchRefused):
        fetch(f"http://127.0.0.1:{server.port + 1}/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "//127.0.0.1:1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "http://user:pw@example.org/",
        "http://[",
    ],
)
def test_redirects_are_checked_like_the_first_url(
    server: Loopback, status: int, target: str
) -> None:
    url = server.redirect("/away", target, status)
    with pytest.raises(FetchRefused):
        fetch(url, allow=[server.host])
    assert len(server.seen) == 1


def test_a_redirect_to_another_loopback_port_is_not_followed(server: Loopback) -> None:
    with serve() as inner:
        with pytest.raises(FetchRefused):
            fetch(server.redirect("/away", inner.url()), allow=[server.host])
        assert inner.seen == []


def test_redirects_within_what_is_allowed(server: Loopback) -> None:
    server.redirect("/b", "/")
    fetched = fetch(
        server.redirect("/a", "b"), allow=[server.host], headers={"Authorization": "secret"}
    )
    assert fetched.final_url == server.url("/")
    assert [path for _, path, _ in server.seen] == ["/a", "/b", "/"]
    assert "authorization" in server.seen[0][2]
    assert not any("authorization" in headers for _, _, headers in server.seen[1:])


def test_endless_redirects_end(server: Loopback) -> None:
    with pytest.raises(FetchRefused, match="redirects more than"):
        fetch(server.redirect("/loop", "/loop"), allow=[server.host])
    assert len(server.seen) == 6


def test_no_cookie_is_kept(server: Loopback) -> None:
    server.pages["/set"] = (302, {"Location": "/", "Set-Cookie": "id=1; Path=/"}, b"")
    fetch(server.url("/set"), allow=[server.host])
    assert "cookie" not in server.seen[1][2]


def test_proxies_of_the_environment_are_not_used(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetch(server.url(), allow=[server.host]).data == b"picture"
        assert proxy.seen == []


def test_a_body_over_the_limit(server: Loopback) -> None:
    server.pages["/big"] = (200, {}, bytes(5000))
    assert len(fetch(server.url("/big"), max_bytes=5000, allow=[server.host]).data) == 5000
    with pytest.raises(LimitExceeded):
        fetch(server.url("/big"), max_bytes=4999, allow=[server.host])


def test_a_body_without_a_length_is_counted_as_it_comes(server: Loopback) -> None:
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    server.pages["/chunks"] = (200, {"Transfer-Encoding": "chunked"}, chunk * 4000)
    with pytest.raises(LimitExceeded):
        fetch(server.url("/chunks"), max_bytes=100_000, allow=[server.host])


def test_a_compressed_answer_is_not_unpacked(server: Loopback) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    server.pages["/bomb"] = (200, {"Content-Encoding": "gzip"}, bomb)
    with pytest.raises(FetchFailed, match="compressed"):
        fetch(server.url("/bomb"), allow=[server.host])
    assert server.seen[0][2]["accept-encoding"] == "identity"


@pytest.mark.parametrize("path", ["/drip-body", "/drip-headers"])
def test_a_slow_drip_ends_in_time(server: Loopback, path: str) -> None:
    start = time.monotonic()
    with pytest.raises(FetchFailed, match="out of time"):
        fetch(server.url(path), timeout=0.4, allow=[server.host])
    assert time.monotonic() - start < 5  # the drip goes on for ten


def test_a_name_server_that_hangs_ends_in_time() -> None:
    release = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        release.wait(10)
        return [PUBLIC]

    start = time.monotonic()
    with pytest.raises(FetchFailed, match="does not resolve"):
        fetch("http://example.org/", timeout=0.3, resolve=hanging)
    assert time.monotonic() - start < 5
    release.set()


@pytest.mark.parametrize("answer", [[], ["no address"], OSError("none")])
def test_a_name_without_an_address(answer: list[str] | OSError) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if isinstance(answer, OSError):
            raise answer
        return answer

    with pytest.raises(FetchFailed, match="does not resolve"):
        fetch("http://example.org/", resolve=resolve)


def test_error_statuses_and_silence(server: Loopback) -> None:
    with pytest.raises(FetchFailed, match="404"):
        fetch(server.url("/missing"), allow=[server.host])
    closed = f"127.0.0.1:{_free_port()}"
    with pytest.raises(FetchFailed, match="no usable answer"):
        fetch(f"http://{closed}/", allow=[closed])


def test_post_sends_the_body_and_gives_every_status(server: Loopback) -> None:
    server.pages["/hook"] = (410, {"Retry-After": "7"}, bytes(100))
    answer = post(
        server.url("/hook"),
        b'{"a":1}',
        {"Content-Type": "application/json", "webhook-id": "m1"},
        allow=[server.host],
        max_bytes=10,
    )
    assert (answer.status, answer.headers["retry-after"], answer.data) == (410, "7", bytes(10))
    assert server.bodies == [b'{"a":1}']
    assert server.seen[0][2]["webhook-id"] == "m1"


def test_post_follows_no_redirect_and_is_refused_like_a_get(server: Loopback) -> None:
    answer = post(server.redirect("/hook", "/"), b"x", {}, allow=[server.host])
    assert answer.status == 302
    assert len(server.seen) == 1
    with pytest.raises(FetchRefused):
        post(server.url("/hook"), b"x", {})
    assert len(server.seen) == 1


def test_a_header_cannot_smuggle_another(server: Loopback) -> None:
    with pytest.raises(FetchFailed):
        post(server.url("/"), b"x", {"X-Name": "a\r\nX-Other: b"}, allow=[server.host])
    assert server.seen == []


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


def _no_look_up(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host}:{port} was looked up")


def _free_port() -> int:
    with serve() as server:
        return server.port
