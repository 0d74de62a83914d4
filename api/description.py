"""Makes the OpenAPI document one that a person can start from: something to type for each call."""

from __future__ import annotations

import json
import shlex
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")
_BASE = "http://127.0.0.1:8000"
# What stands for an upload, by the name of its field.
_FILES = {"archive": "pictures.zip", "manifest": "manifest.csv", "labels": "labels.csv"}


def add_examples(document: dict[str, Any]) -> None:
    """Give every operation a `x-codeSamples` entry with a command line."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                source = _command(method, path, operation, schemas)
                operation["x-codeSamples"] = [{"lang": "shell", "label": "curl", "source": source}]


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
        schema = _resolved(content["multipart/form-data"]["schema"], schemas)
        fields = schema.get("properties", {})
        wanted = schema.get("required") or [next(iter(fields))]
        return [f"-F {name}=@{_FILES.get(name, 'picture.png')}" for name in wanted]
    if "application/json" in content:
        schema = _resolved(content["application/json"]["schema"], schemas)
        return [f"--json {shlex.quote(json.dumps(_example(schema, schemas)))}"]
    return ["--data-binary @picture.png"] if content else []


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of a schema: the example that it gives, or what its required fields need."""
    schema = _resolved(schema, schemas)
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


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return dict(schemas[schema["$ref"].rpartition("/")[2]])
    return schema
