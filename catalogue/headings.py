"""The name of a person, a body or a concept in a notice's field: read, numbered, and written anew. Pure.

    700 _1 $3 11909772 $9 1234 $o ISNI0000000121446296 $a King $b Stephen $f 1947-.... $4 070

The letters that make the name (`NAME`) are its heading; $3, $9 and $o say which authority it is; the rest ($4,
subdivisions, PMB's typed $9) belongs to this notice and is never touched. Source: UNIMARC Bibliographic, blocks
6 and 7, control subfields $3 and $9; PMB.md 2.2 for `$9 id:`; Koha for bare numbers in $9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalogue.entities import AUTHOR, CATEGORY, AgentRow
from catalogue.identifiers import authority_uri, find_authority, read_authority_link
from catalogue.text import fold
from catalogue.unimarc import Field, authority_number, clean, first, name_of, subfields, typed

Pairs = Sequence[Sequence[str]]
Scope = Callable[[int | str], str]

# What makes the name, by kind of field; in 600 to 602 the subdivisions ($t $j $x $y $z) stand behind it.
PERSON, BODY, FAMILY = "abcdfg", "abcdefgh", "acdf"
NAME: Mapping[str, str] = {
    **dict.fromkeys(("700", "701", "702", "703", "600"), PERSON),
    **dict.fromkeys(("710", "711", "712", "601"), BODY),
    **dict.fromkeys(("716",), FAMILY),
    **dict.fromkeys(("720", "721", "722", "602"), FAMILY),
}
SUBJECTS = ("604", "605", "606", "607", "608")
LONGEST_URI = 240
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
OURS = "travee"  # `$3 travee:12`: a number of this base, for an authority that its notices' source does not number


@dataclass(frozen=True, slots=True)
class Mark:
    """Which authority a field names: by its source's number, and by what the world calls it."""

    promise: str = ""  # "RECI:author:12"
    identifier: str = ""  # "idref:027234567", "travee:12"; for a concept, its URI


def type_of(f: Field) -> str:
    """The kind of agent that a field names."""
    if f["t"] in ("720", "721", "722", "602"):
        return "family"
    if f["t"] == "716":
        return "corporate_body"
    if NAME.get(f["t"]) == BODY:
        return "meeting" if f.get("i", "  ")[:1] == "1" else "corporate_body"
    return "person"


def space_of(f: Field) -> str:
    """The number space that a field's authority has in its source."""
    return AUTHOR if f["t"] in NAME else CATEGORY


def mark_of(f: Field, scope: Scope) -> Mark:
    """`scope(claim)` names the source whose number space a claim uses; `scope("")` the notice's main one."""
    number = authority_number(f)
    identifier = identifier_of(f)
    if not number or number == identifier:
        return Mark("", identifier)
    source = next((s for claim in f.get("o", ()) if (s := scope(claim))), "") or scope("")
    return Mark(f"{source}:{space_of(f)}:{number}" if source else "", identifier)


def identifier_of(f: Field) -> str:
    """From $3 (BnF, Sudoc, ours), $o (ISNI) or $0 (MARC 21)."""
    link = first(f, "3").strip()
    if link and re.fullmatch(OURS + r":\d{1,9}", link):  # another Travée has numbers of its own
        return link if f.get("o") == ["l"] else ""
    found = read_authority_link(link) if link else None
    if f["t"] in NAME:
        quoted = (find_authority(v, "isni" if c == "o" else "") for c, v in f.get("s", ()) if c in "o01")
        found = found or next((q for q in quoted if q), None)
        return ":".join(found) if found else ""
    if found:
        return authority_uri(*found)
    return link if _URI.fullmatch(link) and len(link) <= LONGEST_URI else ""


def heading_of(f: Field) -> tuple[tuple[str, str], ...]:
    """The subfields that make the name of a person or a body; behind a subject's subdivisions nothing counts."""
    return tuple((c, text) for c, v in f.get("s", ()) if c in NAME[f["t"]] and (text := clean(v)))


def make_heading(type: str, name: str, dates: str = "") -> tuple[tuple[str, str], ...]:
    """A heading for a name of which only the text is known: « Dupont, Anne » is $a Dupont $b Anne."""
    pairs = [("a", name)]
    if type == "person":
        family, comma, given = name.partition(", ")
        if comma and family and given:
            pairs = [("a", family), ("b", given)]
    return (*pairs, ("f", dates)) if dates else tuple(pairs)


def numbered(fields: Iterable[Field]) -> Iterator[tuple[str, Field]]:
    """The fields of people and bodies to which their base gives a number, with that number."""
    for f in fields:
        if f["t"] in NAME and (number := authority_number(f)) and not number.startswith(f"{OURS}:"):
            yield number, f


def describe(f: Field, number: str) -> AgentRow | None:
    """The person or body of a field, as far as the field itself tells."""
    if not (name := name_of(f)):
        return None
    heading = heading_of(f)
    scheme, _colon, value = identifier_of(f).partition(":")
    dates = next((v for c, v in heading if c == "f"), "")
    identifiers = {scheme: value} if value and scheme != OURS else {}
    return AgentRow(type_of(f), name, number, dates=dates, identifiers=identifiers, heading=heading)


# --- writing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """How an authority is to be written in a field."""

    id: int
    heading: Pairs
    numbers: Mapping[str, str]  # source -> what it calls it
    identifiers: Mapping[str, str]  # idref, bnf, isni…

    @property
    def link(self) -> str:
        return f"{OURS}:{self.id}"


def with_agent(f: Field, agent: Written, *, source: str, renumbered: bool = False) -> Field:
    """The field with another name; `renumbered` when it names another authority than before."""
    letters = NAME[f["t"]]
    pairs = [list(p) for p in f.get("s", ())]
    at = next((n for n, (c, _v) in enumerate(pairs) if c in letters), len(pairs))
    behind = sum(1 for c, _v in pairs[:at] if c in letters)
    rest = [p for p in pairs if p[0] not in letters]
    own = [[c, v] for c, v in agent.heading if c in letters]
    out = [*rest[: at - behind], *own, *rest[at - behind :]]
    return _bare(f, _renumbered(out, agent, source) if renumbered else out)


def _renumbered(pairs: list[list[str]], agent: Written, source: str) -> list[list[str]]:
    """The numbers of another authority, in the dress of those that stood there; ours where no other leads to it."""
    out: list[list[str]] = []
    found = False
    number = agent.numbers.get(source, "")
    for code, value in pairs:
        new = _number_in_dress(code, value, agent, number)
        if new is None:
            out.append([code, value])
        elif new:
            out.append([code, new])
            found = True
    return out if found else [["3", agent.link], *out]


def _number_in_dress(code: str, value: str, agent: Written, number: str) -> str | None:
    """What stands in a number's place: None for what is no number, "" when the authority has none of that kind."""
    if code == "9" and value.startswith("id:"):
        return f"id:{number}" if number else ""
    if code == "9" and value.isdecimal() and value.strip("0"):
        return number
    if code == "o" and find_authority(value, "isni"):
        isni = agent.identifiers.get("isni", "")
        return f"ISNI{isni}" if isni else ""
    if code != "3":
        return None
    known = read_authority_link(value)
    if known is None:
        return number
    said = agent.identifiers.get(known[0], "")
    if known[0] == "bnf" and value.strip().isdecimal():
        return said[2:10]
    return said if said and known[1] in value else ""


@dataclass(frozen=True, slots=True)
class Term:
    """How a concept is to be written in a field; `names` are the folded labels it goes by so far."""

    id: int
    label: str
    names: frozenset[str]
    scheme: str = ""
    uri: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)  # source -> what it calls it

    @property
    def link(self) -> str:
        return self.uri or f"{OURS}:{self.id}"


def with_label(f: Field, term: Term) -> Field:
    """A subject's field with another label. Subdivisions that are no part of the label stay."""
    whole = " -- ".join(clean(v) for v in subfields(f, "axyz") if v.strip())
    part_of_label = "xyz" if fold(whole) in term.names else ""
    pairs: list[list[str]] = []
    for code, value in f.get("s", ()):
        if code == "a":
            pairs += [["a", term.label]] if all(c != "a" for c, _v in pairs) else []
        elif code not in part_of_label:
            pairs.append([code, value])
    return _bare(f, pairs)


def with_term(f: Field, term: Term, *, source: str) -> Field:
    """A subject's field that names another concept: its label, its numbers, its scheme where the field says one."""
    number = term.numbers.get(source, "")
    pairs: list[list[str]] = []
    found = False
    for code, value in with_label(f, term)["s"]:
        if code == "9" and value.startswith("id:"):
            new = f"id:{number}" if number else ""
        elif code == "9" and value.isdecimal() and value.strip("0"):
            new = number
        elif code == "3":
            new = term.link if not found else value
        else:
            pairs.append([code, (term.scheme or value) if code == "2" else value])
            continue
        found = found or bool(new)
        pairs += [[code, new]] if new else []
    return _bare(f, pairs if found else [["3", term.link], *pairs])


def make_subject(term: Term) -> Field:
    """A 606 for a concept: scheme and address where it has them."""
    scheme = [["2", term.scheme]] if term.scheme else []
    return Field(t="606", i="  ", s=[["3", term.link], ["a", term.label], *scheme])


def language_of(f: Field) -> str:
    """The language that PMB names in a field of a subject: it writes one for each."""
    return typed(f, "lang")[:2]


def _bare(f: Field, pairs: list[list[str]]) -> Field:
    out = {k: v for k, v in f.items() if k not in ("o", "r")}
    return {**out, "s": pairs}  # type: ignore[typeddict-item]
