"""What must work before the service is useful; `/readyz` and `assay doctor` ask the same.

A check returns one sentence and raises an `AssayError` when its part is not usable.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from assay.api.jobs.interface import Jobs
from assay.api.media_store import MediaStore
from assay.api.operations import metrics
from assay.api.records import open_database
from assay.errors import AssayError, ConfigurationError
from assay.settings import settings

FREE_BYTES = 1_000_000_000  # ten uploads of the largest size


class NotReady(AssayError):
    """A part of the service is not ready."""

    code = "not-ready"


def database() -> str:
    """The service's database answers and can be written."""
    engine = open_database()
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execute(sa.select(1))
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise NotReady(f"the database does not answer: {cause}") from error
    return str(engine.url.render_as_string(hide_password=True))


def media_store() -> str:
    """Uploads can be stored and deleted."""
    store = MediaStore.open()
    store.put(_PROBE, b"probe")
    store.delete(_PROBE)
    return settings().media_location


def disk() -> str:
    """The disk of the home has room."""
    free = shutil.disk_usage(_nearest(settings().home)).free
    told = f"{free / 1e9:,.1f} GB free"
    if free < FREE_BYTES:
        raise NotReady(told, advice=f"keep {FREE_BYTES / 1e9:.0f} GB free")
    return told


def models() -> str:
    """The detector's weights are there and are the published ones."""
    from assay.detector.loading import load_model

    model = load_model()
    return f"{model.name}/{model.version}, checksum verified"


def queue(jobs: Jobs) -> str:
    """The queue of jobs answers."""
    health = jobs.health()
    metrics.JOBS.labels("queued").set(health.queued)
    metrics.JOBS.labels("running").set(health.running)
    if not health.ok:
        raise NotReady(f"the queue does not answer: {health.detail}")
    return f"{health.queued} queued, {health.running} running"


def clock() -> str:
    """The time is plausible: signatures, tokens and time stamps depend on it."""
    now = datetime.now(UTC)
    newest = max((at for at in _known_moments() if at is not None), default=now)
    if now < newest:
        raise NotReady(
            f"it is {now:%Y-%m-%d %H:%M} UTC here, before {newest:%Y-%m-%d %H:%M} UTC, "
            "when something here was made",
            advice="set the clock, and let NTP keep it",
        )
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _known_moments() -> Iterator[datetime | None]:
    """When things were made that cannot be from the future."""
    from assay.provenance import keys

    yield datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    try:
        yield keys.show().not_before
    except AssayError:
        yield None


def _nearest(path: Path) -> Path:
    found = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    if found is None:
        raise ConfigurationError(f"{path}: is on no disk")
    return found


_PROBE = "readiness-probe"

READINESS: dict[str, Callable[[], str]] = {
    "database": database,
    "media store": media_store,
    "models": models,
    "disk": disk,
}
