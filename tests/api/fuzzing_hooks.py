"""What schemathesis cannot guess: a real picture to upload, and ids that exist."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import schemathesis

_PICTURE = Path(os.environ["FUZZ_PICTURE"]).read_bytes()
_IDS: dict[str, str] = json.loads(os.environ["FUZZ_IDS"])
_draw = random.Random(1)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Half of the uploads are pictures; half of those that went past the service are there."""
    if isinstance(body, dict) and _draw.random() < 0.5:
        real = {"file": _PICTURE, "upload": _IDS["/v1/uploads"]}
        body = {**body, **{name: real[name] for name in real if body.get(name)}}
    return body


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Two ids of three are of something that exists."""
    known = _IDS.get("/".join(context.operation.path.split("/")[:3]))
    if path_parameters and "id" in path_parameters and known and _draw.random() < 0.67:
        return {**path_parameters, "id": known}
    return path_parameters
