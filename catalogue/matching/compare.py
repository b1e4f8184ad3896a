"""Two notices, one document or not, and why: named findings, each with its points and its sentence. Pure.

A finding may set a limit, which no number of points lifts: two volumes of a set share all the rest. The table is
`features.toml`; the findings are made here, in the order in which a documentalist would look. Every comparison is
symmetrical, so are the values told: compare(a, b) == compare(b, a).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.i18n import current_language
from catalogue.matching.described import Described
from catalogue.matching.said import NAMED, said
from catalogue.matching.titles import alike, few_slips, same_words
from catalogue.matching.words import COMPANIONS, same_body, same_person, significant

SAME, DOUBT, DIFFERENT = "same", "doubt", "different"
_RANK = {"": 2, DOUBT: 1, DIFFERENT: 0}
FEW_PAGES = 10  # below, many documents have as many
MANY_PAGES = 50

Found = tuple[str, tuple[str, ...]]  # "year.different", ("2018", "2019")


@dataclass(frozen=True, slots=True)
class Feature:
    """One block of features.toml."""

    code: str
    points: int
    fr: str
    en: str
    limit: str = ""
    identified: str | None = None

    def limit_where(self, identified: bool) -> str:
        return self.limit if self.identified is None or not identified else self.identified


def _load() -> tuple[Mapping[str, Feature], int, int]:
    table = tomllib.loads((Path(__file__).parent / "features.toml").read_text("utf-8"))
    outcome = table.pop("outcome")
    features = {
        f"{name}.{finding}": Feature(code=f"{name}.{finding}", **row)
        for name, findings in table.items()
        for finding, row in findings.items()
    }
    return features, outcome["same"], outcome["doubt"]


FEATURES, SAME_FROM, DOUBT_FROM = _load()


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    points: int
    values: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """« années différentes (2018, 2019) », in the current language."""
        return self.told({})

    def told(self, names: Mapping[str, str]) -> str:
        """The same with names as they are `written` in the notices."""
        feature = FEATURES[self.code]
        words = feature.en if current_language() == "en" else feature.fr
        between = " ; " if self.code.startswith(NAMED) else ", "  # « Lagouarde, Simon ; Le Goff, Anne »
        values = between.join(said(self.code, value, names) for value in self.values)
        return words.format(values=values).replace(" ()", "")


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    score: int
    reasons: tuple[Reason, ...]

    def as_data(self) -> dict[str, Any]:
        """For a judgement or a proposal, as JSON."""
        reasons = [{"code": r.code, "points": r.points, "values": list(r.values)} for r in self.reasons]
        return {"outcome": self.outcome, "score": self.score, "reasons": reasons}


def reasons_of(data: Mapping[str, Any]) -> tuple[Reason, ...]:
    """The reasons that `as_data` kept; one that the table has lost since is left out."""
    kept = (r for r in data["reasons"] if r["code"] in FEATURES)
    return tuple(Reason(r["code"], r["points"], tuple(r["values"])) for r in kept)


def pair(left: str, right: str) -> tuple[str, str]:
    """The one name of two ends, whichever comes first: ("notice:12", "record:34")."""
    return (left, right) if left <= right else (right, left)


def compare(a: Described, b: Described) -> Verdict:
    """One document, two, or a person decides; the reasons that weigh most first."""
    identified = _identified(a, b)
    score, limit = 0, ""
    reasons: list[Reason] = []
    for look in LOOKS:
        for code, values in look(a, b):
            feature = FEATURES[code]
            reasons.append(Reason(code, feature.points, values))
            score += feature.points
            own_limit = feature.limit_where(identified)
            if _RANK[own_limit] < _RANK[limit]:
                limit = own_limit
        if limit == DIFFERENT:
            break
    if limit == DIFFERENT or (score < DOUBT_FROM and not identified):
        outcome = DIFFERENT
    elif score < DOUBT_FROM:
        outcome = DOUBT  # one number, and little else in common: numbers are given twice, somebody looks
    else:
        outcome = SAME if score >= SAME_FROM and not limit else DOUBT
    reasons.sort(key=lambda r: (-abs(r.points), r.code))
    return Verdict(outcome, score, tuple(reasons))


def _identified(a: Described, b: Described) -> bool:
    """Whether they have a number in common that is given to one document only; the ISBN of a chapter is its book's."""
    if a.dois & b.dois or a.records & b.records or a.eans & b.eans:
        return True
    if a.isbns & b.isbns and "article" not in (a.level, b.level):
        return True
    return bool(a.issns & b.issns) and _may_be_serials(a, b)


def _may_be_serials(a: Described, b: Described) -> bool:
    """Two journals, one of which may not say so: articles, and volumes of a series, have the ISSN of theirs too."""
    if "serial" not in (a.level, b.level):
        return False
    return all(d.level == "serial" or (d.level == "monograph" and not d.sure) for d in (a, b))


# --- whole and part --------------------------------------------------------------------------


def _levels(a: Described, b: Described) -> Iterator[Found]:
    if a.medium and b.medium and a.medium != b.medium:
        yield "medium.different", _sorted(a.medium, b.medium)
    elif a.medium == b.medium != "text" and a.medium:
        yield "medium.same", (a.medium,)
    elif a.medium != b.medium and ({a.medium, b.medium} != {"", "text"} or (a.sure and b.sure)):
        yield "medium.one_side", (a.medium or b.medium,)
    levels = {a.level, b.level}
    if len(levels) > 1 and levels != {"monograph", "set"}:
        if a.sure and b.sure:
            yield "level.different", _sorted(*levels)
        elif levels == {"monograph", "article"} or _level_lost(a, b) or _level_lost(b, a):
            yield "level.unsaid", _sorted(*levels)
        else:
            yield "level.unsure", _sorted(*levels)
    elif a.level in ("serial", "issue"):
        yield "level.serials", ()
    if a.host != b.host and (_is_part(a, b) or _is_part(b, a)):
        yield "host.contains", ()


def _level_lost(poor: Described, serial: Described) -> bool:
    """A journal that its format made a book or an article: it still has no pages, and its first year."""
    bare = not (poor.sure or poor.pages or poor.first_page or poor.volume or poor.isbns)
    return bare and serial.level == "serial" and poor.level != "issue" and 0 < poor.year == serial.year


def _is_part(part: Described, whole: Described) -> bool:
    """An article and its journal, a chapter and its book: the title of one is the host of the other."""
    return part.level == "article" != whole.level and part.host != "" and part.host in (whole.title, whole.full_title)


def _volumes(a: Described, b: Described) -> Iterator[Found]:
    mine, theirs = a.volume, b.volume
    if mine and theirs:
        yield f"volume.{_numbered(mine, theirs)}", _sorted(mine, theirs)
        return
    if not mine and not theirs:
        return
    part, whole = (a, b) if mine else (b, a)
    if whole.volumes or whole.level == "set":
        yield "volume.of_set", (part.volume,)
    elif part.volume not in whole.all_numbers:
        one_thing = _identified(a, b) and a.pages == b.pages >= FEW_PAGES  # a set has the ISBN, not the pages
        yield ("volume.unsaid" if one_thing else "volume.one_side"), (part.volume,)


def _numbered(left: str, right: str) -> str:
    """« 17.2 » (volume 17, number 2) beside « 2 » or « 17 » may be one number, or a part of it: a person looks."""
    if left == right:
        return "same"
    shorter, longer = sorted((left.split("."), right.split(".")), key=len)
    size = len(shorter)
    partly = size < len(longer) and shorter in (longer[:size], longer[-size:])
    return "partly" if partly else "different"


# --- title -----------------------------------------------------------------------------------


def _titles(a: Described, b: Described) -> Iterator[Found]:
    if not a.title or not b.title:
        return
    if a.all_numbers != b.all_numbers:
        mine, theirs = a.all_numbers - b.all_numbers, b.all_numbers - a.all_numbers
        if mine and theirs:
            yield "numbers.different", _sorted(*mine, *theirs)
        elif only := (mine & a.said_numbers) | (theirs & b.said_numbers):
            yield "numbers.one_side", _sorted(*only)
    yield f"title.{alike(a, b)}", ()
    if bool(a.part) != bool(b.part):
        part, other = (a, b) if a.part else (b, a)
        one_volume = a.volume == b.volume != "" and _identified(a, b)
        if not one_volume and part.part not in f"{other.full_title} {other.set_title}":
            yield "part.one_side", (part.part,)
    if companions := (COMPANIONS & set(a.full_title.split())) ^ (COMPANIONS & set(b.full_title.split())):
        yield "title.companion", _sorted(*companions)


# --- numbers ---------------------------------------------------------------------------------


def _identifiers(a: Described, b: Described) -> Iterator[Found]:
    yield from _shared("isbn", a.isbns, b.isbns)
    yield from _shared("doi", a.dois, b.dois)
    yield from _shared("ean", a.eans, b.eans)
    if _may_be_serials(a, b):
        yield from _shared("issn", a.issns, b.issns)
    if common := a.records & b.records:
        yield "record.same", tuple(sorted(number for _scheme, number in common))
    elif schemes := {scheme for scheme, _n in a.records} & {scheme for scheme, _n in b.records}:
        said = {number for scheme, number in a.records | b.records if scheme in schemes}
        yield "record.different", tuple(sorted(said))[:4]
    if common_urls := a.urls & b.urls:
        yield "url.same", tuple(sorted(common_urls))[:1]


def _shared(name: str, mine: frozenset[str], theirs: frozenset[str]) -> Iterator[Found]:
    if not mine or not theirs:
        return
    if common := mine & theirs:
        yield f"{name}.same", tuple(sorted(common))[:2]
    else:
        yield f"{name}.different", tuple(sorted(mine | theirs))[:4]


# --- where and when --------------------------------------------------------------------------


def _hosts(a: Described, b: Described) -> Iterator[Found]:
    if a.level not in ("article", "issue") and b.level not in ("article", "issue"):
        return
    host = bool(a.host_issn and a.host_issn == b.host_issn) or (a.host != "" and same_words(a.host, b.host))
    if host:
        yield "host.same", ()
    elif a.host and b.host and not (same_body(a.host, b.host) or few_slips(a.host, b.host)):
        yield "host.different", _sorted(a.host[:60], b.host[:60])  # « La Gazette » may be « La Gazette des communes »
    if a.issue and b.issue:
        yield f"issue.{_numbered(a.issue, b.issue)}", _sorted(a.issue, b.issue)
    day = bool(a.date and b.date) and (a.date.startswith(b.date) or b.date.startswith(a.date))
    if a.date and b.date:
        yield ("date.same" if day else "date.different"), _sorted(a.date, b.date)
    if "article" in (a.level, b.level):
        where = a.first_page == b.first_page > 0 or bool(a.urls & b.urls)
        if not (host and (day or a.issue == b.issue != "") and where):
            # An editorial has one title, one author and one page in every number.
            yield "host.unplaced", ()


def _years(a: Described, b: Described) -> Iterator[Found]:
    if not a.year or not b.year:
        if a.year or b.year:
            yield ("year.unsaid" if _one_thing(a, b) else "year.one_side"), (str(a.year or b.year),)
        elif not _one_thing(a, b) and not _known_by_name(a, b):
            yield "year.none", ()
        return
    told = _sorted(str(a.year), str(b.year))
    serials, sure = a.level == b.level == "serial", a.sure and b.sure
    if serials and (a.year != b.year or bool(a.year_end) != bool(b.year_end) or not (a.year_end or sure)):
        # One library begins with the first number, another with the first that it has; a year alone may be one volume.
        yield "year.serial", told
    elif a.year == b.year:
        yield "year.same", told
    elif a.isbns & b.isbns:
        yield "year.reprint", told
    else:
        near = abs(a.year - b.year) == 1 or a.year == b.year_end or b.year == a.year_end
        yield ("year.near" if near else "year.different"), told


def _editions(a: Described, b: Described) -> Iterator[Found]:
    if a.edition == b.edition:
        return
    if a.edition and b.edition:
        mine, theirs = a.edition.removesuffix("rev"), b.edition.removesuffix("rev")
        if mine and theirs and mine != theirs:
            yield "edition.different", _sorted(a.edition, b.edition)
        return
    alike = a.year and a.year == b.year and _common_name(a.publishers, b.publishers)
    yield ("edition.unsaid" if alike else "edition.one_side"), (a.edition or b.edition,)


def _one_thing(a: Described, b: Described) -> bool:
    """By one author, and as thick; or at one place of one issue: it is known without its date."""
    if "article" in (a.level, b.level):
        return a.issue == b.issue != "" and a.first_page == b.first_page > 0
    return a.pages == b.pages >= MANY_PAGES and _same_author(a, b)


def _known_by_name(a: Described, b: Described) -> bool:
    """By one author, and under a title that says more than « Poèmes », or by one publisher."""
    works = a.level == b.level in ("monograph", "set") and _same_author(a, b)
    return works and (len(significant(a.title)) > 2 or bool(_common_name(a.publishers, b.publishers)))


def _same_author(a: Described, b: Described) -> bool:
    """A person; or the band that plays, the company that made the film: such bodies sign no yearly report."""
    if _common_name(a.people, b.people, same_person):
        return True
    return a.medium == b.medium not in ("", "text") and bool(_common_name(a.bodies, b.bodies))


# --- who -------------------------------------------------------------------------------------


def _people(a: Described, b: Described) -> Iterator[Found]:
    if a.people and b.people:
        if met := _common_name(a.people, b.people, same_person):
            yield "person.same", (met,)
        else:
            yield "person.different", _sorted(a.people[0], b.people[0])
    elif a.people or b.people:
        names, text = (a.people, b.statement) if a.people else (b.people, a.statement)
        words = set(text.split())
        if named := next((name for name in names if set(name.split()) <= words), ""):
            yield "person.said", (named,)


def _common_name(mine: tuple[str, ...], theirs: tuple[str, ...], same: Callable[[str, str], bool] = same_body) -> str:
    """The first name in the alphabet that both have, "" when there is none."""
    return min((min(x, y) for x in mine for y in theirs if same(x, y)), default="")


def _bodies(a: Described, b: Described) -> Iterator[Found]:
    if a.bodies or b.bodies:
        mine, theirs = a.bodies or a.publishers, b.bodies or b.publishers
        if met := _common_name(mine, theirs):
            yield "body.same", (met,)
        elif a.bodies and b.bodies and not (a.people and b.people):
            yield "body.different", _sorted(a.bodies[0], b.bodies[0])


def _publishers(a: Described, b: Described) -> Iterator[Found]:
    if a.publishers and b.publishers:
        if met := _common_name(a.publishers, b.publishers):
            yield "publisher.same", (met,)
        else:
            yield "publisher.different", _sorted(a.publishers[0], b.publishers[0])


# --- the thing itself ------------------------------------------------------------------------


def _pages(a: Described, b: Described) -> Iterator[Found]:
    if a.first_page and b.first_page:
        met = a.first_page == b.first_page and (
            not a.last_page or not b.last_page or abs(a.last_page - b.last_page) < 2
        )
        yield ("place.same" if met else "place.different"), _sorted(_place(a), _place(b))
    if a.pages and b.pages:
        apart, most = abs(a.pages - b.pages), max(a.pages, b.pages)
        told = _sorted(str(a.pages), str(b.pages))
        if not apart:
            yield ("pages.same" if most >= FEW_PAGES else "pages.few"), told
        elif apart <= max(4, most // 50):
            yield "pages.near", told
        else:
            yield "pages.different", told


def _alone(a: Described, b: Described) -> Iterator[Found]:
    """A title, a body and a year are those of every monthly report: an author, or an extent, says that it is one."""
    works = a.level in ("monograph", "set") and b.level in ("monograph", "set")
    if works and not _same_author(a, b) and alike(a, b) != "long":
        apart = abs(a.pages - b.pages)
        if not a.pages or not b.pages or apart > max(4, max(a.pages, b.pages) // 50):
            yield "title.alone", ()


def _place(d: Described) -> str:
    return f"{d.first_page}-{d.last_page}" if d.last_page else str(d.first_page)


def _languages(a: Described, b: Described) -> Iterator[Found]:
    if a.language and b.language and "und" not in (a.language, b.language):
        mine, theirs = _ONE_CODE.get(a.language, a.language), _ONE_CODE.get(b.language, b.language)
        yield ("language.same" if mine == theirs else "language.different"), _sorted(mine, theirs)


_ONE_CODE = {"fra": "fre", "deu": "ger", "nld": "dut", "zho": "chi", "ces": "cze", "ron": "rum"}


def _sorted(*values: str) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


LOOKS: tuple[Callable[[Described, Described], Iterator[Found]], ...] = (
    *(_levels, _volumes, _titles, _editions, _hosts),
    *(_identifiers, _years, _people, _bodies, _publishers, _pages, _alone, _languages),
)
