"""Who works on a base, and who puts another in its place: never both.

Servers, workers and commands share a lock for as long as they live; `travee restore` wants it for itself alone. It is
on a file of the data directory, and on PostgreSQL, which several machines may share, on the server too: an advisory
lock. Both fall with the process that holds them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import func, select

from catalogue import process
from catalogue.config import Settings
from catalogue.db import Database

log = logging.getLogger("travee")
FILE = "in-use.lock"
NUMBER = int.from_bytes(b"travee", "big")  # the advisory lock's


class InUse(Exception):
    """Others work on this base; or, for these, somebody is putting another in its place."""


@contextmanager
def held(settings: Settings, base: Database, *, alone: bool = False) -> Iterator[None]:
    """Work on a base, beside others or alone. Raises `InUse` at once."""
    with ExitStack() as kept:
        try:
            kept.enter_context(process.locked(settings.data_dir / FILE, shared=not alone))
        except BlockingIOError as error:
            raise InUse from error
        except OSError as error:  # a folder where we may not write, a disk that knows no locks: work goes on
            if alone:
                raise
            log.warning("%s cannot be locked: %s", settings.data_dir / FILE, error)
        if not base.is_sqlite:
            take = func.pg_try_advisory_lock(NUMBER) if alone else func.pg_try_advisory_lock_shared(NUMBER)
            connection = base.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            kept.callback(connection.invalidate)  # closed, not given back to the pool: the lock goes with it
            if not connection.scalar(select(take)):
                raise InUse
        yield
