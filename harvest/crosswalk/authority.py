"""Authority records to people, bodies and concepts, from UNIMARC and from MARC 21.

A person, a family, a body or a meeting becomes an `AgentRow`; a subject, a place, a uniform title or a form, a
`Thesaurus` of one concept, in the scheme that the record names (152 $b, 159 $a) or, where it names none, in one
for its kind. Works and expressions (231 to 243, LRM) have no table here and are refused with a sentence. The
record goes along whole (`fields`): what has no column is not lost.

Sources: UNIMARC Manual, Authorities Format (IFLA), blocks 1 (152), 2, 3, 4, 5 and 8; BnF, « UNIMARC(A) »; MARC 21
Format for Authority Data (Library of Congress), 008, 024, 1XX, 4XX, 5XX.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalogue.entities import AgentRow, ConceptRow, Thesaurus
from catalogue.identifiers import authority_uri, find_authority, read_authority_link
from catalogue.problems import Refusal
from catalogue.text import fold
from catalogue.unimarc import Field, Record, clean, each, first, subfields

AGENTS = {"200": "person", "210": "corporate_body", "216": "corporate_body", "220": "family"}
CONCEPTS = {
    "215": "lieux",
    "230": "titres",
    "235": "titres",
    "240": "titres",
    "245": "titres",
    "250": "sujets",
    "260": "lieux",
    "280": "formes",
}
WORKS = ("231", "232", "241", "242", "243")
# Schemes that are known by name, and those for records that name none.
SCHEMES: dict[str, dict[str, str]] = {
    "rameau": {"fr": "RAMEAU"},
    "fmesh": {"fr": "MeSH bilingue"},
    "mesh": {"en": "MeSH"},
    "lcsh": {"en": "Library of Congress Subject Headings"},
    "lcgft": {"en": "Library of Congress Genre/Form Terms"},
    "rvm": {"fr": "Répertoire de vedettes-matière"},
    "lieux": {"fr": "Lieux", "en": "Places"},
    "titres": {"fr": "Titres uniformes", "en": "Uniform titles"},
    "sujets": {"fr": "Sujets", "en": "Subjects"},
    "formes": {"fr": "Formes et genres", "en": "Forms and genres"},
}
LANGUAGES = {"fre": "fr", "fra": "fr", "eng": "en", "ger": "de", "spa": "es", "ita": "it", "por": "pt", "dut": "nl"}
# UNIMARC 5XX $5, first character; « z » and all the others are « see also ».
BROADER, NARROWER = "g", "h"

# In MARC 21: which heading is which of the above, and the scheme that 008/11 names.
_MARC_21 = {
    "00": "200",
    "10": "210",
    "11": "210",
    "30": "230",
    "47": "250",
    "48": "250",
    "50": "250",
    "51": "215",
    "55": "280",
    "62": "250",
    "80": "250",
}
_MARC_21_SCHEMES = {"a": "lcsh", "c": "mesh", "v": "rvm"}
_DIVISIONS = {"x": "x", "y": "z", "z": "y", "v": "j"}  # MARC 21 -> UNIMARC: date and place change letters


@dataclass(frozen=True, slots=True)
class _Heading:
    """One form of a name: the tag it has in block 2, and its subfields as a notice's field would have them."""

    tag: str
    pairs: tuple[tuple[str, str], ...]
    meeting: bool = False
    language: str = "fr"
    number: str = ""  # of the authority that a 5XX leads to
    relation: str = ""

    @property
    def type(self) -> str:
        return "meeting" if self.tag == "210" and self.meeting else AGENTS[self.tag]

    def values(self, codes: str) -> list[str]:
        return [v for c, v in self.pairs if c in codes]


def read(record: Record) -> AgentRow | Thesaurus | Refusal:
    """What an authority record describes."""
    headings = list(_headings(record.fields, "2"))
    heading = next((h for h in headings if h.tag in AGENTS or h.tag in CONCEPTS), None)
    if heading is None:
        code = "record.entity" if any(each(record.fields, *WORKS)) else "record.no_heading"
        params = {"position": str(record.position)}
        return Refusal(record.position, record.control_number or "", code, params, record.raw)
    if heading.tag in AGENTS:
        return _agent(record, heading)
    return _concept(record, heading)


# --- people and bodies -------------------------------------------------------------------------


def _agent(record: Record, heading: _Heading) -> AgentRow:
    name = _name(heading)
    variants = dict.fromkeys(_name(h) for h in _headings(record.fields, "4") if h.tag in AGENTS)
    return AgentRow(
        type=heading.type,
        name=name,
        number=record.control_number or "",
        variants=tuple(v for v in variants if v and v != name),
        dates=next(iter(heading.values("f")), ""),
        identifiers=dict(_identifiers(record)),
        position=record.position,
        repairs=record.repairs,
        raw=record.raw,
        heading=heading.pairs,
        note="\n".join(_notes(record.fields)),
        fields=record.fields,
    )


def _name(heading: _Heading) -> str:
    """As `unimarc.name_of` writes it in the notices: « Dupont, Anne », « Corps. Subdivision »."""
    if heading.tag == "210":
        return ". ".join(heading.values("ab"))
    family, given = "".join(heading.values("a")[:1]), "".join(heading.values("b")[:1])
    return f"{family}, {given}" if family and given else family or given


def _identifiers(record: Record) -> Iterator[tuple[str, str]]:
    """Each scheme once: the record's own number first (001 where 003 says whose), then what it quotes."""
    seen: set[str] = set()
    for text, scheme in _quoted(record):
        if (found := find_authority(text, scheme)) and found[0] not in seen:
            seen.add(found[0])
            yield found


def _quoted(record: Record) -> Iterator[tuple[str, str]]:
    for f in each(record.fields, "001", "003"):
        yield f.get("v", ""), ""
    for f in each(record.fields, "010", "017", "024", "033", "035"):
        yield first(f, "a"), first(f, "2") or ("isni" if f["t"] == "010" else "")
    for f in each(record.fields, "856"):
        for address in subfields(f, "u"):
            yield address, ""


# --- concepts ----------------------------------------------------------------------------------


def _concept(record: Record, heading: _Heading) -> Thesaurus | Refusal:
    number = record.control_number or ""
    identifiers = dict(_identifiers(record))
    uri = _uri(identifiers) or f"#{number}"
    label = _label(heading)
    if not label or uri == "#":
        code = "record.no_heading" if not label else "record.no_number"
        return Refusal(record.position, number, code, {"position": str(record.position)}, record.raw)
    others = [h for h in _headings(record.fields, "5") if h.tag in CONCEPTS and h.number]
    row = ConceptRow(
        uri=uri,
        preferred={heading.language: label},
        alternate=tuple(_alternate(record, heading.language, label)),
        broader=_targets(others, BROADER),
        narrower=_targets(others, NARROWER),
        related=_targets(others),
        mappings=tuple(_mappings(record.fields, uri)),
        scope_note="\n".join(_notes(record.fields)),
        fields=record.fields,
    )
    code = _scheme(record, heading.tag)
    title = SCHEMES.get(code) or {"fr": code}
    numbers = {number: uri} if number else {}
    return Thesaurus(code, "", title, (row,), numbers, record.position, record.repairs)


def _alternate(record: Record, language: str, label: str) -> Iterator[tuple[str, str]]:
    seen = {(language, label)}
    for h in _headings(record.fields, "4"):
        if h.tag in CONCEPTS and (text := _label(h)) and (h.language, text) not in seen:
            seen.add((h.language, text))
            yield h.language, text


def _label(heading: _Heading) -> str:
    """« Aristote. Constitution d’Athènes », « Canard enchaîné (périodique) », « Asie -- Histoire »."""
    if heading.tag in ("240", "245"):
        title = ". ".join([_name(heading), *heading.values("thi")])
    else:
        title = ". ".join(heading.values("abhi"))
    told = ", ".join(heading.values("nkl")) if heading.tag[1] in "34" else ""
    return " -- ".join([f"{title} ({told})" if told else title, *heading.values("xyzj")])


def _scheme(record: Record, tag: str) -> str:
    """The scheme the record names, if it is one: Koha writes its own types of authority in 152 $b."""
    said = [first(f, "a") for f in each(record.fields, "159")] + [first(f, "b") for f in each(record.fields, "152")]
    coded = next((f.get("v", "") for f in each(record.fields, "008")), "")
    said.append(_MARC_21_SCHEMES.get(coded[11:12], ""))
    return next((code for text in said if (code := fold(text)) in SCHEMES), CONCEPTS[tag])


def _uri(identifiers: dict[str, str]) -> str:
    return next((authority_uri(s, identifiers[s]) for s in ("bnf", "idref") if s in identifiers), "")


def _targets(others: Sequence[_Heading], relation: str = "") -> tuple[str, ...]:
    """The URIs of the concepts that 5XX leads to, by relation; "" asks for all that are neither above nor below."""
    found = [h for h in others if (h.relation == relation if relation else h.relation not in (BROADER, NARROWER))]
    return tuple(dict.fromkeys(target_uri(h.number) for h in found))


def target_uri(number: str) -> str:
    known = read_authority_link(number)
    return (authority_uri(*known) if known else "") or f"#{number}"


def _mappings(fields: Sequence[Field], uri: str) -> Iterator[tuple[str, str]]:
    """822: the same notion in another thesaurus, where an address is given."""
    for f in each(fields, "822"):
        if (address := first(f, "u").strip()).startswith(("http://", "https://")) and address != uri:
            yield "closeMatch", address


def _notes(fields: Sequence[Field]) -> Iterator[str]:
    """Block 3 (UNIMARC); 678 and 680 (MARC 21)."""
    for f in fields:
        if f["t"][0] == "3" or f["t"] in ("678", "680"):
            yield from (text for value in subfields(f, "ai") if (text := clean(value)))


# --- headings ----------------------------------------------------------------------------------


def _headings(fields: Iterable[Field], block: str) -> Iterator[_Heading]:
    """The headings of a block as UNIMARC numbers them: 2 accepted, 4 other forms, 5 related ones."""
    fields = list(fields)
    in_marc_21 = not any(f["t"][0] == "2" and "s" in f for f in fields)
    spoken = next((_language(first(f, "b")) for f in each(fields, "040")), "fr")
    for f in fields:
        if "s" not in f:
            continue
        if in_marc_21:
            if f["t"][0] == {"2": "1"}.get(block, block) and f["t"][1:] in _MARC_21:
                yield _from_marc_21(f, spoken)
        elif f["t"][0] == block:
            yield _Heading(
                "2" + f["t"][1:],
                tuple(_pairs(f["s"])),
                f.get("i", "  ")[0] == "1",
                _language(first(f, "8")),
                first(f, "3").strip(),
                first(f, "5")[:1],
            )


def _pairs(subfields_: Iterable[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """What makes the name; digits are control subfields, and some programs leave them empty."""
    for code, value in subfields_:
        if code.isalpha() and (text := clean(value)):
            yield code, text


def _language(said: str) -> str:
    """$8: language of cataloguing, then of this form where it differs: « fre   », « freeng »."""
    code = said[3:6].strip() or said[:3].strip()
    return LANGUAGES.get(code, code) or "fr"


def _from_marc_21(f: Field, language: str) -> _Heading:
    """A name without the punctuation of its card: « King, Stephen, » becomes $a King $b Stephen."""
    kind = f["t"][1:]
    tag = "220" if kind == "00" and f.get("i", "  ")[0] == "3" else _MARC_21[kind]
    pairs: list[tuple[str, str]] = []
    for code, value in f.get("s", ()):
        text = clean(value).rstrip(" ,;:/")
        if kind not in ("00", "30") or code != "d":
            text = _without_stop(text)
        if not code.isalpha() or code in "wi" or not text:
            continue
        if code in _DIVISIONS and kind not in ("00",):
            pairs.append((_DIVISIONS[code], text))
        elif kind == "00" and code == "a" and ", " in text and tag == "200":
            family, _sep, given = text.partition(", ")
            pairs += [("a", family), ("b", given)]
        elif kind in ("00", "10", "11") and code == "d":
            pairs.append(("f", text.strip("()")))
        elif kind == "00" and code == "b":
            pairs.append(("d", text))
        elif code in "abcdefghijklmnopqrstu":
            pairs.append((code, text))
    number = next((found for v in subfields(f, "0") if (found := v.strip())), "")
    relation = {"g": BROADER, "h": NARROWER}.get(first(f, "w")[:1], "")
    return _Heading(tag, tuple(pairs), kind == "11", language, number, relation)


def _without_stop(text: str) -> str:
    """The full stop that ends a card, but not that of an initial: « Dupont, A. » keeps its own."""
    words = text.rstrip(".").split()
    return text[:-1] if text.endswith(".") and words and len(words[-1]) > 2 else text
