"""The page of a source: how its copies are read, what its codes mean, and reading them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from catalogue import copies, history, item_profiles, items, lots, rereading, source_pages, sources
from catalogue.db import Database
from catalogue.models import Batch, Item, Location, Notice, Source
from catalogue.unimarc import Field, RecordItem
from export import records
from tests.cast import field
from tests.test_desk import filled, said, text
from tests.test_import_report import SUBJECT, Desk, copy, open_desk, record, take, write

ODD = {"9": "1", "c": "MED1A", "f": "B1", "k": "364 DUM", "r": "PRETLIV", "o": "7", "e": "ADU"}


def odd(barcode: str, **more: str) -> Field:
    return copy(barcode, **{**ODD, "f": barcode, **more})


def shelf(database: Database) -> dict[str, tuple[str, str, str, str]]:
    with database.read() as session:
        places = {place.id: place.name for place in session.scalars(select(Location))}
        found = session.scalars(select(Item).order_by(Item.id)).all()
        return {
            i.barcode or "": (i.call_number, places.get(i.location_id or 0, ""), i.section, i.status) for i in found
        }


# --- the text of a profile -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('field = "995"\nbarcod = "f"\n', "Ligne 2 : « barcod » n’est pas un nom connu."),
        ('\nfield = "95"\nbarcode = "f"\n', "Ligne 2 : « 95 » n’est pas une étiquette."),
        ('field = "001"\nbarcode = "f"\n', "Ligne 1 : « 001 » n’est pas une étiquette."),
        ('field = "995"\nbarcode = "é"\n', "Ligne 2 : « é » n’est pas un code de sous-zone."),
        ('field = "995"\nbarcode = 9\n', "Ligne 2 : « 9 » n’est pas un code de sous-zone."),
        ('field = "995"\nbarcode = "f\n', "Ligne 2 : un guillemet ouvert n’est pas refermé"),
        ('field = "995"\nbarcode = f\n', "Ligne 2 : écrivez la valeur entre guillemets droits"),
        ('field = "995"\nbarcode = “f”\n', "Ligne 2 : écrivez la valeur entre guillemets droits"),
        ('field = "995"\nbarcode "f"\n', "Ligne 2 : il manque le signe ="),
        ('field = "995" barcode = "f"\n', "Ligne 1 : rien ne doit suivre la valeur"),
        ('field = "995"\nfield = "996"\nnote = "u"', "Ligne 2 : ce nom est déjà donné"),
        ('field = "995"\n[states\n', "Ligne 2 : il manque un crochet fermant"),
        ('field = "995"\nétat = "o"\n', "Ligne 2 : elle doit commencer par un nom sans accent"),
        ('field = "995"\nbarcod = "f"\n', "Connus : habit, field, barcode"),
        ('barcode = "f"\n', "Il manque la ligne field"),
        ('field = "995"\nnote = "u"\n', "Dites au moins où est le code-barres"),
        ('field = "995"\nbarcode = "f"\n\n[states]\nab = "Perdu"\n', "Ligne 5 : « ab » n’est pas un code"),
        ('field = "995"\nbarcode = "f"\n\n[states]\n2 = 3\n', "Ligne 5 : écrivez entre guillemets l’état"),
        ('field = "995"\nbarcode = "f"\nstates = "2"\n', "Ligne 3 : « states » est un tableau"),
        ('habit = "aleph"\n', "Ligne 1 : « aleph » n’est pas une habitude connue."),
        ('habit = "koha"\nfield = "995"\n', "Ligne 2 : « field » ne va pas avec « habit »"),
        ("field = " + "9" * 5_000, "Ligne 1 : cette ligne n’est pas comprise"),
        ("field = " + "[" * 5_000, "n’est pas comprise"),
        ("#" * 10_001, "Ce profil dépasse 10000 signes."),
    ],
)
def test_what_is_wrong_in_a_profile_is_told_with_its_line(written: str, told: str) -> None:
    chosen, problems = item_profiles.parse_items(written)
    assert chosen == "auto"
    assert problems[0].message.startswith(told) or told in problems[0].message


@pytest.mark.parametrize("habit", ["auto", "pmb", *copies.tables()])
def test_every_habit_is_written_as_it_is_read(habit: str) -> None:
    chosen, problems = item_profiles.parse_items(item_profiles.format_items(habit))
    assert problems == []
    # « known_by » tells a habit by a record's own fields: a table that somebody writes has no need of it.
    table = {key: value for key, value in copies.tables().get(habit, {}).items() if key != "known_by"}
    assert chosen == (table or habit)


codes = st.text("0123456789abcdefghijklmnopqrstuvwxyzKLMN", min_size=1, max_size=3)
tables = st.fixed_dictionaries(
    {"field": st.sampled_from(["852", "930", "995"]), "barcode": codes},
    optional={
        "call_number": codes,
        "status": codes,
        "states": st.dictionaries(
            st.sampled_from("0123abc"), st.text(min_size=1).filter(lambda t: t.strip() != ""), min_size=1
        ),
    },
)


@given(tables)
def test_a_table_survives_being_written_and_read(table: dict[str, Any]) -> None:
    assert item_profiles.parse_items(item_profiles.format_items(table)) == (table, [])


# --- what the codes mean ---------------------------------------------------------------------


def test_a_profile_says_what_codes_mean_and_the_copies_go_out_as_they_came(database: Database, tmp_path: Path) -> None:
    profile = {"states": {"7": "repair"}, "locations": {"MED1A": "Grande salle"}, "kinds": {"PRETLIV": "report"}}
    with database.write() as session:
        sources.for_file(session, "fonds").profile = profile
    as_received = odd("B1")
    path = write(tmp_path, record("1", "La ville en miettes", SUBJECT, as_received))
    take(database, path)
    assert shelf(database) == {"B1": ("364 DUM", "Grande salle", "ADU", "repair")}
    with database.read() as session:
        notice = session.scalars(select(Notice)).one()
        assert notice.kind == "report"
        (out,) = records.load(session, [notice.id])
    assert copies.to_fields(out.items[0]) == [as_received]
    assert take(database, path).counts["unchanged"] == 1
    # What is changed here goes out changed, in our words.
    with database.write() as session:
        item = session.scalars(select(Item)).one()
        items.revise(session, item, {"status": "missing", "section": "Réserve"}, by="claire")
    with database.read() as session:
        (out,) = records.load(session, [notice.id])
    (written,) = copies.to_fields(out.items[0])
    said_now = dict(written["s"])
    assert (said_now["c"], said_now["e"], said_now["2"]) == ("MED1A", "Réserve", "1")


def test_the_type_of_a_copy_does_not_make_a_book_of_a_periodical(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        sources.for_file(session, "fonds").profile = {"kinds": {"PRETLIV": "report"}}
    serial = record("1", "Gazette des quartiers", SUBJECT, odd("B1"))
    serial[0] = {"t": "000", "v": "     nas1 22     3  450 "}
    take(database, write(tmp_path, serial))
    with database.read() as session:
        assert session.scalars(select(Notice)).one().kind == "serial"


@pytest.mark.parametrize(
    ("about", "code", "known"),
    [
        ("status", "Perdu", True),
        ("status", "Consultation sur place", True),
        ("status", "Détérioré", False),
        ("location", "Bibliothèque principale", True),
        ("location", "MED1A", False),
        ("section", "60", False),
        ("type", "Rapport", True),
        ("type", "PRETLIV", False),
    ],
)
def test_a_word_is_known_a_code_is_not(about: str, code: str, known: bool) -> None:
    assert copies.is_known(about, code) is known
    assert copies.is_known(about, code, {copies.CODES[about]: {code: "x"}})


# --- the page --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("sources"))


def profile_of(desk: Desk, name: str) -> dict[str, Any]:
    with desk.base.read() as session:
        found = sources.find(session, name)
        assert found is not None
        return found.profile


def seven(desk: Desk, folder: Path, name: str) -> str:
    """Seven records with a copy each, from a source of that name; the address of its page."""
    path = write(folder, *(record(str(n), f"Titre {n}", SUBJECT, odd(f"{name}{n}")) for n in range(1, 8)))
    take(desk.base, path, source=name)
    return f"/bureau/sources/{name}"


def test_claire_sees_where_copies_are_and_says_what_codes_mean(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "fonds")
    assert "fonds" in text(desk.claire.get("/bureau/sources"))
    shown = desk.claire.get(page)
    assert filled(shown, "items") == [item_profiles.format_items("auto")]
    words = text(shown)
    assert "7 exemplaires lus dans les 7 dernières notices reçues" in words
    assert words.count("Ce qui a été reçu") == 5
    assert set(zip(filled(shown, "about"), filled(shown, "code"), strict=True)) == {
        ("status", "7"),
        ("location", "MED1A"),
        ("section", "ADU"),
        ("type", "PRETLIV"),
    }
    form = {
        "action": "save",
        "items": 'habit = "auto"',
        "about": ["location", "status", "type", "status"],
        "code": ["MED1A", "7", "PRETLIV", "8"],
        "means": ["Grande salle", "repair", "nimporte", ""],
    }
    assert "Le profil est enregistré" in text(desk.claire.post(page, data=form, follow_redirects=True))
    profile = profile_of(desk, "fonds")
    assert profile["locations"] == {"MED1A": "Grande salle"} and profile["states"] == {"7": "repair"}
    assert "kinds" not in profile  # « nimporte » is no kind of ours
    assert "Grande salle" in filled(desk.claire.get(page), "means")
    # The copies that are there do not move by themselves; read again, they do, in one lot.
    answer = desk.claire.post(page, data={"action": "reread"}, follow_redirects=True)
    assert "7 exemplaires ont été relus." in text(answer) and "Annuler cette relecture" in text(answer)
    assert "Rien n’a changé" in text(desk.claire.post(page, data={"action": "reread"}, follow_redirects=True))


def test_a_wrong_profile_is_refused_line_by_line_and_nothing_typed_is_lost(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "faux")
    written = 'field = "995"\nbarcod = "f"\n'
    typed = {"about": ["location"], "code": ["MED1A"], "means": ["Grande salle"]}
    answer = desk.claire.post(page, data={"action": "save", "items": written, **typed})
    assert answer.status_code == 422
    (line,) = said(answer)
    assert line.startswith("Ligne 2 : « barcod » n’est pas un nom connu.")
    assert filled(answer, "items") == [written] and "Grande salle" in filled(answer, "means")
    assert "<title>Erreur :" in answer.get_data(as_text=True)
    assert profile_of(desk, "faux") == {}


def test_a_profile_is_tried_before_it_is_kept(desk: Desk, tmp_path: Path) -> None:
    elsewhere = field("930", "c", "930-1", "a", "711 PAQ", "b", "Réserve")
    path = write(tmp_path, record("1", "Vivre au bord du canal", SUBJECT, elsewhere))
    take(desk.base, path, source="essai")
    page = "/bureau/sources/essai"
    assert "Aucun exemplaire n’a été trouvé ainsi" in text(desk.claire.get(page))
    written = 'field = "930"\nbarcode = "c"\ncall_number = "a"\nlocation = "b"\n'
    tried = text(desk.claire.post(page, data={"action": "try", "items": written}))
    assert "pas encore enregistré" in tried
    assert "Code-barres 930-1 · Cote 711 PAQ · Emplacement Réserve" in tried
    assert profile_of(desk, "essai") == {}
    # Kept, it serves the next import of the same file: the copy comes in.
    desk.claire.post(page, data={"action": "save", "items": written})
    done = take(desk.base, path, source="essai")
    assert (done.counts["updated"], done.counts["items"]) == (1, 1)
    assert shelf(desk.base)["930-1"] == ("711 PAQ", "Réserve", "", "available")


def test_what_is_shown_is_what_is_being_written(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "vu")
    typed = {"about": ["location"], "code": ["MED1A"], "means": ["Grande salle"]}
    tried = text(desk.claire.post(page, data={"action": "try", "items": 'habit = "koha"', **typed}))
    assert "Emplacement Grande salle" in tried
    wrong = text(desk.claire.post(page, data={"action": "try", "items": 'field = "995"\nbarcode = f'}))
    assert "Ce texte n’est pas compris : il ne lit rien." in wrong and "Code-barres" not in wrong
    assert profile_of(desk, "vu") == {}


def test_codes_are_counted_in_everything_a_source_has_sent(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = field("099", "t", "art")
    first = [record(str(n), f"Titre {n}", SUBJECT, typed, odd(f"A{n}", c="MED3F")) for n in range(1, 5)]
    last = [record(str(n), f"Titre {n}", SUBJECT, odd(f"A{n}")) for n in range(5, 8)]
    done = take(database, write(tmp_path, *first, *last))
    monkeypatch.setattr(source_pages, "LOOKED_AT", 3)
    with database.read() as session:
        source = sources.find(session, "fonds")
        assert source is not None
        page = source_pages.page(session, source)
        assert page.counted_all
        counted: dict[str, dict[str, int]] = {}
        for row in page.codes:
            counted.setdefault(row.about, {})[row.code] = row.count
        assert counted == {name: dict(seen) for name, seen in done.codes.items()}  # as the report says
        assert counted["location"] == {"MED3F": 4, "MED1A": 3} and counted["type"] == {"PRETLIV": 7, "art": 4}
        # A profile that reads other codes is only tried on the last ones.
        tried = source_pages.page(session, source, text='field = "995"\nbarcode = "f"\nlocation = "r"\n')
        assert not tried.counted_all
        assert {(row.about, row.code, row.count) for row in tried.codes} == {("location", "PRETLIV", 3)}


def test_a_harvested_source_is_harvested_from_its_page(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "fichiers")
    assert "Moissonner maintenant" not in text(desk.claire.get(page))
    with desk.base.write() as session:
        session.add(Source(name="partenaire", kind="oai", url="https://partenaire.example/oai"))
    shown = desk.claire.get("/bureau/sources/partenaire")
    assert "Moissonner maintenant" in text(shown) and filled(shown, "source") == ["partenaire"]
    asked = desk.claire.post("/bureau/moissons/demander", data={"source": "partenaire"}, follow_redirects=True)
    assert "La moisson de partenaire commence dès que possible" in text(asked)


def test_an_answer_can_be_corrected_however_many_codes_still_wait(desk: Desk, tmp_path: Path) -> None:
    many = [record(str(n), f"Titre {n}", SUBJECT, odd(f"N{n}", c=f"SALLE{n}")) for n in range(70)]
    take(desk.base, write(tmp_path, *many), source="nombreux")
    page = "/bureau/sources/nombreux"
    answer = {"about": ["type"], "code": ["PRETLIV"], "means": ["report"]}
    desk.claire.post(page, data={"action": "save", "items": 'habit = "auto"', **answer})
    shown = desk.claire.get(page)
    assert "PRETLIV" in filled(shown, "code") and len(shown.data) < 60_000
    desk.claire.post(page, data={"action": "save", "items": 'habit = "auto"', **answer, "means": ["book"]})
    assert profile_of(desk, "nombreux")["kinds"] == {"PRETLIV": "book"}


def test_a_change_says_who_made_it_and_can_be_taken_up_again(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "change")
    desk.claire.post(page, data={"action": "save", "items": 'habit = "koha"'})
    desk.claire.post(page, data={"action": "save", "items": 'habit = "recommandation"'})
    assert profile_of(desk, "change")["items"] == "recommandation"
    assert text(desk.claire.get(page)).count("Modifié par claire") == 2
    before = desk.claire.get(page + "?version=1")
    assert filled(before, "items") == [item_profiles.format_items("koha")]
    assert "pas encore enregistré" in text(before)
    assert desk.claire.post(page, data={"action": "save", "items": 'habit = "recommandation"'}).status_code == 303
    assert text(desk.claire.get(page)).count("Modifié par claire") == 2  # nothing changed, nothing is noted


def test_only_a_documentalist_sees_profiles_and_only_of_sources_there_are(desk: Desk, tmp_path: Path) -> None:
    page = seven(desk, tmp_path, "roles")
    assert desk.marc.get(page).status_code == 403
    assert desk.marc.post(page, data={"action": "reread"}).status_code == 403
    assert desk.ines.get(page).status_code == 302
    assert desk.claire.get("/bureau/sources/ailleurs").status_code == 404
    assert desk.claire.post("/bureau/sources/ailleurs", data={"action": "reread"}).status_code == 404


# --- reading again ---------------------------------------------------------------------------


def reread(database: Database) -> rereading.Reread:
    with database.write() as session:
        source = sources.find(session, "fonds")
        assert source is not None
        return rereading.reread(session, source, by="claire")


def set_profile(database: Database, **profile: Any) -> None:
    with database.write() as session:
        sources.for_file(session, "fonds").profile = profile


def test_copies_are_read_again_as_one_lot_and_what_a_person_changed_stays(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", SUBJECT, odd("B1")), record("2", "Deux", SUBJECT, odd("B2"))))
    before = shelf(database)
    with database.write() as session:
        touched = session.scalars(select(Item).where(Item.barcode == "B2")).one()
        items.revise(session, touched, {"section": "Réserve"}, by="claire")
    # Call number and barcode were in each other's place, and the states in a subfield nobody had told of.
    table = {"field": "995", "barcode": "k", "call_number": "f", "location": "c", "status": "o"}
    set_profile(database, items=table, states={"7": "missing"}, locations={"MED1A": "Ici"})
    done = reread(database)
    assert (done.changed, done.touched, done.barcodes) == (1, 1, 0)
    assert shelf(database) == {
        "364 DUM": ("B1", "Ici", "", "missing"),
        "B2": ("364 DUM", "MED1A", "Réserve", "available"),
    }
    assert (reread(database).changed, reread(database).batch) == (0, None)
    with database.write() as session:
        lots.undo(session, session.get_one(Batch, done.batch.id if done.batch else 0), by="claire")
    assert shelf(database)["B1"] == before["B1"]
    assert reread(database).changed == 1  # what was taken back can be read again


def test_copies_that_would_take_one_anothers_barcode_stay_as_they_are(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", SUBJECT, odd("B1", j="X")), record("2", "Deux", odd("B2", j="X"))))
    set_profile(database, items={"field": "995", "barcode": "j", "call_number": "k", "location": "c"})
    done = reread(database)
    assert done.changed + done.barcodes == 2 and done.barcodes >= 1
    assert len(shelf(database)) == 2


def test_a_profile_for_another_field_leaves_the_copies_alone(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", SUBJECT, odd("B1"))))
    before = shelf(database)
    set_profile(database, items={"field": "852", "barcode": "p"})
    assert reread(database).changed == 0
    assert shelf(database) == before


def test_copies_made_here_or_by_another_source_are_not_read_again(database: Database, tmp_path: Path) -> None:
    take(database, write(tmp_path, record("1", "Un", SUBJECT, odd("B1"))))
    take(database, write(tmp_path, record("9", "Neuf", SUBJECT, odd("B9")), name="autre.mrc"), source="autre")
    with database.write() as session:
        notice = session.scalars(select(Notice).order_by(Notice.id)).first()
        assert notice is not None
        made = RecordItem(barcode="B5", location="MED1A")
        items.add_many(session, [(notice.id, made)], batch=history.open_batch(session, "copy", by="claire"))
    set_profile(database, locations={"MED1A": "Ici"})
    assert reread(database).changed == 1
    assert {barcode: place for barcode, (_call, place, _s, _st) in shelf(database).items()} == {
        "B1": "Ici",
        "B9": "MED1A",
        "B5": "MED1A",
    }
