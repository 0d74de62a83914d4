"""No answer can fill memory, hold the client up, or lead it elsewhere."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from assay.errors import FetchFailed, FetchRefused, LimitExceeded
from assay.fetching import fetch, post

from ..loopback import Loopback, serve
from .conftest import PUBLIC


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


def _free_port() -> int:
    with serve() as server:
        return server.port
