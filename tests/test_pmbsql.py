"""A PMB base from its dump: read without executing anything, and the same records as PMB's own export."""

from __future__ import annotations

import gzip
import io
import re
import tracemalloc
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from catalogue import lots, notices, sources, unimarc
from catalogue.db import Database
from catalogue.entities import About, AgentRow, ClassRow, Thesaurus
from catalogue.models import Batch, Concept, Item, Notice, NoticeConcept
from catalogue.pmb import is_dump_only, keep_dump_only
from catalogue.problems import SENTENCES, Problem, Refusal
from catalogue.unimarc import Field, Record, each, first, subfields, texts, values
from harvest import files, importer
from harvest.crosswalk import pmbsql, pmbxml
from harvest.crosswalk.mysqldump import Broken, Created, Dump, Long, Rows, Value
from harvest.crosswalk.pmbsql_tables import Base, fate, look
from harvest.importer import Report
from harvest.incoming import mark_of

HERE = Path(__file__).parent
BASE, EXPORT = HERE / "data" / "pmb" / "base.sql", HERE / "data" / "pmb" / "base.xml"
SHARED = HERE.parent.parent / "shared" / "data"
DUMP = BASE.read_text("utf-8")


def read(dump: str | bytes) -> list[Any]:
    return list(pmbsql.read_file(io.BytesIO(dump.encode() if isinstance(dump, str) else dump)))


def records(dump: str | bytes) -> dict[str, Record]:
    return {r.control_number or "": r for r in read(dump) if isinstance(r, Record)}


def rows(dump: bytes, wanted: Callable[[str], bool] = lambda table: True, piece: int = 1 << 20) -> list[Any]:
    """Rows of every table, one after the other, however the stream gives its bytes."""
    return [row for event in Dump(Pieces(dump, piece), wanted) if isinstance(event, Rows) for row in event.rows]


class Pieces(io.BytesIO):
    """A stream that gives so many bytes at a time, whatever it is asked for."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__()
        self.data, self.piece, self.at = data, piece, 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.at += self.piece
        return self.data[self.at - self.piece : self.at]


# --- the statements of a dump ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("NULL", None),
        ("null", None),
        ("''", b""),
        ("12", b"12"),
        ("-1.5e3", b"-1.5e3"),
        (r"'l\'escalier'", b"l'escalier"),
        ("'l''escalier'", b"l'escalier"),
        (r"'a\\'", b"a\\"),
        (r"'deux\nlignes\t\0\Z\%'", b"deux\nlignes\t\0\x1a%"),
        ('"dit \'oui\' ""non"""', b"dit 'oui' \"non\""),
        ('\'dit ""oui""\'', b'dit ""oui""'),
        ("0x4361FF", b"Ca\xff"),
        ("x'4361'", b"Ca"),
        ("_binary 'A'", b"A"),
        ("_utf8mb4'é'", "é".encode()),
        ("b'101'", b"5"),
        ("TRUE", b"1"),
        ("'(1,2),(3;'", b"(1,2),(3;"),
        ("'-- pas un commentaire'", b"-- pas un commentaire"),
    ],
)
def test_a_literal_says_what_mysql_means_by_it(literal: str, value: Value) -> None:
    assert rows(f"INSERT INTO t VALUES ({literal}, 7);".encode()) == [(value, b"7")]


def written(value: Value) -> bytes:
    """As mysqldump writes it."""
    if value is None or isinstance(value, Long):
        return b"NULL"
    for sign, escaped in ((b"\\", b"\\\\"), (b"'", b"\\'"), (b"\0", b"\\0"), (b"\n", b"\\n"), (b"\r", b"\\r")):
        value = value.replace(sign, escaped)
    return b"'" + value + b"'"


@given(
    st.lists(st.tuples(st.none() | st.binary(max_size=30), st.text(max_size=12).map(str.encode)), min_size=1),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_what_mysqldump_writes_is_read_again_wherever_the_pieces_break(given: list[Any], piece: int) -> None:
    said = b",\n".join(b"(" + b",".join(map(written, row)) + b")" for row in given)
    dump = (
        b"-- MySQL dump\n/*!40101 SET NAMES utf8 */;\nINSERT INTO `t` (`a`,`b`) VALUES "
        + said
        + b";\n-- Dump completed"
    )
    assert rows(dump, piece=piece) == given


@pytest.mark.parametrize("quoted", [True, False], ids=["string", "hexadecimal"])
@pytest.mark.parametrize("piece", [1 << 20, 99_991])
def test_of_a_file_kept_in_the_base_only_the_size_is_read(quoted: bool, piece: int) -> None:
    content = b"'\\\0" * 500_000
    literal = written(content) if quoted else b"0x" + content.hex().encode()
    [row, again] = rows(b"INSERT INTO explnum VALUES (1," + literal + b",'a'),(2,'b','c');", piece=piece)
    assert (row[0], row[2]) == (b"1", b"a") and isinstance(row[1], Long)
    assert row[1].size == (len(literal) - 2 if quoted else len(content))
    assert again == (b"2", b"b", b"c")


def test_columns_come_from_the_insert_or_from_the_table() -> None:
    dump = b"""CREATE TABLE IF NOT EXISTS `base`.`t` (
      `id` int(8) NOT NULL AUTO_INCREMENT COMMENT 'n\xc2\xb0, (ou; non)', `nom` enum('a','b)') DEFAULT 'a',
      prix decimal(5,2), PRIMARY KEY (`id`), KEY `nom` (`nom`(10)), CONSTRAINT c FOREIGN KEY (id) REFERENCES u (id)
    ) ENGINE=MyISAM DEFAULT CHARSET=latin1;
    INSERT INTO t VALUES (1,'a',2.5); REPLACE INTO `t` (prix, `id`) VALUES (3.5, 2) ON DUPLICATE KEY UPDATE id = 2;"""
    created, first_rows, second = Dump(io.BytesIO(dump), lambda table: True)
    assert created == Created("t", ("id", "nom", "prix"), "latin1")
    assert first_rows == Rows("t", ("id", "nom", "prix"), 1, [(b"1", b"a", b"2.5")])
    assert second == Rows("t", ("prix", "id"), 1, [(b"3.5", b"2")])


def test_comments_routines_and_other_statements_are_passed_over() -> None:
    dump = b"""# phpMyAdmin; l'export
    -- INSERT INTO t VALUES (0);
    /* INSERT INTO t VALUES (0); */ /*!50003 CREATE TRIGGER x */;
    SET time_zone = "+00:00"; LOCK TABLES `t` WRITE; ALTER TABLE t ADD KEY (a);
    DELIMITER ;;
    CREATE TRIGGER t1 BEFORE INSERT ON t FOR EACH ROW BEGIN INSERT INTO t VALUES (NEW.a); END ;;
    DELIMITER ;
    INSERT INTO t VALUES (1); INSERT INTO t SET a = 2; INSERT INTO t SELECT a FROM u; UNLOCK TABLES"""
    reading = Dump(io.BytesIO(dump), lambda table: True)
    assert [row for event in reading if isinstance(event, Rows) for row in event.rows] == [(b"1",)]
    assert reading.not_understood == 2


def test_the_rows_of_a_table_nobody_wants_are_counted() -> None:
    dump = b"INSERT INTO mots VALUES (1,'a)'),(2,'b;'),(3,NULL);"
    assert list(Dump(io.BytesIO(dump), lambda table: False)) == [Rows("mots", (), 3, [])]


@pytest.mark.parametrize(
    ("dump", "code"),
    [
        ("INSERT INTO t VALUES (1,'a'),(2,'b", "cut"),
        ("INSERT INTO t VALUES (1,'a'),", "cut"),
        ("INSERT INTO t VALUES (1,'a')", "cut"),
        ("CREATE TABLE t (a int COMMENT 'b", "cut"),
        ("INSERT INTO t VALUES (1, select 2);", "malformed"),
        ("INSERT INTO t VALUES (1,'a' 'b');", "malformed"),
        ("INSERT INTO t (a) VALUES (1,2);", "malformed"),
        ("INSERT INTO t VALUES (1), 2;", "malformed"),
    ],
)
def test_a_dump_that_stops_making_sense_says_so(dump: str, code: str) -> None:
    with pytest.raises(Broken) as fault:
        rows(dump.encode())
    assert fault.value.code == code


def test_memory_does_not_depend_on_the_dump() -> None:
    def endless() -> Iterator[bytes]:
        yield b"-- MySQL dump\nCREATE TABLE notices (notice_id int, tit1 text);\n"
        for n in range(16):
            yield b"INSERT INTO notices_mots_global_index VALUES " + b",".join([b"(1,2,'mot')"] * 5000) + b";\n"
            yield b"INSERT INTO explnum (explnum_id,explnum_notice,explnum_bulletin,explnum_data) VALUES ("
            yield f"{n},1,0,0x".encode() + b"00FF" * 100_000 + b");\n"

    class Endless(io.BytesIO):
        left, parts = b"", endless()

        def read(self, size: int | None = -1, /) -> bytes:
            while len(self.left) < (size or 0) and (part := next(self.parts, b"")):
                self.left += part
            given, self.left = self.left[:size], self.left[size:]
            return given

    tracemalloc.start()
    with Base() as base:
        base.load(Endless())
        assert base.rows["notices_mots_global_index"] == 80_000
        assert base.whole("explnum")[15]["explnum_data"] == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


# --- the same records as an export ----------------------------------------------------------------


def test_each_record_says_what_pmb_exports_of_it() -> None:
    exported = [r for r in pmbxml.read_file(io.BytesIO(EXPORT.read_bytes())) if isinstance(r, Record)]
    read = records(DUMP)
    assert len(exported) == 6
    for record in exported:
        ours = read[record.control_number or ""]
        assert _said(ours) == _said(record)
        assert mark_of(ours.fields) == mark_of(record.fields)
        assert [f.get("x") for f in ours.fields if f.get("x")] == [f.get("x") for f in record.fields if f.get("x")]


def _said(record: Record) -> list[Any]:
    kept = (
        [f["t"], f.get("i"), f.get("v"), [p for p in f.get("s", []) if not pmbxml.volatile(f["t"], p[0], p[1])]]
        for f in record.fields
        if not is_dump_only(f)
    )
    return sorted((f for f in kept if f[2] or f[3]), key=str)


def test_copies_are_those_of_the_export_with_what_it_leaves_out() -> None:
    exported = [r for r in pmbxml.read_file(io.BytesIO(EXPORT.read_bytes())) if isinstance(r, Record)]
    homes = {copy.barcode: copy.issue_of for r in exported for copy in r.items}
    copies = {copy.barcode: copy for r in exported for copy in r.items}
    ours = {copy.barcode: (number, copy) for number, r in records(DUMP).items() for copy in r.items}
    assert ours.keys() == copies.keys() == {"59000001", "59000002", "59000003", "59000004", ""}
    for barcode, (_number, copy) in ours.items():
        same = copies[barcode]
        for name in ("call_number", "location", "section", "status", "inventory_number", "note", "owner", "type"):
            assert getattr(copy, name) == getattr(same, name), (barcode, name)
    # A copy of an issue is on the issue itself: its record, or what stands for it.
    assert {b: n for b, (n, _copy) in ours.items()} == {
        "59000001": "1",
        "59000002": "1",
        "59000003": "20-bull",
        "59000004": "4",
        "": "22-bull",
    }
    assert homes == {"59000001": "", "59000002": "", "59000003": "20", "59000004": "21", "": "22"}
    raw = subfields(ours["59000001"][1].fields[1], "9")
    assert {"expl_prix:12 EUR", "expl_nbparts:2", "statut_libelle:En rayon", "codestat_libelle:Adultes"} <= set(raw)
    assert not [v for v in raw if v.startswith(("last_loan_date", "expl_lastempr"))]


def test_what_no_export_tells_stands_apart() -> None:
    read = records(DUMP)
    assert values(read["5"].fields, "991", "a") == ["En cours de traitement"]
    assert values(read["5"].fields, "991", "b") == ["À relire : l'auteur a demandé un retrait"]
    assert read["5"].status == "candidate" and read["1"].status == "published"
    [kept] = each(read["1"].fields, "901")
    assert (first(kept, "a"), first(kept, "l")) == ("vu avec Odile", "Suivi interne")
    assert not list(each(read["1"].fields, "991"))  # « no particular status » says nothing
    assert "retrait" not in " ".join(map(str, vars_of(texts(read["5"].fields))))  # nor to those who search
    assert first(next(each(read["1"].fields, "009")), "c") == "2019-03-12 10:20:30"


def vars_of(value: Any) -> list[Any]:
    return [getattr(value, name) for name in value.__slots__]


def test_an_issue_without_a_record_is_described_as_its_articles_would() -> None:
    read = records(DUMP)
    article = read["3"]
    assert read["20-bull"].fields == importer.describe_issue(article, "20").fields
    assert [f["t"] for f in read["22-bull"].fields][-1] == "897"
    assert pmbxml.own_bulletin(read["22-bull"]) == "22" and not pmbxml.stands_for_issue(read["22-bull"])
    assert "21-bull" not in read


def test_thesauri_come_with_their_tree_and_their_references() -> None:
    words, places = (r for r in read(DUMP) if isinstance(r, Thesaurus))
    by_uri = {row.uri: row for row in words.rows}
    assert words.title == {"fr": "Mots de la ville"} and places.title == {"fr": "Lieux"}
    assert by_uri["#11"].broader == ("#10",) and by_uri["#10"].broader == ()
    assert by_uri["#11"].alternate == (("fr", "HLM"),) and by_uri["#11"].related == ("#13",)
    assert by_uri["#11"].scope_note == "Logement à loyer réglementé"
    assert by_uri["#13"].preferred == {"fr": "Participation des habitants", "en": "Resident participation"}
    assert words.numbers["12"] == "#11"  # a notice indexed with the old word is about the new one
    assert [p.code for p in words.repairs] == ["pmbsql.waiting_terms", "pmbsql.orphan_terms"]
    assert "#12" not in by_uri and "#2" not in by_uri


def test_references_in_a_circle_and_to_nowhere_keep_their_terms() -> None:
    nodes = "INSERT INTO noeuds (id_noeud,num_parent,num_renvoi_voir,num_thesaurus,autorite) VALUES (1,0,0,1,'TOP'),"
    nodes += "(2,1,3,1,''),(3,1,2,1,''),(4,1,99,1,''),(5,1,6,1,''),(6,1,7,1,''),(7,1,0,1,''),(8,8,0,1,''),(9,6,0,1,'');"
    labels = ",".join(f"(1,{n},'fr_FR','terme {n}')" for n in range(2, 10))
    labels = f"INSERT INTO categories (num_thesaurus,num_noeud,langue,libelle_categorie) VALUES {labels};"
    head = "INSERT INTO thesaurus (id_thesaurus,libelle_thesaurus,langue_defaut,num_noeud_racine) VALUES "
    head += "(1,'T','fr_FR',1);"
    _about, thesaurus = read(nodes + labels + head)
    assert [row.uri for row in thesaurus.rows] == ["#2", "#3", "#4", "#7", "#8", "#9"]
    assert thesaurus.rows[5].broader == ("#7",)  # under a word not to be used: under the concept it sends to
    assert dict(thesaurus.rows[3].alternate) == {"fr": "terme 6"} and len(thesaurus.rows[3].alternate) == 2
    assert [(p.code, p.params["n"]) for p in thesaurus.repairs] == [("pmbsql.lost_references", "1")]


# A store of triples as ARC2 lays it out: subjects, objects, and properties with languages, apart.
CONCEPTS = """
INSERT INTO rdfstore_s2val (id, cid, misc, val_hash, val) VALUES (1,1,0,'','http://centre.example/scheme#1'),
(2,2,0,'','http://centre.example/concept#2'),(3,3,0,'','http://centre.example/concept#3');
INSERT INTO rdfstore_id2val (id, misc, val, val_type) VALUES (20,0,'http://www.w3.org/1999/02/22-rdf-syntax-ns#type',0),
(21,0,'http://www.w3.org/2004/02/skos/core#prefLabel',0),(22,0,'http://www.w3.org/2004/02/skos/core#inScheme',0),
(23,0,'http://www.w3.org/2004/02/skos/core#broader',0),(24,0,'fr',2),(25,0,'en',2),
(26,0,'http://www.w3.org/2004/02/skos/core#altLabel',0),(27,0,'http://www.pmbservices.fr/ontology#hasFather',0),(28,0,'',2);
INSERT INTO rdfstore_o2val (id, cid, misc, val_hash, val) VALUES
(30,30,0,'','http://www.w3.org/2004/02/skos/core#ConceptScheme'),(31,31,0,'','http://www.w3.org/2004/02/skos/core#Concept'),
(32,32,0,'','Gestes du quotidien'),(33,33,0,'','Jardiner \\"en bas\\"'),(34,34,0,'','Gardening'),(35,35,0,'','Potager'),
(36,36,0,'','Composter'),(1,1,0,'','http://centre.example/scheme#1'),(2,2,0,'','http://centre.example/concept#2');
INSERT INTO rdfstore_triple (t, s, p, o, o_lang_dt, o_comp, s_type, o_type, misc) VALUES
(1,1,20,30,28,'',0,0,0),(2,1,21,32,24,'',0,2,0),(3,2,20,31,28,'',0,0,0),(4,2,21,33,24,'',0,2,0),(5,2,21,34,25,'',0,2,0),
(6,2,26,35,24,'',0,2,0),(7,2,22,1,28,'',0,0,0),(8,3,20,31,28,'',0,0,0),(9,3,21,36,24,'',0,2,0),(10,3,23,2,28,'',0,0,0),
(11,3,22,1,28,'',0,0,0),(12,3,27,2,28,'',0,0,0);
INSERT INTO onto_uri (uri_id, uri) VALUES (7,'http://centre.example/concept#2'),(8,'http://centre.example/concept#3');
INSERT INTO index_concept (num_object, type_object, num_concept, order_concept) VALUES (6,1,8,1),(6,1,7,0),(6,2,8,0);
"""


def test_concepts_come_with_their_tree_and_records_are_about_them(database: Database, tmp_path: Path) -> None:
    given = read(DUMP + CONCEPTS)
    [scheme] = [r for r in given if isinstance(r, Thesaurus) and r.uri == "http://centre.example/scheme#1"]
    below, above = sorted(scheme.rows, key=lambda row: row.label)
    assert scheme.title == {"fr": "Gestes du quotidien"}
    assert (below.label, below.broader) == ("Composter", (above.uri,))
    assert above.preferred == {"fr": 'Jardiner "en bas"', "en": "Gardening"} and above.alternate == (("fr", "Potager"),)
    about = each(records(DUMP + CONCEPTS)["6"].fields, "606")
    assert [(subfields(f, "9"), first(f, "a")) for f in about] == [
        (
            [f"uri:http://centre.example/concept#{n}", "lang:fr_FR", "uriScheme:http://centre.example/scheme#1"],
            label,
        )
        for n, label in ((2, 'Jardiner "en bas"'), (3, "Composter"))
    ]
    assert [
        p.params["n"] for r in given if isinstance(r, About) for p in r.problems if p.code == "pmbsql.statements"
    ] == ["1"]
    take(database, tmp_path, DUMP + CONCEPTS)
    with database.read() as session:
        linked = select(Concept.uri).join(NoticeConcept, NoticeConcept.concept_id == Concept.id)
        found = session.scalars(linked.where(NoticeConcept.notice_id == known(session, "6").id).order_by(Concept.uri))
        assert found.all() == ["http://centre.example/concept#2", "http://centre.example/concept#3"]


def test_a_date_that_is_not_quite_known_is_shown_in_words() -> None:
    field = """INSERT INTO notices_custom (idchamp, name, titre, type, datatype, export)
    VALUES (9,'periode','Période','date_flot','text',1);"""
    value = """INSERT INTO notices_custom_values (notices_custom_champ, notices_custom_origine, notices_custom_text)
    VALUES (9,6,'{}');"""
    index = "INSERT INTO notices_custom_dates (notices_custom_champ, notices_custom_origine) VALUES (9,6);"
    shown = {}
    for raw in (
        "0|||1998||||||",
        "1|||1975-06-01|||",
        "2|||1980||||||au plus tôt",
        "3|||2001||||||",
        "4|||1998|||2003|||",
        "hier",
    ):
        [f] = each(records(DUMP + field + value.format(raw) + index)["6"].fields, "900")
        shown[raw[:1]] = first(f, "a")
    assert shown == {
        "0": "vers 1998",
        "1": "avant 01/06/1975",
        "2": "après 1980 (au plus tôt)",
        "3": "2001",
        "4": "entre 1998 et 2003",
        "h": "hier",
    }
    assert fate("notices_custom_dates") == "derived"  # what PMB looks them up by: the value is in the field


def test_authors_and_classes_come_with_their_numbers() -> None:
    agents = {r.number: r for r in read(DUMP) if isinstance(r, AgentRow)}
    assert agents["1"].name == "Vasseur, Odile" and agents["1"].identifiers["isni"] == "0000000121032683"
    assert agents["1"].dates == "1961-...." and agents["4"].see == "1"
    assert agents["2"].name == "Observatoire des quartiers inventés. Pôle enquêtes"
    assert [agents[n].type for n in "1234"] == ["person", "corporate_body", "meeting", "person"]
    assert next(r for r in read(DUMP) if isinstance(r, ClassRow)) == ClassRow(
        "Plan du centre", "HAB 320", "Logement social", "7", 3
    )


def test_a_record_without_a_title_is_kept_as_it_stands_in_the_base() -> None:
    bare = records(DUMP.replace("'Cartes du relogement'", "''"))["6"]
    assert b'"notice_id": 6' in bare.raw and b'"typdoc": "x"' in bare.raw
    assert records(DUMP)["6"].raw == b""


def test_hosts_come_before_what_names_them() -> None:
    assert list(records(DUMP)) == ["2", "4", "20-bull", "22-bull", "1", "3", "5", "6"]
    assert [r.position for r in read(DUMP)] == list(range(len(read(DUMP))))


def test_old_bases_tell_a_relation_once() -> None:
    relations = re.compile(r"INSERT INTO `notices_relations`.*?;\n")
    old = "INSERT INTO `notices_relations` (`num_notice`,`linked_notice`,`relation_type`,`rank`) VALUES "
    again = records(relations.sub(old + "(4,2,'b',1),(6,1,'a',0);\n", DUMP))
    now = records(DUMP)
    assert {n: _said(r) for n, r in again.items()} == {n: _said(r) for n, r in now.items()}


# --- what is told of the base ---------------------------------------------------------------------


def told(dump: str | bytes) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in next(r for r in read(dump) if isinstance(r, About)).problems:
        found.setdefault(problem.code, []).append(problem)
    return found


def test_every_table_with_rows_is_accounted_for() -> None:
    tables = set(re.findall(r"INSERT INTO `(\w+)`", DUMP))
    said = told(DUMP)

    def named(code: str) -> list[object]:
        return [p.params["table"] for p in said[code]]

    fates = [code for code in said if code.startswith(("pmbsql.left_", "pmbsql.taken"))]
    assert {table for code in fates for table in named(code)} == tables
    # What was taken comes first, records before what hangs on them; PMB's own affairs come last.
    assert fates[0] == "pmbsql.taken" and fates[-1] == "pmbsql.left_derived"
    assert named("pmbsql.taken")[0] == "notices"
    assert {p.params["n"] for p in said["pmbsql.taken"] if p.params["table"] == "arch_type"} == {"1"}
    assert "1 lignes" not in " ".join(p.message for several in said.values() for p in several)
    assert named("pmbsql.left_personal") == ["empr", "pret"]
    assert named("pmbsql.left_selections") == ["caddie", "bannettes"]
    assert named("pmbsql.left_derived") == ["notices_mots_global_index"]
    assert named("pmbsql.left_unknown") == ["plugin_du_centre"]
    assert [p.tag for p in said["pmbsql.unknown_column"]] == ["notices.champ_du_futur"]
    assert said["pmbsql.file_data"][0].params["n"] == "2"
    assert "pmbsql.dangling" not in said and "pmbsql.no_rows" not in said
    for several in said.values():
        for problem in several:
            assert problem.code in SENTENCES and "{" not in problem.message
    inventory = {line.table: (line.rows, line.taken, line.why) for line in pmbsql.inventory(io.BytesIO(DUMP.encode()))}
    assert inventory["notices"] == (6, 6, "taken") and inventory["empr"] == (1, 0, "personal")


def test_what_has_no_place_here_is_told() -> None:
    said = told(DUMP.replace("(2,'Atelier B',", "(3,'Jamais cité','','','','','','','',''),(2,'Atelier B',"))
    assert [(p.tag, p.params["n"]) for p in said["pmbsql.unused"]] == [("publishers", "1")]
    one = "INSERT INTO notices (notice_id,tit1,niveau_biblio,niveau_hierar) VALUES (500,'Sans éditeur','m','0');"
    [unused] = told(f"{one}INSERT INTO publishers (ed_id,ed_name) VALUES (1,'Jamais cité');")["pmbsql.unused"]
    assert unused.params == {"table": "publishers", "n": "1"}  # whatever column is NULL
    [place] = said["pmbsql.location"]
    assert "Espace doc" in place.message and "3 rue des Glycines, 59000, Lille" in place.message


def test_readers_and_loans_are_never_read() -> None:
    everything = repr(read(DUMP))
    assert "Lectrice-Secrète" not in everything and "yvonne" not in everything and "E001" not in everything


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("notices", "taken"),
        ("empr_custom_values", "personal"),
        ("pret_archive", "personal"),
        ("notices_fields_global_index", "derived"),
        ("entrepot_source_12", "derived"),
        ("cms_cache_cadres", "derived"),
        ("cms_articles", "settings"),
        ("etagere_caddie", "selections"),
        ("abts_abts", "management"),
        ("vedette_object", "descriptions"),
        ("wp_posts", "unknown"),
    ],
)
def test_what_becomes_of_a_table_is_written_down(table: str, why: str) -> None:
    assert fate(table) == why
    assert why == "taken" or f"pmbsql.left_{why}" in SENTENCES


def test_what_a_part_of_a_base_lacks_is_told() -> None:
    part = re.sub(r"INSERT INTO `(authors|docs_location)`.*?;\n", "", DUMP)
    said = told(part)
    assert {p.tag for p in said["pmbsql.no_rows"]} == {"authors", "docs_location"}
    lost = {p.tag: p.params["n"] for p in said["pmbsql.dangling"]}
    assert lost == {"responsability.responsability_author": "4", "exemplaires.expl_location": "5"}
    assert records(part)["1"].items[0].barcode == "59000001"  # PMB itself would leave that copy out


def test_a_status_that_the_dump_does_not_explain_is_taken_for_hidden() -> None:
    part = re.sub(r"INSERT INTO `notice_statut`.*?;\n", "", DUMP)
    assert [n for n, r in records(part).items() if r.status == "candidate"] == ["5"]


# --- the text of a dump ---------------------------------------------------------------------------


def test_a_latin1_dump_says_the_same() -> None:
    latin = DUMP.replace("SET NAMES utf8mb4", "SET NAMES latin1").encode("cp1252")
    assert {n: r.fields for n, r in records(latin).items()} == {n: r.fields for n, r in records(DUMP).items()}
    assert "pmbsql.windows" in told(latin) and "pmbsql.twice" not in told(latin)
    tables = DUMP.replace("DEFAULT CHARSET=utf8", "DEFAULT CHARSET=latin1").encode("cp1252")
    coded = {first(next(each(r.fields, "100")), "a")[26:30] for n, r in records(tables).items() if "bull" not in n}
    assert coded == {"0103"}  # as PMB writes it


def test_text_put_twice_into_utf8_is_mended_and_told() -> None:
    twice = DUMP.encode().decode("cp1252", "surrogateescape").replace("\udc81", "\x81").replace("\udc8d", "\x8d")
    twice = twice.replace("\udc8f", "\x8f").replace("\udc90", "\x90").replace("\udc9d", "\x9d")
    assert "é" not in twice
    assert {n: r.fields for n, r in records(twice).items()} == {n: r.fields for n, r in records(DUMP).items()}
    assert int(str(told(twice)["pmbsql.twice"][0].params["n"])) > 20


# --- what is refused ------------------------------------------------------------------------------


def refusal(dump: str | bytes) -> Refusal:
    [only] = read(dump)
    assert isinstance(only, Refusal) and only.position == 0
    assert only.code in SENTENCES and "{" not in only.sentence()
    return only


@pytest.mark.parametrize("at", range(900, len(DUMP), 1301))
def test_a_dump_cut_anywhere_brings_nothing_or_says_it_has_no_end(at: int) -> None:
    given = read(DUMP.encode()[:at])
    if isinstance(given[0], Refusal):
        assert len(given) == 1 and given[0].code in ("pmbsql.cut", "pmbsql.not_pmb")
    else:
        assert "pmbsql.no_end" in {p.code for p in given[0].problems}


def test_a_cut_dump_names_the_table() -> None:
    at = DUMP.index("Rénover sans")
    assert refusal(DUMP[:at]).params["table"] == "notices"


def test_a_compressed_dump_cut_in_the_middle_brings_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pmb.sql.gz"
    path.write_bytes(gzip.compress(DUMP.encode() * 8)[:-900])
    [only] = files.read(path)
    assert isinstance(only, Refusal) and only.code == "pmbsql.cut_gzip" and "{" not in only.sentence()


def test_a_dump_of_another_program_is_named() -> None:
    koha = refusal("INSERT INTO `biblio` (biblionumber, title) VALUES (1,'La Gazette');")
    assert koha.code == "pmbsql.koha" and "Koha" in koha.sentence()
    other = refusal("CREATE TABLE wp_posts (id int); INSERT INTO wp_posts VALUES (1);")
    assert other.code == "pmbsql.not_pmb" and "wp_posts" in other.sentence()
    same_name = refusal("INSERT INTO notices (id, texte) VALUES (1,'Attention');")
    assert same_name.code == "pmbsql.not_pmb" and "notices" in same_name.sentence()
    assert refusal("-- rien\n").code == "pmbsql.not_pmb"


def test_the_head_of_a_dump_tells_whose_it_is() -> None:
    wordpress = "".join(f"CREATE TABLE `wp_{name}` (id int);\n" for name in ("comments", "links", "posts"))
    for head, code in ((wordpress, "pmbsql.not_pmb"), ("DROP TABLE IF EXISTS `accountlines`;", "pmbsql.koha")):
        refused = look(head.encode())
        assert refused is not None and refused.code == code and "{" not in refused.sentence()
    assert look(DUMP.encode()[:2000]) is None
    assert look(b"-- MySQL dump 10.13\n") is None  # it may be: the import says so in the end
    assert (
        look(b"CREATE TABLE `a_nous` (id int);\nCREATE TABLE `abts_abts` (id int);\nCREATE TABLE `b_nous` (id int);")
        is None
    )


def test_a_dump_without_its_columns_asks_for_them() -> None:
    assert refusal("INSERT INTO notices VALUES (1,'a','Titre');").params == {"table": "notices"}


# --- into the catalogue ---------------------------------------------------------------------------


def take(database: Database, folder: Path, dump: str | Path, name: str = "pmb.sql", **more: Any) -> Report:
    path = dump if isinstance(dump, Path) else folder / name
    if isinstance(dump, str):
        path.write_text(dump, "utf-8")
    return importer.import_file(database, path, **{"source": "PMB", "by": "claire", **more})


def known(session: Session, number: str) -> Notice:
    source = sources.find(session, "PMB")
    assert source is not None
    notice = notices.get(session, sources.find_ids(session, source, "record", [number])[number])
    assert notice is not None
    return notice


def test_a_field_that_pmb_does_not_show_is_not_shown_here() -> None:
    columns = "`datatype`, `options`, `export`"
    there = DUMP.replace(f"{columns}) VALUES (1,'public'", f"{columns}, `multiple`) VALUES (1,'public'")
    there = there.replace('<OPTIONS FOR="list"/>\',1)', '<OPTIONS FOR="list"/>\',1,1)')
    there = there.replace('<OPTIONS FOR="text"/>\',0)', '<OPTIONS FOR="text"/>\',0,0)')
    there = there.replace('<OPTIONS FOR="date_box"/>\',1)', '<OPTIONS FOR="date_box"/>\',1,0)')
    one = records(there)["1"]
    assert [label for label, _value in unimarc.custom_values(one.fields)] == ["Public visé"]
    assert "2019" not in unimarc.texts(one.fields).notes
    assert {"Public visé", "Reçu le"} == {unimarc.first(f, "l") for f in one.fields if f["t"] == "900"}


def test_what_pmb_hides_stays_hidden_when_an_undone_import_is_made_again(database: Database, tmp_path: Path) -> None:
    first = take(database, tmp_path, BASE)
    with database.write() as session:
        lots.undo(session, session.get_one(Batch, first.batch_id), by="claire")
    take(database, tmp_path, BASE)
    with database.read() as session:
        assert known(session, "5").status == "candidate"
        assert known(session, "1").status == "published"


def test_a_base_comes_in_whole_and_an_export_of_it_finds_everything_there(database: Database, tmp_path: Path) -> None:
    report = take(database, tmp_path, BASE)
    assert report.trouble is None and not report.refused
    assert report.format == "pmbsql"
    with database.read() as session:
        statuses = dict(session.execute(select(Notice.status, func.count()).group_by(Notice.status)).all())
        assert statuses == {"published": 7, "candidate": 1}
        assert known(session, "5").status == "candidate"  # PMB does not show it: neither do we
        assert session.scalar(select(func.count(Item.id))) == 5
        homes = dict(session.execute(select(Item.barcode, Item.notice_id)).all())
        assert homes["59000004"] == known(session, "4").id
        assert homes["59000003"] == known(session, "20-bull").id
        before = {n.id: n.fields for n in session.scalars(select(Notice))}
    again = take(database, tmp_path, EXPORT)
    counts = {name: n for name, n in again.counts.items() if n and name not in ("warnings", "to_complete", "agents")}
    assert counts == {"read": 6, "unchanged": 6}
    assert again.batch_id is None
    with database.read() as session:
        assert {n.id: n.fields for n in session.scalars(select(Notice))} == before  # 991 and 901 are still there


def test_the_dump_completes_what_an_export_brought(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, EXPORT)
    report = take(database, tmp_path, BASE)
    assert report.counts["refused"] == 0
    with database.read() as session:
        assert session.scalar(select(func.count(Notice.id))) == 8 and session.scalar(select(func.count(Item.id))) == 5
        assert values(known(session, "5").fields, "991", "b") == ["À relire : l'auteur a demandé un retrait"]
        assert values(known(session, "1").fields, "901", "a") == ["vu avec Odile"]
    again = take(database, tmp_path, BASE)
    assert again.counts["updated"] == again.counts["created"] == again.counts["items"] == 0


def test_the_replay_before_the_switch_keeps_local_work(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, BASE)
    with database.write() as session:  # Claire corrects one title here, while PMB goes on
        notice = known(session, "1")
        fields = deepcopy(notice.fields)
        for f in fields:
            if f["t"] == "200":
                f["s"] = [["a", "Habiter la tour"], *f["s"][1:]]
        notices.revise(session, notice, fields, by="claire")
    newer = DUMP.replace("Rénover sans reloger ?", "Rénover et reloger").replace("récits de locataires", "récits")
    newer = newer.replace("auteur a demandé un retrait", "auteur a donné son accord")
    added = (
        "\n  (7,'a','Entré depuis','','','',0,'',0,0,0,0,'2026','','','','','','','','','','','','','',0,'','m','0',1,"
    )
    added += "'',1,'','2026-09-09 08:00:00','2026-09-09 09:00:00','','','2026-01-01',0,''),\n  (6,'x','Cartes"
    newer = newer.replace("\n  (6,'x','Cartes", added)
    report = take(database, tmp_path, newer)
    told = {name: n for name, n in report.counts.items() if n}
    assert (told["created"], told["updated"], told["waiting"]) == (
        1,
        3,
        1,
    )  # the journal names its articles: it follows
    with database.read() as session:
        assert known(session, "3").title == "Rénover et reloger"
        assert unimarc.title(known(session, "1").fields) == "Habiter la tour"  # hers; PMB's news wait for her
        assert "accord" in values(known(session, "5").fields, "991", "b")[0]
        assert known(session, "5").status == "candidate"
        assert known(session, "7").title == "Entré depuis"


def test_a_harvested_record_takes_away_nothing_that_only_the_dump_told(database: Database, tmp_path: Path) -> None:
    take(database, tmp_path, BASE)
    path = tmp_path / "export.xml"
    path.write_text(EXPORT.read_text("utf-8").replace("Un banc pour deux", "Un banc pour trois"), "utf-8")
    for title in ("trois", "quatre"):  # twice: what came by the export is no touch of a person
        path.write_text(EXPORT.read_text("utf-8").replace("Un banc pour deux", f"Un banc pour {title}"), "utf-8")
        take(database, tmp_path, path)
        with database.read() as session:
            notice = known(session, "5")
            assert notice.title == f"Un banc pour {title}"
            assert values(notice.fields, "991", "a") == ["En cours de traitement"]


def test_a_comment_changed_here_stays_as_it_is_here() -> None:
    def comment(words: str, *who: int | str) -> Field:
        f: Field = {"t": "991", "i": "  ", "s": [["b", words], ["2", "pmb"]]}
        return {**f, "o": list(who)} if who else f

    title: Field = {"t": "200", "i": "1 ", "s": [["a", "Titre"]], "o": [4]}
    theirs, newer, mine = comment("à revoir"), comment("revu"), comment("vu hier", "local")

    def after(ours: list[Field], said: list[Field], base: list[Field], *, by_dump: bool = True) -> list[Field]:
        return keep_dump_only([title, *ours], [title, *said], 4, [title, *base], by_dump=by_dump)[1:]

    assert after([comment("à revoir", 4)], [newer], [theirs]) == [newer]
    assert after([comment("à revoir", 4)], [], [theirs]) == []  # PMB says it no longer
    assert after([comment("à revoir", 4)], [], [theirs], by_dump=False) == [comment("à revoir", 4)]
    assert after([mine], [newer], [theirs]) == [mine]
    assert after([], [newer], [theirs]) == []  # taken away here
    assert after([], [newer], []) == [newer]
    hidden: Field = {"t": "992", "i": "  ", "s": [["f", "9"], ["2", "pmb"]]}
    assert after([mine], [newer, hidden], [theirs]) == [mine, hidden]  # tag by tag


def test_a_dump_given_at_the_desk_is_told_by_its_head_and_waits_for_the_worker(
    claire: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(content: bytes, name: str = "pmb.sql") -> TestResponse:
        return claire.post(
            "/bureau/importer",
            data={"fichier": (io.BytesIO(content), name), "nouvelle_source": "PMB"},
            follow_redirects=True,
        )

    monkeypatch.setattr(Base, "load", lambda *_: pytest.fail("a base is never loaded while a page waits"))
    for content, name in ((BASE.read_bytes(), "pmb.sql"), (gzip.compress(BASE.read_bytes()), "pmb.sql.gz")):
        page = given(content, name)
        assert page.status_code == 200 and "Une base entière se lit d’un bloc" in page.text
    asked = claire.post(page.request.path, data={"action": "import"})
    assert asked.status_code == 303 and asked.location.endswith("/suivi")
    refused = given(b"".join(b"CREATE TABLE wp_%d (id int);\n" % n for n in range(4)))
    assert refused.status_code == 422 and "n’est pas une base PMB" in refused.text


def test_a_dry_run_says_everything_and_keeps_nothing(database: Database, tmp_path: Path) -> None:
    report = take(database, tmp_path, BASE, dry_run=True)
    assert report.counts["created"] >= 8 and report.counts["items"] == 5
    assert "pmbsql.left_personal" in {t.problem.code for t in report.told.values()}
    with database.read() as session:
        assert session.scalar(select(func.count(Notice.id))) == 0


# --- the real demonstration base ------------------------------------------------------------------

# Labels that PMB's installer adds and that the demonstration data does not hold.
LABELS = b"""
INSERT INTO origine_notice (orinot_id,orinot_nom,orinot_pays) VALUES (1,'INTERNE','FR'),(4,'FR-751131015','FR');
INSERT INTO explnum_statut (id_explnum_statut,gestion_libelle) VALUES (1,'Sans statut particulier');
INSERT INTO indexint (indexint_id,indexint_name,indexint_comment,num_pclass)
VALUES (101,'892.7','',1),(102,'929.7','',1);
"""
DEMO = sorted((SHARED / "pmb").glob("pmb_data_test_fr.sql.gz"))
LIVE = sorted((SHARED / "pmb" / "live").glob("pages/full_ListRecords_pmb*.gz"))
LIVE += sorted((SHARED / "pmb" / "live").glob("single/full_GetRecord*pmb_xml*.xml"))


def opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


@pytest.mark.parametrize("path", DEMO, ids=lambda p: p.name)
def test_the_demonstration_base_says_what_a_running_pmb_answers(path: Path) -> None:
    with_labels = [path, *(p for p in path.parent.glob("*.sql.gz") if "indexint" in p.name or "agneaux" in p.name)]
    ours = records(b"\n".join(opened(p).read() for p in with_labels) + LABELS)
    live: dict[str, Record] = {}
    for page in LIVE:
        found = pmbxml.read_file(opened(page)) if len(live) < 48 else ()
        live |= {r.control_number or "": r for r in found if isinstance(r, Record) and r.control_number in ours}
    assert len(live) == 48
    for number, record in live.items():
        assert mark_of(ours[number].fields) == mark_of(record.fields), number


@pytest.mark.parametrize("path", sorted((SHARED / "pmb").glob("*.sql.gz")), ids=lambda p: p.name)
def test_real_dumps_are_read_to_the_end(path: Path) -> None:
    given = list(pmbsql.read_file(opened(path)))
    assert isinstance(given[0], About) and not [r for r in given if isinstance(r, Refusal)]
    concepts = sum(len(r.rows) for r in given if isinstance(r, Thesaurus))
    assert len(given) + concepts > 90


@pytest.mark.parametrize("path", sorted((SHARED / "koha_sql").glob("*.sql.gz")), ids=lambda p: p.name)
def test_a_real_koha_is_told_from_a_pmb(path: Path) -> None:
    [only] = files.read(path)
    assert isinstance(only, Refusal) and only.code == "pmbsql.koha"
