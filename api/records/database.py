"""Opening the service's database so that what was accepted survives a crash."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from assay.databases import engine_for, locate
from assay.databases.migrating import prepare
from assay.errors import ConfigurationError
from assay.settings import settings

POOL_SIZE = 10  # connections kept; the API's threads take up to as many more


def open_database() -> sa.Engine:
    """The database of the process's settings, `service_url`, with its tables.

    Raises:
        ConfigurationError: it cannot be opened.
        DatabaseOutdated: it is of another version of Assay.
    """
    return _open(settings().service_url)


@cache
def _open(address: str) -> sa.Engine:
    from assay.api.records.migrating import SCHEMA  # every part's tables, which import this

    url = locate(address)
    try:
        if url.get_backend_name() == "sqlite":
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = engine_for(url, pool_size=POOL_SIZE)
        prepare(engine, SCHEMA)
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise ConfigurationError(
            f"database {url.render_as_string()}: {cause}", advice="check ASSAY_DATABASE_URL"
        ) from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"no driver for {url.drivername}", advice="pip install 'assay[scale]'"
        ) from error
    return engine
