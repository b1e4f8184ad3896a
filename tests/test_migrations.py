"""Models and migrations say the same; there is one head; an upgrade keeps what was there."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from catalogue import setup
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Base


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(setup.alembic_config()).get_heads()) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'bare.db'}")
    base = Database(request.getfixturevalue("postgres_url"))
    with base.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return base


def test_migrations_make_what_the_models_describe(bare_database: Database) -> None:
    setup.upgrade(bare_database)
    with bare_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    bare_database.close()


def test_every_constraint_has_a_name_of_ours(bare_database: Database) -> None:
    setup.upgrade(bare_database)
    found = inspect(bare_database.engine)
    for table in Base.metadata.tables:
        for constraint in (*found.get_unique_constraints(table), *found.get_foreign_keys(table)):
            assert str(constraint["name"])[:3] in ("uq_", "fk_"), (table, constraint)
        for constraint in found.get_check_constraints(table):
            assert str(constraint["name"]).startswith("ck_"), (table, constraint)
    bare_database.close()


def test_init_twice_changes_nothing_and_backs_up_before_an_upgrade(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "var")
    assert setup.init(settings) is None
    assert setup.init(settings) is None
    base = Database(settings.url)
    with base.engine.begin() as connection:
        connection.execute(text("UPDATE centre SET name = 'Avant la mise à jour'"))
        connection.execute(text("DELETE FROM alembic_version"))
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("centre", "notice"):
                connection.execute(text(f'DROP TABLE "{table.name}"'))
        connection.execute(text("DROP TABLE notice"))
        connection.execute(text("CREATE TABLE notice (id INTEGER)"))
    base.close()
    with pytest.raises(Exception, match="already exists"):
        setup.init(settings)
    backups = list((tmp_path / "var" / "backups").glob("*.db"))
    assert len(backups) == 1
    kept = Database(f"sqlite:///{backups[0]}")
    with kept.read() as session:
        assert session.execute(text("SELECT name FROM centre")).scalar() == "Avant la mise à jour"
    kept.close()
