"""Claire at her desk: she catalogues, corrects, takes back, and is never punished for an unfinished record."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.test import TestResponse

from catalogue import (
    authorities,
    cataloguing,
    choices,
    db,
    desk_history,
    desk_reading,
    history,
    items,
    lot_pages,
    notices,
    sources,
    users,
    visits,
)
from catalogue import today as today_
from catalogue.entities import ConceptRow
from catalogue.inbox_pages import lists
from catalogue.models import Batch, Item, Notice, NoticeLink, Refused, Run, VisitRequest
from catalogue.notices import NewNotice
from catalogue.unimarc import Fields, RecordItem, bare
from tests.cast import GAZETTE, MIETTES, field
from tests.conftest import BROWSER_AGENT, PASSWORD


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


@pytest.fixture
def ines(app: Flask, base: db.Database) -> FlaskClient:
    """Inès, an intern: she proposes, others publish."""
    return signed_in(app, base, "ines", "contributor")


@pytest.fixture
def marc(app: Flask, base: db.Database) -> FlaskClient:
    """Marc, the manager, reads and changes nothing."""
    return signed_in(app, base, "marc", "reader")


def signed_in(app: Flask, base: db.Database, login: str, role: str) -> FlaskClient:
    with base.write() as session:
        users.add(session, login, PASSWORD, role)
    made = app.test_client()
    made.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    made.post("/connexion", data={"login": login, "password": PASSWORD})
    return made


def text(answer: TestResponse) -> str:
    """What a page says, without its tags."""
    page = re.sub(r"<(script|style).*?</\1>", " ", answer.get_data(as_text=True), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", page.replace("</", " </"))))


def said(answer: TestResponse) -> list[str]:
    """The lines of the error summary."""
    summary = re.search(r'id="erreurs">(.*?)</div>', answer.get_data(as_text=True), re.S)
    return [unescape(words) for words in re.findall(r"<a [^>]*>(.*?)</a>", summary[1])] if summary else []


def filled(answer: TestResponse, name: str) -> list[str]:
    """The values of the inputs of that name."""
    page = answer.get_data(as_text=True)
    inputs = [i for i in re.findall(r"<input [^>]*>", page) if f' name="{name}"' in i]
    values = [unescape(v[1]) for i in inputs if (v := re.search(r' value="([^"]*)"', i))]
    areas = re.findall(rf'<textarea [^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page, re.S)
    chosen = re.findall(rf'<select [^>]*name="{name}".*?</select>', page, re.S)
    picked = [m[1] for one in chosen if (m := re.search(r'value="([^"]*)" selected', one))]
    return values + [unescape(v) for v in areas] + picked


BOOK = {
    "kind": "book",
    "title": "La ville en miettes",
    "author": ["Dumas, Agnès", ""],
    "author_role": ["070", "070"],
    "date": "1998",
    "subject": ["Renouvellement urbain", "", "", ""],
    "version": "0",
}


def saved(client: FlaskClient, address: str = "", /, **typed: Any) -> TestResponse:
    where = f"/bureau/notices/{address}" if address else "/bureau/notices/nouvelle"
    return client.post(where, data=typed)


def made(client: FlaskClient, /, **typed: Any) -> str:
    """Save a new notice; its address."""
    answer = saved(client, **typed)
    assert answer.status_code == 303, said(answer)
    return re.search(r"/notices/(\w{8})", answer.location)[1]  # type: ignore[index]


def read(base: db.Database, address: str) -> Notice:
    with base.read() as session:
        found = notices.find(session, address)
        assert found is not None
        return found


# --- from an empty draft to the public page and back -----------------------------------------


def test_claire_catalogues_a_book_from_a_bare_title_to_the_public_page_and_takes_a_change_back(
    claire: FlaskClient, client: FlaskClient, base: db.Database
) -> None:
    # A draft with nothing but a title is a draft.
    address = made(claire, kind="book", title="La ville en miettes", action="save")
    draft = read(base, address)
    assert (draft.title, draft.status, draft.kind) == ("La ville en miettes", "draft", "book")
    assert client.get(f"/d/{address}").status_code == 404
    assert "La ville en miettes" in text(claire.get("/bureau"))

    # Publishing says what is missing, beside each field, and keeps what was typed.
    refused = saved(claire, address, **{"version": "1", "kind": "book", "title": "La ville", "action": "publish"})
    assert refused.status_code == 422
    assert said(refused) == [
        "Écrivez la date, avec l’année sur 4 chiffres, ex. 2024.",
        "Ajoutez au moins un sujet : c’est par lui que l’on trouvera le document.",
    ]
    assert filled(refused, "title") == ["La ville"]
    assert read(base, address).version == 1

    # Complete, it is published and found by a visitor.
    published = saved(claire, address, **BOOK | {"version": "1", "action": "publish"})
    assert published.status_code == 303
    page = text(claire.get(published.location))
    assert "Notice publiée." in page
    assert "Renouvellement urbain" in text(client.get(f"/d/{address}"))
    assert "La ville en miettes" in text(client.get("/recherche?q=miettes"))

    # A correction shows in the history, with its author, and where each value comes from.
    corrected = BOOK | {"version": "2", "title": "La ville en morceaux", "date": "1999", "action": "save"}
    assert saved(claire, address, **corrected, pourquoi="titre vérifié sur le livre").status_code == 303
    told = claire.get(f"/bureau/notices/{address}/historique").get_data(as_text=True)
    assert "La ville en <del>miettes</del> <ins>morceaux</ins>" in told
    assert "titre vérifié sur le livre" in told
    assert "saisi ici par claire" in told
    assert "La ville en morceaux" in text(client.get(f"/d/{address}"))

    # « Annuler » puts it back, and can itself be annulled.
    with base.read() as session:
        lot = session.scalars(select(Batch).order_by(Batch.id.desc())).first()
        assert lot is not None
    undone = claire.post(f"/bureau/historique/{lot.id}/annuler")
    assert "1 changement a été annulé." in text(undone)
    assert "La ville en miettes" in text(client.get(f"/d/{address}"))
    again = re.search(r"/bureau/historique/(\d+)/annuler", undone.get_data(as_text=True))
    assert again is not None
    claire.post(again[0])
    assert "La ville en morceaux" in text(client.get(f"/d/{address}"))


def test_publishing_an_empty_form_tells_the_four_things_and_links_to_them(claire: FlaskClient) -> None:
    answer = saved(claire, kind="", title="", date="", subject="", action="publish", version="0")
    assert answer.status_code == 422
    assert said(answer) == [
        "Choisissez le type de document.",
        "Écrivez le titre, tel qu’il est sur le document.",
        "Écrivez la date, avec l’année sur 4 chiffres, ex. 2024.",
        "Ajoutez au moins un sujet : c’est par lui que l’on trouvera le document.",
    ]
    page = answer.get_data(as_text=True)
    assert "<title>Erreur : " in page
    for name in ("kind", "title", "date", "subject"):
        assert f'<a href="#{name}">' in page
        control = re.search(rf'<(?:input|select)[^>]* id="{name}"[^>]*>', page)
        assert control is not None
        assert 'aria-invalid="true"' in control[0]
        described = re.search(r'aria-describedby="([^"]*)"', control[0])
        assert described is not None
        assert all(f'id="{each}"' in page for each in described[1].split())


def test_a_draft_accepts_anything_and_gives_it_back_as_it_was_typed(claire: FlaskClient, base: db.Database) -> None:
    typed = {
        "kind": "report",
        "title": "<script>alert(1)</script> & « guillemets »",
        "date": "20224",
        "isbn": "978-bidon",
        "address": "www.exemple.fr",
        "author": ["李 伟", "Nguyễn, Văn", "محمد"],
        "author_role": ["070", "070", "730"],
        "abstract": "Un\r\n\r\ndeux",
    }
    address = made(claire, **typed, action="save")
    page = claire.get(f"/bureau/notices/{address}")
    assert filled(page, "title") == ["<script>alert(1)</script> & « guillemets »"]
    assert filled(page, "author")[:3] == ["李 伟", "Nguyễn, Văn", "محمد"]
    assert filled(page, "abstract") == ["Un\n\ndeux"]
    assert "<script>alert" not in page.get_data(as_text=True)
    assert "L’année n’a pas été comprise dans « 20224 »" in text(page)
    assert said(page) == []


def test_an_article_is_attached_to_our_journal_and_stands_on_its_page(
    claire: FlaskClient, client: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        journal = notices.create(session, GAZETTE, by="claire", status="published").address
    address = made(
        claire,
        kind="press_article",
        title="Ce que change la rénovation",
        journal="gazette des quartiers",
        issue_number="212",
        issue_date="mars 2024",
        extent="p. 12-15",
        subject="Rénovation",
        action="publish",
    )
    article = read(base, address)
    assert (article.level, article.kind, article.year) == ("article", "press_article", 2024)
    public = client.get(f"/d/{address}").get_data(as_text=True)
    assert f"/d/{journal}" in public
    assert "Gazette des quartiers" in public


def test_a_synonym_becomes_the_term_of_the_thesaurus_and_claire_is_told(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        ghetto = ConceptRow("urn:1", {"fr": "Ségrégation urbaine"}, (("fr", "ghetto"),))
        authorities.load_scheme(session, "VILLE", "urn:ville", {"fr": "Ville"}, [ghetto])
    answer = saved(claire, **BOOK | {"subject": ["ghetto", "Rap"], "action": "publish"})
    page = claire.get(answer.location)
    assert "« ghetto » est devenu « Ségrégation urbaine », le terme du thésaurus." in text(page)
    assert filled(page, "subject")[:2] == ["Ségrégation urbaine", "Rap"]
    fields = read(base, re.search(r"/notices/(\w{8})", answer.location)[1]).fields  # type: ignore[index]
    assert [f["s"] for f in fields if f["t"] == "606"] == [
        [["a", "Ségrégation urbaine"], ["2", "VILLE"]],
        [["a", "Rap"]],
    ]


def test_a_save_that_changes_nothing_makes_no_lot(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    answer = saved(claire, address, **BOOK | {"version": "1", "action": "save"})
    assert "Rien n’avait changé" in text(claire.get(answer.location))
    assert read(base, address).version == 1
    with base.read() as session:
        assert len(session.scalars(select(Batch)).all()) == 1


def test_correcting_a_comma_in_an_imported_notice_does_not_demand_its_subject(
    claire: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        bare_book: Fields = [f for f in MIETTES if f["t"] != "606"]
        address = notices.create(session, bare_book, by="travee import", status="published").address
    typed = {"version": "1", "kind": "book", "title": "La ville, en miettes", "action": "save"}
    assert saved(claire, address, **typed).status_code == 303
    emptied = saved(claire, address, **typed | {"version": "2", "title": ""})
    assert said(emptied) == ["Écrivez le titre, tel qu’il est sur le document."]


def test_fields_that_the_form_does_not_know_survive_the_edit_with_their_origin(
    claire: FlaskClient, base: db.Database
) -> None:
    address = harvested(base, [*MIETTES, field("897", "a", "doc_num.php?id=3", "b", "Plan"), field("801", "a", "RECI")])
    before = read(base, address).fields
    page = claire.get(f"/bureau/notices/{address}")
    assert "2 autres champs, gardés tels quels" in text(page)
    assert saved(claire, address, version="1", title="La ville en morceaux", action="save").status_code == 303
    after = read(base, address).fields
    assert [bare(f) for f in after if f["t"] != "200"] == [bare(f) for f in before if f["t"] != "200"]
    assert [f["o"] for f in after if f["t"] != "200"] == [f["o"] for f in before if f["t"] != "200"]
    told = text(claire.get(f"/bureau/notices/{address}/historique"))
    assert re.search(r"La ville en morceaux saisi ici par claire", told)
    assert re.search(r"Dumas, Agnès repris de RECI", told)


def harvested(base: db.Database, fields: Fields, status: str = "published") -> str:
    with base.write() as session:
        batch = history.open_batch(session, "harvest", by="travee harvest")
        source = sources.for_file(session, "RECI")
        (record,) = sources.stage(session, source, [sources.Received("1", "f", fields)])
        claim = history.take(session, "claim")[0]
        (number,) = notices.create_many(session, [NewNotice(fields, claim, "RECI", status)], batch=batch)
        sources.claim_many(session, [(claim, number, record.record_id, record.version_id)])
        return notices.get(session, number).address


# --- the form without a script ----------------------------------------------------------------


def test_choosing_another_kind_shows_its_fields_and_saves_nothing(claire: FlaskClient, base: db.Database) -> None:
    answer = saved(claire, kind="press_article", title="Un titre", publisher="Canal", action="kind", version="0")
    assert answer.status_code == 200
    assert filled(answer, "title") == ["Un titre"]
    assert "Revue ou journal" in text(answer)
    assert filled(answer, "publisher") == ["Canal"]
    with base.read() as session:
        assert session.scalars(select(Notice)).all() == []


def test_another_row_is_brought_by_a_button(claire: FlaskClient) -> None:
    answer = saved(claire, kind="book", subject=["a", "b", "c", "d"], action="add:subject", version="0")
    assert filled(answer, "subject") == ["a", "b", "c", "d", "", ""]


def test_each_kind_has_its_own_form_at_an_address_of_its_own(claire: FlaskClient) -> None:
    chooser = claire.get("/bureau/notices/nouvelle")
    models = re.findall(r"/bureau/notices/nouvelle\?modele=([\w-]+)", chooser.get_data(as_text=True))
    assert models[0] == "article-de-presse"
    assert len(models) == 12
    for model in models:
        page = claire.get(f"/bureau/notices/nouvelle?modele={model}")
        assert page.status_code == 200
        assert len(page.data) < 60_000


def test_enter_in_a_field_saves_and_never_publishes(claire: FlaskClient) -> None:
    page = claire.get("/bureau/notices/nouvelle?modele=ouvrage").get_data(as_text=True)
    form = page[page.index('class="cataloguing"') :]
    first = re.search(r"<button[^>]*>", form)
    assert first is not None
    assert 'value="enter"' in first[0]
    assert saved(claire, **BOOK | {"action": "enter"}).location.endswith("?fait=saved")


# --- two people at once ----------------------------------------------------------------------


def test_a_second_save_on_an_old_version_is_a_comparison_and_loses_nothing(
    claire: FlaskClient, base: db.Database
) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    with base.write() as session:
        notice = notices.find(session, address)
        assert notice is not None
        marcs = cataloguing.save(
            session, notice, {"date": ["1999"], "title": ["La ville émiettée"]}, by="marc", version=1
        )
        assert marcs.done == "saved"

    stale = saved(claire, address, **BOOK | {"version": "1", "title": "La ville en morceaux", "action": "save"})
    assert stale.status_code == 409
    page = text(stale)
    assert "Cette notice a changé pendant que vous l’écriviez" in page
    assert "marc l’a enregistrée" in page
    assert "La ville en morceaux" in page
    assert "La ville émiettée" in page
    html = stale.get_data(as_text=True)
    assert 'name="choix_title" value="mine" checked' in html  # both changed it: mine is proposed, theirs shown
    assert 'name="choix_date" value="now" checked' in html  # only Marc changed it
    assert "choix_author" not in html
    assert read(base, address).title == "La ville émiettée"

    # Everything typed is still in the page; the choice is saved on the version of now.
    again = {name: filled(stale, name) for name in ("kind", "title", "author", "author_role", "date", "subject")}
    assert again["title"] == ["La ville en morceaux"]
    answer = saved(claire, address, **again, version="2", choix_title="mine", choix_date="now", action="save")
    assert answer.status_code == 303
    now = read(base, address)
    assert (now.title, now.year) == ("La ville en morceaux", 1999)


def test_a_stale_save_of_the_very_same_values_is_told_too(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    saved(claire, address, **BOOK | {"version": "1", "title": "Autre", "action": "save"})
    answer = saved(claire, address, **BOOK | {"version": "1", "title": "Autre", "action": "save"})
    assert "Rien n’avait changé" in text(claire.get(answer.location))


def test_two_saves_in_the_same_instant_end_in_a_comparison_not_in_a_failure(
    claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL lets both look at the old version; the second to write finds out."""
    address = made(claire, **BOOK | {"action": "publish"})
    save = cataloguing.save

    def outrun(session: Session, notice: Notice, *args: Any, **more: Any) -> cataloguing.Outcome:
        monkeypatch.setattr(cataloguing, "save", save)
        session.rollback()
        with base.write() as first:
            save(first, notices.find(first, address), {"title": ["Avant"]}, by="marc", version=1)
        raise StaleDataError("somebody was faster")

    monkeypatch.setattr(cataloguing, "save", outrun)
    answer = saved(claire, address, **BOOK | {"version": "1", "title": "Après", "action": "save"})
    assert answer.status_code == 409
    assert "Avant" in text(answer)


# --- the same document twice -----------------------------------------------------------------


def test_the_same_isbn_is_told_before_publishing_and_never_forbids_it(claire: FlaskClient, base: db.Database) -> None:
    first = made(claire, **BOOK | {"isbn": "978-2-07-036822-8", "action": "publish"})
    double = BOOK | {"title": "La ville en miettes (2)", "isbn": "207036822X", "action": "publish"}
    asked = saved(claire, **double)
    assert asked.status_code == 422
    assert "Très proche d’une notice existante" in text(asked)
    assert f"/bureau/notices/{first}" in asked.get_data(as_text=True)
    assert filled(asked, "pas_la_meme") == [first]
    with base.read() as session:
        assert len(session.scalars(select(Notice)).all()) == 1
    second = made(claire, **double, pas_la_meme=first)
    assert read(base, second).status == "published"


def test_a_draft_with_a_known_isbn_is_saved_and_the_other_notice_named(claire: FlaskClient) -> None:
    made(claire, **BOOK | {"isbn": "978-2-07-036822-8", "action": "publish"})
    answer = saved(claire, kind="book", title="Double", isbn="978-2-07-036822-8", action="save")
    assert "Très proche : « La ville en miettes »" in text(claire.get(answer.location))


# --- copies ----------------------------------------------------------------------------------


def test_a_copy_is_added_changed_and_shown_to_visitors(
    claire: FlaskClient, client: FlaskClient, base: db.Database
) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    copy = {"cote": "364.4 DUM", "code_barres": "B0001", "nouvel_emplacement": "Espace doc"}
    assert claire.post(f"/bureau/notices/{address}/exemplaires/nouveau", data=copy).status_code == 303
    assert "364.4 DUM" in text(client.get(f"/d/{address}"))
    with base.read() as session:
        (item,) = session.scalars(select(Item))
    page = claire.get(f"/bureau/exemplaires/{item.code}")
    assert filled(page, "cote") == ["364.4 DUM"]
    changed = copy | {"cote": "370 DUM", "emplacement": "Espace doc", "nouvel_emplacement": "", "etat": "missing"}
    assert claire.post(f"/bureau/exemplaires/{item.code}", data=changed | {"version": "1"}).status_code == 303
    told = claire.get(f"/bureau/notices/{address}/historique").get_data(as_text=True)
    assert "<del>364.4 DUM</del> <ins>370 DUM</ins>" in told
    assert "<del>disponible</del> <ins>manquant</ins>" in told

    stale = claire.post(f"/bureau/exemplaires/{item.code}", data=changed | {"cote": "999", "version": "1"})
    assert "Cet exemplaire a été changé entre-temps" in text(stale)
    assert filled(stale, "cote") == ["999"]


def test_a_barcode_that_is_on_another_copy_is_refused_beside_its_field(claire: FlaskClient, base: db.Database) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    for _ in range(2):
        answer = claire.post(
            f"/bureau/notices/{address}/exemplaires/nouveau", data={"cote": "1 A", "code_barres": "B0001"}
        )
    assert answer.status_code == 422
    assert said(answer) == ["Le code-barres B0001 est déjà celui d’un exemplaire de « La ville en miettes »."]
    assert filled(answer, "cote") == ["1 A"]
    with base.read() as session:
        assert len(session.scalars(select(Item)).all()) == 1


# --- lots ------------------------------------------------------------------------------------


def test_undoing_an_old_lot_takes_back_what_nobody_touched_and_names_the_rest(
    claire: FlaskClient, base: db.Database
) -> None:
    with base.write() as session:
        batch = history.open_batch(session, "import", by="travee import", why="mars.mrc")
        rows = [NewNotice([field("200", "a", title)], status="published") for title in ("Un", "Deux", "Trois")]
        numbers = notices.create_many(session, rows, batch=batch)
        notices.revise(session, notices.get(session, numbers[1]), [field("200", "a", "Deux !")], by="marc")
        lot = batch.id
    page = text(claire.get(f"/bureau/historique/{lot}"))
    assert "Import d’un fichier" in page
    assert "mars.mrc" in page
    assert "Trois" in page
    undone = text(claire.post(f"/bureau/historique/{lot}/annuler"))
    assert "2 changements ont été annulés." in undone
    assert "1 changement est resté en place" in undone
    assert "Deux ! changé depuis par marc" in undone
    twice = claire.post(f"/bureau/historique/{lot}/annuler")
    assert twice.status_code == 409
    assert "Ce lot a déjà été annulé." in text(twice)


def test_the_list_of_lots_says_who_what_when_and_offers_to_annul(claire: FlaskClient) -> None:
    made(claire, **BOOK | {"action": "publish"})
    page = text(claire.get("/bureau/historique"))
    assert "Publication" in page
    assert "La ville en miettes" in page
    assert "claire" in page
    assert claire.get("/bureau/historique/999").status_code == 404


def test_pages_of_the_past_stay_light_however_long_the_texts(claire: FlaskClient, base: db.Database) -> None:
    texts = [" ".join(f"mot{n}-{word}" for word in range(900)) for n in range(16)]
    with base.write() as session:
        notice = notices.create(session, [field("200", "a", "Long"), field("330", "a", texts[0])], by="claire")
        articles = [field("464", "t", f"Article {n}", "9", f"id:{n}", "9", "lnk:art") for n in range(400)]
        for text_ in texts:
            fields = [field("200", "a", "Long"), field("330", "a", text_), *articles]
            notices.revise(session, notice, fields, by="claire")
    for path in (f"notices/{notice.address}", f"notices/{notice.address}/historique", "historique/2"):
        assert len(claire.get(f"/bureau/{path}").data) < 60_000, path


# --- the inbox -------------------------------------------------------------------------------


def test_a_visitors_message_waits_until_it_is_answered(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        visits.request(session, subject="visit", name="Inès", email="ines@exemple.fr", message="Mardi ?\nou jeudi")
    assert "1 demande de visiteur" in text(claire.get("/bureau"))
    page = claire.get("/bureau/a-revoir")
    assert "Demande de visite · Inès" in text(page)
    assert "ines@exemple.fr" in text(page)
    claire.post(re.search(r"/bureau/a-revoir/messages/\d+", page.get_data(as_text=True))[0])  # type: ignore[index]
    assert "Tout est à jour." in text(claire.get("/bureau/a-revoir"))
    with base.read() as session:
        assert session.scalars(select(VisitRequest.answered_by)).one() == "claire"


def test_a_candidate_is_published_or_put_aside_and_either_is_taken_back(
    claire: FlaskClient, client: FlaskClient, base: db.Database
) -> None:
    address = harvested(base, [field("200", "a", "Une note du réseau")], "candidate")
    assert "Une note du réseau" in text(claire.get("/bureau/a-revoir"))
    answer = claire.post(f"/bureau/a-revoir/notices/{address}", data={"action": "publish"})
    assert client.get(f"/d/{address}").status_code == 200
    page = claire.get(answer.location).get_data(as_text=True)
    claire.post(re.search(r"/bureau/historique/\d+/annuler", page)[0])  # type: ignore[index]
    assert read(base, address).status == "candidate"
    claire.post(f"/bureau/a-revoir/notices/{address}", data={"action": "put_aside"})
    assert read(base, address).status == "withdrawn"
    again = claire.post(f"/bureau/a-revoir/notices/{address}", data={"action": "publish"}, follow_redirects=True)
    assert "a déjà été traitée" in text(again)


def test_what_was_proposed_here_needs_the_same_four_things(
    claire: FlaskClient, ines: FlaskClient, base: db.Database
) -> None:
    address = made(ines, kind="report", title="Un rapport", action="propose")
    answer = claire.post(f"/bureau/a-revoir/notices/{address}", data={"action": "publish"}, follow_redirects=True)
    assert "n’est pas encore complète" in text(answer)
    assert len(said(answer)) == 2
    assert read(base, address).status == "candidate"


def test_refused_records_are_listed_with_their_sentence(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        source = sources.for_file(session, "RECI")
        raw = b"<notice>sans titre</notice>"
        kept = Refused(
            source_id=source.id,
            position=412,
            identifier="oai:RECI:9",
            code="record.no_title",
            params={},
            format="oai",
            file_name="",
            raw=raw,
            sha256=hashlib.sha256(raw).hexdigest(),
            created_at=db.now(),
        )
        sources.keep_refused(session, source, [kept])
    assert "Notices refusées 1" in text(claire.get("/bureau"))
    page = text(claire.get("/bureau/refus"))
    assert "La notice n’a pas de titre" in page
    assert "RECI · position 412 · oai:RECI:9" in page


# --- Aujourd'hui -----------------------------------------------------------------------------


def test_an_empty_day_says_so_and_offers_to_catalogue(claire: FlaskClient) -> None:
    page = text(claire.get("/bureau"))
    assert "Rien d’urgent." in page
    assert "Cataloguer" in page
    assert "Tout est à jour." in text(claire.get("/bureau/a-revoir"))


def today(session: Session, **more: Any) -> list[today_.Card]:
    local = datetime(2024, 3, 21, 9, 0, tzinfo=UTC)
    return list(today_.today(session, "claire", local=local, sees_inbox=True, **more).cards)


def test_a_harvest_that_failed_comes_first_and_says_why(session: Session) -> None:
    source = sources.for_file(session, "RECI")
    session.add(
        Run(
            source_id=source.id,
            kind="harvest",
            started_at=datetime(2024, 3, 21, 2, 12, tzinfo=UTC),
            status="incomplete",
            reason={"code": "oai.interrupted", "params": {}},
            counts={"new": 31, "updated": 1},
        )
    )
    visits.request(session, subject="visit", name="", email="", message="")
    session.flush()
    cards = today(session)
    assert [card.key for card in cards][:2] == ["harvest", "inbox"]
    assert cards[0].urgent
    assert cards[0].sentences[0].startswith("RECI, le 21 mars 2024 : incomplète.")
    assert cards[0].sentences[0].endswith("31 nouvelles notices, 1 mise à jour.")


def test_this_month_is_counted_against_the_last(session: Session) -> None:
    for title, day in (("a", datetime(2024, 3, 1)), ("b", datetime(2024, 3, 20)), ("c", datetime(2024, 2, 28))):
        batch = history.open_batch(session, "create", by="claire")
        batch.at = day.replace(tzinfo=UTC)
        notices.create(session, [field("200", "a", title)], by="claire", status="published", batch=batch)
    notices.create(session, [field("200", "a", "un brouillon")], by="claire")
    (month,) = [card for card in today(session) if card.key == "month"]
    assert (month.figure, month.sentences[1]) == (2, "1 le mois dernier")


def test_both_databases_read_the_desk_alike(session: Session) -> None:
    journal = notices.create(session, GAZETTE, by="claire", status="published")
    typed = {"kind": ["article"], "title": ["Un article"], "journal": ["gazette des quartiers"], "issue_date": ["2024"]}
    proposed = cataloguing.save(session, None, typed | {"subject": ["École"]}, by="ines", asked="propose")
    article = notices.find(session, proposed.address)
    assert article is not None
    assert f"address:{journal.address}" in session.scalars(select(NoticeLink.promise)).all()
    revised = cataloguing.save(session, article, typed | {"title": ["Le même"]}, by="claire", version=1)
    assert revised.done == "saved"
    cataloguing.add_copy(session, journal, cataloguing.Copy("R 2019-12", "B2", "Réserve"), by="claire")
    cataloguing.add_copy(session, journal, cataloguing.Copy("R 2019-2", "B1", "Réserve"), by="claire")

    review = lists.to_review(session)
    assert [section.kind for section in review.sections] == ["candidate"]
    past = desk_history.notice_history(session, article)
    assert [event.by for event in past.events] == ["claire", "ines"]
    assert past.events[0].differences[0].label == "Titre"
    lots, older = lot_pages.list_lots(session)
    assert [(lot.words, lot.titles) for lot in lots[1:3]] == [
        ("Exemplaire", ("Gazette des quartiers",)),
        ("Modification", ("Le même",)),
    ]
    assert not older
    page = lot_pages.lot_page(session, session.get_one(Batch, lots[0].id))
    assert [(c.title, c.about, c.made) for c in page.changes] == [
        ("Gazette des quartiers", "exemplaire R 2019-2", True)
    ]
    shelf = desk_reading.inventory(session, desk_reading.Wanted(first="R 2019", last="R 2019"))
    assert [line.call_number for line in shelf.lines] == ["R 2019-2", "R 2019-12"]
    assert (shelf.total, shelf.title) == (2, "Tous les emplacements, cotes de R 2019 à R 2019")
    assert [one.label for one in choices.journals(session, "quart")] == ["Gazette des quartiers"]


# --- who may do what -------------------------------------------------------------------------


def test_the_desk_asks_to_sign_in_first_and_comes_back(client: FlaskClient) -> None:
    answer = client.get("/bureau/inventaire?de=364")
    assert answer.status_code == 302
    assert "/connexion?suite=" in answer.location
    wrong = client.post("/connexion", data={"login": "claire", "password": "non"})
    assert wrong.status_code == 422
    assert "Il y a un problème" in text(wrong)


def test_an_intern_proposes_and_does_not_publish(ines: FlaskClient, claire: FlaskClient, base: db.Database) -> None:
    form = text(ines.get("/bureau/notices/nouvelle?modele=rapport"))
    assert "Proposer à la relecture" in form
    assert "Publier" not in form
    assert saved(ines, **BOOK | {"action": "publish"}).status_code == 403
    address = made(ines, **BOOK | {"action": "propose"})
    assert read(base, address).status == "candidate"
    assert "La ville en miettes" in text(claire.get("/bureau/a-revoir"))
    published = made(claire, **BOOK | {"title": "Publiée", "action": "publish"})
    too_late = saved(ines, published, title="Autre", version="1", action="save")
    assert too_late.status_code == 403
    assert filled(too_late, "title") == ["Autre"]
    assert read(base, published).title == "Publiée"
    assert ines.get("/bureau/a-revoir").status_code == 403
    with base.read() as session:
        theirs = session.scalars(select(Batch.id).where(Batch.by == "claire")).one()
        own = session.scalars(select(Batch.id).where(Batch.by == "ines")).one()
    assert ines.post(f"/bureau/historique/{theirs}/annuler").status_code == 403
    assert ines.post(f"/bureau/historique/{own}/annuler").status_code == 200


def test_a_reader_looks_and_is_offered_nothing_else(marc: FlaskClient, claire: FlaskClient) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    home = marc.get("/bureau").get_data(as_text=True)
    assert "/bureau/notices/nouvelle" not in home
    assert "/bureau/a-revoir" not in home
    assert marc.get("/bureau/notices/nouvelle").status_code == 403
    assert marc.get(f"/bureau/notices/{address}", follow_redirects=True).request.path.endswith("/historique")
    assert "/annuler" not in marc.get("/bureau/historique").get_data(as_text=True)
    assert marc.get("/bureau/inventaire").status_code == 200


def test_the_public_page_leads_claire_to_the_form_and_nobody_else(
    claire: FlaskClient, client: FlaskClient, ines: FlaskClient
) -> None:
    address = made(claire, **BOOK | {"action": "publish"})
    assert f"/bureau/notices/{address}" in claire.get(f"/d/{address}").get_data(as_text=True)
    for other in (client, ines):
        assert "/bureau" not in other.get(f"/d/{address}").get_data(as_text=True)


def test_the_menu_leads_only_to_pages_that_exist(claire: FlaskClient) -> None:
    seen, waiting = set(), ["/bureau"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = claire.get(path)
        assert answer.status_code == 200, path
        links = re.findall(r'href="(/bureau[^"#?]*)', answer.get_data(as_text=True))
        waiting += sorted(set(links) - seen - set(waiting))
    assert {"/bureau/a-revoir", "/bureau/inventaire", "/bureau/historique", "/bureau/notices/nouvelle"} <= seen


def test_staff_read_the_desk_in_their_own_language(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        user = users.find(session, "claire")
        assert user is not None
        user.language = "en"
    page = claire.get("/bureau/notices/nouvelle?modele=ouvrage").get_data(as_text=True)
    assert '<html lang="en"' in page
    assert ">Title" in page


def test_odd_submissions_never_break_the_desk(claire: FlaskClient) -> None:
    odd: list[dict[str, Any]] = [
        {"version": "x" * 50, "action": "save", "title": "T"},
        {"action": "add:nothing", "title": "T"},
        {"action": "save", "title": "T" * 3000, "kind": "no such kind", "author": [f"A{n}" for n in range(40)]},
        {"action": "save", "choix_title": "now", "choix_zzz": "mine", "title": "T"},
        {"action": "kind", "author_role": ["730", "070", "xyz"]},
    ]
    for data in odd:
        assert saved(claire, **data).status_code in (200, 303, 422), data


def test_an_unknown_button_or_notice_is_refused(claire: FlaskClient) -> None:
    assert saved(claire, action="erase", title="T").status_code == 400
    assert saved(claire, "k7m4x9q0", action="save", title="T").status_code == 404
    assert claire.get("/bureau/exemplaires/zzz").status_code == 404
    assert claire.post("/bureau/a-revoir/messages/99").status_code == 404


def test_the_history_of_an_imported_copy_begins_with_its_lot(claire: FlaskClient, base: db.Database) -> None:
    with base.write() as session:
        notice = notices.create(session, MIETTES, by="claire", status="published")
        batch = history.open_batch(session, "import", by="travee import")
        items.add_many(session, [(notice.id, RecordItem(call_number="364.4", barcode="B1"))], batch=batch)
        address = notice.address
    assert "exemplaire 364.4" in text(claire.get(f"/bureau/notices/{address}/historique"))


def test_a_double_click_makes_one_notice(app: Flask, claire: FlaskClient) -> None:
    page = claire.get("/bureau/notices/nouvelle?modele=book").get_data(as_text=True)
    found = re.search(r'name="nouvelle" value="([0-9a-z]{8})"', page)
    assert found
    sent = {"kind": "book", "title": "La ville en miettes", "action": "save", "nouvelle": found[1]}
    first, second = (claire.post("/bureau/notices/nouvelle", data=sent) for _click in range(2))
    assert first.status_code == second.status_code == 303
    assert found[1] in first.headers["Location"]
    with app.extensions["travee"].db.read() as session:
        assert len(session.scalars(select(Notice.id)).all()) == 1
