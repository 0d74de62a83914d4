"""Makes the OpenAPI document one that a person can start from: what to type, what comes back."""

from __future__ import annotations

import json
import shlex
from typing import Any

from assay.api.examples import examples

METHODS = ("get", "post", "put", "patch", "delete")
_BASE = "http://127.0.0.1:8000"
# What stands for an upload, by the name of its field.
_FILES = {"archive": "pictures.zip", "manifest": "manifest.csv", "labels": "labels.csv"}

TAGS = {
    "verifications": "What is this file? Upload it, wait or come back, read verdict and evidence.",
    "uploads": "Large files, put into the bucket past the service.",
    "signatures": "Mark and sign files; receipts of what was signed.",
    "works": "The registry of known works, and which of them a file copies.",
    "audits": "How people are represented in generated pictures.",
    "webhooks": "Addresses that are told what happened.",
    "soft binding resolution": "From a watermark or a look back to a manifest, as C2PA defines it.",
    "access": "Who calls, and the API keys.",
    "operations": "Whether the service lives, is ready, and how it does.",
}


def add_examples(document: dict[str, Any]) -> None:
    """Give every tag its meaning, every operation a command line, every body an example."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                source = _command(method, path, operation, schemas)
                operation["x-codeSamples"] = [{"lang": "shell", "label": "curl", "source": source}]
                _show(operation, examples().get(f"{method.upper()} {path}", {}))
    used = {o["tags"][0] for each in document["paths"].values() for o in each.values()}
    document["tags"] = [{"name": t, "description": d} for t, d in TAGS.items() if t in used]


def _show(operation: dict[str, Any], shown: dict[str, Any]) -> None:
    """Put the examples of an operation beside the schemas of its bodies."""
    asked = operation.get("requestBody", {})
    bodies = {"body": asked, "form": asked, **operation["responses"]}
    for name, example in shown.items():
        media_type = "multipart/form-data" if name == "form" else "application/json"
        bodies[name]["content"][media_type]["example"] = example


def _command(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    words = ["curl"]
    if method not in ("get", "post") or (method == "post" and "requestBody" not in operation):
        words += ["-X", method.upper()]
    if operation.get("security"):
        words.append('-H "Authorization: Bearer $ASSAY_KEY"')
    words += _body(operation.get("requestBody", {}).get("content", {}), schemas)
    required = [
        f"{parameter['name']}={parameter['name'].upper()}"
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and parameter.get("required")
    ]
    address = path.replace("{", "").replace("}", "")
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            address = address.replace(f"/{parameter['name']}", f"/{_id(parameter)}")
    query = f"?{'&'.join(required)}" if required else ""
    words.append(shlex.quote(f"{_BASE}{address}{query}") if query else f"{_BASE}{address}")
    return " ".join(words)


def _id(parameter: dict[str, Any]) -> str:
    """A value for a part of the path."""
    chosen = parameter.get("schema", {}).get("enum")
    return str(chosen[0]) if chosen else "$ID"


def _body(content: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    if "multipart/form-data" in content:
        schema = resolved(content["multipart/form-data"]["schema"], schemas)
        fields = schema.get("properties", {})
        wanted = schema.get("required") or [next(iter(fields))]
        return [f"-F {name}=@{_FILES.get(name, 'picture.png')}" for name in wanted]
    if "application/json" in content:
        schema = resolved(content["application/json"]["schema"], schemas)
        return [f"--json {shlex.quote(json.dumps(_example(schema, schemas)))}"]
    return ["--data-binary @picture.png"] if content else []


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of a schema: the example that it gives, or what its required fields need."""
    schema = resolved(schema, schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: _example(fields[name], schemas) for name in schema.get("required", [])}
    if schema.get("type") == "array":
        return [_example(schema.get("items", {}), schemas)]
    if "enum" in schema:
        return schema["enum"][0]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(schema.get("type")), "text")


def resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    if "$ref" in schema:
        return dict(schemas[schema["$ref"].rpartition("/")[2]])
    return schema
