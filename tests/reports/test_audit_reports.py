"""What an audit writes: reproducible, escaped, signed, tagged."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from assay.errors import InputRefused, OutputRefused
from assay.provenance import keys
from assay.reports import Audit
from assay.reports.fairness import output
from assay.reports.fairness.audit_page import render_audit
from assay.reports.rendering.pdf import render_pdf
from assay.reports.sealing import verify_report

from .auditing import audited


def test_report_is_reproducible_self_contained_and_canonical(
    tables: Any, no_keys: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        audited(tables, date="2026-11-20", out=tmp_path / name)
    for name in ("report.html", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    html = (tmp_path / "one" / "report.html").read_text()
    assert not re.search(r"(src|href)=[\"'](?!#|data:)|url\((?!#)|<script|@import", html)
    assert "is not signed" in html
    assert html.count('role="img"><title>') == html.count("<svg") == 2
    assert html.count("<table") == html.count("<caption")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    text = (tmp_path / "one" / "report.json").read_text()
    document = json.loads(text)
    assert text == json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert Audit.model_validate(document).verdicts == {
        "disparity-found": 2,
        "none-found": 1,
        "cannot-tell": 0,
    }


def test_prompts_are_escaped(tables: Any, no_keys: Path, tmp_path: Path) -> None:
    tables.manifest.write_text(tables.manifest.read_text().replace("teacher,", "<b>&x</b>,"))
    audited(tables, out=tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<b>&x" not in html
    assert "&lt;b&gt;&amp;x" in html


def test_reports_are_signed_and_tampering_shows(
    tables: Any, development_keys: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    audited(tables, out=out)
    for name in ("report.html", "report.json"):
        assert verify_report(out / name).state in ("valid", "trusted")
    changed = out / "report.html"
    changed.write_text(changed.read_text().replace("disparity found", "none found", 1))
    assert verify_report(changed).state == "invalid"
    (out / "report.json.c2pa").unlink()
    with pytest.raises(InputRefused, match="no signature"):
        verify_report(out / "report.json")


def _inflated(pdf: bytes) -> bytes:
    """The PDF with its compressed streams opened."""
    parts = [pdf]
    for match in re.finditer(rb"stream\r?\n", pdf):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(pdf[match.end() :]))
    return b"".join(parts)


def test_pdf_is_tagged_signed_and_reproducible(tables: Any, no_keys: Path, tmp_path: Path) -> None:
    result = audited(tables, date="2026-11-20")
    html = render_audit(result)
    pdf = render_pdf(html)
    assert pdf == render_pdf(html)
    marks = (b"/StructTreeRoot", b"/MarkInfo", b"/Lang", b"pdfuaid:part", b"/Alt", b"/TH")
    assert [mark for mark in marks if mark not in _inflated(pdf)] == []
    keys.init()
    output.write(result, tmp_path / "out")
    signed = tmp_path / "out" / "report.pdf"
    assert verify_report(signed).state == "trusted"
    data = bytearray(signed.read_bytes())
    assert [mark for mark in marks if mark not in _inflated(bytes(data))] == []
    data[len(data) // 3] ^= 1
    signed.write_bytes(data)
    assert verify_report(signed).state == "invalid"


def test_folders_that_cannot_be_written_are_refused(tables: Any, no_keys: Path) -> None:
    blocked = tables.folder / "file"
    blocked.write_text("in the way")
    with pytest.raises(OutputRefused):
        audited(tables, out=blocked / "out", pdf=False)
