"""PMB's dialect, where its reader and its writer must agree. Pure.

`harvest.crosswalk.pmbxml` reads PMB's XML and `export.pmbxml` writes it; they may not import one another,
and each mapping below must be the same in both directions, so it stands here once:

The header. PMB writes six of the leader's positions as elements, `*` for a blank:

    rs 5 · dt 6 · bl 7 · hl 8 · el 17 · ru 18

`dt` is the one that lies: its list can be replaced by each site, and its column holds two characters. A
letter that UNIMARC knows goes to position 6 as it is. Any other value ("x", "d1") puts "a" there, and the
value as received is kept in a field of its own, right behind the leader:

    {"t": "099", "i": "  ", "s": [["t", "d1"], ["2", "pmb"]]}

(099 $t is where French Koha libraries keep their own type of document too.) When a person has since given
the notice another type, the leader wins and that field goes out as any other.

The items. One copy is a 995, a 996 and perhaps 999, tied by the barcode in $f. 996 is the useful one: 995
has no location. What we do not name stays in `RecordItem.fields`, as received. PMB's dates 00000000 and its
codes `u` and `uu` mean "none".

What a PMB keeps from its public it says by columns of its statuses, locations and sections; its exports leave them
out, a dump does not. Those of a copy stand with its raw `$9 column:value` (`SHOWN`), those of a record in 992.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalogue.text import fold
from catalogue.unimarc import LONGEST_TARGET, Field, Fields, RecordItem, first, leader, typed

HEADER: tuple[tuple[str, int], ...] = (("rs", 5), ("dt", 6), ("bl", 7), ("hl", 8), ("el", 17), ("ru", 18))
BLANK = "*"
TYPES = frozenset("abcdefgijklmr")
ITEM_TAGS = frozenset(("995", "996", "999"))
# What only a dump of the base tells, in no export, `$2 pmb`: 991 $a the record's status, $b the management comment;
# 901 a custom field that is not exported (as 900); 992 what its public site does not show: $c the record itself, $h
# custom fields (900 $n), $i identifiers (014 $a), $e holdings, $f files (their numbers). For those who work here, never
# for the public; they are no part of a fingerprint, so that an export of the same base says the same. Ask
# `is_dump_only`: other programs say things of their own in 9XX.
DUMP_TAGS = ("901", "991", "992")
_UNMARKED_901 = frozenset(("alnt", "calnt", "ant", "cant"))  # its subfields, as a dump was read before it had $2 pmb
# The columns that say whether the public sees a copy: what each is about, and the subfield of 996 that names it.
SHOWN: Mapping[str, tuple[str, str]] = {
    "statut_visible_opac": ("status", "1"),
    "location_visible_opac": ("location", "v"),
    "section_visible_opac": ("section", "x"),
    "expl_visible_opac": ("record", ""),
}

_FRAME = "          22        450 "
_NONE = ("", "u", "uu")
_INVENTORY = "inventory_number"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one value of a copy stands, and what repeats it and must go when a person has changed it here."""

    in_995: str = ""  # every one of these codes
    in_996: str = ""
    coded_995: str = ""  # import codes
    coded_996: str = ""
    columns: tuple[str, ...] = ()  # the raw `$9 column:value` of 996


_ITEM: Mapping[str, _Place] = {
    "barcode": _Place("f", "f", columns=("expl_cb",)),
    "call_number": _Place("k", "k", columns=("expl_cote",)),
    "location": _Place("", "v", "", "w", ("expl_location", "location_libelle", "locdoc_codage_import")),
    "section": _Place("", "x", "q", "y", ("expl_section", "section_libelle", "sdoc_codage_import")),
    "status": _Place("", "1", "o", "2", ("expl_statut", "statut_libelle", "statusdoc_codage_import")),
    "note": _Place("u", "u", columns=("expl_note", "expl_comment")),
    "owner": _Place("ac", "a", "", "b", ("expl_owner", "lender_libelle")),
    "type": _Place("r", "e", "", "r", ("expl_typdoc", "tdoc_libelle", "tdoc_codage_import")),
}


def fields_from_header(header: Mapping[str, str]) -> Fields:
    """The leader, and the field that keeps a type of document which UNIMARC does not know.

    An element that is missing or empty is a blank: nothing is made up.

    >>> fields_from_header({"rs": "n", "dt": "a", "bl": "m", "hl": "0", "el": "1", "ru": "i"})
    [{'t': '000', 'v': '     nam0 22     1i 450 '}]
    """
    kept: Fields = []
    mark = list(_FRAME)
    for name, at in HEADER:
        value = header.get(name, "").strip()
        if name == "dt" and value not in ("", BLANK) and value not in TYPES:
            kept.append({"t": "099", "i": "  ", "s": [["t", value], ["2", "pmb"]]})
            value = "a"
        mark[at] = value[:1] if value and value != BLANK else " "
    return [{"t": "000", "v": "".join(mark)}, *kept]


def header_from_fields(fields: Iterable[Field]) -> tuple[dict[str, str], Fields]:
    """PMB's six elements, and the fields that are not said by them."""
    rest = list(fields)
    mark = leader(rest).ljust(24)
    header = {name: BLANK if mark[at] == " " else mark[at] for name, at in HEADER}
    rest = [f for f in rest if f["t"] != "000"]
    kept = next((n for n, f in enumerate(rest) if local_type(f)), None)
    if kept is not None and mark[6] == "a":
        header["dt"] = local_type(rest.pop(kept))
    return header, rest


def local_type(f: Field) -> str:
    """The type of document in the source's own list, when `f` is the field that keeps it, else ""."""
    pairs = f.get("s", [])
    if f["t"] != "099" or [code for code, _ in pairs] != ["t", "2"] or pairs[1][1] != "pmb":
        return ""
    value = pairs[0][1]
    return "" if value != value.strip() or value == BLANK or value in TYPES else value


def is_dump_only(f: Field) -> bool:
    """Whether only a dump of a PMB tells this, and no export of the same base."""
    if f["t"] not in DUMP_TAGS:
        return False
    return first(f, "2") == "pmb" or (f["t"] == "901" and "".join(c for c, _ in f.get("s", ())) in _UNMARKED_901)


def stays_here(f: Field) -> bool:
    """Whether this goes into no export: words of the team. What is hidden (992) goes along, to stay hidden."""
    return f["t"] != "992" and is_dump_only(f)


def keep_dump_only(before: Fields, said: Fields, claim_id: int, base: Fields, *, by_dump: bool) -> Fields:
    """`said`, with what only a dump tells as it shall stand from now on.

    An export says nothing of it, so what a dump told stays. What a person here has changed or taken away stays
    so too, tag by tag: their fields are no longer those of the claim alone.
    """
    kept = [f for f in said if not is_dump_only(f)]
    for tag in DUMP_TAGS:
        ours, theirs, agreed = ([f for f in fs if f["t"] == tag and is_dump_only(f)] for fs in (before, said, base))
        changed = any(f.get("o") != [claim_id] for f in ours) or (not ours and bool(agreed))
        kept += theirs if (by_dump or theirs) and not changed else ours
    return kept


def is_hidden(fields: Iterable[Field]) -> bool:
    """Whether a dump has said that the public of its PMB does not see this record."""
    return any(f["t"] == "992" and is_dump_only(f) and first(f, "c") for f in fields)


def hidden(
    *,
    record: bool = False,
    names: Iterable[str] = (),
    identifiers: Iterable[str] = (),
    holdings: Iterable[int] = (),
    files: Iterable[int] = (),
) -> Fields:
    """What the public does not see, as 992 says it; nothing when it sees everything."""
    pairs = [["c", "notice"]] if record else []
    pairs += [["h", name] for name in names]
    pairs += [["i", identifier] for identifier in identifiers]
    pairs += [["e", str(number)] for number in holdings]
    pairs += [["f", str(number)] for number in files]
    return [{"t": "992", "i": "  ", "s": [*pairs, ["2", "pmb"]]}] if pairs else []


def link_target(f: Field) -> str:
    """The number of a link's target in PMB's own space: of a record, or of a bulletin."""
    target = typed(f, "id") or f.get("x", "")
    return target if len(target) <= LONGEST_TARGET else ""


def names_issue(f: Field) -> bool:
    """Whether a link is to an issue: 462 and 463 also link records to one another."""
    return f["t"] in ("462", "463") and typed(f, "lnk") in ("bull", "bull_expl", "")


def item_from_fields(fields: Sequence[Field], issue_of: str = "") -> RecordItem:
    """One copy, from the 995, 996 and 999 that describe it: what 996 says wins."""
    f995 = next((f for f in fields if f["t"] == "995"), Field(t="995"))
    f996 = next((f for f in fields if f["t"] == "996"), Field(t="996"))

    def said(*candidates: str) -> str:
        return next((v.strip() for v in candidates if v.strip()), "")

    def coded(value: str) -> str:
        return "" if value.strip() in _NONE else value

    notes = dict.fromkeys(n for n in (said(first(f996, "u"), first(f995, "u")), typed(f996, "expl_comment")) if n)
    return RecordItem(
        barcode=said(first(f996, "f"), first(f995, "f")),
        call_number=said(first(f996, "k"), first(f995, "k")),
        location=said(first(f996, "v")),
        section=said(first(f996, "x"), coded(first(f995, "q"))),
        status=said(first(f996, "1"), coded(first(f995, "o"))),
        inventory_number=next((first(f, "a").strip() for f in fields if _is_inventory(f)), ""),
        note="\n".join(notes),
        owner=said(first(f996, "a"), first(f995, "a"), first(f995, "c")),
        fields=tuple(fields),
        issue_of=issue_of,
        hidden=_hidden(f996),
        type=said(coded(first(f996, "r")), coded(first(f995, "r")), first(f996, "e")),
    )


def _hidden(f996: Field) -> tuple[tuple[str, str], ...] | None:
    """Why the public does not see a copy; None when no column says whether it does."""
    columns = [(name, typed(f996, name)) for name in SHOWN]
    if not any(value for _name, value in columns):
        return None
    about = (SHOWN[name] for name, value in columns if value == "0")
    return tuple((what, first(f996, code).strip() if code else "") for what, code in about)


def item_to_fields(item: RecordItem) -> Fields:
    """The 995, 996 and 999 of a copy: as received, but for what has been changed since.

    A copy that never was in a PMB gets the same fields, with what we know of it.
    """
    fields: Fields = [f.copy() for f in item.fields if f["t"] in ITEM_TAGS]
    read = item_from_fields(fields)
    changed = [name for name in _ITEM if getattr(item, name) != getattr(read, name)]
    rehidden = (item.hidden or ()) != (read.hidden or ())
    if changed or rehidden:
        if not any(f["t"] == "995" for f in fields):
            fields.insert(0, {"t": "995", "i": "  ", "s": [["r", "uu"], ["q", "u"]]})
            changed = list(_ITEM)
        if not any(f["t"] == "996" for f in fields):
            at = next(n for n, f in enumerate(fields) if f["t"] == "995") + 1
            fields.insert(at, {"t": "996", "i": "  ", "s": []})
            changed = list(_ITEM)
    for name in changed:
        for f in fields:
            f["s"] = _with(f, name, getattr(item, name))
    if rehidden:
        f996 = next(f for f in fields if f["t"] == "996")
        f996["s"] = [pair for pair in f996["s"] if not (pair[0] == "9" and pair[1].partition(":")[0] in SHOWN)]
        f996["s"] += [["9", f"expl_visible_opac:{int(not item.hidden)}"]]
    if item.inventory_number != read.inventory_number:
        fields = [f for f in fields if not _is_inventory(f)]
        if item.inventory_number:
            fields.append(_inventory(item))
    return [f for f in fields if f.get("s")]


def _with(f: Field, name: str, value: str) -> list[list[str]]:
    """The subfields of one field of a copy once the named value has been changed."""
    place, pairs = _ITEM[name], f.get("s", [])
    if f["t"] == "999":
        return _put(pairs, "f", value) if name == "barcode" else pairs
    if name == "type" and f["t"] == "995":
        value = value or "uu"
    codes, stale = (place.in_995, place.coded_995) if f["t"] == "995" else (place.in_996, place.coded_996)
    columns = tuple(column + ":" for column in place.columns)
    pairs = [p for p in pairs if p[0] not in stale and not (p[0] == "9" and p[1].startswith(columns))]
    for code in codes:
        pairs = _put(pairs, code, value)
    return pairs


def _put(pairs: list[list[str]], code: str, value: str) -> list[list[str]]:
    """One value in the place of the old one, or before PMB's raw `$9`; an empty one only takes away."""
    at = next((n for n, p in enumerate(pairs) if p[0] in (code, "9")), len(pairs))
    before = [p for p in pairs[:at] if p[0] != code]
    after = [p for p in pairs[at:] if p[0] != code]
    return [*before, *([[code, value]] if value else []), *after]


def _is_inventory(f: Field) -> bool:
    """A custom field of the copy that its centre named after the inventory number (999 $n, $l)."""
    if f["t"] != "999":
        return False
    words = f"{fold(first(f, 'n').replace('_', ' '))} {fold(first(f, 'l'))}"
    return _INVENTORY.replace("_", " ") in words or "inventaire" in words.split()


def _inventory(item: RecordItem) -> Field:
    pairs = [["a", item.inventory_number], ["l", "Numéro d'inventaire"], ["n", _INVENTORY], ["t", "text"]]
    return {"t": "999", "i": "  ", "s": [*pairs, *([["f", item.barcode]] if item.barcode else [])]}
