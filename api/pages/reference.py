"""The reference of the API as a page: its OpenAPI document in words, without any script."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from assay.api.description import METHODS, resolved
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True)
class Input:
    """A parameter of an operation, or a field of its body."""

    name: str
    place: str
    kind: str
    required: bool
    description: Markup


@dataclass(frozen=True)
class Answer:
    """What may come back."""

    status: str
    description: Markup
    kinds: str
    example: str | None


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked."""

    id: str
    method: str
    path: str
    summary: str
    description: Markup
    inputs: list[Input]
    example: str | None
    answers: list[Answer]
    refusals: list[Answer]
    sample: str
    open: bool


@dataclass(frozen=True)
class Section:
    """The operations of one tag."""

    id: str
    title: str
    description: Markup
    operations: list[Operation]


@router.get("/docs")
def show_reference(request: Request) -> HTMLResponse:
    """Every operation; nothing here is secret, so nobody is asked who they are."""
    document = request.app.openapi()
    return page(
        request,
        "reference.html",
        "",
        about=_told(document["info"]["description"]),
        sections=sections(document),
    )


def sections(document: dict[str, Any]) -> list[Section]:
    """An OpenAPI document, operation by operation, in the order of its tags."""
    schemas = document.get("components", {}).get("schemas", {})
    by_tag: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                tag = operation["tags"][0]
                by_tag.setdefault(tag, []).append(_operation(method, path, operation, schemas))
    return [
        Section(_anchor(tag["name"]), tag["name"], _told(tag["description"]), by_tag[tag["name"]])
        for tag in document["tags"]
    ]


def _operation(
    method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    answers = [_answer(status, each) for status, each in operation["responses"].items()]
    inputs = [
        Input(
            one["name"],
            one["in"],
            _kind(one.get("schema", {}), schemas),
            bool(one.get("required")),
            _told(one.get("description") or one.get("schema", {}).get("description", "")),
        )
        for one in operation.get("parameters", [])
    ]
    for media_type, body in content.items():
        schema = resolved(body.get("schema", {}), schemas)
        required = schema.get("required", [])
        inputs += [
            Input(
                name,
                "form" if media_type.startswith("multipart") else "body",
                _kind(field, schemas),
                name in required,
                _told(field.get("description", "")),
            )
            for name, field in schema.get("properties", {}).items()
        ]
    return Operation(
        id=_anchor(f"{method} {path}"),
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=_told(operation.get("description", "")),
        inputs=inputs,
        example=_example(content.get("application/json", {})),
        answers=[each for each in answers if each.status < "400"],
        refusals=[each for each in answers if each.status >= "400"],
        sample=operation["x-codeSamples"][0]["source"],
        open=not operation.get("security"),
    )


def _answer(status: str, response: dict[str, Any]) -> Answer:
    content = response.get("content", {})
    return Answer(
        status,
        _told(response.get("description", "")),
        ", ".join(content),
        _example(content.get("application/json", {})),
    )


def _example(body: dict[str, Any]) -> str | None:
    if "example" not in body:
        return None
    return json.dumps(body["example"], indent=2, ensure_ascii=False)


def _kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A schema in a few words: its type, or the values that it has."""
    schema = resolved(schema, schemas)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            kinds = [_kind(each, schemas) for each in schema[choice]]
            return " or ".join(kind for kind in kinds if kind != "null")
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), schemas)}"
    if "contentMediaType" in schema or schema.get("format") == "binary":
        return "file"
    return str(schema.get("format") or schema.get("type") or "anything")


def _told(text: str) -> Markup:
    """Text of a description: escaped, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text.strip()))))


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
