"""The backups that are made by themselves, one a night; and those that somebody has asked for at the desk.

A page never makes one: it writes down what is wished, and the worker does it. What went wrong is kept, and told on
« Aujourd'hui », in « Reprise de poste » and among the settings until one has been made again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from catalogue import backups, remembered
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.i18n import _, ngettext

log = logging.getLogger("travee")
PLAN, SINCE, LAST, ASKED, TROUBLE = "backup.plan", "backup.since", "backup.last", "backup.asked", "backup.trouble"
MOST_KEPT = 60
NIGHTLY, ON_DEMAND = "nuit", "demande"


@dataclass(frozen=True, slots=True)
class Plan:
    """`hour`: of the night, on the centre's clock; `keep`: how many nights, and how many of each other kind."""

    on: bool = True
    hour: int = 2
    keep: int = 7

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Plan:
        try:
            row = dict(kept or {})
            made = cls(bool(row.get("on", True)), int(row.get("hour", 2)), int(row.get("keep", 7)))
        except (TypeError, ValueError):
            return cls()
        return made if 0 <= made.hour < 24 and 1 <= made.keep <= MOST_KEPT else cls()


@dataclass(frozen=True, slots=True)
class Backup:
    """One that lies in the folder: `name` is of the file, `size` in bytes."""

    name: str
    at: datetime
    size: int


def read(session: Session) -> Plan:
    return Plan.of(remembered.read(session, PLAN))


def typed(plan: Plan) -> dict[str, str]:
    """As the form sends it."""
    return {"chaque": "oui" if plan.on else "", "heure": str(plan.hour), "garder": str(plan.keep)}


def words(session: Session) -> str:
    """What is done by itself, in a line."""
    plan = read(session)
    if not plan.on:
        return _("aucune sauvegarde d’elle-même")
    return ngettext("chaque nuit à %(hour)s h, %(n)s gardée", "chaque nuit à %(hour)s h, %(n)s gardées", plan.keep) % {
        "hour": plan.hour,
        "n": plan.keep,
    }


def write(session: Session, plan: Plan) -> None:
    remembered.write(session, PLAN, asdict(plan))


def ask(session: Session, *, by: str, at: datetime) -> None:
    remembered.write(session, ASKED, {"by": by, "at": at.isoformat()})


def is_asked(session: Session) -> bool:
    return remembered.read(session, ASKED) is not None


def trouble(session: Session) -> str:
    """Why the last one could not be made, "" when it could."""
    return str(remembered.read(session, TROUBLE) or "")


def last(session: Session) -> datetime | None:
    made = remembered.read(session, LAST)
    return datetime.fromisoformat(made) if made else None


def listed(settings: Settings, zone: ZoneInfo) -> list[Backup]:
    """Those that can be put back, the latest first."""
    found = [(path, path.stat()) for path in backups.folder(settings).glob("*.zip")]
    made = [Backup(path.name, datetime.fromtimestamp(stat.st_mtime, zone), stat.st_size) for path, stat in found]
    return sorted(made, key=lambda one: one.at, reverse=True)


def find(settings: Settings, name: str) -> Path | None:
    """The file of this name, in the folder and nowhere else."""
    return next((path for path in backups.folder(settings).glob("*.zip") if path.name == name), None)


def work(base: Database, settings: Settings, now: datetime, zone: ZoneInfo) -> Path | None:
    """Make the backup that is due or asked for, if one is."""
    with base.read() as session:
        plan, due, asked = read(session), _is_due(session, now, zone), is_asked(session)
        is_new = remembered.read(session, SINCE) is None
    if is_new:  # the first night is the next one
        with base.write() as session:
            remembered.write(session, SINCE, now.isoformat())
    if not due and not asked:
        return None
    path = backups.folder(settings) / f"{NIGHTLY if due else ON_DEMAND}-{now.astimezone(zone):%Y-%m-%d-%Hh%M%S}.zip"
    try:
        backups.make(settings, path)
        words = ""
    except Exception as error:  # no room, a folder that is not ours, whatever: told, and not tried again at once
        log.exception("the backup %s could not be made", path)
        words = f"{_reason(error)} ({path})"
    with base.write() as session:
        if words:
            remembered.write(session, TROUBLE, words)
            remembered.write(session, SINCE, now.isoformat())  # it is tried again the next night
        else:
            remembered.forget(session, TROUBLE)
            remembered.write(session, LAST, now.isoformat())
        remembered.forget(session, ASKED)
    if words:
        return None
    for kind in (NIGHTLY, ON_DEMAND, backups.BEFORE):
        for old in sorted(backups.folder(settings).glob(f"{kind}-*.zip"))[: -plan.keep]:
            old.unlink(missing_ok=True)
    return path


def _reason(error: Exception) -> str:
    """In one line, without the statement and the values that a database's error drags along."""
    said = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
    return (str(said).splitlines() or [type(error).__name__])[0]


def _is_due(session: Session, now: datetime, zone: ZoneInfo) -> bool:
    plan = read(session)
    moments = [remembered.read(session, name) for name in (SINCE, LAST)]
    known = [datetime.fromisoformat(at) for at in moments if at]
    if not plan.on or not known:
        return False
    local = now.astimezone(zone)
    tonight = local.replace(hour=plan.hour, minute=0, second=0, microsecond=0)
    return local >= tonight and max(known).astimezone(zone) < tonight
