"""The description of the API is true: whatever is sent, the answer is one that it documents."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest

from assay.api.access.keys import KeyStore
from assay.api.app import create_app
from assay.api.errors import ServiceError
from assay.api.examples import examples
from assay.api.problems import MEDIA_TYPE, status_of
from assay.api.records import open_database
from assay.encoding import encode_png
from assay.errors import AssayError
from assay.provenance import keys
from assay.settings import settings
from tests.api.served import assay_serve
from tests.faults.failing_store import failing_bucket

ROOT = Path(__file__).parents[2]
METHODS = ("get", "post", "put", "patch", "delete")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app().openapi()


def operations(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_it_reads_well(description: dict[str, Any]) -> None:
    """Every operation has a summary, a tag, a name of its own and an example to type."""
    lacking = [
        name
        for name, operation in operations(description)
        if not (operation.get("summary") and operation.get("tags") and operation["operationId"])
        or not operation.get("x-codeSamples")
    ]
    assert lacking == []
    names = [operation["operationId"] for _, operation in operations(description)]
    assert len(names) == len(set(names))


def test_every_tag_says_what_it_is_about(description: dict[str, Any]) -> None:
    told = {tag["name"]: tag["description"] for tag in description["tags"]}
    assert set(told) == {tag for _, each in operations(description) for tag in each["tags"]}
    assert all(told.values())


def bodies(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every body that is sent or answered: operation, media type, and its description."""
    return [
        (f"{name} {status}", media_type, body)
        for name, operation in operations(description)
        for status, each in {
            "": operation.get("requestBody", {}),
            **{s: r for s, r in operation["responses"].items() if s < "400"},
        }.items()
        for media_type, body in each.get("content", {}).items()
        if media_type in ("application/json", "multipart/form-data")
    ]


def test_every_body_has_an_example(description: dict[str, Any]) -> None:
    """But the files of an audit, which are reports."""
    lacking = {name for name, _, body in bodies(description) if "example" not in body}
    assert lacking == {"GET /v1/audits/{id}/{file} 200"}


def test_every_example_is_of_its_schema(description: dict[str, Any]) -> None:
    shared = {"components": description["components"]}
    for name, _, body in bodies(description):
        if "example" in body:
            checked = jsonschema_rs.Draft202012Validator({**body["schema"], **shared})
            assert [(name, e.message) for e in checked.iter_errors(body["example"])] == []


def test_no_example_is_of_an_operation_that_is_gone(description: dict[str, Any]) -> None:
    assert set(examples()) - {name for name, _ in operations(description)} == set()


def test_every_refusal_is_a_problem_document(description: dict[str, Any]) -> None:
    other = [
        (name, status)
        for name, operation in operations(description)
        for status, response in operation["responses"].items()
        if status >= "400" and set(response.get("content", {})) != {MEDIA_TYPE}
    ]
    assert other == [("GET /readyz", "503")]


def test_whoever_asks_who_calls_says_what_happens_then(description: dict[str, Any]) -> None:
    lacking = [
        name
        for name, operation in operations(description)
        if operation.get("security") and not {"401", "403", "429"} <= set(operation["responses"])
    ]
    assert lacking == []
    open_ones = {name for name, o in operations(description) if not o.get("security")}
    assert open_ones == {
        "GET /healthz",
        "GET /readyz",
        "GET /.well-known/c2pa-soft-binding-resolution",
    }


def test_every_problem_is_in_the_table_of_the_docs() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    table = "\n".join(generate.errors_table())
    documented = set(re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE))
    kinds = _subclasses(AssayError)
    assert {kind.code for kind in kinds} - documented == set()
    for kind in kinds:
        assert 400 <= status_of(kind) <= 599, kind
    assert {kind.__name__ for kind in kinds if issubclass(kind, ServiceError)} >= {
        "Unauthenticated",
        "RateLimited",
        "KeyReused",
        "InvalidRequest",
        "UnknownAddress",
    }


def test_statuses_are_those_that_are_documented(description: dict[str, Any]) -> None:
    """No error of the service has a status that no operation documents, but for wrong methods,
    failures of ours, missing extras, and `RequireSigned` (502), which guards other services."""
    documented = {int(s) for _, o in operations(description) for s in o["responses"]}
    service = [
        kind for kind in _subclasses(ServiceError) if kind.__module__.startswith("assay.api")
    ]
    undocumented = {
        kind.code
        for kind in service
        if status_of(kind) not in documented and status_of(kind) not in (405, 500, 501, 502)
    }
    assert undocumented == set()


def _subclasses(kind: type[AssayError]) -> set[type[AssayError]]:
    return {kind}.union(*(_subclasses(each) for each in kind.__subclasses__()))


def fuzz(port: int, *arguments: str, picture: Path, ids: dict[str, str]) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"http://127.0.0.1:{port}/openapi.json",
            "--phases=examples,coverage,fuzzing",
            f"--checks={','.join(CHECKS)}",
            "--continue-on-failure",
            "--warnings=off",
            "--seed=1",
            *arguments,
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.api.fuzzing_hooks",
            "FUZZ_PICTURE": str(picture),
            "FUZZ_IDS": json.dumps(ids),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert passed is not None, done.stdout[-2000:]
    assert passed[1] == passed[2]


def test_fuzzed(coffee: np.ndarray, tmp_path: Path) -> None:
    """Anything at all, with a key and without: no failure of ours, no undocumented answer,
    nothing that is given to those who do not say who they are."""
    keys.init()
    store = KeyStore(open_database())
    _, key = store.create("fuzz", ["admin"])
    picture = tmp_path / "picture.png"
    picture.write_bytes(encode_png(coffee[:64, :64]))
    environment = {
        "ASSAY_AUTH": "required",
        **dict.fromkeys(("ASSAY_RATE_LIMIT", "ASSAY_WRONG_KEYS"), "1000000/minute"),
    }
    with (
        failing_bucket() as bucket,
        assay_serve(ASSAY_MEDIA_URL=bucket.url, **bucket.environment, **environment) as (
            _,
            port,
            log,
        ),
    ):
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        ) as client:
            ids = {
                path: _make(client, path, picture) for path in ("/v1/works", "/v1/verifications")
            }
            given = client.post("/v1/uploads", json={"name": "a.png"}).json()
            httpx.put(given["url"], content=picture.read_bytes()).raise_for_status()
            ids["/v1/uploads"] = given["id"]
        ids["/v1/keys"] = store.create("victim", ["verify"])[0].id
        # A run may revoke the key that it uses, so changes of keys come last, with another key.
        last = store.create("last", ["admin"])[1]
        for used, chosen in ((key, "--exclude-path-regex"), (last, "--include-path-regex")):
            fuzz(
                port,
                f"--header=Authorization: Bearer {used}",
                f"{chosen}=^/v1/keys/",
                "--max-examples=4",
                picture=picture,
                ids=ids,
            )
        events = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    assert [event for event in events if event["event"] == "unexpected failure"] == []
    assert key.rpartition("_")[2] not in log.read_text()
    statuses = {event["status"] for event in events if event["event"] == "request"}
    uploads = {event["status"] for event in events if event.get("route") == "/v1/uploads"}
    assert uploads >= {201, 422}
    assert statuses >= {200, 201, 204, 401, 404, 422}
    assert max(statuses) < 500


def _make(client: httpx.Client, path: str, picture: Path) -> str:
    """The id of something that exists."""
    response = client.post(path, files={"file": ("a.png", picture.read_bytes())})
    assert response.status_code < 300, response.text
    return response.headers["location"].rpartition("/")[2]


def test_settings_leave_the_description_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether keys are asked for is not a matter of the description."""
    before = create_app().openapi()
    monkeypatch.setenv("ASSAY_AUTH", "required")
    settings.cache_clear()
    assert create_app().openapi() == before
