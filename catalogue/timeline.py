"""Thirty nights of harvests as a picture: has the network been flowing, which night broke.

One column a night: what was new, what was recognised, what has changed, what of these is in conflict with work done
here, and a cross where a harvest failed. The picture is drawn by a template (`desk/_runs.html`) from the rectangles
that are worked out here; the same numbers stand in a table below it and in a sentence above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.i18n import _, format_date, format_number, ngettext
from catalogue.models import Run, Source

NIGHTS = 30
KINDS = ("new", "matched", "changed", "conflicts")
# The picture, in its own units.
WIDTH, HEIGHT, GAP = 480, 96, 4
CROSS = 10  # of a side
TOO_TALL = 8  # times the middle of the columns: a first harvest would make the others invisible


@dataclass(frozen=True, slots=True)
class Night:
    day: date
    new: int = 0
    matched: int = 0  # we had them already, from elsewhere; without conflict
    changed: int = 0  # without conflict
    conflicts: int = 0
    failed: int = 0  # runs that were not complete
    runs: int = 0

    @property
    def total(self) -> int:
        return self.new + self.matched + self.changed + self.conflicts

    @property
    def words(self) -> str:
        """For the table: what happened."""
        if not self.runs:
            return _("pas de moisson")
        if self.failed == self.runs:
            return ngettext("échec", "%(n)s échecs", self.failed) % {"n": self.failed}
        if not self.failed:
            return _("complète")
        held = self.runs - self.failed
        complete = ngettext("%(n)s complète", "%(n)s complètes", held) % {"n": held}
        return f"{complete}, " + ngettext("%(n)s incomplète", "%(n)s incomplètes", self.failed) % {"n": self.failed}


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Timeline:
    nights: tuple[Night, ...]
    bars: tuple[Bar, ...]
    crosses: tuple[float, ...]  # the left side of each
    cut: tuple[float, ...]  # columns too tall for the picture: the left side of each
    summary: str

    @property
    def is_empty(self) -> bool:
        return not any(night.runs for night in self.nights)

    @property
    def column(self) -> float:
        return WIDTH / len(self.nights) - GAP


def timeline(session: Session, now: datetime, zone: ZoneInfo, *, nights: int = NIGHTS) -> Timeline:
    """The last nights up to this one, every source together."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=nights - 1)
    statement = (
        select(Run.started_at, Run.status, Run.counts)
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "harvest", Run.status != "running", Source.removed_at.is_(None))
        .where(Run.started_at >= datetime.combine(first, time(), zone))
        .where(Run.checkpoint["replay_of"].as_string().is_(None))
    )
    rows = [(at.astimezone(zone).date(), status, counts) for at, status, counts in session.execute(statement)]
    return draw(_nights(rows, first, nights))


def parts(counts: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """New, recognised, changed, and in conflict, as a run has counted them."""
    new, matched, updated, conflicts = (int(counts.get(name, 0)) for name in ("new", "matched", "updated", "conflicts"))
    of_updated = min(updated, conflicts)
    return new, max(0, matched - (conflicts - of_updated)), updated - of_updated, conflicts


def _nights(rows: Iterable[tuple[date, str, Mapping[str, Any]]], first: date, count: int) -> tuple[Night, ...]:
    sums = {first + timedelta(days=n): [0] * (len(KINDS) + 2) for n in range(count)}
    for day, status, counts in rows:
        if day in sums:
            more = (*parts(counts), status == "incomplete", 1)
            sums[day] = [a + b for a, b in zip(sums[day], more, strict=True)]
    return tuple(Night(day, *values) for day, values in sums.items())


def draw(nights: tuple[Night, ...]) -> Timeline:
    """Each night's rectangles, from the ground up; crosses stand above them."""
    totals = [night.total for night in nights if night.total]
    top = max((n for n in totals if n <= TOO_TALL * median(totals)), default=1)
    room = HEIGHT - CROSS - 2 * GAP  # a cross fits above the tallest column
    step = WIDTH / len(nights)
    bars: list[Bar] = []
    crosses: list[float] = []
    cut: list[float] = []
    for n, night in enumerate(nights):
        x, ground = round(n * step + GAP / 2, 1), float(HEIGHT)
        scale = room / max(top, night.total)
        for kind in KINDS:
            if value := getattr(night, kind):
                height = max(1.5, round(value * scale, 1))
                ground = round(ground - height, 1)
                bars.append(Bar(kind, x, ground, round(step - GAP, 1), height))
        if night.failed:
            crosses.append(round(x + (step - GAP - CROSS) / 2, 1))
        if night.total > top:
            cut.append(x)
    return Timeline(nights, tuple(bars), tuple(crosses), tuple(cut), _summary(nights))


def _summary(nights: tuple[Night, ...]) -> str:
    """« En 30 nuits : 28 avec une moisson complète, 2 moissons incomplètes ; 31 nouvelles notices, 4 reconnues,
    18 changements, 6 conflits. »"""
    held = sum(night.runs > night.failed for night in nights)
    broken = [night for night in nights if night.failed and night.failed == night.runs]
    failures = sum(night.failed for night in nights)
    new, matched, changed, conflicts = (sum(getattr(night, kind) for night in nights) for kind in KINDS)
    said = [
        ngettext("%(n)s nouvelle notice", "%(n)s nouvelles notices", new) % {"n": format_number(new)},
        ngettext("%(n)s reconnue", "%(n)s reconnues", matched) % {"n": format_number(matched)},
        ngettext("%(n)s changement", "%(n)s changements", changed) % {"n": format_number(changed)},
        ngettext("%(n)s conflit", "%(n)s conflits", conflicts) % {"n": format_number(conflicts)},
    ]
    flowed = _("En %(nights)s nuits : %(n)s avec une moisson complète") % {"nights": len(nights), "n": held}
    if failures:
        incomplete = ngettext("%(n)s moisson incomplète", "%(n)s moissons incomplètes", failures)
        flowed += ", " + incomplete % {"n": format_number(failures)}
    words = _("%(one)s ; %(other)s") % {"one": flowed, "other": ", ".join(said)} + "."
    if not broken:
        return words
    if len(broken) == 1:
        return f"{words} " + _("Une nuit a échoué : le %(day)s.") % {"day": format_date(broken[0].day)}
    failed = _("%(n)s nuits ont échoué, la dernière le %(day)s.")
    return f"{words} " + failed % {"n": len(broken), "day": format_date(broken[-1].day)}
