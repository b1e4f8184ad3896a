"""Which issue of a periodical comes next, and which have not come. Pure: numbers, dates and a frequency in, days out.

As simple as what a person would say at the counter: the last one came in March, it is a quarterly, so the next one is
due in June under the number that follows. Nothing is learned in secret:

- the next issue is due one period after the last one that has a date; months without issue are passed over;
- a double issue (« 12-13 », « juillet-août ») counts for as many periods as it says; one that was double a year ago is
  expected to be double again;
- numbers go on, or begin again each year where they have done so;
- what lies between two numbers that came is missing, unless there are more of them than the time between allows: then
  the periodical has changed its numbers;
- special issues (« hors-série ») come when they like: they are never expected, and count for nothing.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from catalogue.i18n import N_
from catalogue.issue_numbers import Number, is_special, parse_number

MOST_MISSING = 60  # behind the last one received: an end of subscription that nobody has noted
MOST_YEARS = 60  # that one looks ahead of the last one received
JUMP = 60  # numbers missing between two issues that came: beyond, the numbering has changed


@dataclass(frozen=True, slots=True)
class Frequency:
    label: str
    days: int = 0
    months: int = 0
    late_after: int = 0  # days after the due day: before that, it is only on its way

    @property
    def length(self) -> int:
        """Of one period, in days."""
        return self.days or round(self.months * 30.4)


FREQUENCIES: dict[str, Frequency] = {
    "daily": Frequency(N_("quotidien"), days=1, late_after=3),
    "weekly": Frequency(N_("hebdomadaire"), days=7, late_after=7),
    "fortnightly": Frequency(N_("tous les quinze jours"), days=14, late_after=10),
    "monthly": Frequency(N_("mensuel"), months=1, late_after=20),
    "two_monthly": Frequency(N_("tous les deux mois"), months=2, late_after=30),
    "quarterly": Frequency(N_("trimestriel"), months=3, late_after=45),
    "half_yearly": Frequency(N_("semestriel"), months=6, late_after=60),
    "yearly": Frequency(N_("annuel"), months=12, late_after=90),
    "irregular": Frequency(N_("irrégulier")),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """How a periodical comes, as the subscription says it."""

    frequency: str
    off_months: frozenset[int] = frozenset()
    starts_on: date | None = None
    ends_on: date | None = None

    @property
    def every(self) -> Frequency:
        return FREQUENCIES.get(self.frequency, FREQUENCIES["irregular"])


@dataclass(frozen=True, slots=True)
class Issue:
    """One that came, or that is settled otherwise: its number as it is printed, the time it is dated of."""

    number: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """One that should come. `key` is its name for ever: "13", "2024/3" where numbers begin again, "2024-03" where
    there are none. `number` is what will be printed on it, "" where nobody can know."""

    key: str
    number: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`missing`: those that should be here, oldest first; `next`: the one to come; `yearly`: numbers begin again."""

    missing: tuple[Expected, ...] = ()
    next: Expected | None = None
    yearly: bool = False
    endless: bool = False  # more are missing than are listed: the subscription has probably ended

    @property
    def late_since(self) -> date | None:
        return self.missing[0].due_on if self.missing else None


# --- time ------------------------------------------------------------------------------------

# EDTF: seasons, quarters, half-years -> the months they cover (a winter is counted where its year begins).
_PARTS = {21: (4, 6), 22: (7, 9), 23: (10, 12), 24: (1, 3), 33: (1, 3), 34: (4, 6), 35: (7, 9), 36: (10, 12)}
_PARTS |= {40: (1, 6), 41: (7, 12)}


@lru_cache(maxsize=20_000)
def period_of(edtf: str) -> tuple[date, date] | None:
    """The first and the last day of a date as it was understood (see `catalogue.dates`); None for what is open, or
    only about.

    >>> [f"{a:%d/%m} {b:%d/%m/%Y}" for a, b in map(period_of, ("2024-03-18", "2024-07/2024-08", "2024-34"))]
    ['18/03 18/03/2024', '01/07 31/08/2024', '01/04 30/06/2024']
    """
    first, _slash, last = edtf.partition("/")
    start, end = _bounds(first), _bounds(last or first)
    if start is None or end is None or end[1] < start[0]:
        return None
    return start[0], end[1]


def _bounds(edtf: str) -> tuple[date, date] | None:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", edtf)
    if found is None or not 1400 <= int(found[1]) <= 2200:
        return None
    year, part, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if part > 12 or not part:
        months = _PARTS.get(part) if part else (1, 12)
        return (date(year, months[0], 1), _month_end(year, months[1])) if months else None
    if day:
        return (date(year, part, day),) * 2 if day <= monthrange(year, part)[1] else None
    return date(year, part, 1), _month_end(year, part)


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _later(day: date, every: Frequency, periods: int = 1) -> date:
    if every.days:
        return day + timedelta(days=every.days * periods)
    year, month = divmod(day.year * 12 + day.month - 1 + every.months * periods, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# --- what is foreseen ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Point:
    """An issue that has a date: from one the next is reckoned."""

    number: Number | None
    first: int  # 0 where there are no numbers
    last: int
    year: int
    starts: date
    ends: date


class _Series:
    """What is known of a periodical, and what follows from it."""

    def __init__(self, issues: Sequence[Issue], settled: Sequence[Issue], rule: Rule) -> None:
        self.rule, self.every = rule, rule.every
        read = [(issue, parse_number(issue.number)) for issue in issues if not is_special(issue.number)]
        self.numbered = sum(n is not None for _i, n in read) * 2 > len(read)
        read += [(issue, parse_number(issue.number)) for issue in settled]
        if not self.numbered:
            read = [(issue, None) for issue, _n in read]
        points = [
            _point(issue, number, self.every)
            for issue, number in read
            if issue.first_day and (number or not self.numbered)
        ]
        self.points = sorted((p for p in points if self._is_exact(p)), key=lambda p: (p.starts, p.first))
        self.sundays = any(p.starts.weekday() == 6 for p in self.points)
        self.yearly = self.numbered and self._begins_again(points)
        self.covered: set[tuple[int, int]] = set()  # (year or 0, number)
        for issue, number in read:
            if number is not None:
                year = _year_of(issue, number, self.every)
                self.covered |= {(year * self.yearly, n) for n in range(number.first, number.last + 1)}
        # Double issues, by year and month: last year's are expected to be double again.
        self.doubles = {(p.starts.year, p.starts.month): p.last - p.first for p in self.points if p.last > p.first}

    def _is_exact(self, p: _Point) -> bool:
        """« 2016 » says nothing of when a quarterly came."""
        longest = 800 if self.every.months >= 12 or not self.every.length else min(3.2 * self.every.length, 300)
        return (p.ends - p.starts).days <= max(longest, 3)

    @staticmethod
    def _begins_again(points: Iterable[_Point]) -> bool:
        falls = rises = 0
        for a, b in pairwise(sorted(points, key=lambda p: (p.year, p.starts, p.first))):
            if (b.number and b.number.year) or b.year > a.year:
                falls += bool(b.number and b.number.year) or b.first <= min(a.last, 3)
                rises += not (b.number and b.number.year) and b.first > a.last
        return falls > rises

    # -- one step

    def following(self, p: _Point) -> _Point | None:
        """The issue behind this one; None where nothing can be reckoned."""
        if not self.every.length:
            return None
        due = _later(p.starts, self.every, p.last - p.first + 1)
        for _turn in range(400):
            if due > p.ends and self._comes(due):
                break
            due = _later(due, self.every)
        else:
            return None
        double = self.doubles.get((due.year - 1, due.month), 0) if self.numbered and self.every.months else 0
        first = 1 if self.yearly and due.year > p.year else p.last + 1
        number = p.number
        if double:
            self.doubles[due.year, due.month] = double
        return _Point(number, first * self.numbered, (first + double) * self.numbered, due.year, due, due)

    def _comes(self, due: date) -> bool:
        if self.every.days == 1 and due.weekday() == 6 and not self.sundays:
            return False
        return due.month not in self.rule.off_months

    def expected(self, p: _Point) -> Expected:
        if p.number is None:
            return Expected(f"{p.starts:%Y-%m}" if self.every.months else f"{p.starts:%Y-%m-%d}", "", p.starts)
        words = f"{p.first}" if p.last == p.first else f"{p.first}-{p.last}"
        printed = p.number.of(p.first, p.last, p.year)
        return Expected(f"{p.year}/{words}" if self.yearly else words, printed, p.starts)

    def is_covered(self, p: _Point) -> bool:
        if self.numbered:
            return all((p.year * self.yearly, n) in self.covered for n in range(p.first, p.last + 1))
        near = timedelta(days=self.every.length // 2)
        return any(q.starts - near < p.starts <= max(q.ends, q.starts + near) for q in self.points if q is not p)

    # -- what lies between, and what comes behind

    def holes(self) -> Iterator[_Point]:
        points = [p for p in self.points if self.rule.starts_on is None or p.ends >= self.rule.starts_on]
        for a, b in pairwise(points):
            yield from self._between(a, b)

    def _between(self, a: _Point, b: _Point) -> Iterator[_Point]:
        if self.numbered and (not self.yearly or a.year == b.year):
            yield from self._gap(a, a.last + 1, b)
            return
        step, near = self.following(a), timedelta(days=self.every.length // 2)
        for _turn in range(MOST_MISSING):
            if step is None or step.starts + near >= b.starts or (self.yearly and step.year > a.year):
                break
            yield step
            step = self.following(step)
        if self.yearly and b.year == a.year + 1:
            january = date(b.year, 1, 1)
            yield from self._gap(_Point(b.number, 0, 0, b.year, january, january), 1, b)

    def _gap(self, a: _Point, first: int, b: _Point) -> Iterator[_Point]:
        """The numbers from `first` up to that of `b`, dated as they should have come, never behind it."""
        wanted = range(first, b.first)
        room = (b.starts - a.starts).days / self.every.length * 2 + 2 if self.every.length else JUMP
        if len(wanted) > min(room, JUMP):
            return
        for place, n in enumerate(wanted, 1):
            due = _later(a.starts, self.every, a.last - a.first + place) if self.every.length else a.starts
            due = min(max(due, a.starts), b.starts)
            yield _Point(b.number, n, n, b.year if self.yearly else due.year, due, due)

    def coming(self) -> Iterator[_Point]:
        """Behind the last one, for ever."""
        if not self.points:
            start = self.rule.starts_on
            if start is not None and self.every.length:
                yield _Point(None, 0, 0, start.year, start, start)
            return
        last = max(self.points, key=lambda p: (p.starts, p.last))
        step = self.following(last)
        while step is not None and step.starts.year <= last.starts.year + MOST_YEARS:
            yield step
            step = self.following(step)


def _year_of(issue: Issue, number: Number, every: Frequency) -> int:
    """The year it is numbered in, 0 where nobody knows: a fourth of a quarterly, dated of 5 January, is last year's."""
    first = issue.first_day
    if number.year or first is None:
        return number.year or 0
    of_january = first.month == 1 == (issue.last_day or first).month
    too_high = number.first > 2 and (number.first - 1) * every.length * 0.4 > first.day
    return first.year - (of_january and too_high)


def _point(issue: Issue, number: Number | None, every: Frequency) -> _Point:
    starts = issue.first_day
    assert starts is not None
    year = _year_of(issue, number, every) if number else starts.year
    ends = issue.last_day or starts
    return _Point(number, number.first if number else 0, number.last if number else 0, year, starts, ends)


def foresee(issues: Sequence[Issue], rule: Rule, today: date, settled: Sequence[Issue] = ()) -> Foreseen:
    """What is missing and what comes next. `settled`: issues that will never come, so that nobody waits for them."""
    series = _Series(issues, settled, rule)
    missing: dict[str, Expected] = {}
    for p in series.holes():
        if not series.is_covered(p):
            expected = series.expected(p)
            missing.setdefault(expected.key, expected)
    following, endless = None, False
    behind = 0
    for p in series.coming():
        if rule.ends_on is not None and p.starts > rule.ends_on:
            break
        if rule.starts_on is not None and p.starts < rule.starts_on:
            continue
        expected = series.expected(p)
        if series.is_covered(p) or expected.key in missing:
            continue
        if p.starts + timedelta(days=series.every.late_after) >= today:
            following = expected
            break
        if behind >= MOST_MISSING:
            endless = True
            break
        behind += 1
        missing[expected.key] = expected
    ordered = sorted(missing.values(), key=lambda e: e.due_on)
    return Foreseen(tuple(ordered), following, series.yearly, endless)


def first_from(issues: Sequence[Issue], rule: Rule, today: date) -> date:
    """The day the first issue is due from today on: whoever begins there waits for nothing older, and the rhythm (a
    weekly of Wednesdays) stays."""
    series = _Series(issues, (), rule)
    step = next(series.coming(), None)
    while step is not None and step.starts < today:
        step = series.following(step)
    return step.starts if step is not None else today


def measured(days: Sequence[date]) -> str:
    """The frequency that the dates of the last issues suggest, "" when they do not agree on one."""
    last = sorted(set(days))[-13:]
    gaps = sorted((b - a).days for a, b in pairwise(last))
    if len(gaps) < 3:
        return ""
    middle = gaps[len(gaps) // 2]
    code = min((c for c, f in FREQUENCIES.items() if f.length), key=lambda c: abs(FREQUENCIES[c].length - middle))
    near = FREQUENCIES[code].length
    agree = sum(abs(gap - near) <= max(1, near * 0.35) for gap in gaps)
    return code if agree * 3 >= len(gaps) * 2 else ""
