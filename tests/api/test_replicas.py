"""Examinations by Ray Serve replicas: a real cluster on this machine, started by a real worker."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from assay.settings import settings

_PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from assay.api.examining import Refused
from assay.api.examining.replicas import Replicas
from assay.api.media_store import MediaGone, MediaStore

if __name__ == "__main__":
    store, replicas = MediaStore.open(), Replicas(1)
    replicas.start()
    heard = []
    try:
        for name in ("good", "bad", "gone"):
            data = Path(sys.argv[1], name).read_bytes() if name != "gone" else b""
            if data:
                store.put(name, data)
            try:
                done = replicas.examine(
                    name, name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data),
                    progress=lambda examiner, evidence: heard.append(examiner) or True,
                )
                print(json.dumps({"name": name, "verification": json.loads(done.verification)}))
            except Refused as refusal:
                print(json.dumps({"name": name, "refused": refusal.error.code}))
            except MediaGone as gone:
                print(json.dumps({"name": name, "gone": gone.message}))
    finally:
        replicas.close()
    print(json.dumps({"heard": heard}))
"""


def test_media_travel_by_key_and_answers_come_back(tmp_path: Path, coffee: np.ndarray) -> None:
    picture = io.BytesIO()
    Image.fromarray(coffee).resize((300, 200)).save(picture, "JPEG")
    (tmp_path / "good").write_bytes(picture.getvalue())
    (tmp_path / "bad").write_bytes(b"not a picture")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)

    finished = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "ASSAY_HOME": str(settings().home)},
    )

    assert finished.returncode == 0, finished.stderr[-3000:]
    lines = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith("{")]
    good, bad, gone, progress = lines
    assert good["verification"]["media"]["sha256"]
    assert {item["examiner"] for item in good["verification"]["evidence"]} <= set(progress["heard"])
    assert bad == {"name": "bad", "refused": "unsupported-media"}
    assert gone["gone"]
