"""What a PMB keeps from its public stays from ours: records, copies, holdings and files of a dump."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import cataloguing, copies, desk_history, desk_reading, items, lots, notices, pmb, reading, unimarc
from catalogue.cataloguing import Copy
from catalogue.db import Database
from catalogue.models import Batch, Item, Notice
from catalogue.pmb import item_from_fields, item_to_fields
from catalogue.projection import project
from catalogue.unimarc import each, first, values
from export import iso2709, jsonl, marc21, marcxml, pmbxml
from export import records as outgoing
from harvest.importer import Report
from harvest.incoming import mark_of
from indexes import documents
from tests.test_pmbsql import BASE, DUMP, EXPORT, known, records, take, told


def also(*statements: str, dump: str = DUMP) -> str:
    """The base with these rows over its own."""
    return dump.replace(
        "-- Dump completed", "\n".join(f"REPLACE INTO {s};" for s in statements) + "\n-- Dump completed"
    )


LOST = """docs_statut (idstatut, statut_libelle, pret_flag, statusdoc_codage_import, statut_visible_opac)
VALUES (2,'Perdu',0,'p',0)"""
STACK = """docs_location (idlocation, location_libelle, locdoc_codage_import, location_visible_opac)
VALUES (2,'Réserve','RES',0)"""
SHELVES = """docs_section (idsection, section_libelle, sdoc_codage_import, section_visible_opac)
VALUES (1,'Habitat','',0)"""
NO_COPIES = """notice_statut (id_notice_statut, gestion_libelle, notice_visible_opac, expl_visible_opac)
VALUES (1,'Sans statut particulier',1,0)"""
NO_FILES = """notice_statut (id_notice_statut, gestion_libelle, notice_visible_opac, explnum_visible_opac_abon)
VALUES (1,'Sans statut particulier',1,1)"""
HOLDINGS = """arch_statut (archstatut_id, archstatut_gestion_libelle, archstatut_opac_libelle, archstatut_visible_opac)
VALUES (1,'Vivant','Consultable',0)"""
FILE_STATUS = """explnum_statut (id_explnum_statut, gestion_libelle, explnum_visible_opac, explnum_consult_opac)
VALUES (1,'Libre',1,1),{0}"""
FILE = """explnum (explnum_id, explnum_notice, explnum_bulletin, explnum_nom, explnum_mimetype, explnum_url,
explnum_docnum_statut) VALUES (2,1,0,'En ligne','URL','https://docs.example/glycines/texte.pdf',2)"""
HIDDEN = also(LOST, STACK, HOLDINGS, FILE_STATUS.format("(2,'Interne',0,1)"), FILE)


ONLINE = ["https://glycines.example", "https://pmb.example/opac_css/doc_num.php?explnum_id=1"]


def _shown(fields: unimarc.Fields) -> list[str]:
    return [url for url, _words in unimarc.online(fields)]


def hidden(dump: str) -> dict[str, tuple[tuple[str, str], ...] | None]:
    return {copy.barcode: copy.hidden for record in records(dump).values() for copy in record.items}


# --- in the dump ----------------------------------------------------------------------------------


def test_a_copy_is_hidden_by_its_state_its_place_its_section_or_its_record() -> None:
    assert set(hidden(DUMP).values()) == {()}  # an older PMB has not these columns: it showed everything
    assert hidden(HIDDEN) == {
        "59000001": (),
        "59000002": (("status", "Perdu"), ("location", "Réserve")),
        "59000003": (),
        "59000004": (),
        "": (("location", "Réserve"),),
    }
    assert hidden(also(SHELVES))["59000001"] == (("section", "Habitat"),)
    assert set(hidden(also(NO_COPIES)).values()) == {(("record", ""),)}


def test_a_number_that_nothing_explains_is_not_shown_and_a_table_that_is_not_there_says_nothing() -> None:
    part = DUMP.replace("(2,'Réserve','RES','','','','')", "(3,'Ailleurs','','','','','')")
    assert hidden(part)["59000002"] == (("location", ""),)
    assert hidden(DUMP.replace("INSERT INTO `docs_location`", "INSERT INTO `docs_perdu`"))["59000002"] == ()
    bare = "INSERT INTO notices (notice_id,tit1,niveau_biblio,statut) VALUES (1,'Seul','m',1);INSERT INTO exemplaires "
    bare += "(expl_id,expl_cb,expl_notice,expl_bulletin) VALUES (1,'9',1,0);"
    assert hidden(bare) == {"9": None}


def test_a_file_is_hidden_by_its_status_or_its_records_and_where_it_may_not_be_read() -> None:
    assert values(records(HIDDEN)["1"].fields, "992", "f") == ["2"]
    for status in ("(2,'Interne',0,1)", "(2,'À voir sans lire',1,0)"):
        read = records(also(FILE_STATUS.format(status), FILE))["1"]
        assert _shown(read.fields) == ONLINE
    files = {n: values(r.fields, "992", "f") for n, r in records(also(NO_FILES)).items()}
    assert files["1"] == ["1", "2"] and files["22-bull"] == ["3"]  # an issue without a record: as its journal


def test_holdings_are_hidden_by_their_status() -> None:
    shown, secret = records(DUMP)["2"], records(HIDDEN)["2"]
    assert "1998" in unimarc.holdings(shown.fields)[0] and "1998" in unimarc.texts(shown.fields).notes
    assert unimarc.holdings(secret.fields) == [] and "1998" not in unimarc.texts(secret.fields).notes
    assert [first(f, "b") for f in each(secret.fields, "950")] == ["1998 - ... ; n° 1 ->"]  # kept all the same


def test_how_much_is_hidden_is_told() -> None:
    said = told(HIDDEN)
    counts = {c: p.params["n"] for c, [p, *_rest] in said.items() if c.startswith("pmbsql.hidden")}
    assert counts == {
        "pmbsql.hidden": "1",
        "pmbsql.hidden_copies": "2",
        "pmbsql.hidden_holdings": "1",
        "pmbsql.hidden_files": "1",
    }


def test_what_is_hidden_is_no_part_of_what_a_record_says() -> None:
    """A harvest of the same base, which knows nothing of it, must find the same records."""
    for number, record in records(HIDDEN).items():
        ours = [f for f in record.fields if f["t"] not in ("950", "897")]
        theirs = [f for f in records(DUMP)[number].fields if f["t"] not in ("950", "897")]
        assert mark_of(ours) == mark_of(theirs)


DOI = """notices_custom (idchamp, name, titre, type, datatype, export, multiple)
VALUES (4,'doi','DOI','resolve','small_text',{export},{shown})"""
ITS_DOI = """notices_custom_values (notices_custom_champ, notices_custom_origine, notices_custom_small_text)
VALUES (4,1,'10.1234/glycines|2')"""


@pytest.mark.parametrize(("export", "shown"), [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_a_doi_in_a_field_of_the_centre_is_public_only_where_that_field_is(export: int, shown: int) -> None:
    fields = records(also(DOI.format(export=export, shown=shown), ITS_DOI))["1"].fields
    assert values(fields, "014", "a") == ["10.1234/glycines"] * export
    is_public = bool(export and shown)
    assert (("doi", "10.1234/glycines") in unimarc.identifiers(unimarc.shown(fields))) is is_public
    assert (("doi", "10.1234/glycines") in project(fields).identifiers) is is_public
    assert ("DOI", "10.1234/glycines") in [(first(f, "l"), first(f, "a")) for f in each(fields, "900", "901")]


def test_an_issue_that_shares_the_record_of_another_comes_in_of_its_own_with_its_copies() -> None:
    """PMB lets two issues point to one record; each has its copies and its files."""
    bulletin = """bulletins (bulletin_id, bulletin_numero, bulletin_notice, date_date, num_notice)
VALUES ({0},'{1}',2,'2024-02-02',4)"""
    copy = """exemplaires (expl_id, expl_cb, expl_notice, expl_bulletin, expl_typdoc, expl_section, expl_statut,
expl_location, expl_owner) VALUES ({0},'{1}',0,{2},1,1,1,1,1)"""
    file = "explnum (explnum_id, explnum_notice, explnum_bulletin, explnum_url) VALUES (9,0,24,'https://a.example/24')"
    shared = also(
        bulletin.format(24, "212 ter"),
        bulletin.format(23, "212 bis"),
        copy.format(98, "59000098", 23),
        copy.format(99, "59000099", 24),
        copy.format(97, "59000097", 21),
        file,
    )
    read = records(shared)
    there = {number: [c.barcode for c in r.items] for number, r in read.items() if r.items}
    assert (there["4"][-1], there["23-bull"], there["24-bull"]) == ("59000097", ["59000098"], ["59000099"])
    assert len(read) == len(records(DUMP)) + 2 and _shown(read["24-bull"].fields) == ["https://a.example/24"]
    assert [p.params["n"] for p in told(shared)["pmbsql.shared_record"]] == ["2"]
    assert "pmbsql.shared_record" not in told(DUMP)
    # Its public sees them as it sees the record they point to.
    assert {records(hide(4, shared))[n].status for n in ("4", "23-bull", "24-bull")} == {"candidate"}
    assert records(hide(2, shared))["23-bull"].status == "published"


# --- in the catalogue -----------------------------------------------------------------------------


one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def item(session: Session, barcode: str) -> Item:
    return session.scalars(select(Item).where(Item.barcode == barcode)).one()


def test_the_public_sees_nothing_of_it_and_the_desk_sees_why(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, HIDDEN)
    with database.read() as session:
        notice = known(session, "1")
        page = reading.notice_page(session, notice.address)
        assert isinstance(page, reading.NoticePage)
        assert [copy.call_number for copy in page.access.copies] == ["HAB 320 VAS"]
        assert [way.url for way in page.access.online] == ONLINE
        [document] = documents.read(session, [notice.id])
        assert document.call_numbers == ("HAB 320 VAS",) and "59000002" not in document.identifiers
        lines = {line.barcode: line.hidden for line in desk_reading.copies(session, notice)}
        assert lines == {
            "59000001": "",
            "59000002": "caché au public (état « Perdu », emplacement « Réserve »)",
        }
        # An issue whose only copy is hidden does not stand on the shelf.
        ids = [known(session, number).id for number in ("22-bull", "20-bull", "2")]
        access = {document.notice_id: document.access for document in documents.read(session, ids)}
        assert [access[notice_id] for notice_id in ids] == [("online",), ("onsite",), ("onsite",)]
        serial = reading.notice_page(session, known(session, "2").address)
        assert isinstance(serial, reading.NoticePage) and serial.access.issues == 2
        assert not [fact for fact in serial.facts if "1998" in str(fact)]


@one_database
def test_an_export_for_the_public_leaves_it_out_and_a_whole_one_keeps_it_hidden(
    database: Database, tmp_path: Path
) -> None:
    take(database, tmp_path, HIDDEN)
    with database.read() as session:
        ids = [known(session, number).id for number in ("1", "2")]
        one, serial = outgoing.load(session, ids, public=True)
        assert [copy.barcode for copy in one.items] == ["59000001"]
        assert not list(each(one.fields, "992")) and len(list(each(one.fields, "897"))) == 1
        assert not list(each(serial.fields, "950"))
        whole, serial = outgoing.load(session, ids)
        assert [copy.barcode for copy in whole.items] == ["59000001", "59000002"]
        assert len(list(each(serial.fields, "950"))) == 1
        again = [item_from_fields(copies.to_fields(copy)) for copy in whole.items]
        assert [copy.hidden for copy in again] == [(), (("status", "Perdu"), ("location", "Réserve"))]
        assert _shown(whole.fields) == _shown(one.fields) == ONLINE


LENT = """exemplaires (expl_id, expl_cb, expl_notice, expl_bulletin, expl_cote, expl_typdoc, expl_section, expl_statut,
expl_location, expl_owner, expl_note, expl_comment, expl_prix) VALUES (98,'59000098',1,0,'HAB 321',1,1,1,1,1,
'Prêté à Mme Boulon','Commentaire interne','31 EUR')"""
STAFF = ("Boulon", "Commentaire interne", "31 EUR", "expl_", "_opac", "vu avec Odile", "INV-0042", "Un banc pour deux")


@one_database
def test_nothing_of_the_teams_goes_to_the_public_in_any_format(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, also(LENT))
    with database.read() as session:
        ids = [known(session, number).id for number in ("1", "2")]

        def written(*, public: bool) -> dict[str, str]:
            notices = list(outgoing.load(session, ids, public=public))
            pieces = {
                "pmbxml": pmbxml.file_bytes(pmbxml.for_pmb(notices)),
                "unimarc": iso2709.file_bytes(notices),
                "marcxml": marcxml.file_bytes(notices),
                "marc21": marc21.file_bytes(notices),
                "jsonl": jsonl.file_bytes(notices),
            }
            return {format: b"".join(several).decode() for format, several in pieces.items()}

        for format, text in written(public=True).items():
            assert not [words for words in STAFF if words in text], format
            assert "59000098" in text and "HAB 321" in text and "Rénover sans reloger" in text, format
        whole = written(public=False)
        assert not [words for words in (*STAFF[:3], *STAFF[6:]) if words not in whole["pmbxml"]]
        assert not [format for format, text in whole.items() if "vu avec Odile" in text]


# --- changed there, changed here ------------------------------------------------------------------


@one_database
def test_a_copy_follows_pmb_until_somebody_has_decided_here(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, DUMP)
    assert take(database, tmp_path, HIDDEN).counts["items"] == 0
    with database.write() as session:
        assert items.why_hidden(item(session, "59000002"))
        shown = item(session, "59000002")
        values = Copy("HAB 320 VAS ex. 2", "59000002", "Réserve", "Habitat", "", shown.status)
        outcome = cataloguing.revise_copy(session, shown, values, by="claire", version=shown.version)
        assert outcome.batch_id
        mine = item(session, "59000001")
        values = Copy("HAB 320 VAS", "59000001", "Espace doc", "Habitat", "INV-0042", mine.status, hidden=True)
        assert cataloguing.revise_copy(session, mine, values, by="claire", version=mine.version).batch_id
    for dump in (HIDDEN, DUMP, HIDDEN):
        take(database, tmp_path, dump)
    take(database, tmp_path, EXPORT)  # which says nothing of it
    with database.read() as session:
        assert items.why_hidden(item(session, "59000001")) == items.HIDDEN_HERE
        events = desk_history.notice_history(session, known(session, "1")).events
        said = [str(d.pieces) for event in events for d in event.differences if d.label == "Public"]
        assert any("choisi ici" in words for words in said) and any("état « Perdu »" in words for words in said)


@one_database
def test_a_copy_hidden_by_a_dump_stays_hidden_when_an_export_follows(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, EXPORT)
    take(database, tmp_path, HIDDEN)
    take(database, tmp_path, EXPORT)
    with database.read() as session:
        assert items.why_hidden(item(session, "59000002")) == (("status", "Perdu"), ("location", "Réserve"))
        assert not items.why_hidden(item(session, "59000001"))
    take(database, tmp_path, DUMP)
    with database.read() as session:
        assert not items.why_hidden(item(session, "59000002"))  # shown there again


@one_database
def test_a_copy_shown_again_here_stays_shown_whatever_comes_from_pmb(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, HIDDEN)
    with database.write() as session:
        secret = item(session, "59000002")
        place = "Réserve" if secret.location_id else ""
        values = Copy(secret.call_number, "59000002", place, secret.section, "", secret.status)
        assert cataloguing.revise_copy(session, secret, values, by="claire", version=secret.version).batch_id
    elsewhere, moved = tmp_path / "moved.xml", "HAB 320 VAS ex. 3"
    elsewhere.write_text(EXPORT.read_text("utf-8").replace("HAB 320 VAS ex. 2", moved), "utf-8")
    for file in (HIDDEN, elsewhere, HIDDEN.replace("HAB 320 VAS ex. 2", moved), elsewhere, HIDDEN):
        take(database, tmp_path, file)
        with database.read() as session:
            assert not items.why_hidden(item(session, "59000002"))
    with database.read() as session:
        assert item(session, "59000002").call_number == "HAB 320 VAS ex. 2"
        assert not [
            d
            for e in desk_history.notice_history(session, known(session, "1")).events
            for d in e.differences
            if d.label == "Public" and e.by != "claire"
        ]


def test_a_copy_hidden_or_shown_here_says_so_when_it_goes_out() -> None:
    [shown, secret] = records(HIDDEN)["1"].items
    for copy, why in ((shown, items.HIDDEN_HERE), (secret, ())):
        assert bool(item_from_fields(item_to_fields(replace(copy, hidden=why))).hidden) is bool(why)
    made_here = unimarc.RecordItem(barcode="7", call_number="A 1", hidden=items.HIDDEN_HERE)
    assert item_from_fields(item_to_fields(made_here)).hidden == (("record", ""),)


ITS_RECORD = """<unimarc><notice><rs>n</rs><dt>a</dt><bl>s</bl><hl>2</hl><el>1</el><ru>i</ru><f c="001">8</f>
<f c="200" ind="1 "><s c="a">213</s><s c="h">213</s><s c="9">id:22</s></f>
<f c="300" ind="  "><s c="a">Dossier : les balcons</s></f></notice></unimarc>"""


@one_database
def test_an_issue_that_gets_a_record_of_its_own_keeps_what_the_dump_told_of_it(
    database: Database, tmp_path: Path
) -> None:
    take(database, tmp_path, also(NO_FILES))
    take(database, tmp_path, ITS_RECORD, name="export.xml")
    with database.read() as session:
        issue = known(session, "22-bull")
        assert "Dossier : les balcons" in values(issue.fields, "300", "a")
        assert values(issue.fields, "992", "f") == ["3"]


def hide(number: int, dump: str = DUMP) -> str:
    """The base with this record in a status that its public does not see."""
    row = rf"(\n  \({number},'.*?,'[msab]','[012]',1,'[^']*',)1,"
    return re.sub(row, lambda found: found[1] + "2,", dump, count=1)


def show(number: int, dump: str = DUMP) -> str:
    """The base with this record, which was hidden, in the status that its public sees."""
    row = rf"(\n  \({number},'.*?,'[msab]','[012]',1,'[^']*',)2,"
    return re.sub(row, lambda found: found[1] + "1,", dump, count=1)


def hidden_since(report: Report, code: str = "record.hidden_since") -> list[str]:
    told = [t for t in report.told.values() if t.problem.code == code]
    return [met.identifier for t in told for met in t.first]


@pytest.mark.parametrize(
    ("database", "first_by"), [("sqlite", "dump"), ("postgresql", "export")], indirect=["database"]
)
def test_a_record_that_pmb_hides_from_then_on_is_published_no_longer_and_told(
    database: Database, tmp_path: Path, first_by: str
) -> None:
    take(database, tmp_path, BASE if first_by == "dump" else EXPORT)
    with database.write() as session:  # worked on here, which is kept
        mine = known(session, "3")
        fields = [dict(f) for f in mine.fields]
        notices.revise(session, mine, [*fields, {"t": "300", "i": "  ", "s": [["a", "Lu par Claire"]]}], by="claire")  # type: ignore[list-item]
    later = hide(3, hide(6))
    assert later != DUMP
    report = take(database, tmp_path, later)
    expected = {"3", "6"} if first_by == "dump" else {"3", "5", "6"}
    assert {name.rpartition(":")[2] for name in hidden_since(report)} == expected
    with database.read() as session:
        assert {known(session, n).status for n in expected} == {"candidate"}
        assert known(session, "1").status == "published"
        assert "Lu par Claire" in values(known(session, "3").fields, "300", "a")
    with database.write() as session:  # a person decides: it stands, whatever PMB goes on saying
        assert notices.set_status(session, known(session, "6"), "published", by="claire")
    again = take(database, tmp_path, later)
    assert not hidden_since(again) and again.counts["updated"] == 0
    with database.read() as session:
        assert known(session, "6").status == "published" and known(session, "3").status == "candidate"
    take(database, tmp_path, hide(3))  # shown there again
    assert [n.rpartition(":")[2] for n in hidden_since(take(database, tmp_path, later))] == ["6"]


@pytest.mark.parametrize("there", ["the same", "otherwise"])
@one_database
def test_a_notice_that_is_not_this_bases_own_is_not_hidden_by_it_but_told(
    database: Database, tmp_path: Path, there: str
) -> None:
    """Another source shows it: whether it says the same or not, a person decides."""
    partner = DUMP.replace("Trente locataires", "Vingt locataires") if there == "otherwise" else DUMP
    take(database, tmp_path, partner, source="Partenaire")
    for _again in range(2):
        report = take(database, tmp_path, hide(1))
        assert not hidden_since(report)
        assert "1" in hidden_since(report, "record.hidden_there")
        with database.read() as session:
            [claimed] = session.scalars(select(Notice).where(Notice.title.startswith("Habiter la tour")))
            assert (claimed.id, claimed.status) == (known(session, "1").id, "published")


@pytest.mark.parametrize("shown_by", ["a person", "an undo"])
@one_database
def test_what_was_shown_again_here_is_not_hidden_again_by_the_same_dump(
    database: Database, tmp_path: Path, shown_by: str
) -> None:
    take(database, tmp_path, EXPORT)
    hidden_by = take(database, tmp_path, hide(3))
    with database.write() as session:
        if shown_by == "an undo":
            assert not lots.undo(session, session.get_one(Batch, hidden_by.batch_id), by="claire").left
        else:
            mine = known(session, "3")
            shown = [f for f in mine.fields if f["t"] != "992"]
            notices.revise(session, mine, shown, by="claire", status="published")
    for _again in range(2):
        report = take(database, tmp_path, hide(3))
        assert not hidden_since(report)
        assert "3" in hidden_since(report, "record.hidden_there")
        with database.read() as session:
            assert known(session, "3").status == "published" and not pmb.is_hidden(known(session, "3").fields)


@one_database
def test_what_an_undo_took_back_does_not_come_again_for_the_public_that_may_not_see_it(
    database: Database, tmp_path: Path
) -> None:
    report = take(database, tmp_path, DUMP)
    for bring_back, status in ((EXPORT, "candidate"), (DUMP, "candidate"), (show(5), "published")):
        with database.write() as session:
            lots.undo(session, session.get_one(Batch, report.batch_id), by="claire")
            assert known(session, "5").status == "withdrawn"
        report = take(database, tmp_path, bring_back)
        with database.read() as session:
            assert known(session, "1").status == "published"
            assert known(session, "5").status == status
            assert pmb.is_hidden(known(session, "5").fields) is (status == "candidate")


def test_the_mark_of_another_programs_992_hides_nothing() -> None:
    fields = records(DUMP)["1"].fields
    other: unimarc.Field = {"t": "992", "i": "  ", "s": [["h", "public"], ["c", "x"]]}
    assert unimarc.custom_values([*fields, other]) == unimarc.custom_values(fields)
    assert other in unimarc.shown([*fields, other]) and not pmb.is_hidden([other])


def test_a_copy_that_went_through_marc_21_is_the_same_copy() -> None:
    """852 has no place for a state nor for what is hidden: they go along, and are read again."""
    copies_there = [copy for record in records(HIDDEN).values() for copy in record.items]
    for copy in (*copies_there, unimarc.RecordItem(barcode="7", call_number="A 1", hidden=items.HIDDEN_HERE)):
        [field] = marc21.item_fields(copy)
        again = copies.from_fields([field])
        for name in (*copies.NAMES, "hidden"):
            assert (getattr(again, name) or None) == (getattr(copy, name) or None), name
        lent = replace(again, status="Perdu", hidden=None, inventory_number="12")
        changed = copies.from_fields(copies.to_fields(lent))
        assert (changed.status, changed.hidden, changed.inventory_number) == ("Perdu", None, "12")
        assert copies.to_fields(again) == [field]
