"""Which MARC a record is in, and what it describes: told by its tags and its leader. Pure.

A file says « UNIMARC » and holds MARC 21, authorities among its documents, or INTERMARC from the BnF: three
formats in one envelope, where 100 is a coded field, an author, an author. What tells them apart is listed here
for every reader of MARC; `settle` does with a record what its flavour asks for.

Sources: UNIMARC Bibliographic and Authorities (IFLA), label and blocks 0 to 2; MARC 21 (Library of Congress),
leader/06; INTERMARC (BnF, kitcat.bnf.fr, « zones de longueur fixe »): its leader has a digit, the state of the
record, where the others have a letter, the kind of material.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import replace

from catalogue.entities import AgentRow, ClassRow, Thesaurus
from catalogue.problems import Problem, Refusal
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, Record, leader, values

UNIMARC, MARC_21, INTERMARC = "unimarc", "marc21", "intermarc"
DOCUMENT, AUTHORITY, HOLDINGS, ENTITY = "document", "authority", "holdings", "entity"

# Tags that one format has and the other has not. Sudoc's UNIMARC has an 008 of its own, hence the count.
_UNIMARC_ONLY = frozenset(("101", "102", "105", "106", "152", "200", "205", "214", "215", "801"))
_MARC_21_ONLY = frozenset(("008", "245", "264", "490", "650", "651", "655"))
_INTERMARC_ONLY = frozenset(("280", "295"))  # extent, series
# Fields that only a document has: some programs write an "x" (authority) in the leader of everything.
DOCUMENTS_ONLY = frozenset(("181", "182", "205", "207", "214", "225", "463", "995", "996"))
# Fields that only one kind of document has, and its letter in leader 6.
_TYPE_BY_TAG = {
    "115": "g",
    "116": "k",
    "117": "r",
    "120": "e",
    "121": "e",
    "123": "e",
    "126": "j",
    "135": "l",
    "208": "c",
}
# What programs write in words (608 $a, and Kentika's 099 $t and 971 $a), and the level of such a document.
_LEVEL_BY_WORD = {
    **dict.fromkeys(("article", "art", "article de revue", "article de presse", "chapitre", "depouillement"), "a2"),
    **dict.fromkeys(("revue", "rev", "periodique", "journal"), "s1"),
    **dict.fromkeys(("numero", "numero de revue", "fascicule", "bulletin"), "s2"),
    **dict.fromkeys(("ouvrage", "livre", "liv", "monographie", "these", "memoire", "rapport"), "m0"),
}
_LEVELS = frozenset("amscib")
_WORKS = frozenset(("231", "232", "241", "242", "243"))  # works and expressions, since UNIMARC follows LRM


def flavour(tags: Collection[str], mark: str, stated: str = "") -> str:
    """UNIMARC, MARC_21 or INTERMARC; `stated` is what MarcXchange says in its attribute `format`.

    >>> flavour({"001", "100", "200", "210"}, "     nam0 22     3  450 ")
    'unimarc'
    >>> flavour({"001", "008", "100", "245", "260", "300"}, "     cam a22     3a 4500")
    'marc21'
    >>> flavour({"001", "008", "100", "245", "260", "280"}, "     c0xm222     3  45  ")
    'intermarc'
    """
    if (said := stated.casefold().replace(" ", "")) in (UNIMARC, MARC_21, INTERMARC):
        return said
    if "200" in tags and "245" not in tags:
        return UNIMARC
    tags = frozenset(tags)
    if not mark[6:7].isalpha() and (
        tags & _INTERMARC_ONLY or (mark[6:7].isdigit() and mark[8:10].strip("0123456789 #|"))
    ):
        return INTERMARC
    if "245" in tags and not tags & {"200", "152"}:
        return MARC_21
    return MARC_21 if len(tags & _MARC_21_ONLY) > len(tags & _UNIMARC_ONLY) else UNIMARC


def nature(tags: Collection[str], mark: str, of: str = UNIMARC) -> str:
    """What a record of that flavour describes: a document, an authority, holdings, or a work or expression."""
    kind = mark[6:7]
    if of != UNIMARC:
        if "245" in tags or kind not in "uvxyzwq" or not kind:
            return DOCUMENT
        return HOLDINGS if kind in "uvxy" else AUTHORITY
    if "252" in tags and "200" not in tags:
        return HOLDINGS
    if kind.isalpha() and kind not in "xyz":
        return DOCUMENT
    tags = frozenset(tags)
    # Leader 9 says which kind of authority: programs that write « x » on everything leave it blank.
    marked = kind in ("x", "y", "z") and ("152" in tags or "200" not in tags or mark[9:10].isalpha())
    if tags & DOCUMENTS_ONLY or not (marked or "152" in tags):
        return DOCUMENT
    return ENTITY if tags & _WORKS else AUTHORITY


def settle(record: Record, stated: str = "") -> Record | AgentRow | ClassRow | Thesaurus | Refusal:
    """The record in UNIMARC; the agent or the concept that an authority record describes; or why it is neither."""
    mark = leader(record.fields)
    tags = {f["t"] for f in record.fields}
    spoken = flavour(tags, mark, stated)
    if spoken == INTERMARC:
        return _refused(record, "record.intermarc")
    found = nature(tags, mark, spoken)
    if found == DOCUMENT and spoken == MARC_21:
        return _from_marc_21(record)
    if found == DOCUMENT:
        return record if mark[7:8] in _LEVELS else _with_leader(record, mark, tags)
    if found == AUTHORITY:
        from harvest.crosswalk import authority

        return authority.read(record)
    return _refused(record, f"record.{found}")


def _from_marc_21(record: Record) -> Record:
    from catalogue import marc21

    fields, problems = marc21.to_unimarc(record.fields)
    told = Problem("", "", "record.from_marc21", "info")
    return replace(record, fields=fields, repairs=(*record.repairs, told, *problems))


def _refused(record: Record, code: str) -> Refusal:
    params = {"position": str(record.position)}
    return Refusal(record.position, record.control_number or "", code, params, record.raw)


# --- a leader that says nothing --------------------------------------------------------------


def _with_leader(record: Record, mark: str, tags: AbstractSet[str]) -> Record:
    """The record with the type and the level that its fields give away, where its leader has neither.

    Kentika writes the same leader, « nx », on everything. A type that the leader does name is kept (a PMB has its
    own), and so is a leader without a level when nothing says that it is not a book, which it is taken for.
    """
    mark = mark.ljust(24)
    letter, rank = mark[6], _level(record.fields, tags)
    if letter in "xyz" or not letter.isalnum():
        letter = next((_TYPE_BY_TAG[tag] for tag in sorted(tags) if tag in _TYPE_BY_TAG), "a")
    elif rank == "m0":
        return record
    head: Field = {"t": "000", "v": mark[:6] + letter + rank + mark[9:]}
    fields = [head if f["t"] == "000" else f for f in record.fields]
    told = Problem("000", "", "leader.deduced", "info")
    return replace(record, fields=fields, repairs=(*record.repairs, told))


def _level(fields: Fields, tags: AbstractSet[str]) -> str:
    """Leader 7 and 8: by the word for it, else by its host or its ISSN; a journal that names its number is an issue."""
    words = (
        fold(word) for word in values(fields, "971", "a") + values(fields, "099", "t") + values(fields, "608", "a")
    )
    found = next((_LEVEL_BY_WORD[word] for word in words if word in _LEVEL_BY_WORD), "")
    if not found:
        in_host = any(values(fields, tag, "t") for tag in ("461", "463")) and "010" not in tags
        found = "a2" if in_host else "s1" if tags & {"011", "207"} else "m0"
    return "s2" if found == "s1" and values(fields, "463", "v") else found
