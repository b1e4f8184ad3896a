"""A whole record, from one format to the other: its fields one by one, and what several of them say together. Pure."""

from __future__ import annotations

import re

from catalogue.marc21 import coded
from catalogue.marc21.along import carried, kept_field, name, uncarried, unkept
from catalogue.marc21.fields import bare_target, field_in, field_out
from catalogue.marc21.punctuation import punctuation_of
from catalogue.marc21.rows import find_in
from catalogue.marc21.table import OURS, THEIRS, Pairs
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields, control, each, first, subfields, with_kind

_CODED = ("100", "105", "106", "110")
_POSITIONS = frozenset(("000", "102", *_CODED))


def to_unimarc(fields: Fields) -> tuple[Fields, tuple[Problem, ...]]:
    """A MARC 21 record as UNIMARC, and what to tell of it."""
    theirs: coded.Coded = {
        "leader": control(fields, "000").ljust(24)[:24],
        "008": control(fields, "008").ljust(40)[:40],
    }
    agency, language = control(fields, "003").strip(), "   "
    ours: coded.Coded = {}
    out: Fields = []
    kept: dict[str, None] = {}
    for f in fields:
        tag = f["t"]
        if tag in ("000", "008"):
            continue
        if (restored := unkept(f, OURS)) is not None:
            if restored["t"] in coded.NEW:
                ours[restored["t"]] = restored.get("v") or first(restored, "a")
            else:
                out.append(restored)
        elif "s" not in f and tag in ("001", "005"):
            out.append(f)
        elif "s" in f and tag == "040":
            found, spoken = _agencies_in(f)
            language = spoken if spoken.strip() else language
            out += found
        elif "s" in f and (made := field_in(f)) is not None:
            out.append(bare_target(made, agency))
        elif "s" not in f or any(v.strip() for v in subfields(f)):
            kept[tag] = None
            out.append(kept_field(f, THEIRS))
    out += _coded_in(theirs, ours, out, language, punctuation_of(fields))
    out = _in_order(out if "000" in ours else _with_kind(out, fields))
    for tag, value in coded.from_unimarc(_coded_of(out)).items():
        if _meaning(tag, value) != _meaning(tag, theirs[tag]) and theirs[tag].strip():
            out.append(kept_field(Field(t="000" if tag == "leader" else tag, v=theirs[tag]), THEIRS))
    told = tuple(Problem(tag, "", "marc21.kept_in", "info", {"tag": tag}) for tag in kept)
    return _in_order(out), told


def from_unimarc(fields: Fields) -> tuple[Fields, tuple[Problem, ...]]:
    """A UNIMARC record as MARC 21, and what to tell of it."""
    ours = _coded_of(fields)
    theirs: coded.Coded = {}
    restored = [back for f in fields if (back := unkept(f, THEIRS)) is not None]
    for f in restored:
        if f["t"] in ("000", "008"):
            theirs["leader" if f["t"] == "000" else "008"] = f.get("v", "")
    said = coded.from_unimarc(ours, theirs)
    agency = control(restored, "003").strip()
    style = ours["000"][18]
    out: Fields = [Field(t="000", v=said["leader"]), Field(t="008", v=said["008"])]
    out += [f for f in restored if f["t"] not in ("000", "008")]
    agencies = [f for f in fields if _is_agency(f)]
    out += _agencies_out(agencies, ours.get("100", "")[22:25])
    kept: dict[str, None] = {}
    for f in fields:
        tag = f["t"]
        if tag in _POSITIONS or _is_agency(f) or unkept(f, THEIRS) is not None:
            continue
        if tag == "101" and f.get("i", "")[:1] == "|":
            continue
        if "s" not in f and tag in ("001", "005"):
            out.append(Field(t=tag, v=f.get("v", "")))
        elif "s" in f and (made := field_out(f, style, agency)) is not None:
            out.append(made)
        elif "s" not in f or any(v.strip() for v in subfields(f)):
            kept[tag] = None
            out.append(kept_field(f, OURS))
    out = _one_heading(_in_order(out))
    bare = _without_made_kind(out)
    again = [_meant(f) for f in to_unimarc(bare)[0]]
    unsaid = [f for f in fields if f["t"] in _POSITIONS and _meant(f) not in again]
    # A record that keeps its leader keeps the kind that it says.
    out = out if any(f["t"] == "000" for f in unsaid) else bare
    out += [kept_field(f, OURS) for f in unsaid]
    told = tuple(Problem(tag, "", "marc21.kept_out", "info", {"tag": tag}) for tag in kept)
    return _in_order(out), told


def _meant(f: Field) -> tuple[object, ...]:
    return f["t"], _meaning(f["t"], f.get("v", "")), f.get("i"), f.get("s")


def _in_order(fields: Fields) -> Fields:
    return sorted(fields, key=lambda f: f["t"])


def _meaning(tag: str, value: str) -> str:
    """A leader without its lengths; MARC 21's without its charset, which is UTF-8 here."""
    return value[5 : 9 if tag == "leader" else 10] + value[17:20] if tag in ("leader", "000") else value


def _one_heading(fields: Fields) -> Fields:
    """MARC 21 has one 1XX; another main author goes to 7XX, a title beside an author to 240."""
    out: Fields = []
    seen = False
    for f in fields:
        if f["t"] in ("100", "110", "111", "130"):
            if seen:
                f = _added(f)
            seen = True
        out.append(f)
    return out


def _added(f: Field) -> Field:
    tag, ind = ("240", "1" + f["i"][0]) if f["t"] == "130" else ("7" + f["t"][1:], f["i"])
    before, after = find_in(f["t"], f["i"], f["s"]), find_in(tag, ind, f["s"])
    pairs = f["s"]
    told = any(c == "9" and re.match(rf"{OURS}:\d", v) for c, v in pairs)
    if before and after and (before[0].unimarc, before[1]) != (after[0].unimarc, after[1]) and not told:
        pairs = [*pairs, ["9", name(OURS, before[0].unimarc, before[1])]]
    return Field(t=tag, i=ind, s=pairs)


_DUTIES = {"a": "0", "c": "1", "d": "2"}


def _agencies_in(f: Field) -> tuple[Fields, str]:
    """040 to one 801 an agency (it catalogued, transcribed, changed), and the language of cataloguing."""
    out: Fields = []
    language = ""
    for code, value in f["s"]:
        if not value.strip():
            continue
        if code in _DUTIES or not out:
            out.append(Field(t="801", i=" " + _DUTIES.get(code, "0"), s=[]))
        if code == "b" and not language and re.fullmatch("[a-z]{3}", value):
            language = value
        elif code in _DUTIES:
            out[-1]["s"].append(["b", value])
        elif code == "e":
            out[-1]["s"].append(["g", value])
        else:
            out[-1]["s"].append(uncarried(code, value, OURS) or carried(code, value, THEIRS))
    for made in out:
        made["s"].sort(key=lambda pair: (not pair[0].isalpha(), pair[0]))
    return [made for made in out if made["s"]], language.ljust(3)


def _is_agency(f: Field) -> bool:
    """Whether an 801 has its place in 040, which knows three duties."""
    return f["t"] == "801" and f.get("i", "")[:1] == " " and f["i"][1:2] in _DUTIES.values() and "s" in f


def _agencies_out(fields: Fields, language: str) -> Fields:
    """The 801s as one 040."""
    codes = {duty: code for code, duty in _DUTIES.items()}
    pairs: Pairs = []
    for f in fields:
        for code, value in sorted(f["s"], key=lambda pair: pair[0] != "b"):
            if code == "b":
                pairs.append([codes[f["i"][1]], value])
            elif code == "g":
                pairs.append(["e", value])
            else:
                pairs.append(uncarried(code, value, THEIRS) or carried(code, value, OURS))
    if language.strip():
        at = 1 if pairs and pairs[0][0] == "a" else 0
        pairs.insert(at, ["b", language])
    return [Field(t="040", i="  ", s=pairs)] if pairs else []


def _coded_in(theirs: coded.Coded, ours: coded.Coded, fields: Fields, language: str, punctuation: str) -> Fields:
    """The leader and the 1XX that say by positions, and 101 when no 041 gave it."""
    said = coded.to_unimarc(theirs, punctuation, ours)
    said["100"] = said["100"][:22] + language + said["100"][25:]
    out = [Field(t="000", v=said["000"])]
    out += [Field(t=tag, i="  ", s=[["a", said[tag]]]) for tag in _CODED if said.get(tag, "|").strip("| ")]
    if said["language"] and not any(f["t"] == "101" for f in fields):
        out.append(Field(t="101", i="| ", s=[["a", said["language"]]]))
    if said["country"]:
        country, _, region = said["country"].partition("-")
        pairs = [["a", country]] + ([["c", said["country"]]] if region else [])
        out.append(Field(t="102", i="  ", s=pairs))
    return [f for f in out if not (f["t"] == "106" and f["s"][0][1] == "|")]


def _coded_of(fields: Fields) -> coded.Coded:
    """What a UNIMARC record says by positions; 100 and 105 are not repeatable, the first one counts."""
    said = {tag: first(next(each(fields, tag)), "a") for tag in _CODED if any(each(fields, tag))}
    place = next(each(fields, "102"), Field(t="102"))
    language = next(iter(v for f in each(fields, "101") for v in subfields(f, "a")), "")
    country = first(place, "c") or first(place, "a")
    return {"000": control(fields, "000").ljust(24)[:24], **said, "country": country, "language": language}


_THESES = re.compile("these|memoire de|dissertation|thesis|academiques")


def _said_kind(fields: Fields) -> str:
    """The kind of document that a MARC 21 record tells by its leader, 008, 502, 655 and 773; "" when by none."""
    mark, fixed = control(fields, "000").ljust(24), control(fields, "008").ljust(40)
    if mark[6] not in "at":
        return ""
    if mark[7] == "s":
        return "serial"
    if mark[7] in "ab":
        return "article"
    contents = fixed[24:28] if coded.material(mark[6:8]) == "book" else ""
    forms = " ".join(fold(v) for f in each(fields, "655") for v in subfields(f, "a"))
    if "m" in contents or any(each(fields, "502")) or _THESES.search(forms):
        return "thesis"
    if any(each(fields, "773")):
        return "article"
    if "t" in contents:
        return "report"
    return "legal" if "l" in contents else ""


def _with_kind(out: Fields, fields: Fields) -> Fields:
    if any(f["t"] == "608" and first(f, "2") == "travee" for f in out):
        return out
    said = _said_kind(fields)
    return with_kind(out, said) if said else out


def _without_made_kind(fields: Fields) -> Fields:
    """Without the 655 that `to_unimarc` makes by itself."""
    said = _said_kind(fields)
    made = KINDS[said].form if said else ""
    return [
        f for f in fields if not (f["t"] == "655" and first(f, "2") == "travee" and first(f, "a").rstrip(".") == made)
    ]
