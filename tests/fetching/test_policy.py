"""Nothing that a stranger names can turn the client inwards."""

from __future__ import annotations

import threading
import time

import pytest

from assay.addresses import is_public
from assay.errors import FetchFailed, FetchRefused
from assay.fetching import fetch
from assay.settings import settings

from ..loopback import Loopback
from .conftest import PUBLIC


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


def test_allowed_hosts_come_from_the_settings(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", f"intranet.example, 127.0.0.1:{server.port}")
    settings.cache_clear()
    assert settings().fetch_allowed_hosts == ("intranet.example", server.host)
    assert fetch(server.url()).data == b"picture"
    with pytest.raises(FetchRefused):
        fetch(f"http://127.0.0.1:{server.port + 1}/")


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


def _no_look_up(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host}:{port} was looked up")
