"""One record as a server writes it: PMB's `oai_dc`, with its losses, and the same in MARCXML."""

from __future__ import annotations

from xml.sax.saxutils import escape

from catalogue.unimarc import Field, Fields, each, first, values
from export import marcxml


def dublin_core(shown: Fields, number: int) -> str:
    """PMB's `oai_dc`, with its losses: no corporate author, no keyword, no host, no classification."""
    is_serial = shown[0]["v"][7] == "s"
    people = {
        tag: [", ".join(v for v in (first(f, "a"), first(f, "b")) if v) for f in each(shown, tag)]
        for tag in ("700", "701", "702")
    }
    title = next(each(shown, "200"), Field(t="200", s=[]))
    signs = {"c": " ; ", "d": " = ", "e": " : "}
    pairs: list[tuple[str, str]] = [
        ("identifier", f"http://pmb.example/opac_css/index.php?lvl=notice_display&id={number}"),
        ("identifier", str(number)),
        *(("identifier", f"urn:{'ISSN' if is_serial else 'ISBN'}:{v}") for v in values(shown, "010", "a")),
        *(("language", v) for v in values(shown, "101", "a")),
        ("title", "".join(signs.get(c, "") + v for c, v in title.get("s", []) if c in "acde")),
    ]
    for f in each(shown, "210"):
        if name := first(f, "c"):
            place = first(f, "a")
            pairs.append(("publisher", f"{name} ({place})" if place else name))
    for tag, codes, element in (
        ("009", "a", "date"),
        ("215", "ace", "description"),
        ("215", "d", "format"),
        ("300", "a", "coverage"),
        ("330", "a", "description"),
        ("327", "a", "description"),
    ):
        pairs += [(element, v) for v in values(shown, tag, codes)]
    pairs += [("creator", v) for v in people["700"]]
    pairs += [("contributor", v) for v in people["701"] + people["702"]]
    pairs += [("subject", v) for v in values(shown, "606", "a")]
    pairs += [("relation", v) for v in values(shown, "225", "a")]
    pairs += [("relation", f"Vignette : {v}") for v in values(shown, "896", "a")]
    pairs += [("rights", v) for v in values(shown, "319", "a")]
    lines = [f"  <dc:{element}>{escape(value)}</dc:{element}>" for element, value in pairs]
    return "\n".join(
        [
            '\n<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ '
            'http://www.openarchives.org/OAI/2.0/oai_dc.xsd">',
            *lines,
            '  <dc:type xml:lang="eng">text</dc:type>',
            '  <dc:type xml:lang="fre">texte imprimé</dc:type>',
            "</oai_dc:dc>\n\n",
        ]
    )


def marc_xml(shown: Fields) -> str:
    return marcxml.record_text(shown, namespace=True)
