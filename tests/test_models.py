"""What screens use when nobody says otherwise: a letter's words, a bibliography's look, a sheet of labels; QR codes."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from catalogue import history, items, letters, notices, remembered
from catalogue.unimarc import RecordItem
from catalogue.web import formats, selection
from export import codes, labels, usual
from tests.cast import MIETTES
from tests.test_copies_in_hand import boxes
from tests.test_settings_on_screen import marc

__all__ = ["marc"]  # the fixture


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


# --- letters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("  \n", "Écrivez le texte"),
        ("x" * 5001, "C’est trop long"),
        ("Bonjour {prix}", "{prix} ne veut rien dire ici"),
        ("{titre} {}", "{} ne veut rien dire ici"),
        ("{titre.__class__}", "{titre.__class__} ne veut rien dire ici"),
    ],
)
def test_a_place_that_means_nothing_is_refused_with_a_sentence(typed: str, said: str) -> None:
    assert said in letters.wrong("claim", typed)


def test_a_letter_in_the_centre_s_own_words_and_back(session: Session) -> None:
    ours = "Chers amis de {fournisseur},\n{numeros}\n100 % {sincères"
    assert letters.wrong("claim", ours) == ""
    assert letters.write(session, "claim", ours.replace("\n", "\r\n"))
    assert letters.text(session, "claim") == ours and not letters.is_usual(session, "claim")
    said = letters.fill(ours, {"fournisseur": "", "numeros": "- n° {titre}"})
    assert said == "Chers amis de ,\n- n° {titre}\n100 % {sincères", "what is filled in is not read again"
    assert letters.write(session, "claim", letters.LETTERS["claim"].usual)
    assert remembered.read(session, "letter:claim") is None and letters.is_usual(session, "claim")


# --- habits of paper -------------------------------------------------------------------------


def test_what_is_kept_is_used_and_what_is_there_no_more_is_as_if_unset(session: Session) -> None:
    assert usual.write(session, usual.Labels("63x38", 4, -1.5, 2.0))
    assert usual.labels(session) == usual.Labels("63x38", 4, -1.5, 2.0)
    remembered.write(session, usual.LABELS, {"size": "a-size-of-another-time", "start": 4})
    remembered.write(session, usual.BIBLIOGRAPHY, ["?"])
    assert (usual.labels(session), usual.bibliography(session)) == (usual.Labels(), usual.Bibliography())
    assert usual.write(session, usual.Bibliography(group="theme")) and usual.write(session, usual.Bibliography())
    assert remembered.read(session, usual.BIBLIOGRAPHY) is None


def test_the_pages_of_models(app: Flask, claire: FlaskClient) -> None:
    def keep(**form: str) -> tuple[int, str]:
        answer = claire.post("/admin/modeles", data={"action": "save", **form})
        return answer.status_code, answer.text

    status, page = keep(quoi="claim", texte="Bonjour {prix}")
    assert (status, "<title>Erreur :" in page, "Bonjour {prix}</textarea>" in page) == (422, True, True)
    status, page = keep(quoi="labels", format="63x38", place="99", droite="1,5", bas="un")
    assert (status, "de 1 à 21" in page, "Écrivez des millimètres" in page) == (422, True, True)
    assert 'value="99"' in page and 'value="un"' in page
    assert keep(quoi="labels", format="63x38", place="3", droite="1,5", bas="-2")[0] == 303
    assert keep(quoi="bibliography", style="?", groupe="theme")[0] == 400
    assert keep(quoi="bibliography", style=usual.Bibliography().style, groupe="theme", resumes="1")[0] == 303
    page = claire.get("/admin/modeles").text
    assert 'value="1,5"' in page and 'value="-2"' in page and "Revenir aux mesures de Travée" in page
    assert boxes(claire.get("/admin/modeles/feuille-essai.pdf").data) == [(595, 842)]
    for asked in ("/recherche.docx?q=ville", "/selection"):  # nobody has chosen anything
        with app.test_request_context(asked):
            wishes = formats._wishes("Ville") if "docx" in asked else selection.wishes_of(None)
            assert (wishes.group, wishes.summaries, wishes.locations) == ("theme", True, False)
    with app.test_request_context("/recherche.docx?q=ville&style=?"):
        assert not formats._wishes("Ville").summaries
    keep(quoi="labels", action="usual")
    assert "Revenir aux mesures de Travée" not in claire.get("/admin/modeles").text


# --- QR codes --------------------------------------------------------------------------------


def test_a_code_is_black_on_white_with_its_quiet_zone() -> None:
    made = codes.svg("https://doc.exemple.fr/x/k7m4x9q0")
    assert 'viewBox="0 0 37 37"' in made, "29 modules, and four on each side"
    assert '<path fill="#fff" d="M0 0h37v37h-37z"/>' in made and 'stroke="#000" d="M4 4.5' in made
    assert not re.search(r"<script|style=|width=", made)


def test_a_label_carries_the_address_of_its_copy_which_leads_to_it(
    app: Flask, claire: FlaskClient, client: FlaskClient
) -> None:
    with app.extensions["travee"].db.write() as session:
        notice = notices.create(session, MIETTES, by="claire", status="published")
        batch = history.open_batch(session, "copy", by="claire")
        items.add_many(session, [(notice.id, RecordItem(barcode="3001", call_number="364.4 DUB"))], batch=batch)
        (item,) = items.list_of(session, [notice.id])
        code, address = item.code, notice.address
        usual.write(session, usual.Labels("63x38", 3))
    shown = claire.get(f"/bureau/exemplaires/{code}/etiquette").text
    assert codes.svg(f"http://localhost/x/{code}") in shown
    assert "label-63x38" in shown.partition("<head>")[0] and 'value="3"' in shown
    made = labels.label("364.4 DUB", code, f"https://doc.exemple.fr/x/{code}")
    assert made.qr and not labels.label("X" * 17, code, "https://doc.exemple.fr/x/1").qr, "it must be read first"
    assert boxes(labels.labels_pdf([made], "38x21")) == [(108, 60)]
    assert client.get(f"/x/{code.upper()}").location == f"/d/{address}"
    assert claire.get(f"/x/{code}").location == f"/bureau/exemplaires/{code}"
    assert client.get("/x/zzzzzzzz").status_code == client.get("/x/..").status_code == 404


def test_helpers_join_by_a_code_with_the_link_in_words_below(app: Flask, marc: FlaskClient) -> None:
    made = {"purpose": "cleaning", "day": "2026-03-14", "hours": "4", "label": "Journée"}
    page = marc.post("/admin/equipe/equipiers", data=made, follow_redirects=True).text
    link = re.search(r'id="lien" value="([^"]+)"', page)
    assert link is not None and codes.svg(link[1]) in page
