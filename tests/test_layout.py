"""The layout keeps what it promises: rooms, floors, a light import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("api", "datasets", "detector", "provenance", "reports", "watermark")
HEAVY = ("torch", "fastapi", "sqlalchemy", "sklearn", "pandas", "matplotlib", "cv2", "numba")


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_a_relative_link(room: str) -> None:
    link = ROOT / "src" / "assay" / room
    assert link.is_symlink()
    assert os.readlink(link) == f"../../{room}"
    assert (ROOT / room).is_dir()


def test_datasets_never_becomes_a_package() -> None:
    # With one, pytest from the root would shadow Hugging Face's `datasets`.
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_rooms_import_only_from_floors_below() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_importing_assay_loads_nothing_heavy() -> None:
    code = f"import assay, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, contextlib\n"
        "from assay.cli import app\n"
        "with contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]")
