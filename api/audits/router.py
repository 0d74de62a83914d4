"""The operations on audits."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, Response, UploadFile
from pydantic import ValidationError

from assay.api.access import Caller, require
from assay.api.audits import archive as archives
from assay.api.audits.options import MANIFESTS, SENT, TABLES, Options
from assay.api.audits.resources import AuditResource, Audits, NoReportYet, resource
from assay.api.audits.runner import delete_media, retain_until, working
from assay.api.audits.schema import audits
from assay.api.audits.store import AuditStore
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.media_store import MediaStore
from assay.api.paging import Cursor, Id, Limit, cursor_after, newest_first
from assay.api.problems import InvalidRequest, UnknownAddress, responses
from assay.api.records import open_database
from assay.api.records.store import new_id
from assay.api.uploads import OneLine, OptionalLine
from assay.settings import settings

ReportFile = Literal[
    "report.html", "report.json", "report.pdf", "report.html.c2pa", "report.json.c2pa"
]
_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "c2pa": "application/c2pa",
}
# The report embeds its pictures and styles; it loads nothing and runs nothing.
_REPORT_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_IN_MEMORY = 8_000_000  # bytes of an archive before it goes to disk
# An audit waits for others, so its archive is kept longer than the time of one.
_LEAST_KEPT_SECONDS = 7 * 86_400.0

MayAudit = Annotated[Caller, Depends(require("audit"))]


@asynccontextmanager
async def _audits_at_work(app: FastAPI) -> AsyncIterator[None]:
    """Work off audits while the application runs."""
    if settings().role == "api":  # `assay worker` does the work
        yield
        return
    with working() as runner:
        app.state.audit_runner = runner
        yield


router = APIRouter(
    prefix="/v1/audits",
    tags=["audits"],
    route_class=IdempotentRoute,
    responses=responses(),
    lifespan=_audits_at_work,
)


@router.post(
    "",
    status_code=202,
    summary="Audit generated pictures",
    responses={
        202: {
            "description": "Accepted; ask at `Location` for the report.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **responses(400, 409, 413, 415, 422, 503),
    },
)
def create_audit(
    request: Request,
    response: Response,
    caller: MayAudit,
    archive: Annotated[
        UploadFile | None,
        File(
            description="ZIP of the pictures with `manifest.csv` (path, prompt, seed) and "
            "`labels.csv` (path, attribute, value, rater); `reference.csv`, `boxes.csv`, "
            "`declared.csv` and an `earlier.json` report are read where they are there."
        ),
    ] = None,
    manifest: Annotated[UploadFile | None, File(description="Instead of one in the ZIP.")] = None,
    labels: Annotated[UploadFile | None, File(description="Instead of one in the ZIP.")] = None,
    reference: Annotated[UploadFile | None, File(description="Instead of one in the ZIP.")] = None,
    title: OptionalLine = None,
    system: Annotated[OneLine | None, Form(description="The system under audit.")] = None,
    system_version: OptionalLine = None,
    auditor: OptionalLine = None,
    independence: Annotated[
        OneLine | None, Form(description="Relation of the auditor to the system's owner.")
    ] = None,
    gold: Annotated[
        OneLine | None, Form(description="Rater whose labels reveal the errors of the others.")
    ] = None,
    smallest_effect: Annotated[float, Form(gt=0, le=1)] = 0.2,
    smallest_cell: Annotated[int, Form(ge=1, le=1_000_000)] = 30,
    seed: Annotated[int, Form(ge=0, lt=2**32)] = 0,
    annotator: Annotated[list[OneLine], Form(description="Installed annotators.")] = [],  # noqa: B006
    outcome: Annotated[
        list[OneLine], Form(description="Manifest columns with a favourable outcome, yes or no.")
    ] = [],  # noqa: B006
    quality: Annotated[
        list[OneLine], Form(description="Manifest columns with a number to compare.")
    ] = [],  # noqa: B006
    instruments: Annotated[
        bool, Form(description="Measure detector and watermark by group.")
    ] = False,
    origins: Annotated[bool, Form(description="Read the manifest of every picture.")] = False,
    pdf: Annotated[bool, Form(description="A PDF too, where it can be rendered.")] = True,
    idempotency_key: IdempotencyKey = None,
) -> AuditResource:
    """How people are represented in generated pictures, tested against reference shares.

    Larger sets than one upload holds are audited with `assay audit` where they lie. The archive
    is deleted when the audit ends; its report is kept until it is deleted.
    """
    tables = {"manifest": manifest, "labels": labels, "reference": reference}
    options = _options(
        title=title or None,
        system=system or None,
        system_version=system_version or None,
        auditor=auditor or None,
        independence=independence or None,
        gold=gold or None,
        smallest_effect=smallest_effect,
        smallest_cell=smallest_cell,
        seed=seed,
        annotator=tuple(annotator),
        outcome=tuple(outcome),
        quality=tuple(quality),
        instruments=instruments,
        origins=origins,
        pdf=pdf,
    )
    if archive is None and manifest is None:
        raise InvalidRequest("archive: send a ZIP, or at least a manifest")
    id, key = new_id(), new_id()
    with _packed(archive, {n: f for n, f in tables.items() if f is not None}) as packed:
        retain_until(key, max(settings().retention_hours * 3600, _LEAST_KEPT_SECONDS))
        MediaStore.open().put(key, packed)
    store = AuditStore(open_database())
    store.add(id, caller, options=options.model_dump(mode="json"), media=key)
    runner = getattr(request.app.state, "audit_runner", None)
    if runner is not None:
        runner.wake()
    response.headers["Location"] = f"/v1/audits/{id}"
    return get_audit(caller, id)


@router.get("", summary="Audits of this caller", responses=responses(422))
def list_audits(caller: MayAudit, limit: Limit = 50, cursor: Cursor = None) -> Audits:
    """Newest first. A caller with the scope `admin` sees those of all callers."""
    store = AuditStore(open_database())
    rows = store.page(newest_first(audits, caller, limit=limit, cursor=cursor))
    names = store.names([row["id"] for row in rows])
    more = rows[limit - 1] if len(rows) > limit else None
    return Audits(
        items=[resource(row, names[row["id"]]) for row in rows[:limit]],
        next=cursor_after(more["created"], more["id"]) if more else None,
    )


@router.get("/{id}", summary="One audit", responses=responses(404, 422))
def get_audit(caller: MayAudit, id: Id) -> AuditResource:
    """How far it is, and what it found."""
    store = AuditStore(open_database())
    row = store.get(id, caller)
    if row is None:
        raise UnknownAddress(f"no audit {id!r}")
    return resource(row, store.names([id])[id])


@router.get(
    "/{id}/{file}",
    summary="A file of the report",
    response_class=Response,
    responses={
        200: {
            "description": "The report, or the C2PA manifest that signs it.",
            "content": {kind.partition(";")[0]: {} for kind in _TYPES.values()},
        },
        **responses(404, 409, 422),
    },
)
def get_report(caller: MayAudit, id: Id, file: ReportFile) -> Response:
    """`report.html` for people, `report.json` for programs, their signatures, and a PDF."""
    audit = get_audit(caller, id)
    data = AuditStore(open_database()).file(id, file)
    if data is not None:
        return Response(
            data, media_type=_TYPES[file.rpartition(".")[2]], headers=dict(_REPORT_HEADERS)
        )
    if audit.status in ("queued", "running"):
        raise NoReportYet(f"the audit is {audit.status}")
    raise UnknownAddress(f"audit {id!r} has no {file}")


@router.delete("/{id}", status_code=204, summary="Delete an audit", responses=responses(404, 422))
def delete_audit(caller: MayAudit, id: Id) -> None:
    """Its archive, its report and its record are deleted; an audit at work comes to nothing."""
    row = AuditStore(open_database()).delete(id, caller)
    if row is None:
        raise UnknownAddress(f"no audit {id!r}")
    delete_media(row["media"])


def _options(**chosen: Any) -> Options:
    try:
        return Options(**chosen)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidRequest(f"{first['loc'][0]}: {first['msg']}") from error


@contextmanager
def _packed(archive: UploadFile | None, tables: dict[str, UploadFile]) -> Iterator[IO[bytes]]:
    """The archive, checked, with the tables that came beside it.

    Raises:
        BadArchive, LimitExceeded: as `archive.check`.
    """
    with SpooledTemporaryFile(_IN_MEMORY) as packed:
        if archive is not None:
            shutil.copyfileobj(archive.file, packed, archives.PIECE)
            for info in archives.check(packed, settings().limits):
                if info.filename.startswith(f"{SENT}/"):
                    raise archives.BadArchive(f"the folder {SENT} is our own")
        with zipfile.ZipFile(packed, "a" if archive else "w") as whole:
            for name, file in tables.items():
                whole.writestr(f"{SENT}/{_table_name(name, file)}", file.file.read())
        packed.seek(0)
        yield packed


def _table_name(name: str, file: UploadFile) -> str:
    if name in TABLES:
        return TABLES[name]
    csv, jsonl = MANIFESTS
    return jsonl if (file.filename or "").lower().endswith(".jsonl") else csv
