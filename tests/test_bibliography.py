"""A bibliography in Word, PDF, HTML and text: what Inès carries away, what a director prints, what nobody breaks."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy.orm import Session

from catalogue import authorities, notices, reading
from catalogue.entities import ConceptRow
from catalogue.unimarc import Field
from export import as_docx, as_html, as_pdf, as_text, bibliography, records, typesetting
from export.bibliography import Bibliography, Whereabouts, Wishes
from export.citing.items import cited
from export.citing.processor import Processor
from export.citing.runs import plain
from export.formats import FORMATS, PRINTED, file_name
from export.leaving import Licensed
from export.records import Outgoing
from tests import cast
from tests.cast import ARTICLE, GAZETTE, MIETTES, PHENIX, field
from tests.test_citing import article, document, outgoing, person

SCHOOL, HOUSING = (field("606", "a", label) for label in ("Orientation scolaire", "Logement"))
GIVEN = [
    replace(document("Zones", person("Marchal", "Odile"), HOUSING, SCHOOL), address="22222222"),
    replace(article("Au lycée", SCHOOL, field("330", "a", "Une enquête.\nDeux pages.")), address="33333333"),
    replace(document("Abris", kind="report"), address="44444444"),
]
PLACES = {"22222222": Whereabouts("364.4 DUB", ("Espace doc · à consulter sur rendez-vous",))}
ASKED = Wishes(
    title="Discriminations à l’orientation",
    accessed=date(2024, 3, 21),
    centre="Espace doc",
    base_url="https://catalogue.example.org",
)


def made(**asked: object) -> Bibliography:
    return bibliography.compose(GIVEN, replace(ASKED, **asked), PLACES)  # type: ignore[arg-type]


def pdf_text(data: bytes) -> str:
    pdf = pypdfium2.PdfDocument(data)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)
    finally:
        pdf.close()


def words(text: str) -> str:
    """On one line, with spaces that break."""
    return " ".join(text.replace("\ufffe", "-").split())


def docx_text(data: bytes) -> list[tuple[str, str]]:
    word = Document(io.BytesIO(data))
    return [(p.style.name or "" if p.style else "", p.text) for p in word.paragraphs]


# --- composing ---------------------------------------------------------------------------------


def groups(made: Bibliography) -> list[tuple[str, list[str]]]:
    return [(group.heading, [entry.title for entry in group.entries]) for group in made.groups]


def test_documents_stay_in_the_order_given() -> None:
    assert groups(made()) == [("", ["Zones", "Au lycée", "Abris"])]


def test_by_theme_each_document_stands_once_under_the_theme_most_shared() -> None:
    assert groups(made(group="theme")) == [
        ("Orientation scolaire", ["Zones", "Au lycée"]),
        ("Autres documents", ["Abris"]),
    ]


def test_by_kind_and_in_english() -> None:
    assert [heading for heading, _titles in groups(made(group="kind"))] == ["Articles", "Rapports", "Ouvrages"]
    english = made(group="kind", language="en")
    assert [heading for heading, _titles in groups(english)] == ["Articles", "Reports", "Books"]


def test_by_author_a_document_without_one_is_filed_under_its_title() -> None:
    assert groups(made(order="author"))[0][1] == ["Abris", "Au lycée", "Zones"]
    assert groups(made(order="date"))[0][1] == ["Au lycée", "Zones", "Abris"]


def test_summaries_and_locations_are_there_when_asked() -> None:
    bare = made()
    assert not any(entry.summary or entry.place for entry in bare.entries)
    full = made(summaries=True, locations=True)
    assert full.entries[1].summary == ("Une enquête. Deux pages.",)
    assert full.entries[0].place == PLACES["22222222"]


def test_a_reference_made_plainly_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "_rendered", lambda *_words: "")
    (told,) = made().told
    assert "3 références" in told and "Zones" in told


def test_the_licence_of_a_source_is_told_once() -> None:
    licensed = Licensed("RECI", "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/")
    from_reci = [replace(one, licences=(licensed,)) for one in GIVEN]
    assert bibliography.compose(from_reci, ASKED).told == (licensed.words,)


def test_nothing_at_all_is_a_bibliography_too() -> None:
    empty = bibliography.compose([], Wishes())
    assert empty.title == "Bibliographie" and empty.line.startswith("0 document")
    for name in PRINTED:
        assert b"".join(PRINTED[name](empty))


@pytest.mark.parametrize(
    ("title", "expected"),
    [("L’œuvre & la ville ?", "l-oeuvre-la-ville.pdf"), ("../../etc", "etc.pdf"), ("…", "bibliographie.pdf")],
)
def test_names_of_files(title: str, expected: str) -> None:
    assert file_name(title, "pdf") == expected


# --- each form ---------------------------------------------------------------------------------


def test_word_has_real_headings_styles_links_and_says_its_language() -> None:
    data = as_docx.file_bytes(made(group="theme", summaries=True, locations=True))
    lines = docx_text(data)
    assert lines[0] == ("Title", "Discriminations à l’orientation")
    assert ("Heading 1", "Orientation scolaire (2)") in lines
    assert ("Résumé", "Une enquête. Deux pages.") in lines
    shown = next(text for style, text in lines if style == "Référence" and "Zones" in text)
    assert shown.endswith("\t364.4 DUB"), "the call number stands at the tab stop on the right"
    word = Document(io.BytesIO(data))
    about = word.core_properties
    assert (about.title, about.language, about.author) == ("Discriminations à l’orientation", "fr-FR", "Espace doc")
    style = word.styles["Référence"]
    assert style.paragraph_format.first_line_indent < 0 < style.paragraph_format.left_indent
    xml = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml")
    assert etree.fromstring(xml).findall(".//{*}hyperlink")
    assert b'w:val="fr-FR"' in zipfile.ZipFile(io.BytesIO(data)).read("word/styles.xml")
    assert about.created is not None and about.created.date() == date(2024, 3, 21)


def test_pdf_is_tagged_titled_and_in_its_language() -> None:
    data = as_pdf.file_bytes(made(group="theme", summaries=True, locations=True))
    pdf = pypdfium2.PdfDocument(data)
    assert pdf.is_tagged()
    assert pdf.get_metadata_value("Title") == "Discriminations à l’orientation"
    assert [item.get_title() for item in pdf.get_toc()][-2:] == ["Orientation scolaire (2)", "Autres documents (1)"]
    pdf.close()
    assert b"pdfuaid" in data and re.search(rb"/Lang\s*\(fr\)", data)
    text = words(pdf_text(data))
    assert "MARCHAL, Odile, 2021. Zones. Éditions du Canal." in text
    assert "364.4 DUB" in text and "Une enquête. Deux pages." in text and "1 / 1" in text


def test_no_sign_vanishes_from_a_pdf() -> None:
    titles = ["Œuvre été Ça « où »", "Жизнь в квартале", "Η πόλη", "المدينة", "העיר"]
    strange = [replace(document(title), address=f"{n:08}") for n, title in enumerate(titles)]
    text = words(pdf_text(as_pdf.file_bytes(bibliography.compose(strange, Wishes()))))
    assert "Œuvre été Ça « où »" in text and "Жизнь в квартале" in text and "Η πόλη" in text
    assert all(any("\u0590" <= sign <= last for sign in text) for last in ("\u05ff", "\u06ff"))


def test_a_sign_that_no_font_has_is_written_in_latin_letters_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "_fonts", lambda: typesetting.typst.Fonts(include_system_fonts=False))
    made = bibliography.compose([document("城市 et \U000f0000 ville")], Wishes())
    text = words(pdf_text(as_pdf.file_bytes(made)))
    assert re.search(r"Cheng ?Shi et .*ville", text)
    assert "Des signes dont ce serveur n’a pas la police" in text


def test_html_stands_alone_and_escapes_what_records_say() -> None:
    hostile = document('<script>alert(1)</script>Un « titre » & "guillemets"', person("O'Neil<b>", "J"))
    page = b"".join(as_html.file_bytes(bibliography.compose([hostile], replace(ASKED, title="<i>T</i>")))).decode()
    assert "<script" not in page and "<b>" not in page and "&lt;i&gt;T&lt;/i&gt;" in page
    assert "&amp; &quot;guillemets&quot;" in page
    root = etree.HTML(page)
    assert root.get("lang") == "fr" and len(root.findall(".//h1")) == 1
    assert not re.search(r'(?:src|href)="(?!https?://)', page)
    full = b"".join(as_html.file_bytes(made(group="theme", locations=True))).decode()
    assert re.search(r"<h2>Orientation scolaire .*\(2\)", full) and "364.4 DUB" in full


def test_text_is_what_one_pastes_in_a_letter() -> None:
    text = b"".join(as_text.file_bytes(made(group="theme", summaries=True, locations=True))).decode()
    assert text.startswith("Discriminations à l’orientation\r\n====")
    assert "    Cote : 364.4 DUB\r\n" in text and "    https://catalogue.example.org/d/22222222\r\n" in text


# --- what comes from elsewhere -----------------------------------------------------------------


def monsters() -> Iterator[Outgoing]:
    crowd = [person(f"Nom{n:03}", "Odile", tag="701") for n in range(300)]
    yield document("Foule", *crowd)
    yield document("Contrôles \x00\x07\x1f\ud800 fin", field("330", "a", "a\x0bb " * 100))
    yield document("Sens \u202e\u2066\u200f غير", person("\u202e", "x"))
    yield document("Formules =cmd|' /C calc'!A0 #import \"x\" $x^2$ \\input{/etc/passwd} @<label> *gras* {{7*7}}")
    yield document("Résumé d’un mégaoctet", field("330", "a", "mot " * 262_144))
    yield document("T" * 100_000)
    yield document("", field("856", "u", 'https://x.example/"><script>'), field("856", "u", "javascript:alert(1)"))
    yield outgoing([{"t": "000", "v": ""}, Field(t="200", i="1 ", s=[])], "other")
    yield document("Diacritiques " + "e\u0301\u0327" * 50 + "\U0001f600")


def test_whatever_a_record_holds_every_form_opens() -> None:
    all_of_them = [replace(one, address=f"{n:08}") for n, one in enumerate(monsters())]
    full = bibliography.compose(all_of_them, replace(ASKED, summaries=True, locations=True))
    files = {name: b"".join(PRINTED[name](full)) for name in PRINTED}
    assert max(map(len, files.values())) < 1_000_000, "a summary of a megabyte is cut"
    lines = [text for _style, text in docx_text(files["docx"])]
    printed = words(pdf_text(files["pdf"]))
    for shown in (" ".join(lines), printed):
        assert "NOM299" in shown and '#import "x" $x^2$ \\input{/etc/passwd}' in shown
        assert "[…]" in shown and "[sans titre]" in shown
    assert not {"\u202e", "\x00"} & set("".join(lines))
    assert b"javascript:" not in files["html"] and b"<script" not in files["html"]
    etree.HTML(files["html"].decode())


# --- on the site -------------------------------------------------------------------------------


@pytest.fixture
def addresses(app: Flask) -> dict[str, str]:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        found = {
            name: notices.create(session, fields, by="claire", status=status).address
            for name, fields, status in (
                ("miettes", MIETTES, "published"),
                ("phenix", PHENIX, "published"),
                ("gazette", GAZETTE, "published"),
                ("draft", ARTICLE, "draft"),
            )
        }
    travee.drain_soon()
    return found


def test_keywords_leave_as_the_page_shows_them(session: Session) -> None:
    """A thesaurus’s own label for what a partner wrote in capitals, and what one field joins, one by one."""
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, (ConceptRow("t:1", {"fr": "Mobilité"}),))
    fields = (field("606", "a", "MOBILITÉ"), field("606", "a", "Autre"), field("610", "a", "banc; EMPLOI"))
    made = notices.create(session, cast.notice("T", *fields), by="claire", status="published")
    page = reading.notice_page(session, made.address)
    assert isinstance(page, reading.NoticePage)
    (out,) = records.load(session, [made.id], public=True)
    assert cited(out).keywords == (*page.themes, *page.keywords) == ("Mobilité", "Autre", "banc", "EMPLOI")


def test_no_sign_that_somebody_types_breaks_a_file(app: Flask, client: FlaskClient, addresses: dict[str, str]) -> None:
    """Titles, call numbers and locations pass through no record: neither Word nor a PDF has a sign for \x08."""
    odd = "\x00Ma\x08 liste\x1f \u202e\ufffe\ud800"
    placed = {one.address: Whereabouts(f"301 {odd}", (f"Salle {odd}",)) for one in GIVEN}
    wishes = replace(ASKED, title=odd, centre=odd, locations=True)
    full = bibliography.compose(GIVEN, wishes, placed)
    assert (full.title, full.centre, full.entries[0].place) == (
        "Ma liste",
        "Ma liste",
        Whereabouts("301 Ma liste", ("Salle Ma liste",)),
    )
    for printer in PRINTED.values():
        assert b"".join(printer(full))
    client.post("/selection", data={"acte": "ajouter", "document": addresses["miettes"]})
    client.post("/selection", data={"acte": "regler", "titre": "Ma\x08 liste\x00\ufffe"})
    assert 'value="Ma liste' in client.get("/selection").text
    shared = client.post("/selection", data={"acte": "partager"}).location.split("?")[0]
    for address in ("/selection.docx", "/selection.pdf", f"{shared}.docx", f"{shared}.pdf"):
        assert client.get(address).status_code == 200
    for asked in ("q=ville%08", "q=ville%ef%bf%be", "theme=a%01b"):
        assert client.get(f"/recherche.docx?{asked}").status_code == 200


def test_a_document_is_served_in_every_format_at_its_address(client: FlaskClient, addresses: dict[str, str]) -> None:
    for made in FORMATS.values():
        answer = client.get(f"/d/{addresses['miettes']}{made.ending}")
        assert answer.status_code == 200 and answer.data, made
        assert answer.content_type == made.media_type
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert f'filename="la-ville-en-miettes{made.ending}"' in answer.headers["Content-Disposition"]
        assert client.get(f"/d/{addresses['draft']}{made.ending}").status_code == 404
    assert client.get(f"/d/{addresses['miettes']}.exe").status_code == 404
    english = client.get(f"/en/d/{addresses['miettes']}.txt").text
    assert english.startswith("La ville en miettes")
    page = client.get(f"/d/{addresses['miettes']}.html?style=apa")
    assert "Dumas, A. (1998)" in page.text
    assert as_html.STYLE_DIGEST in page.headers["Content-Security-Policy"]


def test_a_search_is_taken_away_in_its_order(client: FlaskClient, addresses: dict[str, str]) -> None:
    text = client.get("/recherche.ris?q=titre:ville").text
    assert text.count("TY  - ") == 1 and "La ville en miettes" in text
    assert client.get("/recherche.csl.json").get_json(force=True)
    assert client.get("/recherche.bib?q=rien+de+tel").status_code == 200


def test_the_page_of_a_document_says_how_to_cite_it_without_script(
    client: FlaskClient, addresses: dict[str, str]
) -> None:
    page = client.get(f"/d/{addresses['miettes']}").text
    reference = re.search(r'<p id="reference">(.*?)</p>', page, re.S)
    assert reference and "DUMAS, Agnès, 1998. <i>La ville en miettes</i>. Éditions du Canal." in reference[1]
    assert f'href="/d/{addresses["miettes"]}.ris"' in page
    assert 'hidden><button type="button"' in page, "the button to copy is there only with script"


def test_a_selection_is_taken_away_whole(client: FlaskClient, addresses: dict[str, str]) -> None:
    assert client.get("/selection.docx").status_code == 302
    chosen = [addresses["phenix"], addresses["miettes"]]
    for address in chosen:
        client.post("/selection", data={"acte": "ajouter", "document": address})
    text = client.get("/selection.txt").text
    assert text.index("Phénix") < text.index("Dumas".upper())
    assert client.get("/selection.docx").headers["Cache-Control"] == "no-store"
    assert plain(made().entries[0].runs)
