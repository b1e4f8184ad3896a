"""The demonstration base: fictional notices, and the real titles of such a centre, as a PMB would export them.

What is true and what is not: records made from `real_titles.toml` say only what their source says, so they have
no abstract, no subject and no pages. Everything else is invented: people, publishers, journals, bodies, districts.
The publisher's note of each record, and the general note of each journal, say so.

The same seed gives the same records on every machine: only `Random.random()` is drawn from, because Python
promises its sequence and that of no other method, and nothing is ever read out of a set.

    >>> [r.id for r in local_records()][:3] == [r.id for r in local_records()][:3]
    True
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from catalogue.pmb import fields_from_header
from catalogue.unimarc import Field, Fields

HERE = Path(__file__).parent
OPENED_ON = date(2009, 1, 12)  # before that day this centre had no catalogue
EXPORTED_ON = date(2026, 3, 31)
CENTRE = "Espace doc des Trois-Canaux"
FILES = "https://docs.travee.example"
PARTNERS = ("ORIV", "Labo Cités", "Profession Banlieue")

# PMB's `dt`: the letters that UNIMARC knows, and the two-letter codes that this site has added. What a reader of
# the base must be told, since nothing in a PMB says it: which kind of document each code of the site stands for.
KINDS_BY_TYPE = {
    "ap": "press_article",
    "ra": "report",
    "et": "study",
    "th": "thesis",
    "do": "dossier",
    "of": "legal",
    "au": "other",
    "l": "web_page",
    "g": "multimedia",
    "i": "multimedia",
    "m": "multimedia",
}
_TYPES = {kind: code for code, kind in KINDS_BY_TYPE.items()} | {"film": "g", "sound": "i", "kit": "m"}
_LEVELS = {"serial": ("s", "1"), "issue": ("s", "2"), "article": ("a", "2"), "press_article": ("a", "2")}

# What an abstract is made of: P the problem, H how it was made, C what is found (conclusion), A advice, E an ending.
_PATTERNS = {
    "book": ("HPC", "PHC", "PCH", "HCE", "PCE", "PHCE", "HPCA", "PCC", "HCC", "CHE"),
    "report": ("PHC", "HCA", "PHCA", "HCCA", "HCE", "PHCE", "HCC", "PHA"),
    "article": ("PC", "HC", "PH", "HPC", "CC", "HCC", "HCE", "PCE", "CA", "CH"),
    "thesis": ("PHC", "PHCE", "HC"),
    "film": ("PH", "PHE", "HE"),
    "sound": ("PH", "PHE", "HE"),
    "kit": ("PH", "HE", "PHE"),
    "dossier": ("PH", "PHE", "HE"),
    "web_page": ("PH", "HE"),
    "legal": ("PH", "HE"),
}
_SHARES = {  # of what the named records leave to fill; the rest are reports
    "local": {"articles": 0.42, "press": 0.27, "books": 0.21},
    "partner": {"articles": 0.42, "press": 0.15, "books": 0.27},
}
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_SUPPORTS = {"book": "Livre", "issue": "Périodique", "multimedia": "Support multimédia", "dossier": "Dossier"}
_SECTIONS = {
    "book": "Documentaires",
    "report": "Rapports et études",
    "study": "Rapports et études",
    "thesis": "Thèses et mémoires",
    "dossier": "Dossiers",
    "multimedia": "Multimédia",
    "issue": "Périodiques",
    "legal": "Textes officiels",
}
_STATUSES = (
    ("Consultation sur place", 0.60),
    ("Empruntable", 0.29),
    ("En prêt", 0.04),
    ("Manquant", 0.03),
    ("En réparation", 0.02),
    ("En traitement", 0.02),
)
T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class DemoRecord:
    id: int
    fields: Fields  # leader first; 995 and 996 of the copies among them
    datestamp: datetime
    deleted: bool = False
    dt: str = "a"  # as received: "" is PMB's `*`
    bl: str = "m"
    hl: str = "0"


def local_records(n: int = 620, seed: int = 2024) -> list[DemoRecord]:
    """The centre's own base, in the order of PMB's numbers."""
    return _written(_local_base(n, seed).drafts)


def near_duplicates(n: int = 620, seed: int = 2024) -> list[tuple[int, int, str]]:
    """The pairs of `local_records` that are one document described twice: numbers, and what differs."""
    return [(a.id, b.id, how) for a, b, how in _local_base(n, seed).twins]


def partner_records(n: int = 240, seed: int = 7) -> list[DemoRecord]:
    """The base that a network shares, and to which the centre belongs: about a quarter of it is the centre's own.

    Those records have the same numbers and the same content as in `local_records`, without our copies. Some
    others describe a book that we have too, under another number: only the ISBN says so. The rest is new to us,
    and a few are deleted.
    """
    ours = local_records()
    gone = [ours[-3].id, ours[-9].id, 40_011, 40_027, 40_052]
    shared = _shared(ours, n // 4, gone)
    base = _Workshop("partner", seed, first_record=40_101, first_bulletin=9_001, first_copy=50_001)
    base.describe_again(_local_base(620, 2024).drafts, [r.id for r in shared], n * 5 // 48)
    base.fill(n - len(shared) - len(base.drafts) - len(gone))
    base.number()
    base.lend_to_partners()
    held = base.partner_copies(shared)
    deleted = [_deleted(number, datetime(2026, 2, 2 + k, 8, 30, tzinfo=UTC)) for k, number in enumerate(gone)]
    return sorted([*held, *_written(base.drafts), *deleted], key=lambda r: r.id)


# --- chance, reproducible ----------------------------------------------------------------------


class _Dice:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def share(self) -> float:
        """From 0 to 1, 1 not included. All that follows comes down to it."""
        return self._random()

    def chance(self, share: float) -> bool:
        return self._random() < share

    def number(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        total = 0.0
        for _choice, weight in choices:
            total += weight  # not sum(): Python 3.12 adds floats up in another way than 3.11
        left = self._random() * total
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def shuffled(self, choices: Sequence[T]) -> list[T]:
        return [choice for _rank, _n, choice in sorted((self._random(), n, c) for n, c in enumerate(choices))]

    def some(self, choices: Sequence[T], low: int, high: int) -> list[T]:
        return self.shuffled(choices)[: self.number(low, high)]


class _Deck:
    """Cards dealt one by one and shuffled again when none is left, so that no sentence comes back too soon."""

    def __init__(self, dice: _Dice, cards: Sequence[str]) -> None:
        self._dice, self._cards = dice, cards
        self._left: list[str] = []

    def deal(self) -> str:
        if not self._left:
            self._left = self._dice.shuffled(self._cards)
        return self._left.pop()


# --- the words -----------------------------------------------------------------------------------


@cache
def _words() -> Row:
    return tomllib.loads((HERE / "words.toml").read_text("utf-8"))


@cache
def _real_titles() -> list[Row]:
    titles: list[Row] = tomllib.loads((HERE / "real_titles.toml").read_text("utf-8"))["title"]
    return titles


@cache
def _terms() -> dict[str, tuple[int, str]]:
    """French label -> (PMB's node number, English label), in the order of the thesaurus.

    A regular expression is enough for a file of our own, and keeps this module free of rdflib.
    """
    found = re.findall(r'skos:prefLabel "(.+?)"@fr , "(.+?)"@en', (HERE / "thesaurus.ttl").read_text("utf-8"))
    return {fr: (800 + n, en) for n, (fr, en) in enumerate(found[1:])}  # the first is the scheme's own name


@cache
def _numbers(table: str) -> dict[str, int]:
    """Name -> number of the authority. One list for both bases: the partner's base is ours and others' together."""
    words, real = _words(), _real_titles()
    if table == "people":
        names = [
            *words["people"]["local"],
            *words["people"]["partner"],
            *(p for t in real for p in t.get("people", [])),
        ]
    elif table == "bodies":
        names = [CENTRE, *(b["name"] for b in words["body"]), *(b for t in real for b in t.get("bodies", []))]
    elif table == "publishers":
        names = [p["name"] for p in words["publisher"]] + [s["publisher"] for s in words["serial"]]
        names += [b["name"] for b in words["body"]] + [t["publisher"] for t in real if "publisher" in t]
    elif table == "series":
        names = [s for p in words["publisher"] for s in p["series"]]
    else:
        names = [t["dewey"] for t in words["topic"]]
    return {name: 20 + n for n, name in enumerate(dict.fromkeys(names))}


def _of_base(table: str, base: str) -> list[Row]:
    return [row for row in _words()[table] if row.get("base", "local") == base]


@cache
def _by_code(table: str) -> dict[str, Row]:
    return {row["code"]: row for row in _words()[table]}


def _city_of(name: str) -> str:
    known: list[Row] = [*_words()["publisher"], *_words()["body"]]
    return next((row["city"] for row in known if row["name"] == name), "")


def _initial_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(text: str) -> str:
    """Without accents, as a keyboard in a hurry types it."""
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("’", "'")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _letters(text: str) -> str:
    """The three letters of a call number: « Les mots de la ville » gives MOT."""
    words = [
        w for w in re.findall(r"[A-Z]+", _plain(text).upper()) if w not in ("LE", "LA", "LES", "L", "UN", "UNE", "D")
    ]
    return (words[0] if words else "XXX")[:3]


# --- check digits --------------------------------------------------------------------------------


def _isbn10(publisher: str, title: int) -> str:
    digits = f"2{publisher}{title:02d}"
    check = -sum((10 - n) * int(d) for n, d in enumerate(digits)) % 11
    return f"2-{publisher}-{title:02d}-{'X' if check == 10 else check}"


def _isbn13(publisher: str, title: int) -> str:
    digits = f"9782{publisher}{title:02d}"
    check = -sum((3 if n % 2 else 1) * int(d) for n, d in enumerate(digits)) % 10
    return f"978-2-{publisher}-{title:02d}-{check}"


def _issn(number: int) -> str:
    """In a block that is far from being given out."""
    digits = f"999{number:04d}"
    check = -sum((8 - n) * int(d) for n, d in enumerate(digits)) % 11
    return f"{digits[:4]}-{digits[4:]}{'X' if check == 10 else check}"


# --- what is being described -------------------------------------------------------------------


@dataclass
class _Copy:
    call_number: str
    section: str
    support: str
    location: str
    status: str
    deposited_on: date
    number: int = 0
    barcode: str = ""
    owner: str = CENTRE
    inventory: str = ""
    message: str = ""


@dataclass
class _Issue:
    serial: _Draft
    number: int
    out_on: date
    shown: str
    title: str = ""
    copies: list[_Copy] = field(default_factory=list)
    id: int = 0
    has_record: bool = False


@dataclass
class _Draft:
    """A document, before its record has a number. `title` holds its complement behind " // "."""

    kind: str
    title: str
    made_on: date
    dt: str = ""
    topic: Row = field(default_factory=dict)
    published: date | None = None
    year_text: str = ""
    language: str = "fre"
    people: list[tuple[str, str]] = field(default_factory=list)  # name, role
    bodies: list[tuple[str, str]] = field(default_factory=list)
    publisher: str = ""
    series: tuple[str, str] | None = None
    isbn: str = ""
    isbn_parts: tuple[str, int] | None = None
    issn: str = ""
    doi: str = ""
    url: str = ""
    url_format: str = "application/pdf"
    edition: str = ""
    extent: str = ""
    illustrations: str = ""
    size: str = ""
    abstract: str = ""
    contents: str = ""
    note: str = ""
    rights: str = "Aucun droit spécifique"
    subjects: list[str] = field(default_factory=list)
    capitals: bool = False  # subjects typed in capitals, as some centres do
    bilingual: bool = False
    keywords: list[str] = field(default_factory=list)
    files: list[tuple[str, str, int]] = field(default_factory=list)
    custom: list[tuple[str, str, str, str]] = field(default_factory=list)
    holdings: str = ""
    set_of: tuple[str, str] | None = None
    copies: list[_Copy] = field(default_factory=list)
    issue: _Issue | None = None
    serial: _Draft | None = None  # of an issue's own record
    real: bool = False
    id: int = 0
    carries_issue: bool = False  # the first article of its issue takes the issue's copies along
    changed_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


# --- making them ---------------------------------------------------------------------------------


class _Workshop:
    """One base in the making. Everything it draws comes from one seed, in one order."""

    def __init__(self, base: str, seed: int, *, first_record: int, first_bulletin: int, first_copy: int) -> None:
        self.base, self.dice = base, _Dice(seed)
        self.first_record, self.first_bulletin, self.first_copy = first_record, first_bulletin, first_copy
        self.topics = _of_base("topic", base)
        self.places = _of_base("place", base)
        self.drafts: list[_Draft] = []
        self.twins: list[tuple[_Draft, _Draft, str]] = []
        self.issues: list[_Issue] = []
        self.titles_used: dict[str, None] = {}
        self.texts_used: dict[str, None] = {}
        self._decks: dict[str, _Deck] = {}
        self._counters: dict[str, int] = {}
        self._queues: dict[str, list[tuple[Row, str, str]]] = {}
        people = _words()["people"]
        self._people = _Deck(
            self.dice, people["local"] if base == "local" else people["partner"] + people["local"][::5]
        )

    # the base as a whole

    def fill(self, wanted: int) -> None:
        """Draw `wanted` records: the named ones first, then books, reports, articles and press by their shares."""
        have = len(self.drafts)
        self._serials()
        self._named()
        if self.base == "local":
            self._oddities()
            self._real()
        self._dossiers(10 if self.base == "local" else 4)
        pairs = 14 if self.base == "local" else 0
        issue_records = 4 if self.base == "local" else 0
        rest = wanted - (len(self.drafts) - have) - pairs - issue_records
        if rest < 1:
            raise ValueError(f"{wanted} records are too few: the named ones alone are more")
        counts = {shelf: round(rest * share) for shelf, share in _SHARES[self.base].items()}
        for _ in range(counts["books"]):
            self._book()
        for _ in range(rest - sum(counts.values())):
            self._report()
        self._articles(counts["articles"])
        for _ in range(counts["press"]):
            self._press_article()
        self._issue_records(issue_records)
        self._describe_twice(pairs)

    def number(self) -> None:
        """Give the numbers that PMB would have given: in the order of cataloguing, with gaps."""
        self.drafts.sort(key=lambda d: d.made_on)  # stable: the order of making decides within a day
        at = self.first_record
        for draft in self.drafts:
            draft.id = at
            at += self.dice.weighted(((1, 0.8), (2, 0.15), (4, 0.05)))
            draft.changed_at = self._changed(draft.made_on)
        self.issues.sort(key=lambda i: (i.out_on, i.serial.id))
        for n, issue in enumerate(self.issues):
            issue.id = self.first_bulletin + n
        carried: dict[int, None] = {}
        for draft in self.drafts:
            if draft.issue and draft.kind != "issue" and not draft.issue.has_record and draft.issue.id not in carried:
                carried[draft.issue.id] = None
                draft.carries_issue = True
        for n, copy in enumerate(self._all_copies()):
            copy.number = self.first_copy + n
            copy.barcode = copy.barcode or f"ED{copy.number:06d}"

    def _all_copies(self) -> list[_Copy]:
        found: list[_Copy] = []
        for draft in self.drafts:
            found += draft.copies
            if draft.issue and (draft.carries_issue or draft.kind == "issue"):
                found += draft.issue.copies
        return found

    def _changed(self, made_on: date) -> datetime:
        """Two records in three were never touched again."""
        later = self.dice.number(0, min(1800, (EXPORTED_ON - made_on).days)) if self.dice.chance(0.35) else 0
        day = made_on + timedelta(days=later)
        hour, minute, second = self.dice.number(8, 17), self.dice.number(0, 59), self.dice.number(0, 59)
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)

    # words

    def _take(self, shelf: str) -> tuple[Row, str, str]:
        """The next title of a shelf: its topic, its text and, for the press, its opening sentence.

        A title with a place goes back to the end of the queue: it can serve again, elsewhere.
        """
        if shelf not in self._queues:
            rows = [(t, e, "") if isinstance(e, str) else (t, e[0], e[1]) for t in self.topics for e in t[shelf]]
            order = self.dice.shuffled(range(len(rows)))
            self._queues[shelf] = [rows[n] for n in order]
        queue = self._queues[shelf]
        if not queue:
            raise ValueError(f"the vocabulary holds no more titles for {shelf!r} of the {self.base} base")
        topic, title, line = queue.pop(0)
        if re.search(r"\{(q_|ville|de_ville)", title):
            queue.append((topic, title, line))
        return topic, title, line

    def _worded(self, title: str, year: int) -> tuple[str, Row]:
        """The title at a place where it has not been used yet, and that place."""
        places = self.dice.shuffled(range(len(self.places)))
        for n in places:
            text = self._fill(title, self.places[n], year)
            if text not in self.titles_used:
                self.titles_used[text] = None
                return text, self.places[n]
        raise ValueError(f"no place left for the title {title!r}")

    def _fill(self, text: str, place: Row, year: int) -> str:
        slots = _words()["slots"]
        drawn = {name: self.dice.pick(slots[name]) for name in sorted(slots) if "{" + name + "}" in text}
        years = {"an": year, "an1": year - 1, "an3": year - 3}
        for words, (since, older) in _words()["before"].items():
            text = text.replace(words, older) if year < since else text
        return _initial_up(text.format_map({**place, **years, **drawn}))

    def _deal(self, name: str, cards: Callable[[], list[str]]) -> str:
        if name not in self._decks:
            self._decks[name] = _Deck(self.dice, cards())
        return self._decks[name].deal()

    def _abstract(self, frame: str, topic: Row, place: Row, year: int, pattern: str = "") -> str:
        words, code = _words(), topic["code"]
        found = lambda: topic["finding"] + words["aside"].get(code, [])  # noqa: E731
        decks: dict[str, tuple[str, Callable[[], list[str]]]] = {
            "P": (f"P {code}", lambda: topic["problem"]),
            "C": (f"C {code}", found),
            "A": (f"A {code}", lambda: topic["advice"]),
            "H": (f"H {frame}", lambda: words["frames"][frame]["how"]),
            "E": (f"E {frame}", lambda: words["frames"][frame]["end"]),
        }
        while True:
            letters = pattern or self.dice.pick(_PATTERNS[frame])
            text = " ".join(self._fill(self._deal(*decks[letter]), place, year) for letter in letters)
            if text not in self.texts_used:
                self.texts_used[text] = None
                return text

    def _year(self, topic: Row, title: str, last: int = 2025) -> int:
        """More often recent than old, never older than the topic or a word of the title."""
        newer = [year for words, year in _words()["newer_than"].items() if words in title]
        since = max([topic["since"], *newer])
        if self.base == "partner":
            since = max(since, 2008)
        share = self.dice.share()
        return last - int((last - since + 1) * share * share) if since < last else since

    def _made_on(self, out_on: date, slowest: int = 400) -> date:
        """The day of cataloguing: some months after publication; what is older than the base came in at the start."""
        if out_on < OPENED_ON:
            return OPENED_ON + timedelta(days=self.dice.number(0, 1400))
        return min(
            out_on + timedelta(days=self.dice.number(8, slowest)), EXPORTED_ON - timedelta(days=self.dice.number(2, 20))
        )

    def _later(self, day: date, low: int, high: int) -> date:
        """Some days later, and never after the export."""
        left = max(0, (EXPORTED_ON - day).days - 3)
        return day + timedelta(days=self.dice.number(min(low, left), min(high, left)))

    def _made_in(self, year: int) -> date:
        return self._made_on(date(year, 1, 1) + timedelta(days=self.dice.number(20, 330)))

    def _next(self, counter: str) -> int:
        self._counters[counter] = self._counters.get(counter, 0) + 1
        return self._counters[counter]

    def _authors(self, *weights: float) -> list[tuple[str, str]]:
        """As many authors as the weights say: index 0 is none."""
        count = self.dice.weighted([(n, w) for n, w in enumerate(weights)])
        return [(self._people.deal(), "070") for _ in range(count)]

    def _body(self, topic: Row) -> str:
        known = [b["name"] for b in _of_base("body", self.base) if topic["short"] in b["themes"]]
        return self.dice.pick(known)

    def _themes(self, draft: _Draft, chance_of_keywords: float) -> None:
        topic = draft.topic
        draft.subjects = [topic["subjects"][0], *self.dice.some(topic["subjects"][1:], 1, 3)]
        draft.capitals = self.dice.chance(0.04)
        draft.bilingual = self.dice.chance(0.01 if self.base == "local" else 0.15)
        if self.dice.chance(chance_of_keywords):
            draft.keywords = self.dice.some(topic["keywords"], 1, 3)

    def _online(self, draft: _Draft, share: float, folder: str) -> None:
        """A full text of our own server, or of a site that has long since gone."""
        if not self.dice.chance(share):
            return
        year = draft.published.year if draft.published else 2010
        name = re.sub(r"[^a-z0-9]+", "-", _plain(draft.title.split(" // ")[0]).lower()).strip("-")[:48].strip("-")
        if year < 2016 and self.dice.chance(0.35):
            host = self.dice.pick(
                ("www.ville-et-quartiers.example", "archives.reseau-quartiers.example", "perso.fai.example")
            )
            draft.url, draft.url_format = f"http://{host}/spip.php?article{self.dice.number(40, 2900)}", ""
        else:
            draft.url = f"{FILES}/{folder}/{year}/{name}.pdf"

    def _copy(self, draft: _Draft, call_number: str, *, old: bool = False) -> _Copy:
        kind = draft.kind
        places = (("Espace doc", 0.4 if old else 0.87), ("Réserve", 0.57 if old else 0.1), ("Bureau", 0.03))
        copy = _Copy(
            call_number=call_number,
            section=_SECTIONS.get(kind, "Documentaires"),
            support=_SUPPORTS.get(kind, "Imprimé"),
            location=self.dice.weighted(places),
            status=self.dice.weighted(_STATUSES),
            deposited_on=draft.made_on,
        )
        if self.dice.chance(0.15):
            copy.inventory = f"{draft.made_on.year}/{self._next(f'inventory {draft.made_on.year}'):04d}"
        if self.dice.chance(0.03):
            copy.message = self.dice.pick(
                ("Don d'une association", "Reliure fragile", "Sans la jaquette", "Annexe manquante")
            )
        return copy

    def _report_number(self, year: int) -> str:
        return f"R {year}-{self._next(f'report {year}'):02d}"

    # one kind after the other

    def _serials(self) -> None:
        serials = _of_base("serial", self.base)
        for row in serials:
            number = [s["code"] for s in _words()["serial"]].index(row["code"])
            topics = [t for t in self.topics if row["code"] in t["serials"]]
            out_on = date(row["since"], 1, 1)
            draft = _Draft(
                kind="serial",
                title=row["title"],
                made_on=OPENED_ON,
                published=out_on,
                year_text=f"{row['since']}-",
                publisher=row["publisher"],
                issn=_issn(7 * number + 120),
                note=f"Titre fictif, créé pour la base de démonstration. {_rhythm(row)}.",
                subjects=list(dict.fromkeys(t["subjects"][0] for t in topics))[:3],
                holdings=f"{row['since'] + 8}-…" if self.base == "local" else "",
            )
            draft.custom.append(("PER " + row["code"], "Abréviation de rangement", "cp_abrege", "text"))
            self.drafts.append(draft)

    def _serial(self, code: str) -> _Draft:
        return next(d for d in self.drafts if d.kind == "serial" and d.title == _by_code("serial")[code]["title"])

    def _named(self) -> None:
        """Theses, films, sites: each with a title written for it."""
        for row in _of_base("other", self.base):
            topic = _by_code("topic")[row["topic"]]
            year = self._year(topic, row["title"])
            title, place = self._worded(row["title"], year)
            frame: str = row.get("frame") or row["kind"]
            draft = _Draft(
                kind=row["kind"],
                title=title,
                dt=_TYPES.get(frame, ""),
                topic=topic,
                made_on=self._made_in(year),
                published=date(year, 1, 1),
                year_text=str(year),
                language=row.get("language", "fre"),
                extent=row.get("extent", ""),
            )
            draft.abstract = self._abstract(frame, topic, place, year)
            self._sign(draft, frame)
            self._themes(draft, 0.4)
            self._shelve(draft)
            self.drafts.append(draft)

    def _sign(self, draft: _Draft, frame: str) -> None:
        topic = draft.topic
        if frame == "thesis":
            draft.people = [(self._people.deal(), "070"), (self._people.deal(), "727")]
            draft.bodies = [("Université des Hauts-Pays", "295")] if self.base == "local" else []
            draft.extent = f"{self.dice.number(290, 560)} p."
            draft.note = (
                f"Thèse de doctorat : {self.dice.pick(('sociologie', 'géographie', 'science politique', 'urbanisme'))}"
            )
            self._online(draft, 0.5, "theses")
            draft.doi = f"10.5555/th.{draft.year_text}.{self.dice.number(100, 999)}" if self.dice.chance(0.4) else ""
        elif frame in ("film", "sound", "kit"):
            role = "070" if frame == "kit" else "300"
            draft.people = [(name, role) for name, _role in self._authors(0, 0.8, 0.2)]
            draft.bodies = [(self._body(topic), "070")] if frame == "kit" else []
        elif frame == "web_page":
            draft.bodies = [(self._body(topic), "070")]
            name = re.sub(r"[^a-z]+", "-", _plain(draft.title.split(" // ")[0]).lower()).strip("-")[:40].strip("-")
            draft.url, draft.url_format = f"https://ressources.travee.example/{name}", "text/html"
        elif frame == "legal":
            draft.bodies = [("Communauté d'agglomération des Trois-Canaux", "070")]
            draft.extent = f"{self.dice.number(4, 60)} p."
            self._online(draft, 0.9, "textes")
        elif draft.kind == "book":
            self._publish(draft)
            draft.people = self._authors(0, 0.7, 0.3)
        else:
            draft.bodies = [(self._body(topic), "070")]
            draft.publisher, draft.extent = draft.bodies[0][0], f"{self.dice.number(36, 140)} p."
            self._online(draft, 0.8, "rapports")

    def _shelve(self, draft: _Draft) -> None:
        """Copies with the call numbers of a centre that files by kind, then by subject or by year."""
        topic, year = draft.topic, draft.published.year if draft.published else draft.made_on.year
        name = draft.people[0][0] if draft.people else draft.title
        old = year < 2006
        if draft.kind == "book":
            count = self.dice.weighted(((1, 0.68), (2, 0.26), (3, 0.06)))
            draft.copies = [self._copy(draft, f"{topic['dewey']} {_letters(name)}", old=old) for _ in range(count)]
        elif draft.kind in ("report", "study") and self.dice.chance(0.85):
            call_number = self._report_number(year)
            draft.copies = [self._copy(draft, call_number, old=old) for _ in range(2 if self.dice.chance(0.15) else 1)]
        elif draft.kind == "thesis" and self.dice.chance(0.7):
            draft.copies = [self._copy(draft, f"TH {topic['dewey']} {_letters(name)}")]
        elif draft.kind == "multimedia" and not draft.extent.startswith(("1 webdoc", "12 fichiers")):
            draft.copies = [self._copy(draft, f"{'DVD' if 'DVD' in draft.extent else 'MM'} {self._next('film')}")]
        elif draft.kind == "dossier":
            draft.copies = [self._copy(draft, f"DOS {topic['short']} {self._next('dossier ' + topic['short'])}")]
        elif draft.kind == "legal" and self.dice.chance(0.4):
            draft.copies = [self._copy(draft, f"TXT {year}-{self._next(f'legal {year}')}")]
        elif draft.kind == "other":
            draft.copies = [self._copy(draft, f"MM {self._next('film')}")]

    def _dossiers(self, count: int) -> None:
        for topic in self.dice.shuffled(range(len(self.topics)))[:count]:
            row = self.topics[topic]
            year = self._year({**row, "since": max(row["since"], 2015)}, "")
            title, place = self._worded(f"{row['name']} // dossier documentaire", year)
            draft = _Draft(
                kind="dossier",
                title=title,
                topic=row,
                made_on=self._made_in(year),
                published=date(year, 1, 1),
                year_text=str(year),
                bodies=[(CENTRE if self.base == "local" else self._body(row), "070")],
                extent=f"{self.dice.number(12, 48)} p.",
            )
            draft.abstract = self._abstract("dossier", row, place, year)
            self._themes(draft, 0.5)
            self._online(draft, 0.6, "dossiers")
            self._shelve(draft)
            self.drafts.append(draft)

    def _publish(self, draft: _Draft) -> None:
        publisher = self.dice.pick(_of_base("publisher", self.base))
        year = draft.published.year if draft.published else 2010
        draft.publisher = publisher["name"]
        if self.dice.chance(0.93):
            draft.isbn_parts = (publisher["isbn"], self._next("isbn " + publisher["isbn"]))
            draft.isbn = (_isbn10 if year < 2007 else _isbn13)(*draft.isbn_parts)
        if publisher["series"] and self.dice.chance(0.6):
            series = self.dice.pick(publisher["series"])
            draft.series = (series, str(self._next("series " + series)) if self.dice.chance(0.5) else "")
        draft.extent = f"{self.dice.number(96, 384)} p."
        draft.illustrations = self.dice.pick(("", "", "ill.", "couv. ill. en coul.", "ill., cartes"))
        draft.size = self.dice.pick(("18 cm", "21 cm", "21 cm", "22 cm", "24 cm"))
        draft.edition = self.dice.weighted((("", 0.93), ("2e éd. revue et augmentée", 0.05), ("Nouvelle éd.", 0.02)))
        if self.dice.chance(0.03):
            draft.set_of = ("La ville en récits", str(self._next("set")))

    def _book(self) -> None:
        topic, template, _line = self._take("books")
        year = self._year(topic, template)
        title, place = self._worded(template, year)
        draft = _Draft("book", title, self._made_in(year), "", topic, date(year, 1, 1), str(year))
        self._publish(draft)
        draft.people = self._authors(0, 0.66, 0.26, 0.08)
        if self.dice.chance(0.14):
            draft.people = [(name, "340") for name, _role in draft.people]
        elif self.dice.chance(0.1):
            draft.people.append((self._people.deal(), "080"))
        if year < 2008 and self.dice.chance(0.2):
            draft.year_text = self.dice.pick((f"DL {year}", f"impr. {year}", f"cop. {year}"))
        if self.dice.chance(0.92):
            draft.abstract = self._abstract("book", topic, place, year)
        if self.dice.chance(0.08):
            draft.contents = _table_of_contents(topic)
        self._themes(draft, 0.35)
        self._shelve(draft)
        self.drafts.append(draft)

    def _report(self) -> None:
        topic, template, _line = self._take("reports")
        year = self._year(topic, template)
        title, place = self._worded(template, year)
        kind = (
            "study"
            if re.search(r"étude|enquête|diagnostic|évaluation|suivi|testing|atlas", template, re.I)
            else "report"
        )
        draft = _Draft(kind, title, self._made_in(year), "", topic, date(year, 1, 1), str(year))
        body = self._body(topic)
        draft.bodies = [(body, "070")]
        draft.publisher = body
        if self.dice.chance(0.45):
            draft.people = [(name, "070") for name, _role in self._authors(0, 0.6, 0.4)]
        if self.base == "local" and self.dice.chance(0.2) and not body.startswith("Communauté"):
            draft.bodies.append(("Communauté d'agglomération des Trois-Canaux", "723"))
        draft.extent = f"{self.dice.number(24, 180)} p."
        draft.illustrations = self.dice.pick(("", "ill., cartes", "cartes, graph.", "tabl."))
        draft.size = "30 cm"
        draft.abstract = self._abstract("report", topic, place, year) if self.dice.chance(0.94) else ""
        draft.rights = "Licence ouverte" if self.dice.chance(0.1) else draft.rights
        self._themes(draft, 0.5)
        self._online(draft, 0.75, "rapports")
        if draft.url.startswith(FILES) and self.dice.chance(0.25):
            draft.files = [
                ("Synthèse", draft.url.replace(".pdf", "-synthese.pdf"), self.dice.number(180_000, 2_400_000))
            ]
        self._shelve(draft)
        self.drafts.append(draft)

    def _articles(self, count: int) -> None:
        """Articles are dealt to the journals of their topics, then each journal's are parted into issues."""
        codes = [s["code"] for s in _of_base("serial", self.base) if not s.get("press")]
        piles: dict[str, list[tuple[Row, str]]] = {code: [] for code in codes}
        for _ in range(count):
            topic, template, _line = self._take("articles")
            possible = [code for code in topic["serials"] if code in piles]
            shortest = min(possible, key=lambda code: len(piles[code]))
            piles[shortest].append((topic, template))
        for code in codes:
            self._fill_issues(code, piles[code])

    def _fill_issues(self, code: str, pile: list[tuple[Row, str]]) -> None:
        per_issue = 3
        oldest = lambda e: max([e[0]["since"], *(y for w, y in _words()["newer_than"].items() if w in e[1])])  # noqa: E731
        pile = sorted(pile, key=oldest)
        chunks = [pile[n : n + per_issue] for n in range(0, len(pile), per_issue)]
        row, serial = _by_code("serial")[code], self._serial(code)
        first_year = 2011
        for n, chunk in enumerate(chunks):
            spread = first_year + (2026 - first_year) * n // max(1, len(chunks))
            year = max(spread, *(oldest(entry) for entry in chunk))
            issue = self._issue(row, serial, year, 1 + (n * 3 + len(chunk)) % row["per_year"])
            if self.dice.chance(0.5):
                issue.title = chunk[0][0]["name"]
            at = self.dice.number(4, 12)
            for topic, template in chunk:
                pages = self.dice.number(3, 12)
                self._article(issue, topic, template, at, at + pages)
                at += pages + self.dice.number(1, 9)

    def _issue(self, row: Row, serial: _Draft, year: int, rank: int) -> _Issue:
        """The issue of that rank in that year; the next free one when it is there already."""
        per_year = row["per_year"]
        known = {(i.serial.title, i.number): None for i in self.issues}
        number = row["first"] + (year - row["since"]) * per_year + rank - 1
        while (serial.title, number) in known:
            number += 1
        year, rank = row["since"] + (number - row["first"]) // per_year, (number - row["first"]) % per_year
        step = 12 // per_year
        out_on = date(year, 1 + rank * step, 1)
        issue = _Issue(serial, number, out_on, _shown(out_on, step))
        shelf = _Draft("issue", serial.title, self._made_on(out_on, 60))
        issue.copies = [self._copy(shelf, f"PER {row['code']} {number}")]
        self.issues.append(issue)
        return issue

    def _article(self, issue: _Issue, topic: Row, template: str, first: int, last: int) -> None:
        year = issue.out_on.year
        title, place = self._worded(template, year)
        draft = _Draft("article", title, self._made_on(issue.out_on, 120), "", topic, issue.out_on, str(year))
        draft.issue, draft.extent = issue, f"pp. {first}-{last}"
        draft.people = self._authors(0.06, 0.68, 0.22, 0.04)
        draft.abstract = self._abstract("article", topic, place, year) if self.dice.chance(0.9) else ""
        self._themes(draft, 0.3)
        self._online(draft, 0.3, "articles")
        if self.dice.chance(0.2):
            code = next(c for c, s in _by_code("serial").items() if s["title"] == issue.serial.title).lower()
            draft.doi = f"10.5555/{code}.{year}.{issue.number}.{first:04d}"
        self.drafts.append(draft)

    def _press_article(self) -> None:
        topic, template, line = self._take("press")
        last = 2026 if self.dice.chance(0.1) else 2025
        year = self._year({**topic, "since": max(topic["since"], 2013)}, template + line, last)
        title, place = self._worded(template, year)
        issue = self._paper_of_the_day(year)
        draft = _Draft("press_article", title, self._made_on(issue.out_on, 25), "ap", topic, issue.out_on, str(year))
        draft.issue = issue
        draft.extent = f"p. {self.dice.number(2, 16)}"
        draft.people = self._authors(0.4, 0.6)
        draft.abstract = self._fill(line, place, year)
        if self.dice.chance(0.4):
            draft.abstract += " " + self._fill(
                self._deal("E press", lambda: _words()["frames"]["press_article"]["end"]), place, year
            )
        self._themes(draft, 0.2)
        if self.dice.chance(0.15):
            draft.url, draft.url_format = (
                f"https://presse.travee.example/{year}/{self.dice.number(10_000, 99_999)}",
                "text/html",
            )
        if self.dice.chance(0.1):
            draft.custom.append(
                (f"{issue.out_on:%d/%m/%Y}", "Paru au panorama de presse le", "cp_panorama", "date_box")
            )
        self.drafts.append(draft)

    def _paper_of_the_day(self, year: int) -> _Issue:
        row = self.dice.pick([s for s in _of_base("serial", self.base) if s.get("press")])
        serial = self._serial(row["code"])
        last_day = date(2026, 3, 6) if year == 2026 else date(year, 12, 29)
        out_on = date(year, 1, 5) + timedelta(days=self.dice.number(0, (last_day - date(year, 1, 5)).days))
        out_on += timedelta(days=(3 - out_on.weekday()) % 7 if row["per_year"] < 60 else out_on.weekday() == 6)
        same = [i for i in self.issues if i.serial is serial and i.out_on == out_on]
        if same:
            return same[0]
        number = (out_on - date(row["since"], 1, 1)).days * row["per_year"] // 365
        issue = _Issue(serial, number, out_on, _day(out_on))
        if self.dice.chance(0.62):
            shelf = _Draft("issue", serial.title, self._made_on(out_on, 20))
            issue.copies = [self._copy(shelf, f"PER {row['code']} {out_on:%Y-%m-%d}", old=out_on.year < 2019)]
        self.issues.append(issue)
        return issue

    def _issue_records(self, count: int) -> None:
        """PMB keeps a record for an issue only where somebody asked for one: most issues have none."""
        titled = [i for i in self.issues if i.title]
        for issue in titled[3 :: max(1, len(titled) // max(1, count))][:count]:
            inside = [d for d in self.drafts if d.issue is issue]
            draft = _Draft("issue", issue.title, self._made_on(issue.out_on, 30), published=issue.out_on)
            draft.issue, draft.serial, issue.has_record = issue, issue.serial, True
            draft.year_text = str(issue.out_on.year)
            draft.contents = " -- ".join(d.title.replace(" // ", " : ") for d in inside)
            draft.subjects = list(dict.fromkeys(d.subjects[0] for d in inside))
            self.drafts.append(draft)

    def _oddities(self) -> None:
        """What every real base holds somewhere; `why` says what is wrong with each."""
        for row in _words()["odd"]:
            topic, year = _by_code("topic")[row["topic"]], row.get("year", 2011)
            title, place = self._worded(row["title"], year)
            draft = _Draft(row["kind"], title, self._made_in(year), topic=topic, published=date(year, 1, 1))
            draft.dt = row.get("dt", _TYPES.get(row["kind"], "a"))
            draft.year_text = row.get("year_text", str(year))
            if not draft.year_text:
                draft.published = None
            if draft.kind == "book":
                self._publish(draft)
                draft.people = self._authors(0, 0.7, 0.3)
            else:
                draft.bodies = [(self._body(topic), "070")]
                draft.extent = f"{self.dice.number(12, 120)} p."
            frame = "book" if draft.kind == "book" else "report"
            draft.abstract = row.get("abstract") or self._abstract(frame, topic, place, year, "PC")
            if row.get("decomposed"):
                draft.title, draft.abstract = (unicodedata.normalize("NFD", t) for t in (draft.title, draft.abstract))
            self._themes(draft, 1.0)
            self._shelve(draft)
            for copy in draft.copies:
                copy.support = row.get("support", copy.support)
            self.drafts.append(draft)

    def _real(self) -> None:
        """Real documents: what `real_titles.toml` knows of them, and a place on our shelves."""
        for row in _real_titles():
            year = row.get("year")
            out_on = date.fromisoformat(row["date"]) if "date" in row else date(year, 1, 1) if year else None
            draft = _Draft(row["kind"], row["title"], self._made_in(year or 2023), row.get("dt", ""), real=True)
            draft.published, draft.year_text = out_on, str(year or "")
            draft.bodies = [(name, "") for name in row.get("bodies", [])]
            draft.people = [(name, "") for name in row.get("people", [])]
            draft.publisher = row.get("publisher", "")
            if draft.kind == "serial":
                draft.made_on = OPENED_ON
            if "issue_of" in row:
                draft.serial = next(d for d in self.drafts if d.real and d.title == row["issue_of"])
                draft.issue = _Issue(draft.serial, 0, out_on or OPENED_ON, str(year), has_record=True)
                self.issues.append(draft.issue)
            elif draft.kind in ("report", "study") and self.dice.chance(0.7):
                draft.copies = [self._copy(draft, self._report_number(year or 2023))]
            elif draft.kind == "book":
                name = draft.people[0][0] if draft.people else draft.bodies[0][0]
                draft.copies = [self._copy(draft, f"USU {_letters(name)} {self._next('usual')}")]
            elif draft.kind == "dossier":
                draft.copies = [self._copy(draft, f"DOS RES {self._next('dossier RES')}")]
            self.titles_used[draft.title] = None
            self.drafts.append(draft)

    # the same document twice

    def _describe_twice(self, pairs: int) -> None:
        """Near-duplicates: what two people in a hurry make of one document, years apart."""
        books = [d for d in self.drafts if d.kind == "book" and not d.real and d.topic and " // " in d.title]
        reports = [d for d in self.drafts if d.kind in ("report", "study") and not d.real and " // " in d.title]
        accented = [d for d in reports if _plain(d.title) != d.title and d.title.upper() != d.title]
        recent = [d for d in books if d.isbn.startswith("978")]
        plan = [(recent[3 * n], "isbn") for n in range(4)]
        plan += [(d, "subtitle") for d in [d for d in books if d not in [p[0] for p in plan]][2:16:4]]
        plan += [(d, "year") for d in [d for d in books if d not in [p[0] for p in plan]][1:9:3]]
        plan += [(d, "accents") for d in accented[2:14:4]]
        for draft, how in plan[:pairs]:
            twin = self._again(draft, how)
            self.twins.append((draft, twin, how))
            self.drafts.append(twin)

    def _again(self, draft: _Draft, how: str) -> _Draft:
        """A poorer description of the same document; only `how` separates the two for a machine."""
        twin = replace(
            draft,
            made_on=self._later(draft.made_on, 200, 2400),
            abstract="",
            contents="",
            series=None,
            set_of=None,
            url="",
            doi="",
            files=[],
            keywords=[],
            copies=[],
            subjects=draft.subjects[:1],
            illustrations="",
            people=draft.people[:1],
        )
        proper = draft.title.split(" // ")[0]
        if how == "isbn":
            twin.title, twin.isbn = proper, _isbn10(*draft.isbn_parts) if draft.isbn_parts else draft.isbn
        elif how == "subtitle":
            twin.title, twin.isbn, twin.isbn_parts = proper, "", None
        elif how == "accents":
            twin.title = _plain(draft.title)
        elif how == "year" and draft.published:
            year = draft.published.year + 1
            twin.isbn, twin.isbn_parts = "", None
            twin.published, twin.year_text = date(year, 1, 1), str(year)
        if draft.copies:
            twin.copies = [self._copy(twin, draft.copies[0].call_number)]
        return twin

    def describe_again(self, ours: list[_Draft], shared: list[int], count: int) -> None:
        """Books that we have too, described by somebody else: only the ISBN is the same."""
        left = {d.id: None for d in ours if d.isbn_parts and d.kind == "book"}
        parts = [d.isbn_parts for d in ours]
        books = [d for d in ours if d.id in left and d.id not in shared and parts.count(d.isbn_parts) == 1]
        step = max(1, len(books) // max(1, count))
        for draft in books[::step][:count]:
            other = replace(draft, copies=[], id=0, contents="", illustrations="", files=[], keywords=[])
            other.made_on = self._later(draft.made_on, 0, 300)
            if draft.isbn_parts:
                other.isbn = (_isbn13 if self.dice.chance(0.5) else _isbn10)(*draft.isbn_parts)
                other.isbn = other.isbn.replace("-", "") if self.dice.chance(0.5) else other.isbn
            if self.dice.chance(0.4):
                other.title = draft.title.split(" // ")[0]
            year = int(draft.year_text[-4:]) if draft.year_text[-4:].isdigit() else 2010
            ways = (draft.abstract, "", self._abstract("book", draft.topic, self.dice.pick(self.places), year))
            other.abstract = self.dice.pick(ways)
            other.subjects = [draft.subjects[0], *self.dice.some(draft.topic["subjects"][1:], 0, 2)]
            other.keywords = self.dice.some(draft.topic["keywords"], 1, 2)
            self.drafts.append(other)

    # who else has it

    def lend_to_partners(self) -> None:
        """The copies of a partner's records belong to other centres: none of ours stands in that base."""
        for draft in self.drafts:
            issue = draft.issue if draft.carries_issue else None
            for copy in [*draft.copies, *(issue.copies if issue else [])]:
                self._give(copy)
            if not draft.copies and draft.isbn_parts and self.dice.chance(0.6):
                draft.copies = [self._copy(draft, f"{draft.topic['dewey']} {_letters(draft.title)}")]
                draft.copies[0].number = 70_000 + draft.id % 10_000
                self._give(draft.copies[0])

    def partner_copies(self, records: list[DemoRecord]) -> list[DemoRecord]:
        """Our own records as the shared base has them: our copies stayed at home, others' came in."""
        out = []
        for n, record in enumerate(records):
            fields = [f for f in record.fields if f["t"] not in ("995", "996", "999")]
            if record.bl == "m" and self.dice.chance(0.4):
                draft = _Draft("report", "", record.datestamp.date())
                copy = self._copy(
                    draft, self.dice.pick(("IMM", "DISC", "INT", "DOC")) + f" {self.dice.number(10, 900)}"
                )
                copy.number = 80_000 + n
                self._give(copy)
                at = next((k for k, f in enumerate(fields) if f["t"] in ("610", "606", "801") or "x" in f), len(fields))
                fields[at:at] = _copy_fields(copy)
            out.append(replace(record, fields=fields))
        return out

    def _give(self, copy: _Copy) -> None:
        copy.owner = self.dice.pick(PARTNERS)
        copy.location, copy.section = copy.owner, "Documentation"
        copy.status = "Consultation sur place" if self.dice.chance(0.7) else "Empruntable"
        copy.inventory = copy.message = ""
        prefix = {"ORIV": "ORIV", "Labo Cités": "LC", "Profession Banlieue": "PB"}[copy.owner]
        copy.barcode = f"{prefix}{copy.number:05d}"


@cache
def _local_base(n: int, seed: int) -> _Workshop:
    base = _Workshop("local", seed, first_record=101, first_bulletin=31, first_copy=1)
    base.fill(n)
    base.number()
    return base


def _shared(ours: list[DemoRecord], count: int, without: list[int]) -> list[DemoRecord]:
    """What the network's base has of ours: real titles and its own themes, and the journals that articles need."""
    codes = [t["code"] for t in _words()["topic"] if t["short"] in ("IMM", "DIS", "LAI", "EGA")]
    drafts = [d for d in _local_base(620, 2024).drafts if d.id not in without and d.kind != "press_article"]
    real = [d for d in drafts if d.real and re.search("discriminations|RECI|LCD", d.title + str(d.bodies))]
    themed = [d for d in drafts if d.topic and d.topic["code"] in codes]
    chosen: dict[int, None] = {}
    for draft in [*real, *themed[::2], *themed[1::2]]:
        hosts = [draft.issue.serial] if draft.issue else []
        added = [d.id for d in [*hosts, draft] if d.id not in chosen]
        if len(chosen) + len(added) <= count:
            chosen.update(dict.fromkeys(added))
    return [record for record in ours if record.id in chosen]


def _rhythm(row: Row) -> str:
    rhythms = {2: "Semestriel", 4: "Trimestriel", 6: "Bimestriel", 44: "Hebdomadaire", 50: "Hebdomadaire"}
    return rhythms.get(row["per_year"], "Quotidien")


def _shown(out_on: date, months: int) -> str:
    """The date as a journal prints it: « mars 2021 », « mai-juin 2021 », « 1er semestre 2021 »."""
    if months == 6:
        return f"{'1er' if out_on.month == 1 else '2e'} semestre {out_on.year}"
    last = _MONTHS[out_on.month + months - 2]
    return f"{_MONTHS[out_on.month - 1]}-{last} {out_on.year}"


def _day(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def _table_of_contents(topic: Row) -> str:
    parts = [s.lower() for s in topic["subjects"][:4]]
    return " -- ".join([f"{n}. {_initial_up(part)}" for n, part in enumerate(parts, 1)] + ["Conclusion"])


# --- writing PMB's fields ----------------------------------------------------------------------


def _written(drafts: list[_Draft]) -> list[DemoRecord]:
    return [_record(draft) for draft in sorted(drafts, key=lambda d: d.id)]


def _record(draft: _Draft) -> DemoRecord:
    bl, hl = _LEVELS.get(draft.kind, ("m", "0"))
    dt = draft.dt or ("" if draft.kind == "other" else _TYPES.get(draft.kind, "a"))
    header = {"rs": "n", "dt": dt, "bl": bl, "hl": hl, "el": "1", "ru": "i"}
    fields: Fields = fields_from_header(header)
    fields += _description(draft) + _names(draft) + _publication(draft) + _shelf_mark(draft)
    for copy in _copies(draft):
        fields += _copy_fields(copy)
    fields += _topics(draft) + _custom(draft) + _links(draft) + _ending(draft)
    return DemoRecord(draft.id, fields, draft.changed_at, dt=dt, bl=bl, hl=hl)


def _deleted(number: int, at: datetime) -> DemoRecord:
    header = {"rs": "n", "dt": "a", "bl": "m", "hl": "0", "el": "1", "ru": "i"}
    return DemoRecord(number, [*fields_from_header(header), {"t": "001", "v": str(number)}], at, deleted=True)


def _f(tag: str, indicators: str, *pairs: tuple[str, str], link: str = "") -> list[Field]:
    """One data field; PMB drops empty subfields, and a field without any."""
    kept = [[code, value] for code, value in pairs if value]
    if not kept:
        return []
    made: Field = {"t": tag, "i": indicators, "s": kept}
    if link:
        made["x"] = link
    return [made]


def _description(draft: _Draft) -> list[Field]:
    proper, _, complement = draft.title.partition(" // ")
    created = f"{draft.made_on:%Y%m%d}u        u  u0frey50      ba"
    fields: list[Field] = [{"t": "001", "v": str(draft.id)}]
    fields += _f("100", "  ", ("a", created))
    fields += _f("009", "  ", ("a", draft.published.isoformat() if draft.published else ""))
    if draft.kind == "issue" and draft.issue:
        number = str(draft.issue.number or "")
        own = draft.issue.title if not draft.real else ""
        fields += _f("200", "1 ", ("a", proper), ("h", number), ("i", own), ("9", f"id:{draft.issue.id}"))
        fields += _f("530", "  ", ("a", draft.serial.title.split(" // ")[0] if draft.serial else ""))
        fields += _dates(draft)
    else:
        fields += _f("200", "1 ", ("a", proper), ("e", complement))
    fields += _f("010", "  ", ("a", draft.isbn or draft.issn))
    fields += _f("014", "  ", ("a", draft.doi), ("b", "DOI" if draft.doi else ""))
    fields += _f("856", "  ", ("u", draft.url), ("q", draft.url_format if draft.url else ""))
    fields += _f("101", "0 ", ("a", draft.language))
    fields += _f("205", "  ", ("a", draft.edition))
    fields += _f("215", "  ", ("a", draft.extent), ("c", draft.illustrations), ("d", draft.size))
    fields += _f("300", "  ", ("a", draft.note))
    fields += _f("327", "  ", ("a", draft.contents))
    fields += _f("330", "  ", ("a", draft.abstract))
    fields += _f("319", "  ", ("a", draft.rights))
    return fields


def _names(draft: _Draft) -> list[Field]:
    """PMB's ranks: one main name (700 or 710), then others (701), then secondary ones (702, 712)."""
    fields: list[Field] = []
    main_taken = False
    for name, role in draft.people:
        family, _, given = name.partition(", ")
        secondary = role in ("080", "340", "727") or (draft.real and bool(draft.bodies))
        tag = "702" if secondary else "701" if main_taken else "700"
        main_taken = main_taken or tag == "700"
        number = f"id:{_numbers('people')[name]}"
        fields += _f(tag, " 1", ("a", family), ("b", given), ("4", role), ("9", number))
    for name, role in draft.bodies:
        secondary = role in ("295", "723")
        tag = "712" if secondary else "711" if main_taken else "710"
        main_taken = main_taken or tag == "710"
        number = f"id:{_numbers('bodies').get(name, 19)}"
        fields += _f(tag, "02", ("a", name), ("4", role), ("9", number))
    return fields


def _dates(draft: _Draft) -> list[Field]:
    """210 and its twin 214. A record without a date still says so: 0000-00-00."""
    day = draft.published.isoformat() if draft.published else "0000-00-00"
    pairs = (("d", draft.year_text), ("h", day))
    return [*_f("210", "  ", *pairs), *_f("214", "  ", *pairs)]


def _publication(draft: _Draft) -> list[Field]:
    if draft.kind == "issue":
        return []
    if draft.kind in ("article", "press_article"):
        return _dates(draft)
    city, name = _city_of(draft.publisher), draft.publisher
    day = draft.published.isoformat() if draft.published else "0000-00-00"
    number = f"id:{_numbers('publishers')[name]}" if name else ""
    fiction = "comment:Éditeur fictif de la base de démonstration" if name and not draft.real else ""
    pairs = (("a", city), ("c", name), ("d", draft.year_text), ("h", day), ("9", number), ("9", fiction))
    fields = [*_f("210", "  ", *pairs), *_f("214", "  ", *pairs)]
    if draft.series:
        title, volume = draft.series
        number = f"id:{_numbers('series')[title]}"
        fields += _f("225", "2 ", ("a", title), ("v", volume), ("9", number))
        fields += _f("410", " 0", ("t", title), ("v", volume), ("9", number))
    if draft.set_of:
        fields += _f("461", " 0", ("t", draft.set_of[0]), ("v", draft.set_of[1]))
    return fields


def _shelf_mark(draft: _Draft) -> list[Field]:
    fields: list[Field] = []
    if draft.topic and draft.kind not in ("press_article", "other"):
        dewey = draft.topic["dewey"]
        number = f"id:{_numbers('indexes')[dewey]}"
        fields += _f("676", "  ", ("a", dewey), ("l", draft.topic["dewey_label"]), ("9", number))
    thumbnail = f"https://pmb.travee.example/opac_css/thumbnail.php?type=1&id={draft.id}"
    return fields + _f("896", "  ", ("a", thumbnail))


def _copies(draft: _Draft) -> list[_Copy]:
    """An issue's copies are written in its own record, or else in the first of its articles (PMB's trap 3)."""
    if draft.issue and (draft.kind == "issue" or draft.carries_issue):
        return draft.issue.copies
    return draft.copies


def _copy_fields(copy: _Copy) -> list[Field]:
    day = f"{copy.deposited_on:%Y%m%d}"
    loanable = "1" if copy.status == "Empruntable" else ""
    owner = str(2 + PARTNERS.index(copy.owner) if copy.owner in PARTNERS else 1)
    raw = (
        ("expl_id", str(copy.number)),
        ("create_date", f"{copy.deposited_on} 09:00:00"),
        ("expl_cb", copy.barcode),
        ("expl_cote", copy.call_number),
        ("statut_libelle", copy.status),
        ("tdoc_libelle", copy.support),
        ("section_libelle", copy.section),
        ("lender_libelle", copy.owner),
        ("codestat_libelle", "Tous publics"),
        ("expl_date_depot", str(copy.deposited_on)),
        ("pret_flag", loanable or "0"),
        ("location_libelle", copy.location),
    )
    what = (("f", copy.barcode), ("k", copy.call_number), ("u", copy.message))
    fields = _f("995", "  ", ("a", copy.owner), ("c", copy.owner), *what, ("r", "uu"), ("q", "u"))
    fields += _f(
        "996",
        "  ",
        *what,
        *(("m", day), ("n", "00000000"), ("a", copy.owner), ("b", owner)),
        *(("v", copy.location), ("x", copy.section), ("e", copy.support), ("1", copy.status), ("3", loanable)),
        *(("9", f"{column}:{value}") for column, value in raw),
    )
    if copy.inventory:
        label = ("l", "Numéro d'inventaire")
        fields += _f(
            "999", "  ", ("a", copy.inventory), label, ("n", "cp_inventaire"), ("t", "text"), ("f", copy.barcode)
        )
    return fields


def _topics(draft: _Draft) -> list[Field]:
    fields = _f("610", "0 ", ("a", ";".join(draft.keywords)))
    for label in draft.subjects:
        node, english = _terms()[label]
        shown = label.upper() if draft.capitals else label
        number = ("9", f"id:{node}")
        fields += _f("606", " 1", number, ("9", "lang:fr_FR"), ("9", "idthes:1"), ("a", shown))
        if draft.bilingual:
            fields += _f("606", " 1", number, ("9", "lang:en_UK"), ("9", "idthes:1"), ("a", english))
    return fields


def _custom(draft: _Draft) -> list[Field]:
    fields: list[Field] = []
    for value, label, name, kind in draft.custom:
        fields += _f("900", "  ", ("a", value), ("l", label), ("n", name), ("t", kind))
    return fields


def _links(draft: _Draft) -> list[Field]:
    issue = draft.issue
    if draft.kind == "issue" and draft.serial:
        up = draft.serial
        marks = ("bl:s1", f"id:{up.id}", "rank:0", "type_lnk:b", "lnk:parent")
        number, title = ("0", str(up.id)), ("t", up.title.split(" // ")[0])
        return _f("461", "  ", number, *(("9", mark) for mark in marks), title, ("x", up.issn))
    if issue is None:
        return []
    up = issue.serial
    return [
        *_f(
            "461",
            "  ",
            *(("0", str(up.id)), ("t", up.title.split(" // ")[0]), ("x", up.issn)),
            *(("9", f"id:{up.id}"), ("9", "lnk:perio")),
            link=str(up.id),
        ),
        *_f(
            "463",
            "  ",
            *(
                ("d", issue.out_on.isoformat()),
                ("e", issue.shown),
                ("v", str(issue.number or "")),
                ("t", issue.title or " "),
            ),
            *(("9", f"id:{issue.id}"), ("9", "lnk:bull")),
            link=str(issue.id),
        ),
    ]


def _ending(draft: _Draft) -> list[Field]:
    fields: list[Field] = []
    if draft.holdings:
        mark = next((value for value, _l, name, _t in draft.custom if name == "cp_abrege"), "")
        fields += _f("950", "  ", ("a", "Espace doc"), ("b", draft.holdings), ("f", mark), ("h", "Abonnement en cours"))
    for name, url, size in draft.files:
        file = url.rsplit("/", 1)[-1]
        fields += _f("897", "  ", ("a", url), ("b", name), ("f", file), ("t", "application/pdf"), ("W", str(size)))
    origin = ("a", f"{CENTRE} (base de démonstration)")
    return fields + _f("801", "  ", origin, ("b", "FR"), ("c", f"{EXPORTED_ON:%Y%m%d}"))
