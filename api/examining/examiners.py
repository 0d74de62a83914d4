"""Who examines what is in the media store: children on this machine, or replicas elsewhere."""

from __future__ import annotations

from typing import Protocol

from assay.api.examining.examination import Examined, Progress, examine
from assay.api.examining.pool import Pool
from assay.api.media_store import MediaStore
from assay.settings import settings


class Examiners(Protocol):
    """Several examinations at once.

    Attributes:
        size: how many.
    """

    size: int

    def start(self) -> None:
        """Get ready before the first job comes."""

    def close(self) -> None:
        """End what runs; whoever waits for it is told that it runs again elsewhere."""

    def examine(
        self,
        key: str,
        *,
        name: str | None,
        sha256: str,
        size: int,
        progress: Progress | None = None,
    ) -> Examined:
        """Examine an object of the media store.

        Args:
            key: of the object.
            name, sha256, size: of the file, for an answer about media that never opened.
            progress: hears of each examiner that finished.

        Raises:
            Refused, Stopped, PoolClosed, ChildFailed: as `examination.examine`.
            MediaGone, StoreUnavailable: as `MediaStore.get`.
        """


class LocalExaminers:
    """Children of this process.

    Args:
        pool: default: one of the size that the settings say.
    """

    def __init__(self, store: MediaStore, pool: Pool | None = None) -> None:
        self._store = store
        self._pool = pool or Pool()
        self.size = self._pool.size

    def start(self) -> None:
        self._pool.start()

    def close(self) -> None:
        self._pool.close()

    def examine(
        self,
        key: str,
        *,
        name: str | None,
        sha256: str,
        size: int,
        progress: Progress | None = None,
    ) -> Examined:
        with self._store.get(key) as file:
            return examine(self._pool, file, name=name, sha256=sha256, size=size, progress=progress)


def chosen_examiners(store: MediaStore, *, warm: bool = True) -> Examiners:
    """Those that the setting `engine` names.

    Args:
        warm: local children are ready only when models are loaded.
    """
    if settings().engine == "ray":
        from assay.api.examining.replicas import Replicas

        return Replicas()
    return LocalExaminers(store, Pool(warm=warm))
