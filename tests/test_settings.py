"""Settings come from the environment; a value that cannot be used is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.settings import settings


def test_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    monkeypatch.setenv("ASSAY_LIMITS__MAX_PIXELS", "5000000")
    settings.cache_clear()

    assert settings().registry_url == f"sqlite:///{tmp_path}/registry.sqlite"
    assert settings().limits.max_pixels == 5_000_000
    assert settings().limits.max_bytes == 100_000_000


@pytest.mark.parametrize(
    ("name", "value"), [("ASSAY_LIMITS__MAX_BYTES", "abc"), ("ASSAY_ENV", "staging")]
)
def test_a_value_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match=name):
        settings()
