"""PMB's XML, read and written: every trap a real PMB sets, and files that are not what they say."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from catalogue.i18n import use_language
from catalogue.pmb import BLANK, TYPES, fields_from_header, item_to_fields
from catalogue.unimarc import Field, Fields, Record, RecordItem, Refusal, fingerprint, first, values
from export.pmbxml import NAMESPACE, file_bytes, notice_bytes, notice_text, to_element
from harvest.crosswalk import pmbxml
from harvest.crosswalk.pmbxml import from_element, own_bulletin, read_file, stands_for_issue, volatile

HERE = Path(__file__).parent
DATA = HERE / "data" / "pmb"
EXPORT = (DATA / "export.xml").read_bytes()
# Exports of a running PMB, where a developer has some beside the project.
REAL = sorted((HERE.parent.parent / "shared" / "data" / "pmb" / "live" / "exports").glob("*.pmb.xml.gz"))


def read(data: bytes) -> list[Record | Refusal]:
    return list(read_file(io.BytesIO(data)))


def records(data: bytes) -> list[Record]:
    read_ones = read(data)
    refused = [r.sentence() for r in read_ones if isinstance(r, Refusal)]
    assert not refused
    return [r for r in read_ones if isinstance(r, Record)]


def only(data: bytes) -> Refusal:
    """The one refusal a file ends with."""
    *before, last = read(data)
    assert all(isinstance(r, Record) for r in before)
    assert isinstance(last, Refusal)
    return last


def notice(inside: str) -> Record:
    """A record from the inside of a `<notice>`."""
    record = from_element(etree.fromstring(f"<notice>{inside}</notice>"), 1)
    assert isinstance(record, Record)
    return record


def by_number(number: str) -> Record:
    return next(r for r in records(EXPORT) if r.control_number == number)


def described(record: Record) -> dict[str, object]:
    items = [
        {k: v for k, v in dataclasses.asdict(i).items() if v} | {"fields": [f["t"] for f in i.fields]}
        for i in record.items
    ]
    return {
        "control_number": record.control_number,
        "position": record.position,
        "repairs": [p.code for p in record.repairs],
        "fields": record.fields,
        "items": items,
    }


# --- reading ---------------------------------------------------------------------------------


def test_an_export_gives_the_records_a_librarian_wrote_down_for_it() -> None:
    expected = json.loads((DATA / "export.expected.json").read_text("utf-8"))
    assert [described(r) for r in records(EXPORT)] == expected


@pytest.mark.parametrize(
    "opening",
    [
        f'<notice xmlns="{NAMESPACE}">',
        '<notice xmlns="http://www.openarchives.org/OAI/2.0/">',
        f'<p:notice xmlns:p="{NAMESPACE}">',
    ],
    ids=["PMB's namespace", "OAI's namespace", "a prefix"],
)
def test_the_namespace_changes_nothing(opening: str) -> None:
    changed = EXPORT.replace(b"<notice>", opening.encode())
    if opening.startswith("<p:"):
        changed = re.sub(rb"<(/?)(rs|dt|bl|hl|el|ru|f|s)\b", rb"<\1p:\2", changed)
        changed = changed.replace(b"</notice>", b"</p:notice>")
    assert records(changed) == records(EXPORT)


def test_a_saved_page_of_a_harvest_is_read_like_a_file() -> None:
    [article] = records((DATA / "oai_article.xml").read_bytes())
    assert article.control_number == "40211"
    assert values(article.fields, "463", "t") == []  # a single blank is kept, and is no title
    assert [f["x"] for f in article.fields if "x" in f] == ["77", "905"]


def test_a_copy_written_inside_an_article_belongs_to_its_issue() -> None:
    [article] = records((DATA / "oai_article.xml").read_bytes())
    assert [(i.barcode, i.issue_of) for i in article.items] == [("GF212", "905")]


def test_a_copy_written_behind_the_link_of_a_periodical_belongs_to_that_issue() -> None:
    assert [(i.barcode, i.issue_of) for i in by_number("77").items] == [("GF212", "905")]


def test_a_made_up_article_that_carries_an_issues_copies_is_recognised() -> None:
    assert [r.control_number for r in records(EXPORT) if stands_for_issue(r)] == ["905-bull"]
    assert by_number("905-bull").items[0].issue_of == "905"


def test_the_record_of_an_issue_says_which_bulletin_it_is_and_keeps_its_copies() -> None:
    issue = by_number("88")
    assert own_bulletin(issue) == "906"
    assert [(i.barcode, i.issue_of) for i in issue.items] == [("GF213", "")]
    assert own_bulletin(by_number("77")) == ""


def test_what_996_says_of_a_copy_wins_over_995() -> None:
    record = notice(
        '<f c="995"><s c="f">A1</s><s c="k">OLD</s><s c="o">codestat</s><s c="q">j</s></f>'
        '<f c="996"><s c="f">A1</s><s c="k">NEW</s><s c="v">Réserve</s><s c="x">Magasin</s>'
        '<s c="1">En réparation</s></f>'
    )
    [item] = record.items
    assert (item.call_number, item.location, item.section) == ("NEW", "Réserve", "Magasin")
    assert item.status == "En réparation"


def test_codes_that_mean_nothing_are_no_section_and_no_status() -> None:
    [item] = notice('<f c="995"><s c="f">A1</s><s c="q">u</s><s c="r">uu</s></f>').items
    assert (item.section, item.status) == ("", "")


def test_copies_without_a_barcode_stay_apart_and_keep_their_996() -> None:
    record = notice(
        '<f c="995"><s c="k">A</s></f><f c="996"><s c="v">Ici</s></f>'
        '<f c="995"><s c="k">B</s></f><f c="996"><s c="v">Là</s></f>'
    )
    assert [(i.call_number, i.location) for i in record.items] == [("A", "Ici"), ("B", "Là")]


def test_a_995_far_from_its_996_is_still_one_copy() -> None:
    record = notice(
        '<f c="995"><s c="f">A1</s></f><f c="995"><s c="f">A2</s></f>'
        '<f c="996"><s c="f">A2</s><s c="v">Là</s></f><f c="996"><s c="f">A1</s><s c="v">Ici</s></f>'
    )
    assert [(i.barcode, i.location) for i in record.items] == [("A1", "Ici"), ("A2", "Là")]


def test_a_999_that_belongs_to_no_copy_stays_with_the_notice() -> None:
    record = by_number("102")
    assert record.items == ()
    assert values(record.fields, "999", "a") == ["zone locale d'un autre logiciel"]


def test_a_link_between_records_is_not_taken_for_an_issue() -> None:
    record = notice(
        "<bl>s</bl><hl>1</hl>"
        '<f c="462" id="9"><s c="9">id:9</s><s c="9">lnk:child</s></f><f c="995"><s c="f">A1</s></f>'
    )
    assert record.items[0].issue_of == ""


def test_a_214_that_only_repeats_a_210_goes_and_the_record_says_so() -> None:
    record = by_number("101")
    assert [first(f, "c") for f in record.fields if f["t"] in ("210", "214")] == [
        "Éditions du Passage",
        "Casa Finta",
    ]
    assert [p.message for p in record.repairs] == ["La zone 214 répétait exactement la 210 : une seule est gardée."]


def test_a_214_that_says_something_else_stays() -> None:
    record = notice('<f c="210" ind="  "><s c="c">A</s></f><f c="214" ind="  "><s c="c">B</s></f>')
    assert [f["t"] for f in record.fields] == ["000", "210", "214"]
    assert not record.repairs


def test_empty_subfields_go_and_a_field_of_nothing_else_goes_with_them() -> None:
    record = notice('<f c="101" ind="0 "><s c="a"></s></f><f c="102" ind="  "><s c="a"/><s c="b">x</s></f>')
    assert [f["t"] for f in record.fields] == ["000", "102"]
    assert values(record.fields, "102", "ab") == ["x"]


@pytest.mark.parametrize(
    ("dt", "position_6", "kept"),
    [("a", "a", []), ("m", "m", []), ("*", " ", []), ("", " ", []), ("x", "a", ["x"]), ("d1", "a", ["d1"])],
)
def test_a_type_that_unimarc_does_not_know_is_kept_beside_the_leader(dt: str, position_6: str, kept: list[str]) -> None:
    record = notice(f"<rs>n</rs><dt>{dt}</dt><bl>m</bl><hl>0</hl><el>1</el><ru>i</ru>")
    assert record.fields[0]["v"][6] == position_6
    assert values(record.fields, "099", "t") == kept


def test_a_field_of_the_control_range_keeps_its_subfields() -> None:
    [dates] = [f for f in by_number("101").fields if f["t"] == "009"]
    assert dates["s"][0] == ["a", "2018-01-01"]


def test_a_record_without_a_title_is_still_a_record() -> None:
    assert by_number("103").fields[0]["v"] == "     n m0 22     1i 450 "


def test_html_and_line_breaks_stay_in_the_text() -> None:
    assert values(by_number("101").fields, "330", "a") == [
        "Quinze familles racontent le quartier & sa <b>rénovation</b>.\nDeux immeubles, un seul hall."
    ]


def test_text_that_cannot_be_kept_in_its_place_is_told() -> None:
    record = notice('<f c="330" ind="  ">perdu<s c="a">un <i>vrai</i> mot</s></f><extra>quoi</extra>')
    assert values(record.fields, "330", "a") == ["un vrai mot"]
    assert {p.code for p in record.repairs} == {
        "pmbxml.markup",
        "pmbxml.stray_text",
        "pmbxml.unknown_element",
    }


def test_accents_that_were_encoded_twice_are_right_again_as_in_other_formats() -> None:
    record = from_element(etree.fromstring(NOTICE_TWICE), 1)
    assert isinstance(record, Record)
    assert values(record.fields, "200", "a") == ["Née à Roubaix"]
    assert values(record.fields, "330", "a") == ["L’été\nà 20 °C"]
    assert [p.code for p in record.repairs] == ["charset.twice"]


NOTICE_TWICE = (
    '<notice><rs>n</rs><f c="200" ind="1 "><s c="a">NÃ©e Ã\xa0 Roubaix</s></f>'
    '<f c="330" ind="  "><s c="a">L’été\nà 20 Â°C</s></f></notice>'
)


def test_comments_are_no_part_of_the_text() -> None:
    assert values(notice('<!-- a --><f c="330"><s c="a">un<!-- b --> mot</s></f>').fields, "330", "a") == ["un mot"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ('<f ind="  "><s c="a">x</s></f>', "sans étiquette lisible"),
        ('<f c="2000" ind="  "><s c="a">x</s></f>', "« 2000 »"),
        ('<f c="200" ind="1 "><s>x</s></f>', "Zone 200"),
        ('<f c="200" ind="1 "><s c="ab">x</s></f>', "« ab »"),
    ],
)
def test_a_field_that_cannot_be_named_refuses_its_record_only(field: str, words: str) -> None:
    bad = f'<notice><f c="001">7</f>{field}</notice>'.encode()
    good = b'<notice><f c="001">8</f></notice>'
    refusal, record = read(b"<unimarc>" + bad + good + b"</unimarc>")
    assert isinstance(refusal, Refusal) and isinstance(record, Record)
    assert (refusal.position, refusal.identifier, refusal.raw) == (1, "7", bad)
    assert words in refusal.sentence()
    assert record.control_number == "8"


def test_another_format_than_the_one_asked_for_is_refused_by_its_name() -> None:
    dublin_core = etree.fromstring('<dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/"><title>x</title></dc>')
    refusal = from_element(dublin_core, 3)
    assert isinstance(refusal, Refusal)
    assert refusal.position == 3
    assert "« dc »" in refusal.sentence()


# --- files that are not what they say --------------------------------------------------------


def test_a_file_cut_in_the_middle_gives_what_came_before_and_names_the_place() -> None:
    cut = EXPORT[: EXPORT.index(b"905-bull") + 100]
    *before, last = read(cut)
    assert [r.control_number for r in before if isinstance(r, Record)] == ["101", "77", "88"]
    assert isinstance(last, Refusal)
    assert (last.position, last.identifier) == (4, "905-bull")
    assert "au milieu de la notice n° 4" in last.sentence()
    assert last.raw.lstrip().startswith(b"<notice>")


def test_xml_that_breaks_in_the_middle_names_the_notice_and_the_line() -> None:
    broken = EXPORT.replace(b"Gazette fictive</s>", b"Gazette & fictive</s>", 1)
    last = only(broken)
    assert (last.position, last.identifier) == (2, "77")
    line = broken[: broken.index(b"Gazette & fictive")].count(b"\n") + 1
    assert f"notice n° 2, ligne {line}" in last.sentence()


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_size_of_the_pieces_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = EXPORT[: EXPORT.index(b"905-bull") + 100]
    whole = read(cut)
    monkeypatch.setattr(pmbxml, "_CHUNK", chunk)
    assert read(cut) == whole


def test_blank_lines_before_the_xml_do_no_harm() -> None:
    assert len(records(b"\n\r\n  " + EXPORT)) == 6


BOMB = b"".join(
    b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"ah ah ah ") for n in range(10)
)  # fmt: skip
EXTERNAL = b'<!ENTITY secret SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("entities", "reference"),
    [(BOMB, b"&e9;"), (EXTERNAL, b"&secret;"), (b"", b"rien")],
    ids=["a bomb", "an external entity", "only a DOCTYPE"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_anything_is_read(entities: bytes, reference: bytes, encoding: str) -> None:
    text = (
        b"<!DOCTYPE unimarc [%s]><unimarc><notice>"
        b'<f c="001">1</f><f c="200" ind="1 "><s c="a">%s</s></f></notice></unimarc>'
    )
    [refusal] = read((text % (entities, reference)).decode().encode(encoding))
    assert isinstance(refusal, Refusal)
    assert (refusal.position, refusal.code) == (0, "pmbxml.doctype")
    assert "par prudence" in refusal.sentence()


def test_a_doctype_hidden_behind_a_long_comment_is_refused_too() -> None:
    text = b"<!--" + b"x" * 200_000 + b"--><!DOCTYPE unimarc [" + EXTERNAL + b"]><unimarc>"
    notice_in_it = b'<notice><f c="001">1</f><f c="330"><s c="a">&secret;</s></f></notice></unimarc>'
    [refusal] = read(text + notice_in_it)
    assert isinstance(refusal, Refusal) and refusal.code == "pmbxml.doctype"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Le fichier est vide."),
        (b" \n\n", "Le fichier est vide."),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300, "n’est pas du XML"),
        (b"01234nam0 2200253   450 001", "n’est pas du XML"),
        (b"<!DOCTYPE html>\n<html><body>Connexion<br></body></html>", "est une page web"),
        (b'<?xml version="1.0"?><collection><record/></collection>', "« collection »"),
    ],
    ids=["empty", "blank", "a picture", "ISO 2709", "a web page", "another XML"],
)
def test_a_file_that_is_no_export_of_pmb_is_told_in_one_sentence(data: bytes, words: str) -> None:
    [refusal] = read(data)
    assert isinstance(refusal, Refusal)
    assert refusal.position == 0
    assert words in refusal.sentence()


def test_a_notice_that_is_too_big_is_refused_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pmbxml, "MAX_RECORD_BYTES", 300_000)
    big = b'<notice><f c="001">7</f>' + b'<f c="330"><s c="a">mot</s></f>' * 30_000 + b"</notice>"
    refusal, record = read(b"<unimarc>" + big + b'<notice><f c="001">8</f></notice></unimarc>')
    assert isinstance(refusal, Refusal) and isinstance(record, Record)
    assert (refusal.code, refusal.position, refusal.identifier) == ("pmbxml.too_big", 1, "7")
    assert (record.control_number, record.position) == ("8", 2)


def test_many_small_notices_are_never_taken_for_a_big_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmbxml, "MAX_RECORD_BYTES", 100_000)
    small = b'<notice><f c="001">7</f><f c="330"><s c="a">mot</s></f></notice>'
    assert len(records(b"<unimarc>" + small * 5_000 + b"</unimarc>")) == 5_000


def test_a_notice_with_too_many_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmbxml, "MAX_FIELDS", 5)
    last = only(b'<unimarc><notice><f c="001">7</f>' + b'<f c="330"><s c="a">x</s></f>' * 9 + b"</notice></unimarc>")
    assert "plus de 5 zones" in last.sentence()


def test_what_is_read_is_let_go() -> None:
    """The tree under the reader stays small, however long the file."""

    class Endless(io.RawIOBase):
        sent = 0

        def read(self, size: int = -1) -> bytes:
            self.sent += 1
            return b"<unimarc>" if self.sent == 1 else b'<notice><f c="001">1</f></notice>' * 50

    seen = 0
    kept: list[etree._Element] = []
    original = pmbxml.from_element

    def spy(element: etree._Element, position: int) -> Record | Refusal:
        kept[:] = [element]
        return original(element, position)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pmbxml, "from_element", spy)
        reading = read_file(Endless())  # type: ignore[arg-type]
        for _record in reading:
            seen += 1
            if seen == 5_000:
                break
        # Whatever the parser has in hand is the rest of one piece: fifty notices, not five thousand.
        assert len(kept[0].getparent()) <= 100


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_has_words(language: str) -> None:
    with use_language(language):
        assert "{" not in Refusal(3, "", "pmbxml.cut", {"position": "3"}).sentence()


# --- what PMB changes without meaning anything ----------------------------------------------


def test_an_export_made_another_day_on_another_server_is_the_same_notice() -> None:
    later = (
        EXPORT.replace(b"20260401", b"20260402")
        .replace(b"https://pmb.example/opac_css", b"https://autre.example/pmb/opac_css")
        .replace(b"2024-02-01 09:00:00", b"2024-05-05 05:05:05")
        .replace(b'<s c="9">id:', b'<s c="9">id:9')
    )
    assert later != EXPORT
    for before, after in zip(records(EXPORT), records(later), strict=True):
        assert fingerprint(before.fields, volatile) == fingerprint(after.fields, volatile)


def test_a_corrected_title_is_another_content() -> None:
    before, after = by_number("101"), records(EXPORT.replace(b"Habiter la tour", b"Quitter la tour"))[0]
    assert fingerprint(before.fields, volatile) != fingerprint(after.fields, volatile)


@pytest.mark.parametrize(
    ("tag", "code", "value", "expected"),
    [
        ("801", "c", "20260401", True),
        ("801", "a", "INTERNE", False),
        ("896", "a", "https://pmb.example/x", True),
        ("700", "9", "id:31", True),
        ("700", "9", "web:https://x.example", False),
        ("606", "9", "idthes:1", False),
        ("009", "a", "2018-01-01", False),
        ("009", "u", "2018-01-01 10:00:00", True),
        ("461", "0", "77", True),
        ("996", "9", "expl_id:55", True),
        ("996", "9", "location_libelle:Réserve", False),
        ("001", "", "101", False),
    ],
)
def test_what_is_left_out_of_a_fingerprint(tag: str, code: str, value: str, expected: bool) -> None:
    assert volatile(tag, code, value) is expected


# --- writing ---------------------------------------------------------------------------------


def again(fields: Fields, items: tuple[RecordItem, ...] = ()) -> Record:
    record = from_element(to_element(fields, items), 1)
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize("path", [DATA / "export.xml", DATA / "oai_article.xml", *REAL], ids=lambda p: p.name)
def test_what_is_written_is_read_again_unchanged(path: Path) -> None:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    first_time = records(data)
    second_time = records(b"".join(file_bytes((r.fields, r.items) for r in first_time)))
    assert [(r.fields, r.items) for r in second_time] == [(r.fields, r.items) for r in first_time]


@pytest.mark.parametrize("path", [DATA / "export.xml", *REAL], ids=lambda p: p.name)
def test_what_is_written_is_letter_for_letter_what_pmb_writes(path: Path) -> None:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = data.decode("utf-8").replace("\r\n", "\n")  # as any XML parser reads it
    text = re.sub(r' +<s c="."></s>\n', "", text)
    text = re.sub(r' +<f c="..." ind="..">\n  </f>\n', "", text)
    for theirs, record in zip(re.findall(r"<notice>.*?</notice>\n", text, re.S), records(data), strict=True):
        told = {p.code for p in record.repairs}
        if "charset.twice" not in told:  # its accents are right again
            assert notice_text(record.fields, record.items, with_214="pmbxml.twin_214" in told) == theirs


def test_the_namespace_option_writes_what_pmb_calls_validity() -> None:
    written = notice_bytes(by_number("101").fields, namespace=True)
    assert etree.fromstring(written).tag == f"{{{NAMESPACE}}}notice"
    assert records(b"<unimarc>" + written + b"</unimarc>")[0].fields == by_number("101").fields


def test_a_character_that_xml_forbids_is_shown_as_lost() -> None:
    fields: Fields = [*fields_from_header({}), {"t": "200", "i": "1 ", "s": [["a", "Un\x1btitre"]]}]
    assert values(again(fields).fields, "200", "a") == ["Un\ufffdtitre"]


def test_a_type_chosen_here_wins_over_the_one_the_source_had() -> None:
    fields = by_number("102").fields
    changed: Fields = [{"t": "000", "v": fields[0]["v"].replace("nam0", "nlm0")}, *fields[1:]]
    assert "<dt>d1</dt>" in notice_text(fields)
    assert "<dt>l</dt>" in notice_text(changed)


def test_a_copy_changed_here_is_written_with_what_is_true_now() -> None:
    [_, second] = by_number("101").items
    moved = dataclasses.replace(second, location="Espace doc", barcode="NEW1", status="")
    [item] = again(by_number("101").fields, (moved,)).items
    assert (item.location, item.barcode, item.status) == ("Espace doc", "NEW1", "")
    assert (item.call_number, item.section, item.owner) == (second.call_number, second.section, second.owner)
    said = json.dumps(item_to_fields(moved), ensure_ascii=False)
    assert "Réserve" not in said and "CD000102" not in said and "exc" not in said


def test_an_inventory_number_changed_here_replaces_the_old_one() -> None:
    [item, _] = by_number("101").items
    [now] = again(by_number("101").fields, (dataclasses.replace(item, inventory_number="INV-1"),)).items
    assert now.inventory_number == "INV-1"
    assert [f["t"] for f in now.fields] == ["995", "996", "999"]


def test_a_copy_that_never_was_in_a_pmb_is_written_too() -> None:
    ours = RecordItem("TR1", "711 TRA", "Espace doc", "Ville", "Disponible", "INV-7", "Abîmé", "IREV")
    [item] = again(by_number("102").fields, (ours,)).items
    assert dataclasses.replace(item, fields=()) == ours


def test_copies_of_two_issues_stay_with_their_issues() -> None:
    items = (
        RecordItem(barcode="B", issue_of="905"),
        RecordItem(barcode="A", issue_of="906"),
        RecordItem(barcode="C"),
    )
    read_again = again(by_number("77").fields, items).items
    assert {(i.barcode, i.issue_of) for i in read_again} == {("B", "905"), ("A", "906"), ("C", "")}


# Every sign that XML, PMB or a keyboard makes special, and some of each alphabet and plane.
SIGNS = "abcXYZ019 \n\r\t\x85\x98\x9c\xa0&<>\"'*;:=éçœŒÀ’«»–…€\u0301\u200e\ufffdЖب文\ue000😀𝔘"
WORDS = st.text(SIGNS, min_size=1, max_size=30)
TAGS = st.from_regex(r"[0-9A-Za-z]{3}", fullmatch=True).filter(lambda t: t not in ("000", "995", "996"))


@st.composite
def any_field(draw: st.DrawFn) -> Field:
    tag = draw(st.one_of(TAGS, st.sampled_from(("001", "009", "099", "210", "214", "461", "463", "999"))))
    if draw(st.booleans()):
        value = draw(WORDS.filter(lambda v: bool(v.strip())))
        return {"t": tag, "v": value.strip() if tag == "001" else value}
    codes = st.sampled_from("".join(map(chr, range(33, 127))))
    pairs = draw(st.lists(st.tuples(codes, WORDS).map(list), min_size=1, max_size=4))
    f: Field = {"t": tag, "i": draw(st.text('0123456789 |#"&<', min_size=2, max_size=2)), "s": pairs}
    if draw(st.integers(0, 4)) == 0:
        f["x"] = draw(WORDS)
    return f


@st.composite
def any_record(draw: st.DrawFn) -> Fields:
    sign = st.sampled_from("ncmsaidp0123456789|" + BLANK)
    header = {name: draw(sign) for name in ("rs", "bl", "hl", "el", "ru")}
    header["dt"] = draw(st.sampled_from((*sorted(TYPES), BLANK, "x", "d1", "é", "A")))
    fields = draw(st.lists(any_field(), max_size=8))
    return [*fields_from_header(header), *pmbxml.without_twins(fields, [])]


@given(any_record())
def test_any_record_is_written_and_read_again_unchanged(fields: Fields) -> None:
    assert again(fields).fields == fields


BLANKLESS = WORDS.map(str.strip)
OURS = st.builds(
    RecordItem,
    barcode=st.uuids().map(str),
    call_number=BLANKLESS,
    location=BLANKLESS,
    section=BLANKLESS,
    status=BLANKLESS,
    inventory_number=BLANKLESS,
    note=BLANKLESS,
    owner=BLANKLESS,
)


@given(st.lists(OURS, max_size=3, unique_by=lambda i: i.barcode), OURS)
def test_any_copy_is_written_and_read_again_and_so_is_any_change(items: list[RecordItem], other: RecordItem) -> None:
    fields = fields_from_header({"bl": "m"})
    once = again(fields, tuple(items)).items
    assert [dataclasses.replace(i, fields=()) for i in once] == items
    assert again(fields, once).items == once
    for item in once:
        changed = dataclasses.replace(other, fields=item.fields)
        [now] = again(fields, (changed,)).items
        assert dataclasses.replace(now, fields=()) == other


def test_a_file_is_written_piece_by_piece() -> None:
    def endless() -> Iterator[tuple[Fields, tuple[RecordItem, ...]]]:
        while True:
            yield by_number("102").fields, ()

    pieces = file_bytes(endless())
    assert next(pieces).startswith(b"<?xml")
    assert next(pieces).startswith(b"<notice>")
