"""Records changed on purpose: as another library would have described the same document, and as a near one.

`SAME` are the ways in which catalogues differ without meaning anything by it: slips, scans, other rules, poorer
formats. `DIFFERENT` make the documents that stand nearest to one: the next volume, the next year's report, a new
edition, the next issue, the journal of an article. Each takes fields and a die, and gives fields, or None where it
has nothing to change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from random import Random

from catalogue import unimarc
from catalogue.unimarc import Field, Fields

Change = Callable[[Fields, Random], Fields | None]


def edited(fields: Fields, tag: str, code: str, change: Callable[[str], str]) -> Fields:
    """The same fields, with the first such subfield rewritten."""
    out: Fields = []
    done = False
    for f in fields:
        if not done and f["t"] == tag and any(c == code for c, _v in f.get("s", ())):
            pairs = []
            for c, value in f["s"]:
                if c == code and not done:
                    done, value = True, change(value)
                pairs.append([c, value])
            f = {**f, "s": [pair for pair in pairs if pair[1]]}
        out.append(f)
    return out


def without(fields: Fields, *tags: str) -> Fields:
    return [f for f in fields if f["t"] not in tags]


def has(fields: Fields, *tags: str) -> bool:
    return any(f["t"] in tags for f in fields)


def title_of(fields: Fields) -> str:
    return next(iter(unimarc.values(fields, "200", "a")), "")


def field_of(tag: str, *pairs: tuple[str, str]) -> Field:
    return {"t": tag, "i": "  ", "s": [list(pair) for pair in pairs]}


def place_in(text: str, dice: Random) -> int:
    """Somewhere inside a word, past its first letter."""
    places = [n for n in range(1, len(text)) if text[n].isalpha() and text[n - 1].isalpha()]
    return dice.choice(places) if places else 0


# --- the same document -----------------------------------------------------------------------


def slip(fields: Fields, dice: Random) -> Fields | None:
    """One letter of the title lost, doubled, or put in its neighbour's place."""
    title = title_of(fields)
    at = place_in(title, dice)
    if len(title) < 12 or not at:
        return None
    kinds = (title[:at] + title[at + 1 :], title[:at] + title[at] + title[at:], _swapped(title, at))
    return edited(fields, "200", "a", lambda _old: dice.choice(kinds))


def _swapped(text: str, at: int) -> str:
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]


def scanned(fields: Fields, dice: Random) -> Fields | None:
    """What a scanner reads: rn for m, 1 for l, c for e, a blank lost."""
    title = title_of(fields)
    wrong = [(a, b) for a, b in (("m", "rn"), ("ll", "l1"), ("é", "e"), ("ci", "d"), (" d", "d")) if a in title[2:]]
    if len(title) < 15 or not wrong:
        return None
    a, b = dice.choice(wrong)
    return edited(fields, "200", "a", lambda old: old[:2] + old[2:].replace(a, b, 1))


def no_accents(fields: Fields, dice: Random) -> Fields | None:
    title = title_of(fields)
    lost = "".join(c for c in unicodedata.normalize("NFD", title) if c.isascii())
    return edited(fields, "200", "a", lambda _old: lost.upper()) if lost else None


def complement_moved(fields: Fields, dice: Random) -> Fields | None:
    """« Titre », « complément » -> « Titre : complément » in one subfield."""
    rest = unimarc.values(fields, "200", "e")
    if not rest:
        return None
    whole = f"{title_of(fields)} : {' : '.join(rest)}"
    out = edited(fields, "200", "a", lambda _old: whole)
    return _title_without(out, "e")


def _title_without(fields: Fields, codes: str) -> Fields:
    kept = {id(f): [p for p in f["s"] if p[0] not in codes] for f in fields if f["t"] == "200"}
    return [with_pairs(f, kept[id(f)]) if id(f) in kept else f for f in fields]


def with_pairs(f: Field, pairs: list[list[str]]) -> Field:
    out = f.copy()
    out["s"] = pairs
    return out


def complement_lost(fields: Fields, dice: Random) -> Fields | None:
    if not unimarc.values(fields, "200", "e"):
        return None
    return _title_without(fields, "e")


def initials(fields: Fields, dice: Random) -> Fields | None:
    """« Dupont, Anne » -> « Dupont, A. »."""
    if not unimarc.values(fields, "700", "b"):
        return None
    return edited(fields, "700", "b", lambda old: f"{old.strip()[:1]}.")


def name_turned(fields: Fields, dice: Random) -> Fields | None:
    """« Dupont » « Anne » -> « Anne Dupont » in one subfield."""
    family, given = unimarc.values(fields, "700", "a"), unimarc.values(fields, "700", "b")
    if not family or not given:
        return None
    out = edited(fields, "700", "a", lambda _old: f"{given[0]} {family[0]}")
    return edited(out, "700", "b", lambda _old: "")


def other_letters(fields: Fields, dice: Random) -> Fields | None:
    """A name written by another system: Dostoïevski, Dostoyevsky, Dostoevskij."""
    names = unimarc.values(fields, "700", "a")
    changed = names[0] if names else ""
    for a, b in (("tch", "ch"), ("ou", "u"), ("ï", "y"), ("eff", "ev"), ("sky", "ski"), ("ch", "sh"), ("ck", "k")):
        changed = changed.replace(a, b)
    return edited(fields, "700", "a", lambda _old: changed) if names and changed != names[0] else None


def authors_shuffled(fields: Fields, dice: Random) -> Fields | None:
    """The second author first."""
    second = next(unimarc.each(fields, "701"), None)
    first = next(unimarc.each(fields, "700"), None)
    if second is None or first is None:
        return None
    turned: dict[int, Field] = {id(first): {**second, "t": "700"}, id(second): {**first, "t": "701"}}
    return [turned.get(id(f), f) for f in fields]


def no_numbers(fields: Fields, dice: Random) -> Fields | None:
    """Without ISBN, DOI, nor anybody's record number."""
    tags = ("010", "014", "017", "020", "033", "035", "073", "003")
    return without(fields, *tags) if has(fields, *tags) else None


def no_publisher(fields: Fields, dice: Random) -> Fields | None:
    if not unimarc.values(fields, "210", "c") and not unimarc.values(fields, "214", "c"):
        return None
    out: Fields = []
    for f in fields:
        kept = [p for p in f["s"] if p[0] not in "ac"] if f["t"] in ("210", "214") else []
        if f["t"] not in ("210", "214"):
            out.append(f)
        elif kept:
            out.append(with_pairs(f, kept))
    return out


def no_pages(fields: Fields, dice: Random) -> Fields | None:
    return without(fields, "215") if has(fields, "215") else None


def other_extent(fields: Fields, dice: Random) -> Fields | None:
    """« 212 p. » -> « 1 vol. (214 p.) »: another library counts the covers."""
    said = unimarc.values(fields, "215", "a")
    found = re.search(r"(\d{2,4}) ?p", said[0]) if said else None
    if found is None or re.match(r"\W*p", said[0], re.I):
        return None
    return edited(fields, "215", "a", lambda _old: f"1 vol. ({int(found[1]) + dice.choice((0, 1, 2))} p.)")


def reprinted(fields: Fields, dice: Random) -> Fields | None:
    """A later printing: the same ISBN, « impr. » and a year. One notice in French practice."""
    year = unimarc.years(fields)[0]
    if not year or not unimarc.isbns(fields):
        return None
    later = year + dice.randint(1, 6)
    return _dated(fields, later, f"impr. {later}")


def as_dublin_core(fields: Fields, dice: Random) -> Fields | None:
    """What PMB's Dublin Core keeps (PMB.md 2.1): no body, no edition, no volume, no level, no number of others."""
    rest = unimarc.values(fields, "200", "e")
    kept = [field_of("200", ("a", " : ".join([title_of(fields), *rest])))]
    kept += [field_of("010", ("a", number)) for number in unimarc.values(fields, "010", "a")[:1]]
    kept += [field_of("700", ("a", name)) for name in [unimarc.name_of(f) for f in unimarc.each(fields, "700")]]
    year = unimarc.years(fields)[0]
    published = [("c", v) for v in unimarc.values(fields, "210", "c")[:1]] + [("d", str(year))] * bool(year)
    kept += [field_of("210", *published)] if published else []
    kept += [field_of("215", ("a", value)) for value in unimarc.values(fields, "215", "a")[:1]]
    kept += [f for f in unimarc.each(fields, "101")]
    letter = unimarc.leader(fields)[6:7]
    mark = unimarc.LEADER[:6] + ("a" if letter in "ab " else "m") + unimarc.LEADER[7:]
    return [{"t": "000", "v": mark}, *kept] if title_of(fields) else None


SAME: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        *(slip, scanned, no_accents, complement_moved, complement_lost, initials, name_turned, other_letters),
        *(authors_shuffled, no_numbers, no_publisher, no_pages, other_extent, reprinted, as_dublin_core),
    )
}

# How often each is drawn, of a hundred. Among pairs of two catalogues judged the same, one in five names its people
# otherwise, one in twenty its publisher or loses its complement, one in fifty has a letter wrong in its title.
WEIGHTS: Mapping[str, float] = {
    **{"slip": 2, "scanned": 2, "no_accents": 15, "complement_moved": 10, "complement_lost": 4, "initials": 10},
    **{"name_turned": 10, "other_letters": 4, "authors_shuffled": 8, "no_numbers": 8, "no_publisher": 10},
    **{"no_pages": 4, "other_extent": 6, "reprinted": 4, "as_dublin_core": 3},
}


# --- the document beside it ------------------------------------------------------------------


def _dated(fields: Fields, year: int, text: str) -> Fields:
    out = []
    for f in fields:
        if f["t"] in ("210", "214", "219"):
            f = {**f, "s": [[c, text if c == "d" else v] for c, v in f["s"] if c != "h"]}
        elif f["t"] == "100":
            f = {**f, "s": [[c, v[:9] + f"{year}    " + v[17:] if len(v) > 17 else v] for c, v in f["s"]]}
        elif f["t"] == "009":
            continue
        out.append(f)
    return out


def _other_isbn(fields: Fields, dice: Random) -> Fields:
    """Without the numbers of the first: the second has others, or none."""
    return without(fields, "010", "014", "017", "020", "033", "035", "073", "003", "001", "856", "897", "896")


def next_volume(fields: Fields, dice: Random) -> Fields | None:
    """The same set, one further; in one case of three under the ISBN of the set."""
    said = unimarc.values(fields, "200", "h") or unimarc.values(fields, "461", "v")
    found = re.search(r"\d+", said[0]) if said else None
    if found is None:
        return None
    step = lambda old: re.sub(r"\d+", lambda m: str(int(m[0]) + 1), old, count=1)  # noqa: E731
    out = fields if dice.random() < 0.33 else _other_isbn(fields, dice)
    for tag, code in (("200", "h"), ("461", "v"), ("225", "v"), ("410", "v")):
        out = edited(out, tag, code, step)
    return without(out, "033", "035", "001", "003")


def whole_set(fields: Fields, dice: Random) -> Fields | None:
    """The set itself, « 3 vol. », where a volume was described."""
    if not unimarc.values(fields, "200", "h"):
        return None
    out = _title_without(fields, "hi")
    out = without(_other_isbn(out, dice), "461", "215")
    mark = unimarc.leader(fields)
    return [{"t": "000", "v": mark[:7] + "m" + mark[8:]}, *without(out, "000"), field_of("215", ("a", "3 vol."))]


def next_year(fields: Fields, dice: Random) -> Fields | None:
    """The report of the next year: its title names it, or only its date does."""
    year = unimarc.years(fields)[0]
    if not year or unimarc.level(fields) in ("serial", "article") or unimarc.isbns(fields):
        return None
    out = _dated(_other_isbn(fields, dice), year + 1, str(year + 1))
    if dice.random() < 0.5:
        return without(edited(out, "200", "a", lambda old: f"{old} {year + 1}"), "215")
    longer = dice.randint(5, 40)
    return edited(out, "215", "a", lambda old: re.sub(r"\d{2,4}", lambda m: str(int(m[0]) + longer), old, count=1))


def two_years_named(fields: Fields, dice: Random) -> Fields | None:
    """« … 2018 » for « … 2017 », the date of publication the same."""
    title = title_of(fields)
    if not re.search(r"\b(?:19|20)\d\d\b", title):
        return None
    later = lambda old: re.sub(r"\b((?:19|20)\d\d)\b", lambda m: str(int(m[1]) + 1), old, count=1)  # noqa: E731
    return edited(_other_isbn(fields, dice), "200", "a", later)


def new_edition(fields: Fields, dice: Random) -> Fields | None:
    """« 2e éd. revue », some years later, another ISBN."""
    year = unimarc.years(fields)[0]
    if not year or unimarc.level(fields) != "monograph":
        return None
    said = unimarc.values(fields, "205", "a")
    number = int(found[0]) + 1 if said and (found := re.search(r"\d+", said[0])) else 2
    later = year + dice.randint(2, 9)
    out = _dated(without(_other_isbn(fields, dice), "205"), later, str(later))
    return [*out, field_of("205", ("a", f"{number}e éd. revue et augmentée"))]


def other_publisher(fields: Fields, dice: Random) -> Fields | None:
    """The same text, by another publisher, years later."""
    year = unimarc.years(fields)[0]
    if not year or not unimarc.values(fields, "210", "c") or unimarc.level(fields) != "monograph":
        return None
    later = year + dice.randint(3, 20)
    out = _dated(_other_isbn(fields, dice), later, str(later))
    return edited(without(out, "214", "215"), "210", "c", lambda _old: "Le Livre du quartier")


def other_medium(fields: Fields, dice: Random) -> Fields | None:
    """The film, the recording: same title, same name."""
    mark = unimarc.leader(fields)
    if mark[6:7] != "a" or unimarc.level(fields) != "monograph":
        return None
    out = without(_other_isbn(fields, dice), "000", "215", "608")
    letter, extent = dice.choice((("g", "1 DVD vidéo (1 h 34 min)"), ("i", "2 disques compacts")))
    return [{"t": "000", "v": mark[:6] + letter + mark[7:]}, *out, field_of("215", ("a", extent))]


def companion(fields: Fields, dice: Random) -> Fields | None:
    """« Synthèse » beside the report, « Annexes » beside the thesis."""
    if unimarc.level(fields) != "monograph" or not title_of(fields):
        return None
    word = dice.choice(("synthèse", "annexes", "résumé"))
    out = without(_other_isbn(fields, dice), "215")
    out = [{**f, "s": [*f["s"], ["e", word]]} if f["t"] == "200" else f for f in out]
    return [*out, field_of("215", ("a", f"{dice.randint(4, 60)} p."))]


def translated(fields: Fields, dice: Random) -> Fields | None:
    """The same work in another language, its title kept."""
    if unimarc.language(fields) not in ("fre", "fra") or unimarc.level(fields) != "monograph":
        return None
    out = without(_other_isbn(fields, dice), "101", "215")
    return [*out, field_of("101", ("a", "spa"), ("c", "fre"))]


def next_issue(fields: Fields, dice: Random) -> Fields | None:
    """The same column in the next number, on the same pages."""
    if unimarc.level(fields) not in ("article", "issue"):
        return None
    found = [(t, c) for t, c in (("463", "v"), ("461", "v"), ("200", "h")) if unimarc.values(fields, t, c)]
    if not found:
        return None
    step = lambda old: re.sub(r"\d+", lambda m: str(int(m[0]) + 1), old, count=1)  # noqa: E731
    out = _other_isbn(fields, dice)
    for tag, code in found:
        out = edited(out, tag, code, step)
    out = [{**f, "s": [p for p in f["s"] if p[0] not in "deh9"]} if f["t"] in ("463", "461") else f for f in out]
    changed = [unimarc.values(out, t, c) != unimarc.values(fields, t, c) for t, c in found]
    return without(out, "210", "214", "009") if any(changed) else None


def its_host(fields: Fields, dice: Random) -> Fields | None:
    """The journal, or the issue, in which an article stands, under the article's own title page."""
    host = unimarc.host_serial(fields)
    if unimarc.level(fields) != "article" or host is None or not host.title:
        return None
    out = without(_other_isbn(fields, dice), "000", "200", "215", "463", "461", "700", "701", "702", "608")
    serial: Field = {"t": "000", "v": unimarc.LEADER[:7] + "s" + unimarc.LEADER[8:]}
    return [serial, *out, field_of("200", ("a", host.title)), field_of("011", ("a", host.issn))]


def a_chapter(fields: Fields, dice: Random) -> Fields | None:
    """A part of a book under the book's title: the article « Introduction », signed by the same author."""
    if unimarc.level(fields) != "monograph" or not title_of(fields):
        return None
    mark = unimarc.leader(fields)
    out = without(fields, "000", "010", "215", "461", "463", "608", "033", "035", "001", "003")
    return [
        {"t": "000", "v": mark[:7] + "a" + mark[8:]},
        *out,
        field_of("461", ("t", title_of(fields))),
        field_of("215", ("a", f"p. {dice.randint(9, 200)}")),
    ]


DIFFERENT: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        *(next_volume, whole_set, next_year, two_years_named, new_edition, other_publisher, other_medium),
        *(companion, translated, next_issue, its_host, a_chapter),
    )
}

# What a changed record may be distorted with besides, without becoming the other document again.
LIGHT = ("no_accents", "initials", "name_turned", "no_publisher", "no_numbers")
