"""A copy in somebody's hands, a label on a spine, a notice on paper; and what visitors would like us to buy."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_login import login_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import desk_reading, history, items, loans, lots, notices, reading, users, visits
from catalogue.db import Database
from catalogue.models import Batch, Item, Notice, Revision, User, VisitRequest
from catalogue.unimarc import RecordItem
from catalogue.web.auth import Account
from export import labels
from tests.cast import MIETTES
from tests.conftest import PASSWORD

BORROWER = "Zéphyrine Quatrevaux"
SOON = date.today() + timedelta(days=21)


def shelved(session: Session) -> tuple[Notice, Item]:
    notice = notices.create(session, MIETTES, by="claire", status="published")
    batch = history.open_batch(session, "copy", by="claire")
    copy = RecordItem(call_number="364.4 DUM", location="Espace doc")
    (number,), _problems = items.add_many(session, [(notice.id, copy)], batch=batch)
    return notice, session.get_one(Item, number)


@pytest.fixture
def copy(session: Session) -> Item:
    return shelved(session)[1]


def lent(session: Session, copy: Item, to: str = BORROWER) -> Batch:
    batch = loans.lend(session, copy, to=to, until=SOON, by="claire", version=copy.version)
    assert batch is not None
    return batch


def said(session: Session) -> str:
    """Everything that rows and history say of copies."""
    rows = session.scalars(select(Item)).all()
    befores = session.scalars(select(Revision.before)).all()
    words = session.scalars(select(Batch.why)).all()
    return repr([(i.status, i.lent_to, i.lent_until) for i in rows] + [*befores, *words])


# --- lent, given back ------------------------------------------------------------------------


def test_the_name_is_in_the_row_alone_and_goes_when_the_copy_comes_back(session: Session, copy: Item) -> None:
    lot = lent(session, copy)
    assert (copy.status, copy.lent_to, copy.lent_until) == ("on_loan", BORROWER, SOON)
    items.revise(session, copy, {"call_number": "364.4 DUM 2"}, by="claire")
    assert copy.lent_to == BORROWER  # another change while it is out
    back = loans.give_back(session, copy, by="marc")
    assert back is not None and (copy.status, copy.lent_to, copy.lent_until) == ("available", "", None)
    assert BORROWER not in said(session)

    # Nothing that is taken back brings it home again.
    assert [left.code for left in lots.undo(session, lot, by="claire").left] == ["changed_since"]
    lots.undo(session, back, by="claire")
    assert (copy.status, copy.lent_to) == ("on_loan", "")
    assert BORROWER not in said(session)


def test_taking_back_a_loan_forgets_who_had_it_and_redoing_it_does_not_remember(session: Session, copy: Item) -> None:
    undone = lots.undo(session, lent(session, copy), by="claire")
    assert undone.batch is not None and (copy.status, copy.lent_to) == ("available", "")
    lots.undo(session, undone.batch, by="claire")
    assert (copy.status, copy.lent_to) == ("on_loan", "") and BORROWER not in said(session)


def test_any_way_out_of_a_loan_forgets_the_name(session: Session, copy: Item) -> None:
    lent(session, copy)
    items.revise(session, copy, {"status": "missing"}, by="claire")
    assert (copy.lent_to, copy.lent_until) == ("", None)
    with pytest.raises(loans.NotThere):
        lent(session, copy)  # nobody lends what nobody finds


def test_undoing_another_change_of_a_copy_that_is_out_leaves_it_out(session: Session, copy: Item) -> None:
    lent(session, copy)
    batch = history.open_batch(session, "copy", by="claire")
    items.revise(session, copy, {"section": "Réserve"}, by="claire", batch=batch)
    lots.undo(session, batch, by="claire")
    assert (copy.section, copy.status, copy.lent_to) == ("", "on_loan", BORROWER)


def test_two_people_who_lend_the_same_copy_the_second_is_told(session: Session, copy: Item) -> None:
    version = copy.version
    lent(session, copy)
    with pytest.raises(loans.NotThere):
        loans.lend(session, copy, to="Autre", until=SOON, by="marc", version=version)
    assert copy.lent_to == BORROWER


def test_late_loans_come_first_and_the_public_reads_no_name(session: Session, copy: Item) -> None:
    _notice, other = shelved(session)
    lent(session, other, "À temps")
    lent(session, copy)
    copy.lent_until = date.today() - timedelta(days=4)
    session.flush()
    page = loans.out(session, date.today())
    assert (page.total, page.late) == (2, 1)
    assert [(one.to, one.days_late) for one in page.lines] == [(BORROWER, 4), ("À temps", 0)]
    shown = reading.notice_page(session, notices.get(session, other.notice_id).address)
    assert shown is not None and "sorti, de retour le" in repr(shown) and "À temps" not in repr(shown)
    (line,) = desk_reading.copies(session, notices.get(session, copy.notice_id))
    assert (line.late, line.lent_to, line.state) == (True, BORROWER, "on_loan")


def test_nothing_of_the_name_stays_in_the_file(claire: FlaskClient, client: FlaskClient, app: Flask) -> None:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        notice, copy = shelved(session)
        address, code = notice.address, copy.code
    form = claire.get(f"/bureau/exemplaires/{code}/pret").get_data(as_text=True)
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    typed = {"version": version[1], "a_qui": BORROWER, "jusqu_au": "hier"}
    wrong = claire.post(f"/bureau/exemplaires/{code}/pret", data=typed)
    assert wrong.status_code == 422 and "Écrivez le jour du retour" in (page := wrong.get_data(as_text=True))
    assert f'value="{BORROWER}"' in page and "<title>Erreur :" in page

    assert (
        claire.post(f"/bureau/exemplaires/{code}/pret", data={**typed, "jusqu_au": f"{SOON:%d/%m/%Y}"}).status_code
        == 303
    )
    assert BORROWER in claire.get("/bureau/exemplaires/sortis").get_data(as_text=True)
    public = client.get(f"/d/{address}").get_data(as_text=True)
    assert "sorti, de retour le" in public and BORROWER not in public
    assert BORROWER.encode() in on_disk(travee.db)

    assert claire.post(f"/bureau/exemplaires/{code}/retour").status_code == 303
    travee.work_once()
    assert BORROWER.encode() not in on_disk(travee.db)
    assert claire.post(f"/bureau/exemplaires/{code}/retour").status_code == 303  # a second press does no harm
    assert "Aucun exemplaire n’est sorti" in claire.get("/bureau/exemplaires/sortis").get_data(as_text=True)


def test_a_notice_shows_its_copies_with_what_one_does_with_them(app: Flask, claire: FlaskClient) -> None:
    """The piece that the page of a notice includes, as documentalists and as others see it."""
    with app.extensions["travee"].db.write() as session:
        notice, copy = shelved(session)
        lent(session, copy)
        address, code = notice.address, copy.code
        users.add(session, "marc", PASSWORD, "reader")
    piece = '{% import "desk/_copies.html" as c with context %}{{ c.copies(copies, notice) }}'

    def shown(login: str) -> str:
        with app.test_request_context("/bureau"), app.extensions["travee"].db.read() as session:
            login_user(Account(session.scalars(select(User).where(User.login == login)).one()))
            found = notices.find(session, address)
            assert found is not None
            return render_template_string(piece, copies=desk_reading.copies(session, found), notice=found)

    for_claire, for_marc = shown("claire"), shown("marc")
    assert f"sorti, prêté à {BORROWER} jusqu’au" in for_claire and f"/bureau/exemplaires/{code}/retour" in for_claire
    assert BORROWER not in for_marc and "sorti, de retour le" in for_marc and "Rendu" not in for_marc
    page = claire.get(f"/bureau/exemplaires/{code}").get_data(as_text=True)
    assert f"/bureau/exemplaires/{code}/etiquette" in page and "Changer le retour" in page


def on_disk(base: Database) -> bytes:
    path = Path(base.engine.url.database or "")
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


# --- on paper --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call_number", "lines"),
    [
        ("364.4 DUB", ("364.4", "DUB")),
        ("P GAZ 214", ("P", "GAZ", "214")),
        ("R 2019-2 T. 3 ANN", ("R 2019-2", "T. 3", "ANN")),
        ("  ", ()),
        ("X" * 40, ("X" * 25 + "…",)),
    ],
)
def test_a_call_number_stands_on_three_lines_at_most(call_number: str, lines: tuple[str, ...]) -> None:
    assert labels.lines_of(call_number) == lines


def test_a_label_is_a_page_of_its_size_or_stands_on_its_sheet() -> None:
    pages = [labels.label("364.4 DUB", "k7m4x9q0"), labels.label("北京 12", "b3c5d7f9")]
    one = labels.labels_pdf(pages, "38x21")
    assert boxes(one) == [(108, 60), (108, 60)]  # 38.1 × 21.2 mm, in points
    assert boxes(labels.labels_pdf(pages, "63x38", start=21)) == [(595, 842), (595, 842)]  # the last, then a new sheet
    assert boxes(labels.labels_pdf(pages, "63x38", start=20)) == [(595, 842)]


def boxes(pdf: bytes) -> list[tuple[int, int]]:
    found = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(round(float(width)), round(float(height))) for width, height in found]


def test_a_label_and_a_notice_are_printed_from_the_desk(claire: FlaskClient, app: Flask) -> None:
    with app.extensions["travee"].db.write() as session:
        notice, copy = shelved(session)
        address, code = notice.address, copy.code
    page = claire.get(f"/bureau/exemplaires/{code}/etiquette?format=63x38").get_data(as_text=True)
    assert "<strong>364.4</strong><strong>DUM</strong>" in page and code in page
    label = claire.get(f"/bureau/exemplaires/{code}/etiquette.pdf?format=63x38&place=3")
    assert label.data.startswith(b"%PDF") and boxes(label.data) == [(595, 842)]
    sheet = claire.get(f"/bureau/notices/{address}/fiche").get_data(as_text=True)
    assert "La ville en miettes" in sheet and "Dumas, Agnès" in sheet and f"/d/{address}" in sheet
    assert boxes(claire.get(f"/bureau/notices/{address}/fiche.pdf?format=a5").data) == [(420, 595)]


# --- what visitors would like us to buy ------------------------------------------------------


@pytest.mark.parametrize(
    "suggestion",
    [
        visits.Suggestion("La ville en miettes"),
        visits.Suggestion("La ville", "Dumas, Agnès", "Pour un mémoire.\nMerci !"),
        visits.Suggestion("La ville", "", "Parce que."),
    ],
)
def test_a_suggestion_is_read_again_as_it_was_written(suggestion: visits.Suggestion) -> None:
    assert visits.suggested(visits.suggestion_message(suggestion)) == suggestion


def test_a_visitor_suggests_a_book_and_claire_catalogues_it_from_there(
    client: FlaskClient, claire: FlaskClient, app: Flask
) -> None:
    form = client.get("/demande?sujet=suggerer&recherche=Quartiers+libres").get_data(as_text=True)
    assert "Suggérer un achat" in form and 'value="Quartiers libres"' in form
    empty = client.post("/demande", data={"sujet": "suggerer", "auteur": "Dumas", "courriel": "x"})
    assert empty.status_code == 422 and "Écrivez le titre, même à peu près." in (said := empty.get_data(as_text=True))
    assert 'value="Dumas"' in said and "Écrivez une adresse de courriel complète" in said

    typed = {
        "sujet": "suggerer",
        "titre": "Quartiers libres",
        "auteur": "978-2-07-036822-8",
        "message": "Bouleversant.",
    }
    sent = client.post("/demande", data=typed)
    assert sent.status_code == 303 and "Merci pour votre suggestion" in client.get(sent.location).get_data(as_text=True)
    page = claire.get("/bureau/a-revoir").get_data(as_text=True)
    assert "Suggestion d’achat" in page and "Quartiers libres" in page and "Bouleversant." in page
    asked = dict(re.findall(r'<input type="hidden" name="(kind|title|isbn|author)" value="([^"]*)"', page))
    assert asked == {"kind": "book", "title": "Quartiers libres", "isbn": "9782070368228"}
    filled = claire.post("/bureau/notices/nouvelle", data={**asked, "action": "kind"}).get_data(as_text=True)
    assert 'value="Quartiers libres"' in filled and 'value="9782070368228"' in filled
    with app.extensions["travee"].db.read() as session:
        row = session.scalars(select(VisitRequest)).one()
        assert (row.subject, row.answered_at) == ("buy", None)
    english = client.get("/en/demande?sujet=suggerer")
    assert english.status_code == 200
