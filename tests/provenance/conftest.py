"""Keys made once per session and copied into each test's home; small signed pictures."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.media import Media
from assay.provenance import keys, manifests
from assay.provenance.signing import sign_bytes
from assay.settings import settings


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with development keys, made once."""
    home = tmp_path_factory.mktemp("keys-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_HOME", str(home))
        settings.cache_clear()
        keys.init()
    settings.cache_clear()
    return home


@pytest.fixture
def home(made_home: Path, isolated_home: Path) -> Path:
    """This test's home, with development keys and the list that trusts them."""
    shutil.copytree(made_home, isolated_home, dirs_exist_ok=True)
    return isolated_home


@pytest.fixture(scope="session")
def photo(astronaut: np.ndarray) -> bytes:
    """A real photograph as JPEG, 256x256."""
    buffer = io.BytesIO()
    Image.fromarray(astronaut[:256, 100:356]).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


@pytest.fixture
def signed(home: Path, photo: bytes) -> bytes:
    """The photograph, signed as generated."""
    return sign_bytes(Media.from_bytes(photo), generated())


def generated(**options: object) -> manifests.Manifest:
    return manifests.generated(manifests.Agent("test-model", "1.0"), **options)


def flipped(data: bytes, position: int) -> bytes:
    """`data` with one byte changed; negative positions count from the end."""
    changed = bytearray(data)
    changed[position] ^= 0x55
    return bytes(changed)


Change = Callable[[bytes], bytes]
