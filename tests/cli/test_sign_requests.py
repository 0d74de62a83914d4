"""`assay sign -`: a request a line, an answer a line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.cli.sign_requests import run
from assay.provenance import keys
from assay.provenance.reading import read


def answers(capsys: pytest.CaptureFixture[str], *requests: object) -> list[dict[str, object]]:
    lines = [text if isinstance(text, str) else json.dumps(text) for text in requests]
    assert run(io.StringIO("".join(f"{line}\n" for line in lines))) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_request_is_answered(
    tmp_path: Path, chelsea: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.init()
    source, animation = tmp_path / "a.png", tmp_path / "a.gif"
    first, second = Image.fromarray(chelsea), Image.fromarray(chelsea[::-1])
    first.save(source)
    first.save(animation, save_all=True, append_images=[second])
    out = tmp_path / "signed.png"
    made, again, moving = answers(
        capsys,
        {"source": str(source), "out": str(out), "generator": "my model"},
        {"source": str(out), "out": str(tmp_path / "twice.png")},
        {"source": str(animation), "out": str(tmp_path / "signed.gif")},
    )
    assert made["payload"]
    assert read(out).manifest_label == made["manifest_label"] == again["manifest_label"]
    assert not (tmp_path / "twice.png").exists()
    assert moving["payload"] is None
    assert read(tmp_path / "signed.gif").state == "trusted"


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        ("{", "configuration"),
        ([], "configuration"),
        ({"source": "a.png"}, "configuration"),
        ({"source": "a.png", "out": "b.png", "key": "/etc/passwd"}, "configuration"),
        ({"source": "not-there.png", "out": "b.png"}, "unreadable-file"),
    ],
)
def test_bad_requests_are_answered_too(
    request_line: object, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    [answer] = answers(capsys, request_line)
    assert answer["type"] == f"urn:assay:problem:{code}"
