"""Engine and sessions, the same on SQLite and PostgreSQL.

SQLite runs with write-ahead logging, foreign keys and a busy timeout. A session that will write says so
when it opens (`Database.write`), and takes SQLite's write lock at once: a reader that turned writer
half-way would fail with SQLITE_BUSY instead of waiting its turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import islice
from time import monotonic, sleep
from typing import Any, TypeVar, cast

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

J = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
KEY = String().with_variant(String(collation="C"), "postgresql")  # ASCII sort keys
BIG = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER grows by itself on SQLite
BUSY_TIMEOUT_MS = 15_000
# What SQLite writes beside, 16 MB of it, before it is put in its place. By its default of 4 MB nearly every page of a
# harvest waited for the disk twice more.
LOG_PAGES = 4_000
WORKS, RESTS = 0.5, 0.12  # seconds; SQLite's own wait grows to a tenth of one
T = TypeVar("T")


def _to_json(value: Any) -> str:
    """Fields are written twice for every record that comes in: orjson takes a fifth of json's time."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # half surrogates, numbers beyond 64 bits
        return json.dumps(value)


def _from_json(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, always aware, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant}


class Database:
    """One database, and the two ways to open it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self._reader = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self._writer = sessionmaker(
            self.engine.execution_options(travee_writes=True), expire_on_commit=False, autoflush=True
        )

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def read_session(self) -> Session:
        return self._reader()

    def write_session(self) -> Session:
        return self._writer()

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._reader() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back on any error."""
        with self._writer() as session, session.begin():
            yield session

    def empty_log(self) -> bool:
        """SQLite keeps what was written, and so what was deleted since, in a file beside until it is told not to.
        False when somebody who reads all this while keeps it from that."""
        if not self.is_sqlite:
            return True
        with closing(self.engine.raw_connection()) as connection:  # no transaction may be open
            busy, *_pages = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def ready(self) -> bool:
        with self.engine.connect() as connection:
            return bool(connection.execute(text("select 1")).scalar())

    def close(self) -> None:
        self.engine.dispose()


def make_engine(url: str) -> Engine:
    """What was sent to the base is told to no log: people type passwords in place of their name, and names anywhere."""
    common: dict[str, Any] = {
        "json_serializer": _to_json,
        "json_deserializer": _from_json,
        "hide_parameters": True,
    }
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, **common)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, **common)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"wal_autocheckpoint={LOG_PAGES}",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "cache_size=-32000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("travee_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def overwrite_deleted(session: Session) -> None:
    """From here on, what this session deletes is overwritten on disk, not only left there until its room is needed.
    PostgreSQL's own housekeeping (autovacuum) does that in its time."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON").close()


def among(column: ColumnElement[Any], name: str = "part") -> ColumnElement[bool]:
    """Whether a column is one of the values that come with the question, as `name`.

    So that a question which every page of a harvest asks is made once: SQLAlchemy takes four times longer to put
    together `Model.column.in_(values)` than SQLite to answer. What is asked of tables (`table_of`) sees what was
    written, not what a session still holds back: flush before.
    """
    return column.in_(bindparam(name, expanding=True))


def insert_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Many rows with the same columns, past the unit of work: five times as fast as objects."""
    if rows:
        table = table_of(model)
        names = tuple(c.name for c in table.columns if c.name in rows[0])
        _write_rows(session, _written(session.get_bind().dialect, table, names), rows)


def insert_numbered(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The same, for rows whose numbers are needed: returned in order. No other writer may be at work meanwhile.

    RETURNING in the order of the rows would cost a statement a row on SQLite.
    """
    if not rows:
        return []
    table = table_of(model)
    if session.get_bind().dialect.name == "sqlite":
        last = session.scalar(select(func.max(table.c.id))) or 0
        ids = list(range(last + 1, last + 1 + len(rows)))
    else:
        sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        ids = list(session.scalars(select(sequence).select_from(func.generate_series(1, len(rows)))))
    insert_rows(session, model, [{"id": number, **row} for number, row in zip(ids, rows, strict=True)])
    return ids


def update_rows(session: Session, rows: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    """Give loaded rows of one table these values, and their next version, with one statement for all of them.

    The unit of work sends one a row where a table has versions. Raises StaleDataError, as it does, when somebody
    has changed one of them since it was loaded.
    """
    if not rows:
        return
    session.flush()
    table = table_of(type(rows[0][0]))
    names = sorted(set().union(*(values for _row, values in rows)))
    statement = update(table).where(table.c.id == bindparam("of"), table.c.version == bindparam("was"))
    statement = statement.values({name: bindparam(f"to_{name}") for name in (*names, "version")})
    sent, put = [], []
    for row, values in rows:
        now_ = {name: values[name] if name in values else getattr(row, name) for name in names}
        now_["version"] = row.version + 1
        sent.append({"of": row.id, "was": row.version, **{f"to_{name}": value for name, value in now_.items()}})
        put.append((row, now_))
    if session.connection().execute(statement, sent).rowcount != len(sent):
        raise StaleDataError(f"{table.name}: a row was changed meanwhile")
    for row, values in put:
        for name, value in values.items():
            set_committed_value(row, name, value)


def table_of(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


def insert_or_update(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> None:
    """INSERT … ON CONFLICT DO UPDATE, which both databases spell alike. `update` names what the new row wins."""
    if rows:
        table = table_of(model)
        names = tuple(c.name for c in table.columns if c.name in rows[0])
        _write_rows(session, _written(session.get_bind().dialect, table, names, tuple(key), tuple(update)), rows)


@dataclass(frozen=True, slots=True)
class _Written:
    """An INSERT as the driver takes it, worked out once for all rows of a table: its text, and how each value is put.

    SQLAlchemy does that for every row of every statement, which took a fifth of the time of an import.
    """

    text: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]  # in the order of the text
    defaults: Mapping[str, Callable[[], Any]]
    by_name: bool


@lru_cache(maxsize=200)
def _written(
    dialect: Dialect, table: Table, names: tuple[str, ...], key: tuple[str, ...] = (), update: tuple[str, ...] = ()
) -> _Written:
    defaults = {c.name: _default(c) for c in table.columns if c.name not in names and c.default is not None}
    upsert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement: Any = upsert(table).values({name: bindparam(name) for name in (*names, *defaults)})
    if key:
        statement = statement.on_conflict_do_update(
            index_elements=list(key), set_={name: statement.excluded[name] for name in update}
        )
    compiled = statement.compile(dialect=dialect)
    order = compiled.positiontup or list(compiled.params)
    put = {c.name: c.type.dialect_impl(dialect).bind_processor(dialect) for c in table.columns}
    return _Written(str(compiled), tuple((name, put[name]) for name in order), defaults, not compiled.positional)


def _default(column: Column[Any]) -> Callable[[], Any]:
    said: Any = column.default
    return partial(said.arg, None) if said.is_callable else lambda: said.arg


def _write_rows(session: Session, written: _Written, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = []
    for name, put in written.columns:
        make = written.defaults.get(name)
        values = [row[name] for row in rows] if make is None else [make() for _row in rows]
        columns.append(values if put is None else _put(values, put))
    if written.by_name:
        names = [name for name, _put in written.columns]
        ready: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    else:
        ready = list(zip(*columns, strict=True))
    session.connection().exec_driver_sql(written.text, ready)


def _put(values: list[Any], put: Callable[[Any], Any]) -> list[Any]:
    """Each value as the driver takes it; one that all rows share (a moment, mostly) is made ready once."""
    first = values[0]
    if all(value is first for value in values):
        return [put(first)] * len(values)
    return [put(value) for value in values]


def by_turns(base: Database, parts: Iterable[T]) -> Iterator[T]:
    """The parts of a long work, each written at once, with a rest now and then for whoever else waits to write.

    PostgreSQL serves them in the order they came. Who waits for SQLite looks again every tenth of a second, and would
    never find it free between two parts.
    """
    since = monotonic()
    for part in parts:
        yield part
        if base.is_sqlite and monotonic() - since > WORKS:
            sleep(RESTS)
            since = monotonic()


def chunks(items: Iterable[T], size: int = 1000) -> Iterator[list[T]]:
    """Lists of at most `size`: SQLite takes 32,766 bound values in one statement."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
