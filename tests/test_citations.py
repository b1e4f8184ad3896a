"""References of citation managers and open archives: what each field becomes, and files that lie."""

from __future__ import annotations

import gzip
import io
import json
import string
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import rispy
from hypothesis import given, settings
from hypothesis import strategies as st
from pybtex.database.input.bibtex import Parser
from sqlalchemy import select

from catalogue import unimarc
from catalogue.db import Database
from catalogue.entities import About
from catalogue.i18n import use_language
from catalogue.models import Notice, Refused
from catalogue.problems import SENTENCES, Refusal
from catalogue.unimarc import KINDS, Fields, Record, first, values
from harvest import files, importer
from harvest.crosswalk import csljson
from harvest.crosswalk.citation import Citation, Host, Name, date_text, lines, to_fields
from harvest.crosswalk.gather import find_standard_numbers, language, read_name, table
from harvest.crosswalk.latex import to_text

HERE = Path(__file__).parent
DATA = HERE / "data" / "citations"
FIXTURES = {
    "everyday.ris": "ris",
    "everyday.bib": "bibtex",
    "collection.mods.xml": "mods",
    "answer.oai_dc.xml": "dc",
    "pmb.dc.xml": "dc",
    "library.endnote.xml": "endnote",
    "references.csl.json": "csljson",
    "library.zotero.json": "csljson",
}
FORMATS = ("ris", "bibtex", "csljson", "mods", "dc", "endnote")
# Real files, where a developer has some beside the project.
SHARED = HERE.parent.parent / "shared" / "data"
REAL = sorted(p for p in SHARED.glob("citations/**/*") if p.suffix in (".ris", ".bib"))
REAL_XML = sorted((*SHARED.glob("citations/**/*.xml"), *SHARED.glob("oai/dissemin/ft*.xml")))
REAL_JSON = sorted(SHARED.glob("citations/**/*.json"))
REFWORKS = sorted(SHARED.glob("citations/**/RefWorks*.txt"))
PMB_RIS = sorted(SHARED.glob("pmb/live/exports/*.ris.gz"))


RIS = b"TY  - BOOK\nTI  - %s\nER  - \n"


def read(format: str, data: bytes) -> list[Record | About | Refusal]:
    return list(import_module(f"harvest.crosswalk.{files.READERS[format]}").read_file(io.BytesIO(data), {}))


def good(read_ones: Iterable[object]) -> list[Record]:
    return [r for r in read_ones if isinstance(r, Record)]


def refused(read_ones: Iterable[object]) -> list[tuple[int, str, str]]:
    return [(r.position, r.identifier, r.code) for r in read_ones if isinstance(r, Refusal)]


def only(format: str, data: str) -> Record:
    (record,) = read(format, data.encode())
    assert isinstance(record, Record)
    return record


def titles(read_ones: Iterable[object]) -> list[str]:
    return [unimarc.title(r.fields) for r in good(read_ones)]


def told(record: Record) -> list[str]:
    return [problem.code for problem in record.repairs]


def one(fields: Fields, tag: str, code: str) -> str:
    return next(iter(values(fields, tag, code)), "")


def shown(read_one: files.Read) -> object:
    if isinstance(read_one, Refusal):
        return {"refused": read_one.code, "position": read_one.position, "identifier": read_one.identifier}
    assert isinstance(read_one, Record)
    return {
        "position": read_one.position,
        "key": read_one.control_number,
        "told": told(read_one),
        "fields": [
            f"{f['t']} {f['v']}" if "v" in f else f"{f['t']} {f['i']}" + "".join(f"${c}{v}" for c, v in f["s"])
            for f in read_one.fields
        ],
    }


# --- one file of each, whole -------------------------------------------------------------------


@pytest.mark.parametrize("name", FIXTURES)
def test_each_field_of_a_file_goes_where_the_tables_say(name: str) -> None:
    path = DATA / name
    assert files.format_of(path) == FIXTURES[name]
    expected = json.loads((DATA / "expected.json").read_text("utf-8"))[name]
    assert [shown(r) for r in files.read(path)] == expected


def test_an_article_is_in_its_journal_and_a_chapter_in_its_book() -> None:
    article, chapter, *_rest = good(read("ris", (DATA / "everyday.ris").read_bytes()))
    journal, issue = unimarc.host_serial(article.fields), unimarc.host_issue(article.fields)
    assert journal and issue
    assert (journal.title, journal.issn) == ("Revue des quartiers", "1234-5679")
    assert (issue.volume, issue.date) == ("vol. 12, n° 3", "printemps 2021")
    assert unimarc.kind(article.fields) == "article"
    assert unimarc.years(article.fields) == (2021, None)
    assert unimarc.host_serial(chapter.fields) is None
    book = unimarc.host_issue(chapter.fields)
    assert book and book.title == "Villes en mouvement"
    assert not values(chapter.fields, "010", "a"), "the ISBN is the book’s: it would match another chapter of it"


def test_a_collection_with_an_issn_is_no_journal() -> None:
    host = {"t": "461", "i": " 1", "s": [["t", "Questions de ville"], ["x", "1234-5679"], ["v", "12"]]}
    for mark, relation in (("     nam0 22        450 ", "series"), ("     naa0 22        450 ", "host_serial")):
        (link,) = unimarc.links([{"t": "000", "v": mark}, host])  # type: ignore[list-item]
        assert (link.relation, link.issn) == (relation, "1234-5679")


def test_the_same_article_is_the_same_in_every_format() -> None:
    def said(format: str, name: str, position: int = 1) -> tuple[object, ...]:
        record = next(r for r in good(read(format, (DATA / name).read_bytes())) if r.position == position)
        journal = unimarc.host_serial(record.fields)
        return unimarc.title(record.fields), journal and journal.title, journal and journal.issn

    expected = ("Le banc public", "Revue des quartiers", "1234-5679")
    assert said("endnote", "library.endnote.xml") == expected
    assert said("csljson", "references.csl.json") == expected
    assert said("mods", "collection.mods.xml", 2) == expected
    assert said("dc", "answer.oai_dc.xml") == expected


def test_a_file_imported_twice_makes_nothing_new(database: Database) -> None:
    def take(name: str) -> dict[str, int]:
        report = importer.import_file(database, DATA / name, source="zotero", by="claire")
        return {kind: n for kind, n in report.counts.items() if n}

    assert take("everyday.ris")["created"] == 4
    again = take("everyday.ris")
    assert not again.get("created") and not again.get("updated")


# --- the builder and its tables ------------------------------------------------------------------


def test_what_the_desk_would_type_is_what_is_written() -> None:
    fields = to_fields(
        Citation(
            kind="press_article",
            title="Un banc",
            names=(
                Name("Roy", "Paul", "070"),
                Name("Observatoire", role="070", type="body"),
                Name("Petit", role="730"),
            ),
            host=Host("Le Courrier", ("1234-5679",), issue="2710"),
            date="18 mars 2024",
            keywords=("banc",),
            identifiers=(("doi", "https://doi.org/10.5555/ABC"), ("arxiv", "1303.0980")),
        )
    )
    assert [f["t"] for f in fields] == ["000", "014", "017", "200", "461", "463", "608", "610", "700", "711", "702"]
    assert fields[0]["v"][6:9] == "aa2"
    assert fields[1]["s"] == [["a", "10.5555/abc"], ["b", "DOI"]]
    assert fields[4]["s"] == [["t", "Le Courrier"], ["x", "1234-5679"], ["9", "lnk:perio"]]
    assert fields[5]["s"] == [["v", "2710"], ["e", "18 mars 2024"]]
    assert unimarc.kind(fields) == "press_article"


@pytest.mark.parametrize(
    "column, name, section", [("ris", "ris", ""), ("csl", "csljson", "csl"), ("zotero", "csljson", "zotero")]
)
def test_what_we_export_as_a_type_comes_back_as_that_kind(column: str, name: str, section: str) -> None:
    for kind in KINDS.values():
        back = table(name, section).kind_of(getattr(kind, column))
        assert getattr(KINDS[back], column) == getattr(kind, column), kind.code


TABLES = [(name, "") for name in ("ris", "bibtex", "endnote", "mods", "dublincore")]
TABLES += [("csljson", "csl"), ("csljson", "zotero")]


@pytest.mark.parametrize("name, section", TABLES)
def test_the_tables_say_only_what_the_reader_understands(name: str, section: str) -> None:
    rules = table(name, section)
    words = {"title", "subtitle", "part", "part_title", "other_title", "name", "names", "host", "volume", "issue"}
    words |= {"issue_title", "start_page", "end_page", "pages", "extent", "size", "series", "series_number", "edition"}
    words |= {"publisher", "place", "date", "degree", "institution", "genre", "id", "keyword", "abstract", "contents"}
    words |= {"note", "language", "url", "call_number", "number", "kept", "thumbnail", "-", "attachments"}
    words |= {"description", "identifier", "source", "relation", "format"} if name == "dublincore" else set()
    for meanings in (rules.fields, *rules.only.values()):
        assert {meaning.partition(" ")[0] for meaning in meanings.values()} <= words
    assert set(rules.kinds.values()) <= set(KINDS)
    assert set(rules.only) <= {*KINDS, "in_book", "pmb"}
    assert rules.in_book <= {*rules.kinds, *rules.in_book} and all(
        rules.kinds.get(t, "article") == "article" for t in rules.in_book
    )


@pytest.mark.parametrize(
    "text, date",
    [
        ("2005/7/15", "2005-07-15"),
        ("2016-05-27T16:12:21+02:00", "2016-05-27"),
        ("2001/00/00", "2001"),
        ("printemps 2021", "printemps 2021"),
        ("[ca 1975]", "[ca 1975]"),
        ("2012-2013", "2012-2013"),
    ],
)
def test_a_date_stays_as_written(text: str, date: str) -> None:
    assert date_text(text) == date


@pytest.mark.parametrize(
    "text, name",
    [
        ("Dupont, Anne", Name("Dupont", "Anne", "070")),
        ("Dupont, Anne, Jr.", Name("Dupont", "Anne", "070", addition="Jr.")),
        ("Hugo, Victor (1802-1885)", Name("Hugo", "Victor", "070", dates="1802-1885")),
        ("Bononcini, Giovanni, 1670-1747", Name("Bononcini", "Giovanni", "070", dates="1670-1747")),
        ("Agence d’urbanisme de Valmont", Name("Agence d’urbanisme de Valmont", role="070", type="body")),
        ("INSEE", Name("INSEE", role="070", type="body")),
        ("Anne Dupont", Name("Anne Dupont", role="070")),
    ],
)
def test_a_name_is_cut_only_where_it_says(text: str, name: Name) -> None:
    assert read_name(text, "070") == name


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("978-90-277-1262-2 978-90-277-1263-9", [("isbn", "978-90-277-1262-2"), ("isbn", "978-90-277-1263-9")]),
        ("0915-5287", [("issn", "0915-5287")]),
        ("urn:ISSN:09155287", [("issn", "0915-5287")]),
        ("0801486394 (pbk.) / 9780801486395", [("isbn", "0801486394 (pbk.)"), ("isbn", "9780801486395")]),
        ("hal-01062241", []),
        ("WO2011US30214", []),
    ],
)
def test_standard_numbers_are_found_where_they_are(text: str, numbers: list[tuple[str, str]]) -> None:
    assert find_standard_numbers(text) == numbers


def test_languages_are_said_in_many_ways() -> None:
    assert [language(said) for said in ("fr", "fr-FR", "Anglais", "Deutsch", "isl", "eng", "?", "klingon")] == [
        "fre", "fre", "eng", "ger", "ice", "eng", "", "",
    ]  # fmt: skip


def test_a_line_cut_by_a_program_is_mended_and_a_paragraph_stays() -> None:
    assert lines("Une phrase\nqui continue.\nUne autre.<br>Et <b>une</b> fin") == (
        "Une phrase qui continue.\nUne autre.\nEt une fin"
    )
    assert lines("e\u0301te\u0301\x00\ufeff") == "été"


@pytest.mark.parametrize(
    "written, text",
    [
        (r"Ji{\v{r}}{\'{\i}} P\"{a}ckert, {\'E}tat, c{\oe}ur \c{c}a, Erd{\H o}s", "Jiří Päckert, État, cœur ça, Erdős"),
        (r"DNA$_{\textrm{2}}$ (\textit{Natrix}) 100\% \& {HLM} -- x", "DNA2 (Natrix) 100% & HLM – x"),
        (r"{\noopsort{1973b}}1973 \LaTeX{} $\Sigma^{0}$ \mkbibquote{un {mot}}", "1973 LaTeX Σ0 “un mot”"),
        ("100% de a_b, l'été", "100% de a_b, l'été"),
    ],
)
def test_latex_becomes_words(written: str, text: str) -> None:
    assert to_text(written) == text


# --- what real files get wrong --------------------------------------------------------------------


def test_pmb_says_utf8_and_sends_windows_1252() -> None:
    data = "TY  - BOOK\nTI  - L’été à l’œuvre\nA1  - Riou, Zoé\nER - \n\nTY  - BOOK\nTI  - Plain\nER - \n".encode(
        "cp1252"
    )
    found = read("ris", data + data.partition(b"\n\n")[0])
    assert [[p.code for p in a.problems] for a in found if isinstance(a, About)] == [["charset.windows_file"]]
    first_one, second, third = good(found)
    assert unimarc.title(first_one.fields) == "L’été à l’œuvre"
    assert told(first_one) == told(second) == told(third) == []


def test_one_reference_in_windows_1252_among_others_in_utf8_is_told_with_it() -> None:
    said = "TY  - BOOK\nTI  - Été {}\nER  - \n"
    found = read("ris", said.format(1).encode() + said.format(2).encode("cp1252") + said.format(3).encode())
    assert [unimarc.title(r.fields) for r in good(found)] == ["Été 1", "Été 2", "Été 3"]
    assert [told(r) for r in good(found)] == [[], ["charset.windows"], []]


def test_a_line_of_another_charset_does_not_spoil_its_neighbours() -> None:
    data = "TY  - BOOK\nTI  - Été\n".encode() + "PB  - Éditions\n".encode("cp1252") + "CY  - Orléans\nER  - \n".encode()
    (record,) = good(read("ris", data))
    assert (unimarc.title(record.fields), one(record.fields, "210", "c"), one(record.fields, "210", "a")) == (
        "Été", "Éditions", "Orléans",
    )  # fmt: skip


def test_text_that_was_encoded_twice_is_told_and_mended() -> None:
    record = only("ris", "TY  - BOOK\nTI  - L'Ã©tÃ©\nER  - \n")
    assert unimarc.title(record.fields) == "L'été"
    assert told(record) == ["charset.twice"]


def test_utf16_is_read_by_its_mark() -> None:
    assert titles(read("bibtex", "@book{k, title = {Été}}".encode("utf-16"))) == ["Été"]
    assert titles(read("csljson", '[{"title": "Été"}]'.encode("utf-16"))) == ["Été"]


def test_xml_that_calls_itself_utf8_and_is_not_is_told() -> None:
    data = '<?xml version="1.0" encoding="UTF-8"?><dc_notices xmlns:dc="http://purl.org/dc/elements/1.1/"><dc><dc:title>Été</dc:title></dc></dc_notices>'
    (record,) = good(read("dc", data.encode("cp1252")))
    assert (unimarc.title(record.fields), told(record)) == ("Été", ["charset.mixed"])


def test_ris_without_its_marks_is_told_and_read() -> None:
    read_ones = read(
        "ris",
        b"JF  - Revue\nT1  - Sans type\nVL  - 6\nER  -\nTY  - BOOK\nTI  - Sans fin\n" + RIS % b"Bon" + b"reste",
    )
    assert titles(read_ones) == ["Sans type", "Sans fin", "Bon"]
    assert [told(r) for r in good(read_ones)] == [["ris.no_type"], ["ris.no_end"], []]
    assert unimarc.kind(good(read_ones)[0].fields) == "article"
    assert refused(read_ones) == [(4, "", "ris.no_tag")]


def test_a_reference_without_a_title_takes_the_one_it_has() -> None:
    record = only("ris", "TY  - JOUR\nT2  - Statistiques de 2015\nPY  - 2015\nER  - \n")
    assert unimarc.title(record.fields) == "Statistiques de 2015"
    assert told(record) == ["citation.title_borrowed"]


def test_entities_are_undone_before_keywords_are_cut() -> None:
    record = only("ris", "TY  - BOOK\nTI  - T\nKW  - caf&#233;; th&eacute;\nER  - \n")
    assert values(record.fields, "610", "a") == ["café", "thé"]


def test_the_profile_of_a_source_says_what_its_types_mean() -> None:
    reader = import_module("harvest.crosswalk.ris")
    (record,) = reader.read_file(io.BytesIO(b"TY  - PAMP\nTI  - T\nER  - \n"), {"kinds": {"PAMP": "dossier"}})
    assert unimarc.kind(record.fields) == "dossier"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_paper_takes_from_its_proceedings_wherever_they_stand(order: tuple[int, int]) -> None:
    entries = [
        "@inproceedings{a, title = {Un papier}, crossref = {LesActes}}\n",
        "@proceedings{lesactes, title = {Les actes}, year = 2006, isbn = {978-2-1234-5680-3}}\n",
    ]
    read_ones = read("bibtex", "".join(entries[n] for n in order).encode())
    paper = next(r for r in good(read_ones) if r.control_number == "a")
    assert (one(paper.fields, "463", "t"), one(paper.fields, "463", "e")) == ("Les actes", "2006")


def test_csl_as_crossref_answers_is_one_record() -> None:
    item = {
        "DOI": "10.5555/ABC", "type": "journal-article", "title": ["Le banc"], "container-title": ["Revue"],
        "ISSN": ["1234-5679"], "author": [{"given": "Paul", "family": "Roy", "ORCID": "https://orcid.org/0000-0002-1825-0097"}],
        "published-print": {"date-parts": [[2021]]}, "issued": {"date-parts": [[2021, 3]]}, "reference": [{"key": "x"}],
    }  # fmt: skip
    record = csljson.to_record(item)
    assert isinstance(record, Record)
    assert unimarc.identifiers(record.fields) == [("doi", "10.5555/abc")]
    assert one(record.fields, "463", "e") == "2021-03"
    assert one(record.fields, "700", "o").endswith("0097")
    answer = json.dumps({"status": "ok", "message": {"total-results": 1, "items": [item]}, "more": {"a": {"b": 1}}})
    assert titles(read("csljson", answer.encode())) == ["Le banc"]


def test_recognised_by_what_is_in_them() -> None:
    def seen(data: bytes) -> str:
        return files.recognise(data)[0] or getattr(files.recognise(data)[1], "code", "")

    assert seen(b"JF  - Revue\nT1  - Titre\nVL  - 6\n") == "ris"
    assert seen(b'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title></metadata>') == "dc"
    assert seen(b"RT Journal Article\nSR Print\nA1 Roy,Paul\n") == "file.not_read_yet"
    assert seen(b'{"items": []}') == "csljson"


# --- bad input ------------------------------------------------------------------------------------

MODS = b'<modsCollection xmlns="http://www.loc.gov/mods/v3">%s</modsCollection>'
TITLED = b"<mods><titleInfo><title>%s</title></titleInfo>%s</mods>"
HOSTILE: dict[str, tuple[str, bytes, list[str], list[str]]] = {
    "a line of 20 MB": (
        "ris",
        RIS % b"A" + RIS % (b"x" * 20_000_000) + RIS % b"B",
        ["A", "B"],
        ["citation.too_big"],
    ),
    "more fields than a record may have": (
        "ris",
        RIS % (b"T\n" + b"".join(b"KW  - m%d\n" % n for n in range(11_000))) + RIS % b"B",
        ["B"],
        ["citation.too_many_fields"],
    ),
    "a brace that is not closed": (
        "bibtex",
        b"@book{a, title={A}}\n@book{b, title={B, year={2000}\n@book{c, title={C}}",
        ["A", "C"],
        ["bibtex.unclosed"],
    ),
    "braces without end": (
        "bibtex",
        b"@book{a, title=" + b"{" * 100_000 + b"}" * 100_000 + b"}\n@book{c, title={C}}",
        ["C"],
        ["bibtex.malformed"],
    ),
    "strings made of strings": (
        "bibtex",
        b'@string(a="%s")' % (b"x" * 60_000)
        + b"@string(b = a # a)@book{d, title={D}, note=a}"
        + b"@book{e, title={E}, %s}" % b",".join(b"f%d=a" % n for n in range(99)),
        ["D"],
        ["bibtex.too_long", "bibtex.too_long"],
    ),
    "JSON nested without end": (
        "csljson",
        b'[{"title":"A"},{"title":"B","x":' + b"[" * 50_000 + b"]" * 50_000 + b'},{"title":"C"}]',
        ["A", "C"],
        ["csljson.deep"],
    ),
    "what is not JSON": (
        "csljson",
        b'[{"title":"A","volume":NaN},{"title":"B","title":"b"},{"title":"C\\ud800"},{"title":oops},{"title":"E"}]',
        ["E"],
        ["csljson.constant", "csljson.name_repeated", "csljson.surrogate", "csljson.malformed"],
    ),
    "JSON that breaks off": ("csljson", b'[{"title":"A"},{"title":"B', ["A"], ["csljson.cut"]),
    "an entity bomb": (
        "mods",
        b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + MODS % (TITLED % (b"&b;", b"")),
        [],
        ["xml.doctype"],
    ),
    "XML that breaks off": (
        "mods",
        (MODS % (TITLED % (b"A", b"") + TITLED % (b"B", b"<note>")))[:-30],
        ["A"],
        ["xml.cut"],
    ),
    "a record of too many elements": (
        "mods",
        MODS % (TITLED % (b"A", b"<note>x</note>" * 11_000) + TITLED % (b"B", b"")),
        ["B"],
        ["citation.too_many_fields"],
    ),
    "another XML": ("endnote", b"<rss><channel/></rss>", [], ["xml.no_reference"]),
    "nothing": ("dc", b"", [], ["file.empty"]),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_bad_input_is_refused_and_the_rest_goes_in(what: str) -> None:
    format, data, expected, codes = HOSTILE[what]
    read_ones = read(format, data)
    assert titles(read_ones) == expected
    assert [code for _position, _identifier, code in refused(read_ones)] == codes


def test_a_refused_reference_is_named() -> None:
    cut = read("mods", (MODS % (TITLED % (b"Une", b"") + TITLED % (b"La coupee", b"<note>")))[:-40])
    assert refused(cut)[0][:2] == (2, "La coupee")
    broken = read("bibtex", b"@book{a, title={A}}\n@book{cle-cassee, title={B\n@book{c, title={C}}")
    assert refused(broken) == [(2, "cle-cassee", "bibtex.unclosed")]
    (refusal,) = (r for r in broken if isinstance(r, Refusal))
    with use_language("fr"):
        assert refusal.sentence() == "L’entrée n° 2 (« cle-cassee ») n’est pas fermée : il lui manque une accolade."


def test_a_name_said_wrong_never_ends_the_file() -> None:
    read_ones = read("bibtex", b"@book{a, title={A}, author={x, y, z, t and {Ville}}}\n@book{b, title={B}}")
    assert titles(read_ones) == ["A", "B"]


def test_a_field_said_twice_is_kept_and_told() -> None:
    record = only("bibtex", "@book{a, title={A}, note={un}, note={deux}}")
    assert told(record) == ["bibtex.field_repeated"]
    assert {"un", "note (2) : deux"} <= set(values(record.fields, "300", "a"))


# --- laws -----------------------------------------------------------------------------------------

WORD = st.text(string.ascii_lowercase, min_size=4, max_size=9)
TYPES = ["BOOK", "JOUR", "CHAP", "THES", "RPRT", "ELEC", "ODD"]
BIBTEX = sorted(name for name, meaning in table("bibtex").fields.items() if meaning != "-" and " " not in name)
TAGS = sorted(tag for tag, meaning in table("ris").fields.items() if meaning != "-")


def all_words(fields: Fields) -> str:
    return " ".join([f.get("v", "") + " " + " ".join(v for _c, v in f.get("s", ())) for f in fields])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TYPES), st.lists(st.tuples(st.sampled_from(TAGS), WORD), max_size=12))
def test_no_word_of_a_ris_reference_is_lost(type: str, pairs: list[tuple[str, str]]) -> None:
    text = (
        f"TY  - {type}\nTI  - Titre\n"
        + "".join(f"{tag}  - {word}\n" for tag, word in pairs if tag != "ER")
        + "ER  - \n"
    )
    words = all_words(only("ris", text).fields)
    assert all(word in words for tag, word in pairs if tag not in ("LA", "ER"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(table("bibtex").kinds)), st.dictionaries(st.sampled_from(BIBTEX), WORD, max_size=12))
def test_no_word_of_a_bibtex_entry_is_lost(type: str, fields: dict[str, str]) -> None:
    text = "@%s{cle, %s}" % (type, ", ".join(f"{name} = {{{value}}}" for name, value in fields.items()))  # noqa: UP031
    words = all_words(only("bibtex", text).fields)
    assert all(value in words for name, value in fields.items() if not (name == "year" and "date" in fields))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMATS), st.data())
def test_whatever_the_bytes_no_exception_and_only_sentences_that_exist(format: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([n for n, f in FIXTURES.items() if f == format]))
    raw = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(
            st.sampled_from([b"", b"{", b"}", b'"', b"\\", b"<", b"&", b"\xff", b"\0", b"@", b"\n", b"ER  - ", b"]"])
        )
    for read_one in read(format, bytes(raw)):
        if isinstance(read_one, Refusal):
            assert read_one.code in SENTENCES
            assert SENTENCES[read_one.code].format_map({**read_one.params, "identifier": read_one.identifier})
        elif isinstance(read_one, Record):
            json.dumps(read_one.fields, ensure_ascii=False).encode()
            assert all(f["s"] and all(v for _c, v in f["s"]) for f in read_one.fields if "s" in f)
            assert all(problem.code in SENTENCES for problem in read_one.repairs)


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("bibtex", "@book{a, title = {" + "x" * 200_000 + "}, author = }"),
        ("csljson", '[{"title": ' + '"x"' * 70_000 + "}]"),
        ("mods", "<mods>" + "<note/>" * 10_100 + "</mods>"),
    ],
)
def test_a_refused_reference_is_kept_whole(format: str, data: str) -> None:
    [refusal] = [r for r in read(format, data.encode()) if isinstance(r, Refusal)]
    assert refusal.code not in files.BEGINNINGS
    assert len(refusal.raw) >= len(data) * 0.9 and refusal.raw[-1:] in b"}>"


def test_one_beyond_any_reason_is_kept_as_a_beginning_says_so_and_is_not_tried_again(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "monster.ris"
    path.write_text("TY  - BOOK\nTI  - Monstre\nN1  - " + "abcd\n" * 210_000 + "ER  - \n")
    report = importer.import_file(database, path, source="R", by="claire")
    [refusal] = report.refused
    assert refusal.code in files.BEGINNINGS
    assert "seul son début est gardé" in refusal.sentence()
    assert "importez de nouveau le fichier" in refusal.sentence()
    again = importer.retry(database, by="claire")
    assert (again.counts["created"], again.counts["refused"]) == (0, 0)
    with database.read() as session:
        assert [len(row.raw) for row in session.scalars(select(Refused))] == [1 << 16]
        assert not session.scalars(select(Notice)).all()


# --- the page that explains it -----------------------------------------------------------------------

COLUMNS = (
    ("RIS", "ris", ""),
    ("BibTeX", "bibtex", ""),
    ("CSL-JSON", "csljson", "csl"),
    ("Zotero", "csljson", "zotero"),
    ("EndNote XML", "endnote", ""),
    ("Dublin Core", "dublincore", ""),
    ("MODS", "mods", ""),
)


def rows_of_the_page() -> list[str]:
    """The tables of the formats, turned: a line for each meaning, as docs/citations.md shows them."""
    meanings: dict[str, list[list[str]]] = {}
    for n, (_label, name, section) in enumerate(COLUMNS):
        for tag, meaning in table(name, section).fields.items():
            word = "note …" if meaning.startswith("note ") else meaning
            meanings.setdefault(word, [[] for _ in COLUMNS])[n].append(f"`{tag}`")
    return [
        f"| `{meaning}` | " + " | ".join(" ".join(cell) for cell in cells) + " |"
        for meaning, cells in sorted(meanings.items())
    ]


def test_the_page_shows_the_tables_as_they_are() -> None:
    page = (HERE.parent / "docs" / "citations.md").read_text("utf-8")
    assert [row for row in rows_of_the_page() if row not in page.splitlines()] == []


# --- real files -------------------------------------------------------------------------------------


def entries_by_library(path: Path) -> int:
    text = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".ris":
        return len(rispy.loads(text))
    parser = Parser()
    parser.handle_error = lambda error: None
    return len(parser.parse_string(text).entries)


def garbled(record: Record) -> Iterator[str]:
    return (v for f in record.fields for _c, v in f.get("s", ()) if "\ufffd" in v or "Ã©" in v)


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.name)
def test_at_least_as_many_references_as_the_library_finds(path: Path) -> None:
    read_ones = list(files.read(path))
    assert len(good(read_ones)) >= entries_by_library(path)
    assert not refused(read_ones)
    assert not [text for r in good(read_ones) for text in garbled(r)]


@pytest.mark.parametrize("path", [*REAL_XML, *REAL_JSON], ids=lambda p: p.name)
def test_real_xml_and_json_are_read_whole(path: Path) -> None:
    read_ones = list(files.read(path))
    assert good(read_ones) and not refused(read_ones)
    assert all(unimarc.title(r.fields) for r in good(read_ones))


@pytest.mark.parametrize("path", PMB_RIS, ids=lambda p: p.name)
def test_pmb_exports_every_notice_in_ris(path: Path) -> None:
    with gzip.open(path) as stream:
        there = sum(1 for line in stream if line.startswith(b"TY  - "))
    read_ones = list(files.read(path))
    assert len(good(read_ones)) == there and not refused(read_ones)
    assert any(first(f, "b") for r in good(read_ones) for f in r.fields if f["t"] == "700")


@pytest.mark.parametrize("path", REFWORKS, ids=lambda p: p.name)
def test_refworks_is_refused_by_its_name(path: Path) -> None:
    (refusal,) = files.read(path)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.params["format"]) == ("file.not_read_yet", "RefWorks (texte balisé)")
