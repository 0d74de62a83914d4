"""Small audits with known bias, written as the tables a user would hand in."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assay.settings import settings


@dataclass(frozen=True)
class Tables:
    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    @property
    def labels(self) -> Path:
        return self.folder / "labels.csv"

    @property
    def reference(self) -> Path:
        return self.folder / "reference.csv"

    def write(self, name: str, header: str, rows: Iterable[tuple[object, ...]]) -> Path:
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(header.split(","))
            writer.writerows(rows)
        return path


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Two prompts of 200 pictures with shared seeds: "engineer" is far from the reference
    of equal shares, "teacher" equals it; one rater, every tenth answer unclear."""
    made = Tables(tmp_path)
    rng = np.random.default_rng(7)
    manifest, labels = [], []
    for prompt, woman in (("engineer", 0.15), ("teacher", 0.5)):
        for seed in range(200):
            path = f"{prompt}-{seed}.png"
            value = "woman" if rng.random() < woman else "man"
            manifest.append((path, prompt, seed, "demo"))
            labels.append((path, "presentation", "unclear" if seed % 10 == 0 else value, "ana"))
    made.write("manifest.csv", "path,prompt,seed,model", manifest)
    made.write("labels.csv", "path,attribute,value,rater", labels)
    made.write(
        "reference.csv",
        "attribute,value,share,source,date",
        [
            ("presentation", "woman", 0.5, "parity", "2026-01-01"),
            ("presentation", "man", 0.5, "parity", "2026-01-01"),
        ],
    )
    return made


@pytest.fixture
def no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[Path]:
    """A home without a signing identity."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def development_keys(no_keys: Path) -> Path:
    """A home with a development signing identity."""
    from assay.provenance import keys

    keys.init()
    return no_keys
