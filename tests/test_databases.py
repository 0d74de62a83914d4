"""Migrations both ways and moves, on SQLite files and on a real PostgreSQL server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from typer.testing import CliRunner

from assay.api.records.migrating import SCHEMA as SERVICE
from assay.cli import app
from assay.databases import DatabaseUnusable, Schema, locate, migrating, moving, reach
from assay.databases.migrating import DatabaseOutdated
from assay.databases.moving import MoveFailed
from assay.errors import ConfigurationError
from assay.provenance.log_storage import SCHEMA as LOG
from assay.provenance.matching import Registry
from assay.provenance.matching.migrating import SCHEMA as REGISTRY
from assay.provenance.transparency import Log, check
from assay.settings import settings

SCHEMAS = [REGISTRY, LOG, SERVICE]
ENGINES = ["sqlite", "postgres"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    """An empty database."""
    if request.param == "sqlite":
        (tmp_path / "empty.sqlite").touch()
        made = reach(str(tmp_path / "empty.sqlite"))
    else:
        made = reach(request.getfixturevalue("postgres"))
    return made


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
class TestMigrations:
    def test_make_the_tables_that_the_code_has(self, engine: sa.Engine, schema: Schema) -> None:
        migrating.upgrade(engine, schema)

        with engine.connect() as connection:
            assert migrating.current(connection, schema) == migrating.head(schema.migrations)
            assert migrating.differences(connection, schema) == []

    def test_go_back_to_nothing(self, engine: sa.Engine, schema: Schema) -> None:
        migrating.upgrade(engine, schema)

        migrating.downgrade(engine, schema, "base")

        left = [name for name in sa.inspect(engine).get_table_names() if schema.owns(name)]
        assert left == [schema.version_table]

    def test_difference_is_seen(self, engine: sa.Engine, schema: Schema) -> None:
        migrating.upgrade(engine, schema)
        with engine.begin() as connection:
            table = schema.metadata.sorted_tables[0]
            connection.execute(sa.DDL(f"ALTER TABLE {table.name} ADD COLUMN surplus INTEGER"))

        with engine.connect() as connection:
            assert "surplus" in "".join(migrating.differences(connection, schema))

    def test_failure_leaves_nothing_half_made(self, engine: sa.Engine, schema: Schema) -> None:
        last = schema.metadata.sorted_tables[-1]
        with engine.begin() as connection:  # in the way of the last table
            connection.execute(sa.DDL(f"CREATE TABLE {last.name} (other INTEGER)"))

        with pytest.raises(exc.DBAPIError):
            migrating.upgrade(engine, schema)

        assert sa.inspect(engine).get_table_names() == [last.name]

    def test_another_revision_is_refused(self, engine: sa.Engine, schema: Schema) -> None:
        migrating.prepare(engine, schema)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {schema.version_table} SET version_num = '9999'")

        with pytest.raises(DatabaseOutdated, match="9999, this Assay needs"):
            migrating.prepare(engine, schema)

    def test_tables_that_no_migration_made_are_refused(
        self, engine: sa.Engine, schema: Schema
    ) -> None:
        schema.metadata.create_all(engine)

        with pytest.raises(DatabaseOutdated, match="revision none"):
            migrating.prepare(engine, schema)

    def test_unknown_revision(self, engine: sa.Engine, schema: Schema) -> None:
        with pytest.raises(ConfigurationError, match="nowhere"):
            migrating.upgrade(engine, schema, "nowhere")


class TestReach:
    def test_missing_file_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnusable, match="no such database"):
            reach(str(tmp_path / "none.sqlite"))

        assert not (tmp_path / "none.sqlite").exists()

    def test_server_that_is_down(self) -> None:
        with pytest.raises(DatabaseUnusable, match=r"\*\*\*"):
            reach("postgresql://user:secret@127.0.0.1:1/none")

    def test_addresses(self) -> None:
        assert locate("postgres://h/d").drivername == "postgresql+psycopg"
        assert locate("/tmp/x.sqlite").database == "/tmp/x.sqlite"


class TestMove:
    @pytest.fixture
    def registry(self, china: np.ndarray, flower: np.ndarray) -> Path:
        """The registry of the settings, with two works, a hash and a manifest."""
        url = settings().registry_url
        with Registry(url) as registry:
            soon = datetime.now(UTC) + timedelta(days=3)
            registry.add(china, {"id": "china", "title": "Ülm “√”", "valid_until": soon})
            registry.add(flower, {"id": "flower", "training_opt_out": True})
            registry.import_hashes({"id": "listed"}, {"pdq": "f0" * 32})
        return Path(str(locate(url).database))

    def test_to_postgres_and_on(self, registry: Path, postgres: str, china: np.ndarray) -> None:
        result = CliRunner().invoke(app, ["db", "move", "--to", postgres, "--json"])

        assert result.exit_code == 0, result.output
        rows = {row["table"]: row["rows"] for row in map(json.loads, result.stdout.splitlines())}
        assert (rows["works"], rows["prints"]) == (3, 3)
        with Registry(postgres) as moved:
            mirrored = np.ascontiguousarray(china[:, ::-1])
            assert [match.work_id for match in moved.match(mirrored)] == ["china"]
            assert moved.work("china").title == "Ülm “√”"
            moved.add(mirrored[:200], {"id": "new"})  # numbers go on after those that were moved
            assert moved.stats()["works"] == 4

    def test_the_log_goes_along(
        self, registry: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proofs = [Log().record(f"urn:c2pa:{number}", "00" * 32) for number in range(3)]

        for _ in range(2):  # again: what has arrived is recognised
            result = CliRunner().invoke(app, ["db", "move", "--to", postgres, "--json"])
            assert json.loads(result.stdout.splitlines()[-1])["entries"] == 3
        monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
        settings.cache_clear()

        assert Log().record("next", "00" * 32).index == 3
        assert Log().audit()
        assert check(proofs[1], "urn:c2pa:1", "00" * 32, Log().key())
        assert CliRunner().invoke(app, ["db", "check"]).exit_code == 0

    def test_another_log_is_not_written_over(self, registry: Path, postgres: str) -> None:
        Log().record("mine", "00" * 32)
        target = reach(postgres)
        migrating.upgrade(target, LOG)
        with target.begin() as connection:
            row = {"path": "checkpoint", "data": b"another"}
            connection.execute(LOG.metadata.tables["log_files"].insert(), row)

        result = CliRunner().invoke(app, ["db", "move", "--to", postgres])

        assert isinstance(result.exception, MoveFailed)
        assert "another log" in str(result.exception)

    def test_goes_on_where_it_stopped(
        self, registry: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(moving, "ROWS_AT_ONCE", 1)
        source, target = reach(str(registry)), reach(postgres)
        migrating.upgrade(target, REGISTRY)

        def stop(table: str, done: int, total: int) -> None:
            if table == "prints" and done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            moving.move(source, target, REGISTRY, stop)
        seen: list[tuple[str, int]] = []
        moving.move(source, target, REGISTRY, lambda table, done, total: seen.append((table, done)))

        assert ("works", 3) in seen
        assert ("works", 2) not in seen
        assert [done for table, done in seen if table == "prints"] == [2, 3]

    def test_other_rows_in_the_target(self, registry: Path, postgres: str) -> None:
        with Registry(postgres):
            pass  # has an identity of its own

        result = CliRunner().invoke(app, ["db", "move", "--to", postgres])

        assert isinstance(result.exception, MoveFailed)

    def test_back_to_a_file(self, registry: Path, postgres: str, tmp_path: Path) -> None:
        (tmp_path / "back.sqlite").touch()
        there, back = reach(postgres), reach(str(tmp_path / "back.sqlite"))
        source = reach(str(registry))
        migrating.upgrade(there, REGISTRY)
        migrating.upgrade(back, REGISTRY)

        out = moving.move(source, there, REGISTRY)

        assert moving.move(there, back, REGISTRY) == out


class TestCommand:
    def test_upgrade_makes_the_tables_on_a_server(
        self, postgres: str, monkeypatch: pytest.MonkeyPatch, china: np.ndarray
    ) -> None:
        monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
        settings.cache_clear()
        run = CliRunner().invoke

        assert run(app, ["db", "check"]).exit_code == 1
        assert run(app, ["db", "upgrade"]).exit_code == 0
        assert run(app, ["db", "check"]).exit_code == 0
        with Registry(postgres) as registry:
            registry.add(china, {"id": "china"})

    def test_check(self) -> None:
        with Registry(settings().registry_url):
            pass

        result = CliRunner().invoke(app, ["db", "check", "--json"])

        document = json.loads(result.stdout)
        assert (result.exit_code, document["schema"], document["state"]) == (
            0,
            "registry",
            "current",
        )

    def test_nothing_yet(self) -> None:
        result = CliRunner().invoke(app, ["db", "check"])

        assert isinstance(result.exception, ConfigurationError)

    def test_down_and_up(self) -> None:
        with Registry(settings().registry_url):
            pass
        run = CliRunner().invoke

        assert run(app, ["db", "downgrade", "registry", "base", "--yes"]).exit_code == 0
        assert run(app, ["db", "check"]).exit_code == 1
        assert run(app, ["db", "upgrade"]).exit_code == 0
        assert run(app, ["db", "check"]).exit_code == 0
