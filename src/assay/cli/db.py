"""`assay db`: the databases behind registry, log and service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import AsJson, print_json, print_line
from assay.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from assay.databases import Schema

app = typer.Typer(
    help="Check, migrate and move the databases of registry, log and service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Say of which revision each database is, and whether its tables are as the code has them."""
    from assay.databases.migrating import current, differences, head

    exit_code = 0
    for schema, engine in _existing():
        with engine.connect() as connection:
            found, needed = current(connection, schema), head(schema.migrations)
            different = differences(connection, schema) if found == needed else []
        state = "outdated" if found != needed else "different" if different else "current"
        if state != "current":
            exit_code = 1
        if as_json:
            document = {"schema": schema.name, "database": _name(engine), "revision": found}
            print_json({**document, "head": needed, "state": state, "differences": different})
        else:
            print_line(f"{schema.name:<10} {state:<10} {found or 'none'}  {_name(engine)}")
            for item in different:
                print_line(f"           {item}")
    raise typer.Exit(exit_code)


@app.command("upgrade")
def upgrade(
    revision: Annotated[str, typer.Option(help="Revision to stop at.")] = "head",
    as_json: AsJson = False,
) -> None:
    """Bring the tables up to this version of Assay. Make a backup first."""
    from assay.databases import migrating

    for schema, engine in _existing():
        migrating.upgrade(engine, schema, revision)
        _tell_revision(engine, schema, as_json)


@app.command("downgrade")
def downgrade(
    schema_name: Annotated[str, typer.Argument(metavar="NAME", help="registry, log or service.")],
    revision: Annotated[str, typer.Argument(help="Revision to go back to, or base.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; what newer tables hold is lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the tables of one database back to an earlier revision."""
    from assay.databases import migrating

    for schema, engine in _existing():
        if schema.name != schema_name:
            continue
        if not yes:
            typer.confirm(f"Take {_name(engine)} back to {revision}?", abort=True)
        migrating.downgrade(engine, schema, revision)
        _tell_revision(engine, schema, as_json)
        return
    raise ConfigurationError(f"no database {schema_name!r}", advice="registry, log or service")


@app.command("move")
def move(
    to: Annotated[str, typer.Option("--to", help="URL of the new database, postgresql://...")],
    as_json: AsJson = False,
) -> None:
    """Copy registry, log and service into another database, and compare both sides.

    Stop everything that writes first. A move that was interrupted goes on where it stopped.
    The old database stays as it is; set ASSAY_DATABASE_URL to use the new one.
    """
    from assay.databases import reach
    from assay.databases.migrating import upgrade as make_tables
    from assay.databases.moving import move as move_rows
    from assay.provenance.log_moving import move_log
    from assay.provenance.log_storage import SCHEMA as LOG
    from assay.settings import settings

    target = reach(to)
    sources = _existing()
    for schema in _addresses():
        make_tables(target, schema)
    for schema, source in sources:
        if source.url == target.url:
            raise ConfigurationError(f"{_name(source)} is the database in use already")
        with _bars() as progress:
            moved = move_rows(source, target, schema, progress)
        for table in moved:
            if as_json:
                print_json({"schema": schema.name, **vars(table)})
            else:
                row = f"{table.table:<24} {table.rows:>10,}  {table.digest[:16]}"
                print_line(f"{schema.name:<10} {row}")
    if (folder := settings().home / "log").is_dir() and settings().database_url is None:
        entries = move_log(folder, target)
        if as_json:
            print_json({"schema": LOG.name, "table": "log_files", "entries": entries})
        else:
            print_line(f"{LOG.name:<10} {'entries':<24} {entries:>10,}  root recomputed")


def _tell_revision(engine: sa.Engine, schema: Schema, as_json: bool) -> None:
    revision = _revision(engine, schema)
    if as_json:
        print_json({"schema": schema.name, "database": _name(engine), "revision": revision})
    else:
        print_line(f"{schema.name:<10} {revision}  {_name(engine)}")


def _addresses() -> dict[Schema, str]:
    """Every schema and the database it belongs into."""
    from assay.api.records.migrating import SCHEMA as SERVICE
    from assay.provenance.log_storage import SCHEMA as LOG
    from assay.provenance.matching.migrating import SCHEMA as REGISTRY
    from assay.settings import settings

    registry = settings().registry_url
    return {REGISTRY: registry, SERVICE: settings().service_url, LOG: registry}


def _existing() -> list[tuple[Schema, sa.Engine]]:
    """Every schema with an engine on its database; files that were never made are left out.

    Raises:
        ConfigurationError: there is no file yet, or a server does not answer.
    """
    from assay.databases import DatabaseUnusable, locate, reach

    found = []
    for schema, address in _addresses().items():
        is_file = locate(address).get_backend_name() == "sqlite"
        if schema.name == "log" and is_file:
            continue  # a folder of its own
        try:
            found.append((schema, reach(address)))
        except DatabaseUnusable:
            if not is_file:
                raise  # on one machine each part makes its file when it needs it
    if not found:
        raise ConfigurationError("no database yet", advice="sign a file, or register a work, first")
    return found


def _name(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _revision(engine: sa.Engine, schema: Schema) -> str:
    from assay.databases.migrating import current

    with engine.connect() as connection:
        return current(connection, schema) or "none"


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each table on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda table, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=done)

        yield update
