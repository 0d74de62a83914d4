"""`RequireSigned` around small applications on a real server."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from assay.api.require_signed import RequireSigned
from assay.provenance import keys, marking

from ..conftest import encoded


@contextmanager
def served(app: ASGIApp) -> Iterator[httpx.Client]:
    """A client of `app` on a free loopback port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    running.should_exit = True
    thread.join(timeout=30)


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray, isolated_home: Path) -> Path:
    """A folder with a signed picture, an unsigned one, and a signed one that was changed."""
    keys.init()
    plain = encoded(astronaut[:256, :256])
    marking.sign(plain, out=tmp_path / "signed.png")
    (tmp_path / "plain.png").write_bytes(plain)
    changed = bytearray((tmp_path / "signed.png").read_bytes())
    changed[-200] ^= 1
    (tmp_path / "changed.png").write_bytes(bytes(changed))
    return tmp_path


def application(folder: Path) -> Starlette:
    signed, plain = (folder / "signed.png").read_bytes(), (folder / "plain.png").read_bytes()

    async def as_something_else(request: Request) -> Response:
        return Response(plain, media_type="application/octet-stream")

    async def stream(request: Request) -> Response:
        data = signed if request.query_params["which"] == "signed" else plain

        async def chunks() -> AsyncIterator[bytes]:
            yield b""
            for start in range(0, len(data), 1000):
                yield data[start : start + 1000]

        return StreamingResponse(chunks(), media_type="image/png")

    async def partial(request: Request) -> Response:
        headers = {"content-range": f"bytes 0-99/{len(signed)}"}
        return Response(signed[:100], 206, headers, media_type="image/png")

    async def parts(request: Request) -> Response:
        return Response(b"--x\r\n", media_type="multipart/x-mixed-replace; boundary=x")

    async def page(request: Request) -> Response:
        return PlainTextResponse("hello")

    async def nothing(request: Request) -> Response:
        return Response(status_code=304)

    async def file(request: Request) -> Response:
        return FileResponse(folder / "signed.png")

    async def crash(request: Request) -> Response:
        raise RuntimeError("broken")

    return Starlette(
        routes=[
            Route("/octets", as_something_else),
            Route("/stream", stream),
            Route("/partial", partial),
            Route("/parts", parts),
            Route("/page", page),
            Route("/nothing", nothing),
            Route("/file", file),
            Route("/crash", crash),
            Mount("/static", StaticFiles(directory=folder)),
            Mount("/media", StaticFiles(directory=folder)),
        ]
    )


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    with served(RequireSigned(application(folder), exempt=("/static/",))) as client:
        yield client


def assert_held_back(answer: httpx.Response) -> None:
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:assay:problem:unsigned-media"
    assert answer.headers["cache-control"] == "no-store"


def test_only_what_is_signed_leaves(client: httpx.Client, folder: Path) -> None:
    for _ in range(2):  # the second time from memory
        answer = client.get("/media/signed.png")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert answer.content == (folder / "signed.png").read_bytes()
    for address in ("/media/plain.png", "/media/changed.png", "/octets", "/stream?which=plain"):
        assert_held_back(client.get(address))
    assert client.get("/stream?which=signed").content == (folder / "signed.png").read_bytes()


def test_ranges_are_answered_with_the_whole_file(client: httpx.Client, folder: Path) -> None:
    answer = client.get("/file", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 200
    assert answer.content == (folder / "signed.png").read_bytes()
    assert_held_back(client.get("/partial"))
    assert_held_back(client.get("/parts"))


def test_everything_else_passes(client: httpx.Client) -> None:
    assert client.get("/page").text == "hello"
    assert client.get("/static/plain.png").status_code == 200
    assert client.get("/nothing").status_code == 304
    assert client.get("/crash").status_code == 500
    assert client.get("/missing").status_code == 404
    head = client.head("/media/plain.png")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"signers": {"Assay development signer"}}, 200),
        ({"signers": {"Somebody else"}}, 502),
        ({"signers": ()}, 502),
        ({"max_bytes": 1000}, 502),
    ],
)
def test_signers_and_sizes_can_be_limited(
    options: dict[str, object], status: int, folder: Path
) -> None:
    app = RequireSigned(application(folder), **options)  # type: ignore[arg-type]
    with served(app) as client:
        assert client.get("/media/signed.png").status_code == status


def test_compressed_media_are_held_back(folder: Path) -> None:
    async def compressed(request: Request) -> Response:
        data = gzip.compress((folder / "signed.png").read_bytes())
        return Response(data, headers={"content-encoding": "gzip"}, media_type="image/png")

    app = RequireSigned(Starlette(routes=[Route("/picture", compressed)]))
    with served(app) as client:
        assert_held_back(client.get("/picture"))


def test_it_is_added_to_fastapi_in_one_line(folder: Path) -> None:
    app = FastAPI()
    app.add_middleware(RequireSigned)
    answers: dict[str, Callable[[], Response]] = {
        "/picture": lambda: FileResponse(folder / "plain.png"),
        "/facts": lambda: JSONResponse({"a": 1}),
    }
    for path, answer in answers.items():
        app.get(path, response_model=None)(answer)
    with served(app) as client:
        assert_held_back(client.get("/picture"))
        assert client.get("/facts").json() == {"a": 1}
