"""A form sent twice, or beside somebody else's: one copy, no copy lost, one file, and nobody waits for a file."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from catalogue import cataloguing, db, documents
from catalogue.models import DigitalDocument, Item
from catalogue.web import desk_notices
from tests import pdfs
from tests.test_desk import BOOK, filled, made, saved, text


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


def copies(base: db.Database) -> list[tuple[str, str | None]]:
    with base.read() as session:
        return [(item.call_number, item.barcode) for item in session.scalars(select(Item).order_by(Item.id))]


def form(client: FlaskClient, **typed: Any) -> dict[str, Any]:
    page = client.get("/bureau/notices/nouvelle?modele=book")
    return {**BOOK, **{name: filled(page, name)[0] for name in ("nouvelle", "exemplaire")}, **typed}


def test_a_form_sent_twice_makes_one_copy(claire: FlaskClient, base: db.Database) -> None:
    typed = form(claire, cote="364 DUB", code_barres="B1", emplacement="Salle")
    assert [saved(claire, **typed).status_code for _time in range(2)] == [303, 303]
    assert copies(base) == [("364 DUB", "B1")]
    address = typed["nouvelle"]
    where = f"/bureau/notices/{address}/exemplaires/nouveau"
    second = {"exemplaire": filled(claire.get(where), "exemplaire")[0], "cote": "365 X"}
    assert [claire.post(where, data=second).status_code for _time in range(2)] == [303, 303]
    assert copies(base) == [("364 DUB", "B1"), ("365 X", None)]
    other = claire.post(where, data={**second, "cote": "365 Y"})  # the Back button, then another copy
    assert other.status_code == 422 and "a déjà ajouté un exemplaire, « 365 X »" in text(other)
    again = {"exemplaire": filled(other, "exemplaire")[0], "cote": "365 Y"}
    assert claire.post(where, data=again).status_code == 303
    assert [call_number for call_number, _b in copies(base)] == ["364 DUB", "365 X", "365 Y"]


def test_the_comparison_keeps_the_copy(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK)
    page = claire.get(f"/bureau/notices/{address}")
    typed = {**BOOK, "version": "1", "exemplaire": filled(page, "exemplaire")[0], "cote": "364 DUB"}
    saved(claire, address, **{**BOOK, "version": "1", "title": "La ville en morceaux"})
    file = (io.BytesIO(b"x"), "Rapport.pdf")
    answer = saved(claire, address, **typed, code_barres="B9", droits="open", fichier=file)
    assert answer.status_code == 409
    kept = {name: filled(answer, name) for name in ("cote", "code_barres", "exemplaire", "droits")}
    assert kept == {"cote": ["364 DUB"], "code_barres": ["B9"], "exemplaire": [typed["exemplaire"]], "droits": ["open"]}
    assert "Choisissez de nouveau le fichier « Rapport.pdf »" in text(answer)
    assert 'enctype="multipart/form-data"' in answer.text and 'type="file"' in answer.text
    sent = {**typed, "version": filled(answer, "version")[0], "code_barres": "B9", "choix_title": "mine"}
    assert saved(claire, address, **sent).status_code == 303
    assert copies(base) == [("364 DUB", "B9")]


def test_a_copy_is_added_though_somebody_saved_the_same_words(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK)
    same = {**BOOK, "version": "1", "title": "La ville en morceaux"}
    assert saved(claire, address, **same).status_code == 303
    code = filled(claire.get(f"/bureau/notices/{address}"), "exemplaire")[0]
    answers = [saved(claire, address, **same, exemplaire=code, cote="364 DUB") for _time in range(2)]
    assert [re.sub(r".*fait=", "", answer.location) for answer in answers] == ["saved", "unchanged"]
    assert copies(base) == [("364 DUB", None)]


def test_a_file_is_received_before_anything_is_locked_and_kept_at_the_second_attempt(
    claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[bool] = []
    save, recognise = cataloguing.save, documents.file_types.recognise
    attempts: list[int] = []

    def looked_at(*args: Any) -> Any:
        with base.engine.execution_options(travee_writes=True).connect() as other:  # busy at once, were it locked
            other.exec_driver_sql("select 1")
            locked.append(False)
        return recognise(*args)

    def pressed_together(session: Session, *args: Any, **kwargs: Any) -> cataloguing.Outcome:
        outcome = save(session, *args, **kwargs)
        attempts.append(1)
        return outcome

    taken = desk_notices._file_taken

    def somebody_saves(*args: Any) -> str:
        told = taken(*args)
        if len(attempts) == 1:
            raise StaleDataError("somebody saved in this instant")
        return told

    monkeypatch.setattr(documents.file_types, "recognise", looked_at)
    monkeypatch.setattr(cataloguing, "save", pressed_together)
    monkeypatch.setattr(desk_notices, "_file_taken", somebody_saves)
    file = (io.BytesIO(pdfs.pdf(("Un mot.",))), "Rapport.pdf")
    answer = saved(claire, **form(claire, droits="open", fichier=file))
    assert answer.status_code == 303 and locked == [False] and len(attempts) == 2
    with base.read() as session:
        assert [row.label for row in session.scalars(select(DigitalDocument))] == ["Rapport"]
