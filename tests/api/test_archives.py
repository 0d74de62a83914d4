"""What a stranger could try with an archive."""

from __future__ import annotations

import io
import stat
import zipfile
from typing import Any

import numpy as np
import pytest

from assay.api.audits import archive as archives
from assay.api.audits.archive import BadArchive
from assay.errors import AssayError, LimitExceeded
from assay.limits import Limits


def packed(files: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class TestArchives:
    def unpack(self, data: bytes, folder: Any, **limits: Any) -> None:
        archives.unpack(io.BytesIO(data), folder, Limits(**limits))

    @pytest.mark.parametrize(
        "name", ["../x", "/x", "a/../../x", "a\\..\\x", "a\nb", "x" * 1001, "\u202ex"]
    )
    def test_names(self, name: str, tmp_path: Any) -> None:
        with pytest.raises(BadArchive):
            self.unpack(packed({name: b"x"}), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_links(self, tmp_path: Any) -> None:
        info = zipfile.ZipInfo("passwords")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(info, "/etc/passwd")
        with pytest.raises(BadArchive, match="regular"):
            self.unpack(buffer.getvalue(), tmp_path)

    def test_a_file_where_a_folder_is(self, tmp_path: Any) -> None:
        with pytest.raises(BadArchive, match="collides"):
            self.unpack(packed({"a": b"x", "a/b": b"x"}), tmp_path)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_name_twice(self, tmp_path: Any) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a", "one")
            archive.writestr("a", "two")
        with pytest.raises(BadArchive, match="twice"):
            self.unpack(buffer.getvalue(), tmp_path)

    def test_a_bomb(self, tmp_path: Any) -> None:
        with pytest.raises(LimitExceeded):
            self.unpack(packed({"zeros": bytes(3_000_000)}), tmp_path, max_bytes=1_000_000)

    def test_a_bomb_that_lies_about_its_size(self, tmp_path: Any) -> None:
        data = bytearray(packed({"zeros": bytes(3_000_000)}))
        size = (3_000_000).to_bytes(4, "little")
        for place in (data.find(size), data.rfind(size)):
            data[place : place + 4] = (10).to_bytes(4, "little")
        with pytest.raises(AssayError):
            self.unpack(bytes(data), tmp_path)
        assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 100

    def test_too_many(self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MOST_FILES", 2)
        with pytest.raises(LimitExceeded):
            self.unpack(packed({"a": b"", "b": b"", "c": b""}), tmp_path)

    def test_damage(self, tmp_path: Any) -> None:
        data = bytearray(packed({"a": np.random.default_rng(0).bytes(10_000)}))
        data[500] ^= 255
        with pytest.raises(AssayError, match="damaged"):
            self.unpack(bytes(data), tmp_path)
