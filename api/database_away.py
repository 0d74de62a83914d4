"""A database that is away is no failure of the service: the caller should come again."""

from __future__ import annotations

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from assay.api.errors import RetryLater


class DatabaseAway(RetryLater):
    """The database cannot be reached, or its disk is full."""

    code = "database-away"

    def __init__(self) -> None:
        super().__init__("the database does not answer", seconds=5)


def is_of_database(error: BaseException | None) -> bool:
    """Whether an error says that the database cannot be reached or written."""
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout)
