"""The known cast of notices: short to write, easy to recognise in a failure."""

from __future__ import annotations

from catalogue.unimarc import LEADER, Field, Fields


def field(tag: str, *pairs: str, ind: str = "  ") -> Field:
    """field("200", "a", "Titre", "e", "suite")"""
    return {"t": tag, "i": ind, "s": [[pairs[n], pairs[n + 1]] for n in range(0, len(pairs), 2)]}


def notice(title: str, *more: Field, year: str = "2021", leader: str = LEADER) -> Fields:
    head: Fields = [{"t": "000", "v": leader}, field("200", "a", title, ind="1 ")]
    return [*head, field("210", "c", "Éditions du Canal", "d", year), *more]


MIETTES = notice(
    "La ville en miettes",
    field("010", "a", "978-2-07-036822-8"),
    field("700", "a", "Dumas", "b", "Agnès", "4", "070", ind=" 1"),
    field("606", "a", "Renouvellement urbain", ind=" 1"),
    year="1998",
)
PHENIX = notice(
    "L’œuvre du Phénix",
    field("200", "a", "Autre titre"),
    field("330", "a", "Un quartier <b>renaît</b> &amp; s’étend."),
    field("610", "a", "ANRU;relogement", ind="0 "),
)
GAZETTE = notice("Gazette des quartiers", field("011", "a", "1234-5679"), leader="     nas1 22     3  450 ")
ARTICLE = notice(
    "Quartiers : ce que change la rénovation",
    {
        "t": "461",
        "i": "  ",
        "x": "77",
        "s": [["t", "Gazette des quartiers"], ["9", "id:77"], ["9", "lnk:perio"]],
    },
    {
        "t": "463",
        "i": "  ",
        "x": "905",
        "s": [["v", "212"], ["e", "février 2024"], ["9", "id:905"], ["9", "lnk:bull"]],
    },
    leader="     naa2 22     3  450 ",
    year="2024",
)
