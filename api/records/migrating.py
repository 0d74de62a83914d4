"""What migrations and moves need to know of the service's tables."""

from __future__ import annotations

# Other parts declare their tables on the same metadata.
import assay.api.access.schema
import assay.api.audits.schema
import assay.api.direct_uploads.schema
import assay.api.pages.schema
import assay.api.signatures.schema
import assay.api.webhooks.schema  # noqa: F401
from assay.api.records.schema import metadata
from assay.databases import Schema

SCHEMA = Schema(
    name="service",
    metadata=metadata,
    migrations="assay.api.records.migrations",
    # Signs of life of the processes on the old database.
    rebuilt=frozenset({"workers"}),
)
