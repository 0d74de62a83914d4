"""Small pictures of registered works, so that a person sees what was recognised.

The registry keeps fingerprints only. Whoever registers a work on the page may have a picture of
it kept beside them; it goes when the work does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from assay.api.pages.schema import work_pictures as pictures


@dataclass(frozen=True)
class WorkPicture:
    """A work as it is shown; pixels of its small picture."""

    title: str
    width: int
    height: int
    png: bytes = field(repr=False)


def keep(engine: sa.Engine, work: str, picture: WorkPicture) -> None:
    """Keep the picture of a work, in place of an earlier one."""
    with engine.begin() as connection:
        connection.execute(pictures.delete().where(pictures.c.work == work))
        connection.execute(
            pictures.insert().values(
                work=work,
                title=picture.title,
                width=picture.width,
                height=picture.height,
                png=picture.png,
            )
        )


def find(engine: sa.Engine, works: Collection[str]) -> dict[str, WorkPicture]:
    """The pictures that are kept, by work."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(pictures).where(pictures.c.work.in_(works)))
        return {
            row.work: WorkPicture(row.title, row.width, row.height, bytes(row.png)) for row in rows
        }


def forget(engine: sa.Engine, work: str) -> None:
    """Delete the picture of a work."""
    with engine.begin() as connection:
        connection.execute(pictures.delete().where(pictures.c.work == work))
