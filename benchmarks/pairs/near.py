"""Two documents that stand as near to one another as two documents can, made of one record.

Each takes fields and a die and gives both records of a pair, or None where the record has no such neighbour: another
town by its name, a phase, a season, a word that one letter turns into its contrary, a workbook beside its guide, an
undated report of a series, two numbers of which one looks like a part of the other, a film beside what says no kind.
What one record does not have is added to both: « Étude urbaine, phase A » and « …, phase B ».
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random

from benchmarks.pairs.changes import edited, field_of, has, title_of, without
from catalogue import unimarc
from catalogue.matching import describe
from catalogue.unimarc import Field, Fields

Twins = tuple[Fields, Fields]
Near = Callable[[Fields, Random], Twins | None]

# Towns, each line of names that are near to one another.
TOWNS = tuple(
    tuple(line.split())
    for line in """
    Lens Sens Mens Laon Lyon Loos Lons
    Cannes Vannes Rennes Vienne Vierzon Valence Valenciennes
    Lille Lillers Lalinde Villé Roubaix Roulers Douai Douvrin Cambrai Tourcoing Toulon Toulouse Tours
    Nantes Mantes Nancy Annecy Quincy Poissy Roissy Passy Massy
    Paris Parigny Marseille Versailles Amiens Orléans Angers Tangers
    Dieppe Nieppe Fontaine Fontenay Montreuil Montrouge Montpellier Roncq Croix Bordeaux Grenoble Strasbourg
    London Genève Bruxelles Berlin Montréal Wellington Auckland Boston Chicago
    """.strip().splitlines()
)
_LINE_OF = {town: line for line in TOWNS for town in line}
_TOWN = re.compile(rf"\b(?:{'|'.join(sorted(_LINE_OF, key=len, reverse=True))})\b")
# Words that a letter or a prefix makes another: each stands in titles.
WORDS = (
    *(("inclusion", "exclusion"), ("immigration", "émigration"), ("immigrés", "émigrés"), ("urbain", "périurbain")),
    *(("rural", "plural"), ("intégration", "immigration"), ("national", "international"), ("légal", "illégal")),
    *(("hommes", "femmes"), ("nord", "sud"), ("est", "ouest"), ("avec", "sans"), ("pour", "contre"), ("sur", "sous")),
    *(("mère", "père"), ("maire", "mairie"), ("poisson", "poison"), ("ancien", "indien"), ("guerre", "terre")),
    *(("premier", "dernier"), ("haut", "bas"), ("privé", "public"), ("histoire", "histoires"), ("jeu", "jeux")),
)
SERIES = (
    *(("phase A", "phase B"), ("juin", "juillet"), ("printemps", "automne"), ("lot nord", "lot sud")),
    *(("premier trimestre", "dernier trimestre"), ("volet quantitatif", "volet qualitatif"), ("Nord", "Pas-de-Calais")),
    *(("Nord", "Nord Pas-de-Calais"), ("Lens", "Sens"), ("Laon", "Lyon"), ("quartier Boilly", "quartier Bouilly")),
)
BESIDE = ("cahier d’exercices", "tableaux", "recueil des données", "guide de l’animateur", "livret d’accompagnement")
NUMBERS = ("010", "014", "017", "020", "033", "035", "073", "003", "001", "856", "897", "896")


def bare(fields: Fields) -> Fields:
    """Without any number: nothing but the words tells such documents apart."""
    return without(fields, *NUMBERS)


def _is_book(fields: Fields) -> bool:
    return unimarc.level(fields) == "monograph" and title_of(fields) != ""


def _titled(fields: Fields, *more: tuple[str, str]) -> Fields:
    added = [list(pair) for pair in more]
    return [{**f, "s": [*f["s"], *added]} if f["t"] == "200" else f for f in fields]


def _leader(fields: Fields, place: int, letter: str) -> Fields:
    mark = unimarc.leader(fields) or unimarc.LEADER
    head: Field = {"t": "000", "v": mark[:place] + letter + mark[place + 1 :]}
    return [head, *without(fields, "000")]


def another_town(fields: Fields, dice: Random) -> Twins | None:
    """The same study of the town whose name is nearest: only where the title names one."""
    title = title_of(fields)
    found = _TOWN.search(title)
    if found is None or unimarc.level(fields) == "serial":
        return None
    other = dice.choice([town for town in _LINE_OF[found[0]] if town != found[0]])
    out = bare(fields)
    return out, edited(out, "200", "a", lambda old: old.replace(found[0], other, 1))


def another_word(fields: Fields, dice: Random) -> Twins | None:
    """« inclusion » for « exclusion », « femmes » for « hommes », « sans » for « avec »."""
    title = title_of(fields)
    pairs = [pair for one, other in WORDS for pair in ((one, other), (other, one))]
    there = [(a, b) for a, b in pairs if re.search(rf"(?<!\w){a}(?!\w)", title, re.I)]
    if not there or unimarc.level(fields) == "serial":
        return None
    a, b = dice.choice(there)
    out = bare(fields)
    return out, edited(out, "200", "a", lambda old: re.sub(rf"(?<!\w){a}(?!\w)", b, old, count=1, flags=re.I))


def of_a_series(fields: Fields, dice: Random) -> Twins | None:
    """« …, phase A », « …, phase B »: in the title proper or after it."""
    if not _is_book(fields):
        return None
    one, other = dice.choice(SERIES)
    out = bare(fields)
    if dice.random() < 0.5:
        return _titled(out, ("e", one)), _titled(out, ("e", other))
    return tuple(edited(out, "200", "a", lambda old, w=word: f"{old}, {w}") for word in (one, other))  # type: ignore


def one_says_more(fields: Fields, dice: Random) -> Twins | None:
    """The atlas, and the atlas of one department: as many pages."""
    if not _is_book(fields) or unimarc.values(fields, "200", "e"):
        return None
    out = bare(fields)
    return out, _titled(out, ("e", dice.choice(SERIES)[0]))


def beside_it(fields: Fields, dice: Random) -> Twins | None:
    """A guide and its workbook, a report and its tables."""
    if not _is_book(fields):
        return None
    out = without(bare(fields), "215")
    return (out if dice.random() < 0.5 else _titled(out, ("e", "guide"))), _titled(out, ("e", dice.choice(BESIDE)))


def a_part(fields: Fields, dice: Random) -> Twins | None:
    """The work, and one of its parts by its own title; in one case of two under the ISBN of the whole."""
    if not _is_book(fields) or unimarc.values(fields, "200", "i") or describe(fields).volume:
        return None
    out = fields if dice.random() < 0.5 else bare(fields)
    return out, _titled(without(out, "001", "003", "033", "035"), ("i", "Les premiers temps"))


def _undated(fields: Fields) -> Fields:
    out = [f for f in fields if f["t"] not in ("009", "215")]
    bare_dates: Fields = []
    for f in out:
        if f["t"] in ("210", "214", "219"):
            f = {**f, "s": [p for p in f["s"] if p[0] not in "dh"]}
        elif f["t"] == "100":
            f = {**f, "s": [[c, v[:8] + "u        " + v[17:]] for c, v in f["s"]]}
        bare_dates.append(f)
    return [f for f in bare_dates if "v" in f or f["s"]]


def undated(fields: Fields, dice: Random) -> Twins | None:
    """The report of a year, and that of another year, which does not say which."""
    if not _is_book(fields) or not unimarc.years(fields)[0]:
        return None
    out = bare(fields)
    return out, _undated(out)


def another_number(fields: Fields, dice: Random) -> Twins | None:
    """« Tome 1, partie 2 » and « Tome 2 »; « Tome 2, vol. 1 » and « Tome 2 »."""
    if not _is_book(fields) or unimarc.values(fields, "200", "h"):
        return None
    out = without(bare(fields), "461")
    n = dice.randint(2, 5)
    left, right = dice.choice(((f"Tome 1, partie {n}", f"Tome {n}"), (f"Tome {n}, vol. 1", f"Tome {n}")))
    return _titled(out, ("h", left)), _titled(out, ("h", right))


def _in_journal(fields: Fields, issue: str, page: int) -> Fields:
    out = without(_leader(bare(fields), 7, "a"), "215", "461", "463", "210", "214")
    out.append(field_of("461", ("t", "Les Cahiers du quartier"), ("9", "lnk:perio")))
    if issue:
        out.append(field_of("463", ("v", issue), ("9", "lnk:bull")))
    return [*out, field_of("215", ("a", f"p. {page}-{page + 2}"))] if page else out


def a_column(fields: Fields, dice: Random) -> Twins | None:
    """A column that returns: neither its number, or its number on one side only, or no page."""
    if not title_of(fields):
        return None
    n, page = dice.randint(2, 40), dice.randint(2, 60)
    return dice.choice(
        (
            (_in_journal(fields, "", page), _in_journal(fields, "", page)),
            (_in_journal(fields, str(n), page), _in_journal(fields, "", page)),
            (_in_journal(fields, str(n), 0), _in_journal(fields, str(n), 0)),
            (_in_journal(fields, f"vol. {n} n° 2", page), _in_journal(fields, str(n), page)),
            (_in_journal(fields, f"vol. {n} n° 2", page), _in_journal(fields, "2", page)),
        )
    )


def another_kind(fields: Fields, dice: Random) -> Twins | None:
    """A film, and something of that name that does not say what it is."""
    if not _is_book(fields) or not has(fields, "100"):
        return None
    out = without(bare(fields), "215", "608")
    out = [{**f, "s": [p for p in f["s"] if p[0] != "b"]} if f["t"] == "200" else f for f in out]
    return _leader(out, 6, dice.choice("gij")), _leader(out, 6, "l")


NEAR: Mapping[str, Near] = {
    near.__name__: near
    for near in (
        *(another_town, another_word, of_a_series, one_says_more, beside_it, a_part, undated, another_number),
        *(a_column, another_kind),
    )
}
