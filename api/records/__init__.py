"""The database of the service: what was asked, what happened, what was found."""

from assay.api.records.database import open_database
from assay.api.records.store import Record, Records

__all__ = ["Record", "Records", "open_database"]
